"""Through PgBouncer in transaction mode, where each transaction may run on another connection."""

import asyncio

import psycopg
import pytest

from nfed.core.outcome import Duplicate, Imported
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_store_contract import EVERYTHING, key_of
from tests.support.existing_database import SQL, fill
from tests.support.harness import Rig, notes
from tests.support.notes import note
from tests.support.other_documents import proc_event
from tests.support.pgbouncer import pooling
from tests.support.postgres_server import Server
from tests.support.stores import ask_postgres, incoming


@pytest.fixture(scope="module", params=[1, 2], ids=["one connection", "two connections"])
def port(postgres, request):
    with pooling(postgres, request.param) as made:
        yield made


def through(port, url):
    """The same database by way of the pooler."""
    return Server(port, None).url(url.rsplit("/", 1)[1])


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


async def test_ten_daemons_share_few_connections_and_store_each_note_once(port, postgres_url):
    files = [note(n, rich=True) for n in range(40)]
    files += [proc_event(key_of(xml)) for xml in files[:10]]
    stores = [PostgresStore(through(port, postgres_url), max_connections=3) for _ in range(10)]
    for store in stores:
        await store.open()

    outcomes = await asyncio.gather(
        *(store.store(incoming(*files[at::5]), "job") for store in stores for at in range(5))
    )

    for store in stores:
        await store.close()
    found = [each for some in outcomes for each in kinds(some)]
    assert (found.count(Imported), found.count(Duplicate)) == (50, 450)
    assert ask_postgres(postgres_url, "select count(*) from notas_fiscais") == [(40,)]


async def test_everything_is_stored_as_it_is_without_a_pooler(port, postgres, migrated):
    totals = []
    for pooled in (False, True):
        with postgres.database(template=migrated) as name:
            url = postgres.url(name)
            store = PostgresStore(through(port, url) if pooled else url, max_connections=3)
            await store.open()
            outcomes = kinds(await store.store(incoming(*EVERYTHING), "job"))
            outcomes += kinds(await store.store(incoming(*EVERYTHING), "job"))
            await store.close()
            totals.append((outcomes, _rows(url)))

    assert totals[0] == totals[1]


async def test_the_schema_is_made_and_looked_at(port, empty_url):
    url = through(port, empty_url)

    assert await postgres_schema.migrate(url) == []

    assert await postgres_schema.pending(url) == []
    assert await postgres_access.openings(url) == []


async def test_an_existing_database_is_adopted_and_closed(port, empty_url):
    with psycopg.connect(empty_url) as connection:
        connection.execute(SQL.encode())
        fill(connection)
        connection.execute("grant select on nf_itens to public")
    url = through(port, empty_url)

    assert await postgres_schema.migrate(url) == []
    assert [each.role for each in await postgres_access.openings(url)] == ["public"]
    await postgres_access.close(url)

    assert await postgres_access.openings(url) == []
    assert await postgres_schema.pending(url) == []


def test_a_daemon_imports_a_folder_through_it(tmp_path, port, postgres_url):
    dropped = notes(200)
    with Rig(tmp_path) as rig:
        rig.drop_all(dropped)

        daemon = rig.once(database_url=through(port, postgres_url))

        assert daemon.process.returncode == 0, daemon.lines()[-5:]
        assert len(rig.done()) == 200
    assert ask_postgres(postgres_url, "select count(*) from notas_fiscais") == [(200,)]


def _rows(url):
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select relname from pg_class where relkind = 'r' "
            "and relnamespace = 'public'::regnamespace order by 1"
        ).fetchall()
        return {
            name: connection.execute(f"select count(*) from {name}".encode()).fetchone()
            for (name,) in names
        }
