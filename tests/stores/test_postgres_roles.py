"""A daemon whose role does not own the tables."""

from urllib.parse import quote

import psycopg
import pytest

from nfed.core.outcome import Imported
from nfed.core.ports import NoteFilter
from nfed.errors import ConfigError, StoreUnavailable
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.notes import PostgresNotes
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_postgres_store import count, execute, kinds
from tests.stores.test_store_contract import EVERYTHING
from tests.support.cli_command import nfed
from tests.support.existing_database import SQL, fill
from tests.support.notes import note
from tests.support.stores import ask_postgres, incoming

FEEDS = (
    "grant usage on schema public to feeder;"
    "grant select, insert, update, delete on all tables in schema public to feeder;"
    "grant usage, select on all sequences in schema public to feeder"
)
MAY_CALL = "select has_function_privilege('feeder', 'public.nfed_store(jsonb)', 'execute')"


@pytest.fixture
def feeder(postgres_url):
    """The URL of a role that owns nothing and passes by row level security."""
    execute(postgres_url, "create role feeder login bypassrls")
    yield postgres_url.replace("postgres@", "feeder@")
    execute(postgres_url, "drop owned by feeder; drop role feeder")


async def test_a_role_that_may_insert_notes_feeds_and_reads_them(feeder, postgres_url):
    execute(postgres_url, FEEDS)
    pending = await postgres_schema.pending(postgres_url)
    await postgres_schema.migrate(postgres_url)
    store = PostgresStore(feeder, max_connections=1)
    await store.open()

    await store.store(incoming(*EVERYTHING), "job")
    listed = (await PostgresNotes(feeder).notes(NoteFilter(), None, 500)).notes

    await store.close()
    assert count(postgres_url) == len(listed) == 41
    assert await PostgresNotes(feeder).note(listed[0].chave) is not None
    assert {each.split(" on ")[0] for each in pending} == {"grant execute"}
    assert await postgres_schema.pending(postgres_url) == []


async def test_a_role_that_may_not_call_is_told_who_can_help(feeder, postgres_url):
    execute(postgres_url, FEEDS)
    store = PostgresStore(feeder, max_connections=1)

    with pytest.raises(ConfigError, match="let the owner of the tables run `nfed db migrate`"):
        await store.open()

    await postgres_schema.migrate(postgres_url)
    await store.open()
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    await store.close()


async def test_a_database_of_0_1_0_gets_the_function_and_its_feeders_may_call_it(
    feeder, postgres_url
):
    """There a role needed no function to feed it by a connection of its own."""
    execute(postgres_url, FEEDS)
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "create or replace function public.nfed_store(chunk jsonb) returns text "
            "language sql as 'select null'"
        )
        connection.execute("comment on function public.nfed_store(jsonb) is 'nfed 0.1.0'")
        connection.execute("update nfed_schema_version set version_num = '0002'")
    with pytest.raises(ConfigError, match="let the owner run what `nfed db sql` prints"):
        await PostgresStore(feeder, max_connections=1).open()

    await PostgresStore(postgres_url, max_connections=1).open()

    assert ask_postgres(postgres_url, MAY_CALL) == [(True,)]
    store = PostgresStore(feeder, max_connections=1)
    await store.open()
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    await store.close()


async def test_a_role_that_may_only_read_reads_and_does_not_feed(feeder, postgres_url):
    owner = PostgresStore(postgres_url, max_connections=1)
    await owner.store(incoming(note(1)), "job")
    await owner.close()
    execute(postgres_url, "grant select on all tables in schema public to feeder")
    with pytest.raises(StoreUnavailable, match="run `nfed db migrate`, which grants it"):
        await PostgresNotes(feeder).notes(NoteFilter(), None, 5)

    await postgres_schema.migrate(postgres_url)

    assert len((await PostgresNotes(feeder).notes(NoteFilter(), None, 5)).notes) == 1
    assert ask_postgres(postgres_url, MAY_CALL) == [(False,)]


async def test_what_everybody_may_is_no_reason_to_let_everybody_call(feeder, postgres_url):
    execute(postgres_url, "grant insert, select on notas_fiscais to public")

    await postgres_schema.migrate(postgres_url)

    assert ask_postgres(postgres_url, MAY_CALL) == [(False,)]


@pytest.mark.parametrize("name", ["Dono", "meu dono", 'o"dono', "select", "ação"])
async def test_an_owner_whose_name_needs_quotes_migrates_and_feeds(tmp_path, postgres, name):
    """`nfed check` and `nfed db migrate` say the same of it."""
    quoted = '"' + name.replace('"', '""') + '"'
    postgres.execute(f"create role {quoted} login bypassrls")
    try:
        with postgres.database() as database:
            url = postgres.url(database).replace("postgres@", f"{quote(name)}@")
            with psycopg.connect(postgres.url(database)) as connection:
                connection.execute(SQL.encode())
                connection.execute(
                    f"grant all on schema public to {quoted};"
                    f"alter default privileges for role {quoted} grant select on tables to {quoted}"
                )
                for (relation,) in connection.execute(
                    "select oid::regclass::text from pg_class where relkind in ('r', 'v') "
                    "and relnamespace = 'public'::regnamespace"
                ).fetchall():
                    connection.execute(f"alter table {relation} owner to {quoted}".encode())
                fill(connection)
            before = nfed(tmp_path, "check", "--database", url)

            assert nfed(tmp_path, "db", "migrate", "--database", url).returncode == 0
            store = PostgresStore(url, max_connections=1)
            await store.open()
            assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
            await store.close()

            after = nfed(tmp_path, "check", "--database", url)
            assert (before.returncode, after.returncode) == (0, 0)
            assert "FAIL" not in before.stdout + after.stdout
    finally:
        postgres.execute(f"drop role {quoted}")


@pytest.mark.parametrize("step", ["no schema", "an old one", "the newest"])
async def test_check_says_beforehand_what_a_start_would_stumble_over(
    tmp_path, feeder, postgres_url, step
):
    execute(postgres_url, FEEDS)
    match step:
        case "no schema":
            execute(postgres_url, "drop table nfed_schema_version")
        case "an old one":
            execute(postgres_url, "update nfed_schema_version set version_num = '0003'")

    checked = nfed(tmp_path, "check", "--database", feeder)
    started = nfed(tmp_path, "run", "--once", "--database", feeder)

    advice = "let the owner of the tables run" if step == "the newest" else "let the owner run what"
    assert checked.returncode == 1
    assert advice in "".join(each for each in checked.stdout.splitlines() if "FAIL" in each)
    assert started.returncode == 78
    assert advice in started.stderr
