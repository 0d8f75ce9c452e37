"""The PostgreSQL store: many at once, and what the world does to it."""

import asyncio
import random
import re
import socket
import struct
from pathlib import Path

import psycopg
import pytest

from nfed.core.outcome import Duplicate, Imported, Updated
from nfed.documents.layout.nota import NF_PARTES
from nfed.errors import ConfigError, StoreUnavailable
from nfed.stores.postgres.chunk import json_of, request, waves
from nfed.stores.postgres.connection import close, connect, hang_ups
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_store_contract import EVERYTHING, key_of
from tests.support.existing_database import fill
from tests.support.harness import Rig, eventually, notes
from tests.support.notes import note
from tests.support.other_documents import proc_event
from tests.support.served import served
from tests.support.stores import ask_postgres, incoming
from tests.support.tcp_proxy import Proxy

EXISTING = Path(__file__).parents[1] / "data" / "existing-schema.sql"


@pytest.fixture
async def store(postgres_url):
    made = PostgresStore(postgres_url, max_connections=3)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def proxy(postgres):
    with Proxy(postgres.port) as made:
        yield made


def through(proxy, url):
    """The same database by way of the proxy."""
    name = url.rsplit("/", 1)[1]
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable"


def execute(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


def count(url, table="notas_fiscais"):
    return ask_postgres(url, f"select count(*) from {table}")[0][0]


async def test_ten_daemons_over_the_same_notes_store_each_once(postgres_url):
    """Their parties are the same few, some notes come ten times, and events of them between."""
    files = [note(n, rich=True) for n in range(60)]
    files += [proc_event(key_of(xml)) for xml in files[:20]]
    stores = [PostgresStore(postgres_url, max_connections=3) for _ in range(10)]
    order = random.Random(4)
    chunks = []
    for store in stores:
        shuffled = order.sample(files, len(files))
        chunks += [(store, shuffled[at : at + 16]) for at in range(0, len(files), 16)]

    outcomes = await asyncio.gather(
        *(store.store(incoming(*chunk), "job") for store, chunk in chunks)
    )

    for store in stores:
        await store.close()
    found = [each for some in outcomes for each in kinds(some)]
    assert (found.count(Imported), found.count(Duplicate)) == (80, 720)
    assert count(postgres_url) == 60
    assert ask_postgres(
        postgres_url,
        "select count(*), count(distinct cpf_cnpj) from empresas where cpf_cnpj is not null",
    )[0] == tuple([len(parties_of(files))] * 2)
    assert ask_postgres(
        postgres_url, "select count(*) from notas_fiscais where status = 'cancelada'"
    ) == [(20,)]


def parties_of(files):
    papel, number = NF_PARTES.position("papel"), NF_PARTES.position("cpf_cnpj")
    return {
        row[number]
        for each in incoming(*files)
        for row in each.document.rows.get("nf_partes", ())
        if row[papel] in ("emitente", "destinatario") and row[number]
    }


async def test_daemons_whose_notes_name_the_same_parties_never_wait_in_a_circle(postgres_url):
    """Nothing but the parties is shared, and every chunk names them in an order of its own."""
    stores = [PostgresStore(postgres_url, max_connections=1) for _ in range(6)]
    order = random.Random(5)
    buyers = [f"{number:014d}" for number in range(1, 21)]
    numbers = iter(range(1000, 2000))

    for _ in range(2):  # the parties are new, then known
        chunks = [
            incoming(*(sold_to(buyer, next(numbers)) for buyer in order.sample(buyers, 20)))
            for _ in stores
        ]
        outcomes = await asyncio.gather(
            *(store.store(chunk, "job") for store, chunk in zip(stores, chunks, strict=True))
        )
        assert {kind for some in outcomes for kind in kinds(some)} == {Imported}

    for store in stores:
        await store.close()
    listed = ", ".join(f"'{buyer}'" for buyer in buyers)
    found = ask_postgres(
        postgres_url,
        "select e.cpf_cnpj, count(*) from empresas e "
        "join notas_fiscais n on n.destinatario_id = e.id "
        f"where e.cpf_cnpj in ({listed}) group by 1",
    )
    assert dict(found) == dict.fromkeys(buyers, 12)


def sold_to(buyer, n):
    return re.sub(
        rb"<dest><(\w+)>\w+</\w+>",
        f"<dest><CNPJ>{buyer}</CNPJ>".encode(),
        note(n, items=1),
        count=1,
    )


async def test_no_more_connections_are_open_than_allowed(store, postgres_url):
    name = postgres_url.rsplit("/", 1)[1]

    await asyncio.gather(*(store.store(incoming(note(n)), "job") for n in range(12)))

    found = ask_postgres(
        postgres_url,
        f"select count(*) from pg_stat_activity where datname = '{name}' "
        "and pid <> pg_backend_pid() and backend_type = 'client backend'",
    )[0][0]
    assert 1 <= found <= 3
    assert count(postgres_url) == 12


async def test_a_connection_that_the_server_ends_keeps_the_files_waiting(store, postgres_url):
    await store.store(incoming(note(0)), "job")
    with psycopg.connect(postgres_url) as holding:
        holding.execute("lock table nf_itens in access exclusive mode")
        storing = asyncio.create_task(store.store(incoming(note(1)), "job"))
        waits = (
            "select pid from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()"
        )
        waiting = await asyncio.to_thread(eventually, lambda: ask_postgres(postgres_url, waits))
        execute(postgres_url, f"select pg_terminate_backend({waiting[0][0]})")

        with pytest.raises(StoreUnavailable, match="terminating connection"):
            await storing

    assert count(postgres_url) == 1
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


async def test_an_answer_lost_after_the_commit_stores_nothing_twice(proxy, postgres_url):
    store = PostgresStore(through(proxy, postgres_url), max_connections=1)
    await store.open()
    proxy.loses_answer_to = b"commit\0"

    with pytest.raises(StoreUnavailable):
        await store.store(incoming(note(1), proc_event(key_of(note(1)))), "job")

    assert proxy.answers_lost == 1
    assert count(postgres_url) == 1  # it was the answer that was lost
    proxy.loses_answer_to = None
    again = await store.store(incoming(note(1), proc_event(key_of(note(1)))), "job")
    await store.close()
    assert kinds(again) == [Duplicate, Duplicate]
    assert (count(postgres_url), count(postgres_url, "nf_itens")) == (1, 2)


def _terminate(url):
    """Ends whoever works on the database, as its administrator does."""
    name = url.rsplit("/", 1)[1]
    execute(
        url,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        f"where datname = '{name}' and pid <> pg_backend_pid()",
    )


@pytest.mark.parametrize("ends", ["cut", "terminated"])
@pytest.mark.parametrize("moment", ["begin", "half of the rows", "all but the end", "commit"])
async def test_a_connection_that_goes_while_we_speak_is_an_outage(
    proxy, postgres_url, moment, ends
):
    """The file is not at fault, nor is nfed: the rows are sent again."""
    files = incoming(*(note(n, items=20) for n in range(30)))
    store = PostgresStore(through(proxy, postgres_url), max_connections=1)
    await store.store(incoming(note(99)), "job")
    begun = len(proxy.sent)
    size = len(json_of(request(waves(files, "job"))))
    reached = {"begin": 0, "half of the rows": size // 2, "all but the end": size * 9 // 10}
    happened = []

    def end(said):
        after = len(proxy.sent) - begun
        if not happened and (
            b"commit\0" in said if moment == "commit" else after > reached[moment]
        ):
            happened.append(after)
            proxy.cut() if ends == "cut" else _terminate(postgres_url)

    proxy.on_sending = end
    with pytest.raises(StoreUnavailable):
        await store.store(files, "job")
    again = await store.store(files, "job")

    await store.close()
    assert happened
    assert kinds(again) == [Imported] * 30
    assert (count(postgres_url), count(postgres_url, "nf_itens")) == (31, 602)


async def test_an_answer_that_breaks_off_is_an_outage_wherever_it_does(proxy, postgres_url):
    store = PostgresStore(through(proxy, postgres_url), max_connections=1)
    await store.store(incoming(note(0)), "job")
    before = proxy.answered
    await store.store(incoming(note(1)), "job")
    whole = proxy.answered - before
    await store.close()

    for lost in range(1, whole, max(whole // 12, 1)):
        store = PostgresStore(through(proxy, postgres_url), max_connections=1)
        await store.store(incoming(note(0)), "job")
        proxy.breaks_answer_at = proxy.answered + whole - lost
        with pytest.raises(StoreUnavailable):
            await store.store(incoming(note(1)), "job")
        proxy.breaks_answer_at = None
        await store.close()

    assert whole > 100
    assert (count(postgres_url), count(postgres_url, "nf_itens")) == (2, 4)


@pytest.mark.parametrize(
    "answer",
    [
        b"D\0\0\0\6\0\0" * 2,  # rows of no query
        b"?" * 64,
        b"C\0\0\0\4Z\0\0\0\5I",  # done, without a word on what
        b"E\0\0\0\4Z\0\0\0\5I",  # an error, without one on which
        b"T\0\0\0\6\0\5Z\0\0\0\5I",  # five columns, and none
        b"E\0\0\0\x22SFATAL\0C57P01\0Mgood-bye everybody\0\0",
    ],
)
async def test_a_server_that_talks_nonsense_and_hangs_up_is_an_outage(proxy, postgres_url, answer):
    store = PostgresStore(through(proxy, postgres_url), max_connections=1)
    await store.store(incoming(note(0)), "job")
    proxy.says_instead = answer

    with pytest.raises(StoreUnavailable):
        await store.store(incoming(note(1)), "job")

    proxy.says_instead = None
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    await store.close()


async def test_who_is_cancelled_is_cancelled_and_what_was_cancelled_below_is_an_outage(
    postgres_url,
):
    store = PostgresStore(postgres_url, max_connections=1)
    with psycopg.connect(postgres_url) as holding:
        holding.execute("lock table nf_itens in access exclusive mode")
        storing = asyncio.create_task(store.store(incoming(note(1)), "job"))
        await asyncio.sleep(0.2)
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing
    waiter = asyncio.get_running_loop().create_future()
    waiter.cancel()
    connection = await connect(postgres_url, 60)

    with pytest.raises(ConnectionError), hang_ups(connection):
        await waiter

    await close(connection)
    await store.close()


async def test_an_answer_that_never_comes_is_an_outage(proxy, postgres_url):
    store = PostgresStore(through(proxy, postgres_url), max_connections=1, statement_seconds=0.5)
    await store.store(incoming(note(1)), "job")
    proxy.speaks.clear()

    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await store.store(incoming(note(2)), "job")

    proxy.speaks.set()
    proxy.cut()
    assert kinds(await store.store(incoming(note(2)), "job")) == [Imported]
    await store.close()


async def test_a_lock_that_another_program_holds_is_waited_for_later(postgres_url):
    store = PostgresStore(postgres_url, max_connections=1, statement_seconds=0.5)
    with psycopg.connect(postgres_url) as holding:
        holding.execute("lock table nf_itens in access exclusive mode")

        with pytest.raises(StoreUnavailable):
            await store.store(incoming(note(1)), "job")

    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    await store.close()


async def test_a_database_that_only_reads_keeps_the_files_waiting(postgres_url):
    name = postgres_url.rsplit("/", 1)[1]
    execute(postgres_url, f"alter database {name} set default_transaction_read_only = on")
    store = PostgresStore(postgres_url, max_connections=1)

    with pytest.raises(StoreUnavailable, match="read-only"):
        await store.store(incoming(note(1)), "job")

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(f"alter database {name} reset default_transaction_read_only".encode())
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    await store.close()


async def test_no_named_statement_stays_for_a_pooler_to_trip_over(proxy, postgres_url):
    """In transaction mode the next transaction may run on a server that does not have it."""
    store = PostgresStore(through(proxy, postgres_url), max_connections=1)
    whole = note(1)
    await store.store(incoming(note(1, authorised=False)), "job")
    await store.store(incoming(whole, note(2), proc_event(key_of(whole))), "job")
    await store.close()

    names = [body.split(b"\0")[0] for kind, body in messages(bytes(proxy.sent)) if kind == b"P"]
    assert len(names) >= 2
    assert set(names) == {b""}
    said = [body for kind, body in messages(bytes(proxy.sent)) if kind == b"Q"]
    assert not [each for each in said if b"set " in each.lower().replace(b"set local ", b"")]


def messages(sent):
    """Kind and body of every message of one connection to PostgreSQL after the first."""
    at = struct.unpack_from("!I", sent)[0]
    while at < len(sent):
        (length,) = struct.unpack_from("!I", sent, at + 1)
        yield sent[at : at + 1], sent[at + 5 : at + 1 + length]
        at += 1 + length


async def test_a_newer_schema_stops_it(postgres_url):
    execute(postgres_url, "update nfed_schema_version set version_num = '9999'")

    with pytest.raises(ConfigError, match="upgrade nfed"):
        await PostgresStore(postgres_url, max_connections=1).open()


async def test_a_database_of_the_former_importer_is_fed_as_it_stands(empty_url):
    """Its columns are narrower and of other types, its ids four bytes, and it holds rows."""
    with psycopg.connect(empty_url) as connection:
        connection.execute(EXISTING.read_bytes())
        fill(connection)
    before = count(empty_url)
    store = PostgresStore(empty_url, max_connections=1)
    await store.open()

    outcomes = await store.store(incoming(*EVERYTHING), "job")

    await store.close()
    assert set(kinds(outcomes)) <= {Imported, Updated, Duplicate}
    assert count(empty_url) - before == 41
    assert ask_postgres(
        empty_url,
        "select count(*) from notas_fiscais n join empresas e on e.id = n.emitente_id "
        "where n.conteudo_sha256 is not null and e.razao_social is not null",
    ) == [(41,)]


async def test_an_empty_database_gets_its_schema(empty_url):
    store = PostgresStore(empty_url, max_connections=1)

    await store.open()
    await store.store(incoming(note(1)), "job")

    await store.close()
    assert count(empty_url) == 1


def test_a_folder_is_imported_into_postgresql(tmp_path, postgres_url):
    dropped = notes(30)
    with Rig(tmp_path) as rig:
        rig.drop_all(dropped)
        rig.drop(b"<no>", "bad.xml")

        daemon = rig.once(database_url=postgres_url)

        assert daemon.process.returncode == 0, daemon.lines()[-5:]
        assert len(rig.done()) == 30
        stored = dict(
            ask_postgres(
                postgres_url,
                "select n.chave_acesso, count(*) from notas_fiscais n "
                "join nf_itens i on i.nota_fiscal_id = n.id group by 1",
            )
        )
        assert stored == {each.chave: each.itens for each in dropped}


def test_the_api_reads_what_it_has_stored(tmp_path, postgres_url):
    with Rig(tmp_path) as rig, served(rig, database_url=postgres_url) as server:
        job = server.upload(("1.xml", note(1))).json()
        assert server.ended(job["job_id"])["status"] == "completed"

        answer = server.get("/notas")

        assert server.get("/readyz").status_code == 200
        assert answer.status_code == 200
        assert notes(2)[1].chave in answer.text
        assert count(postgres_url) == 1


def test_a_daemon_waits_for_postgresql_and_drains(tmp_path, postgres, postgres_url):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://postgres:very-secret@127.0.0.1:{port}/{postgres_url.rsplit('/', 1)[1]}"
    dropped = notes(10)
    with Rig(tmp_path) as rig:
        rig.drop_all(dropped)
        daemon = rig.start(database_url=url)
        assert len(rig.left()) == 10

        with Proxy(postgres.port, port) as proxy:
            rig.drains()
            proxy.cut()  # a failover
            later = notes(10, start=100)
            rig.drop_all(later)
            rig.drains()

            assert daemon.stop() == 0
        assert "very-secret" not in "\n".join(daemon.lines())
        assert count(postgres_url) == 20
        assert rig.failed() == []
        assert daemon.noise() == []


async def test_a_call_that_takes_too_long_is_made_in_smaller_ones(postgres_url):
    execute(
        postgres_url,
        "create function slow() returns trigger language plpgsql as "
        "'begin perform pg_sleep(0.3); return new; end';"
        "create trigger slow before insert on notas_fiscais for each row execute function slow()",
    )
    store = PostgresStore(postgres_url, max_connections=1, statement_seconds=2)
    files = incoming(*(note(n, items=1) for n in range(8)))

    with pytest.raises(StoreUnavailable, match="statement timeout"):
        await store.store(files, "job")
    assert count(postgres_url) == 0
    outcomes = await store.store(files, "job")

    await store.close()
    assert kinds(outcomes) == [Imported] * 8
