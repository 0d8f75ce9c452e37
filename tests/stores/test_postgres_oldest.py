"""On the oldest PostgreSQL that is promised, the stores keep the whole contract."""

import asyncio

import psycopg
import pytest

from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.tables import VIEWS
from tests.stores.test_store_contract import *  # noqa: F403 - each of its tests, with these servers
from tests.support.postgres_server import running
from tests.support.stores import ask_postgres
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import project as project_on


@pytest.fixture(params=["postgresql", "supabase"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def postgres(oldest_postgres):
    return oldest_postgres


@pytest.fixture(scope="module")
def migrated(postgres):
    with postgres.database() as name:
        asyncio.run(postgres_schema.migrate(postgres.url(name)))
        yield name


@pytest.fixture(scope="module")
def supabase_session():
    with running(14) as server, project_on(server) as made:
        yield made


def test_it_is_the_oldest(postgres, supabase_session):
    for url in (postgres.url(), supabase_session.database_url):
        version = ask_postgres(url, "show server_version_num")

        assert 140000 <= int(version[0][0]) < 150000


async def test_nobody_but_the_service_reads_views_that_cannot_ask_for_the_readers_rights(postgres):
    with supabase(postgres) as url:
        await postgres_schema.migrate(url)

        assert await postgres_access.openings(url) == []
        with psycopg.connect(url) as connection:
            for view in VIEWS:
                granted = connection.execute(
                    "select role from unnest(array['anon', 'authenticated', 'service_role']) role "
                    "where has_table_privilege(role, %s, 'select')",
                    (view,),
                ).fetchall()
                assert granted == [("service_role",)]
