"""Who may read what: closed where nfed made it, as it was where users had it, closed on demand."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from nfed.documents.layout import tables
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from tests.support.cli_command import nfed
from tests.support.existing_database import SQL, fill, relations
from tests.support.supabase_roles import supabase

VIEWS = ("vw_notas_fiscais_resumo", "vw_nf_itens_completo")


@pytest.fixture
def project_url(postgres):
    with supabase(postgres) as url:
        yield url


@pytest.fixture
def adopted_url(project_url):
    """Whose tables everybody reads, as they did before nfed came."""
    with psycopg.connect(project_url) as connection:
        connection.execute(SQL.encode())
        connection.execute(
            "create view vw_minha as select razao_social from empresas;"
            "create materialized view mv_minha as select emitente from vw_notas_fiscais_resumo"
        )
        fill(connection)
        connection.execute("refresh materialized view mv_minha")
    return project_url


@contextmanager
def acting(url: str, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url) as connection:
        connection.execute(f"set role {role}".encode())
        yield connection


def may(url: str, role: str, statement: str) -> bool:
    with acting(url, role) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


def readable(url: str, role: str, names) -> set[str]:
    """Of which of these it gets any row, or none because there is none."""
    found = set()
    for name in names:
        with acting(url, role) as connection:
            try:
                rows = connection.execute(f"select count(*) from {name}".encode()).fetchone()
            except psycopg.errors.InsufficientPrivilege:
                continue
            if rows and rows[0]:
                found.add(name)
    return found


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_in_a_new_database_outsiders_reach_nothing(project_url, role):
    await postgres_schema.migrate(project_url)

    for name in (*tables(), *VIEWS, "nfed_schema_version"):
        assert not may(project_url, role, f"select * from {name}"), name
        if name not in VIEWS:
            assert not may(project_url, role, f"truncate {name} cascade"), name
    assert not may(project_url, role, "insert into empresas (cpf_cnpj) values ('1')")
    assert not may(project_url, role, "select nextval('empresas_id_seq')")
    assert not may(project_url, role, "select nfed_set_updated_at()")
    assert await postgres_access.openings(project_url) == []


async def test_in_a_new_database_row_level_security_is_on_for_every_table(project_url):
    await postgres_schema.migrate(project_url)

    with psycopg.connect(project_url) as connection:
        off = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace "
            "and relkind = 'r' and not relrowsecurity"
        ).fetchall()
        owners_rights = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace "
            "and relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions), false)"
        ).fetchall()
    assert off == []
    assert owners_rights == []


async def test_service_role_works_in_a_new_database(project_url):
    await postgres_schema.migrate(project_url)

    with acting(project_url, "service_role") as connection:
        connection.execute(
            "insert into empresas (cpf_cnpj) values ('1');"
            "insert into notas_fiscais (chave_acesso, emitente_id) select 'x', id from empresas;"
            "update notas_fiscais set status = 'autorizada'"
        )
        seen = connection.execute("select status from vw_notas_fiscais_resumo").fetchall()

    assert seen == [("autorizada",)]


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_adopted_tables_keep_the_access_that_they_had(adopted_url, role):
    old = [*relations(), "vw_minha", "mv_minha"]

    await postgres_schema.migrate(adopted_url)

    assert readable(adopted_url, role, old) == set(old)
    new = [name for name in tables() if name not in relations()]
    with psycopg.connect(adopted_url) as connection:
        connection.execute("insert into nf_partes (nota_fiscal_id) values (1)")
    assert "nf_partes" in new
    assert readable(adopted_url, role, new) == ({"nf_partes"} if role == "service_role" else set())


async def test_secure_takes_from_outsiders_what_dry_run_said(adopted_url):
    await postgres_schema.migrate(adopted_url)
    everything = [*relations(), "vw_minha", "mv_minha"]
    said = await postgres_access.openings(adopted_url)

    await postgres_access.close(adopted_url)

    told = {(each.role, each.relation.removeprefix("public.")) for each in said}
    assert told == {(role, name) for role in ("anon", "authenticated") for name in everything}
    assert readable(adopted_url, "anon", everything) == set()
    assert readable(adopted_url, "authenticated", everything) == set()
    assert readable(adopted_url, "service_role", everything) == set(everything)
    for name in everything:
        assert not may(adopted_url, "anon", f"select * from {name}")
    assert not may(adopted_url, "authenticated", "truncate nf_cce")
    assert await postgres_access.openings(adopted_url) == []
    assert await postgres_access.closing(adopted_url) == []
    assert await postgres_schema.pending(adopted_url) == []


def test_secure_and_check_say_who_loses_what(tmp_path, adopted_url):
    assert nfed(tmp_path, "db", "migrate", "--database", adopted_url).returncode == 0

    check = nfed(tmp_path, "check", "--database", adopted_url)
    dry = nfed(tmp_path, "db", "secure", "--dry-run", "--database", adopted_url)
    still = nfed(tmp_path, "db", "secure", "--dry-run", "--database", adopted_url)
    done = nfed(tmp_path, "db", "secure", "--database", adopted_url)
    after = nfed(tmp_path, "check", "--database", adopted_url)

    assert "WARN access: " in check.stdout
    assert "open to anon, authenticated" in check.stdout
    assert "nfed db secure --dry-run" in check.stdout
    assert check.returncode == 0
    assert "alter table public.notas_fiscais enable row level security;" in dry.stdout
    assert dry.stdout == still.stdout
    assert done.returncode == 0
    assert "ok   access: row level security is on for every table" in after.stdout
