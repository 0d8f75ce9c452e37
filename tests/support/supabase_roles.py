"""The roles of a Supabase project and what its tables grant them unasked, on a plain server."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.postgres_server import Server

_ROLES = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
"""
_GRANTS = """
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public
    grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public
    grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public
    grant all on sequences to anon, authenticated, service_role;
create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create function auth.jwt() returns jsonb language sql stable as
    $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
"""


@contextmanager
def supabase(server: Server) -> Iterator[str]:
    """A database as Supabase makes it; gives its URL. Its roles go with it."""
    server.execute(_ROLES)
    try:
        with server.database() as name:
            with psycopg.connect(server.url(name)) as connection:
                connection.execute(_GRANTS.encode())
            yield server.url(name)
    finally:
        server.execute("drop role anon, authenticated, service_role, authenticator")
