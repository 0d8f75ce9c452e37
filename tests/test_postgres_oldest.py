"""On the oldest PostgreSQL that is promised, the store keeps the whole contract."""

import asyncio

import psycopg
import pytest

from daemon.stores import postgres_access, postgres_schema
from daemon.stores.schema import VIEWS
from tests.stores import ask_postgres, shelves
from tests.supabase_roles import supabase
from tests.test_store_contract import *  # noqa: F403 - each of its tests, with these fixtures


@pytest.fixture(scope="module")
def migrated_there(oldest_postgres):
    with oldest_postgres.database() as name:
        asyncio.run(postgres_schema.migrate(oldest_postgres.url(name)))
        yield name


@pytest.fixture
async def made(tmp_path, oldest_postgres, migrated_there):
    async with shelves("postgresql", tmp_path, oldest_postgres, migrated_there) as some:
        yield some


@pytest.fixture
async def both(tmp_path, oldest_postgres, migrated_there):
    async with (
        shelves("sqlite", tmp_path, oldest_postgres, migrated_there) as first,
        shelves("postgresql", tmp_path, oldest_postgres, migrated_there) as second,
    ):
        yield await first.new(), await second.new()


def test_it_is_the_oldest(oldest_postgres):
    version = ask_postgres(oldest_postgres.url(), "show server_version_num")

    assert 140000 <= int(version[0][0]) < 150000


async def test_nobody_but_the_service_reads_views_that_cannot_ask_for_the_readers_rights(
    oldest_postgres,
):
    with supabase(oldest_postgres) as url:
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
