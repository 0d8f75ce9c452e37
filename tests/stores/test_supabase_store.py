"""The Supabase store: one call a chunk, many at once, and who may call."""

import asyncio
import json
import random

import psycopg
import pytest
from psycopg.types.json import Jsonb

from nfed.core.outcome import Duplicate, Imported, Updated
from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.chunk import request, waves
from nfed.stores.postgres.functions import FORM, functions
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_postgres_store import count, execute, kinds, parties_of, sold_to
from tests.stores.test_store_contract import EVERYTHING, key_of
from tests.support.existing_database import SQL, fill
from tests.support.harness import eventually, never
from tests.support.http_proxy import Fault, HttpProxy
from tests.support.notes import note, with_value
from tests.support.other_documents import proc_event, summary
from tests.support.postgres_server import running
from tests.support.stores import ask_postgres, incoming
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import Keys, jwt, serving

OURS = [each.signature for each in functions() if each.privilege]
CALLS = {
    "nfed_store": {"chunk": {"form": FORM, "locks": [], "waves": [], "identities": []}},
    "nfed_notas": {"busca": {"dated": True, "limit": 9}},
    "nfed_nota": {"chave": "1" * 44},
}


@pytest.fixture
def proxy(supabase_project):
    with HttpProxy(supabase_project.url) as made:
        yield made


@pytest.fixture
async def store(supabase_project, proxy):
    made = SupabaseStore(proxy.url, supabase_project.service_key, max_connections=2)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def url(supabase_project):
    return supabase_project.database_url


async def test_a_chunk_is_one_call(store, proxy, url):
    before = len(proxy.seen)

    outcomes = await store.store(incoming(*EVERYTHING), "job")

    assert set(kinds(outcomes)) <= {Imported, Updated, Duplicate}
    assert count(url) == 41
    (seen,) = proxy.seen[before:]
    assert (seen.method, seen.path) == ("POST", "/rest/v1/rpc/nfed_store")


async def test_no_more_calls_are_under_way_than_allowed(store, proxy, url):
    proxy.always(Fault.HELD)
    chunks = [asyncio.create_task(store.store(incoming(note(n)), "job")) for n in range(6)]
    await asyncio.to_thread(eventually, lambda: len(proxy.calls("nfed_store")) == 2)
    await asyncio.to_thread(never, lambda: len(proxy.calls("nfed_store")) > 2, 0.3)

    proxy.released.set()
    await asyncio.gather(*chunks)

    assert count(url) == 6


@pytest.mark.parametrize("as_string", [False, True])
async def test_the_function_takes_the_chunk_as_an_object_and_as_a_string(
    supabase_project, url, as_string
):
    """PostgREST hands over the object, other gateways a string that holds it."""
    whole = note(1)
    chunk = request(waves(incoming(whole, proc_event(key_of(whole))), "job"))
    argument = Jsonb(json.dumps(chunk) if as_string else chunk)

    with psycopg.connect(url) as connection:
        connection.execute("set local role service_role")
        said = connection.execute("select public.nfed_store(%s)", [argument]).fetchone()[0]

    assert [each["act"] for each in json.loads(said)] == ["insert", "insert"]
    assert count(url, "nf_itens") == 2
    assert ask_postgres(url, "select status from notas_fiscais") == [("cancelada",)]


async def test_the_function_refuses_a_chunk_of_another_form(url, supabase_project):
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="form 999"):
        connection.execute("select public.nfed_store(%s)", [Jsonb({"form": "999"})])

    assert count(url) == 0


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("function", CALLS)
def test_nobody_else_may_call_over_http(supabase_project, function, role):
    allowed = supabase_project.call(function, CALLS[function])
    refused = supabase_project.call(function, CALLS[function], role)

    assert allowed.status_code == 200, allowed.text
    assert refused.status_code in (401, 403, 404)
    assert refused.json()["code"] in ("42501", "PGRST202")


@pytest.mark.parametrize("function", CALLS)
def test_a_key_that_is_none_calls_nothing(supabase_project, function):
    headers = {"apikey": "sb_secret_of_another_project", "Authorization": f"Bearer {jwt('x')}"}

    answer = supabase_project.call(function, CALLS[function], headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_else_may_call_in_sql(url, supabase_project, role):
    for name, arguments in CALLS.items():
        (value,) = arguments.values()
        with psycopg.connect(url) as connection:
            connection.execute(f"set local role {role}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    f"select public.{name}(%s)".encode(),
                    [value if isinstance(value, str) else Jsonb(value)],
                )


def test_every_function_is_closed_to_the_public_and_names_its_schema(url, supabase_project):
    found = ask_postgres(
        url,
        "select p.oid::regprocedure::text,"
        " has_function_privilege('service_role', p.oid, 'execute'),"
        " has_function_privilege('anon', p.oid, 'execute'),"
        " has_function_privilege('authenticated', p.oid, 'execute'), p.prosecdef,"
        " 'search_path=\"\"' = any (p.proconfig) from pg_proc p"
        " where p.pronamespace = 'public'::regnamespace and p.proname like 'nfed\\_%'"
        " and p.prorettype <> 'trigger'::regtype order by 1",
    )

    assert [row[0] for row in found] == sorted(each.removeprefix("public.") for each in OURS)
    assert {row[1:] for row in found} == {(True, False, False, False, True)}


async def test_what_lies_before_public_in_the_search_path_is_not_used(url, supabase_project):
    """Somebody who may create things cannot put a table or an operator in ours place."""
    chunk = request(waves(incoming(note(1)), "job"))
    with psycopg.connect(url) as connection:
        connection.execute("create schema trap")
        connection.execute("create table trap.notas_fiscais (like public.notas_fiscais)")
        connection.execute(
            "create function trap.lower(text) returns text language plpgsql as "
            "$$ begin raise exception 'trapped'; end $$"
        )
        connection.execute("grant all on schema trap to service_role")
        connection.execute("grant all on trap.notas_fiscais to service_role")
        connection.execute("set local search_path = trap, public, pg_catalog")
        connection.execute("set local role service_role")

        connection.execute("select public.nfed_store(%s)", [Jsonb(chunk)])

        connection.execute("set local role postgres")
        assert connection.execute("select count(*) from trap.notas_fiscais").fetchone() == (0,)
        assert connection.execute("select count(*) from public.notas_fiscais").fetchone() == (1,)
        connection.rollback()


HOSTILE = "'); drop table notas_fiscais; -- $store$ \\' || pg_sleep(9) || E'\\\\ \"};"


async def test_what_a_document_says_is_never_taken_for_sql(store, url):
    xml = with_value(note(1), "natOp", HOSTILE.replace("\\", "\\\\"))

    outcomes = await store.store(incoming(xml), f"job {HOSTILE}")

    assert kinds(outcomes) == [Imported]
    assert ask_postgres(url, "select natureza_operacao, job_id from notas_fiscais") == [
        (HOSTILE, f"job {HOSTILE}")
    ]


@pytest.mark.parametrize("place", ["head", "table", "column", "key", "locks"])
async def test_what_a_caller_sends_is_never_taken_for_a_name(url, supabase_project, place):
    chunk = json.loads(json.dumps(request(waves(incoming(note(1)), "job"))))
    (wave,) = chunk["waves"]
    match place:
        case "head":
            wave["documents"][0]["head"] = f"notas_fiscais{HOSTILE}"
        case "table":
            wave["rows"][f"nf_itens{HOSTILE}"] = wave["rows"].pop("nf_itens")
        case "column":
            wave["rows"]["nf_itens"]["rows"][0][f'ncm" = 1{HOSTILE}'] = "x"
        case "key":
            wave["documents"][0]["key"] = HOSTILE
        case "locks":
            chunk["locks"] = [HOSTILE]

    answer = supabase_project.call("nfed_store", {"chunk": chunk})

    assert answer.status_code in (200, 400, 404), answer.text
    assert count(url) == (1 if answer.status_code == 200 else 0)
    assert len(ask_postgres(url, "select 1 from pg_class where relname = 'nf_itens'")) == 1


async def test_ten_daemons_over_the_same_notes_store_each_once(supabase_project, url):
    """Five of them over HTTPS, five over a connection of their own."""
    files = [note(n, rich=True) for n in range(60)]
    files += [proc_event(key_of(xml)) for xml in files[:20]]
    key = supabase_project.service_key
    stores = [SupabaseStore(supabase_project.url, key, max_connections=3) for _ in range(5)]
    stores += [PostgresStore(url, max_connections=3) for _ in range(5)]
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
    assert count(url) == 60
    assert ask_postgres(
        url, "select count(*), count(distinct cpf_cnpj) from empresas where cpf_cnpj is not null"
    )[0] == tuple([len(parties_of(files))] * 2)
    assert ask_postgres(url, "select count(*) from notas_fiscais where status = 'cancelada'") == [
        (20,)
    ]


async def test_ten_daemons_whose_notes_name_the_same_parties_never_wait_in_a_circle(
    supabase_project, url
):
    """Nothing but the parties is shared, and every chunk names them in an order of its own."""
    key = supabase_project.service_key
    stores = [SupabaseStore(supabase_project.url, key, max_connections=1) for _ in range(10)]
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
    assert count(url) == 400
    assert ask_postgres(url, "select count(distinct cpf_cnpj) = count(cpf_cnpj) from empresas") == [
        (True,)
    ]


async def test_a_note_that_comes_after_its_summary_keeps_nobody_waiting_in_a_circle(
    supabase_project, url
):
    """The summary is known first, so the two are told apart within the call."""
    key = supabase_project.service_key
    stores = [SupabaseStore(supabase_project.url, key, max_connections=1) for _ in range(2)]
    numbers = iter(range(2000, 3000))

    for first in range(1, 21):
        chunks = []
        for buyers in ((f"{first:014d}", f"{first + 50:014d}"),) * 2:
            order = buyers if not chunks else buyers[::-1]
            one, other = (sold_to(buyer, next(numbers)) for buyer in order)
            chunks.append(incoming(one, summary(key_of(other)), other))
        outcomes = await asyncio.gather(
            *(store.store(chunk, "job") for store, chunk in zip(stores, chunks, strict=True))
        )
        assert {kind for some in outcomes for kind in kinds(some)} == {Imported}

    for store in stores:
        await store.close()
    assert count(url) == 80


async def test_one_rejected_value_stores_nothing_of_its_chunk(store, url):
    execute(url, "create unique index picky on nf_itens ((1)) where descricao = 'Outra coisa'")
    try:
        bad = [with_value(note(number), "xProd", "Outra coisa") for number in (2, 3)]
        with pytest.raises(StoreRejected, match="picky"):
            await store.store(incoming(note(1), *bad), "job")

        assert (count(url), count(url, "empresas")) == (0, 0)
        assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    finally:
        execute(url, "drop index picky")


async def test_a_legacy_key_works_as_well(supabase_project, url):
    with serving(url, Keys.LEGACY) as project:
        store = SupabaseStore(project.url, project.service_key, max_connections=1)
        await store.open()

        outcomes = await store.store(incoming(note(1)), "job")

        await store.close()
    assert kinds(outcomes) == [Imported]
    assert count(url) == 1


@pytest.mark.parametrize("keys", Keys)
async def test_a_key_that_does_not_fit_is_named_and_not_shown(supabase_project, url, keys):
    wrong = f"{supabase_project.service_key}x" if keys is Keys.NEW else f"{jwt('service_role')}x"
    with serving(url, keys) as project:
        store = SupabaseStore(project.url, wrong, max_connections=1)

        with pytest.raises(ConfigError, match="supabase_service_key") as refused:
            await store.open()
        with pytest.raises(StoreUnavailable, match="supabase_service_key"):
            await store.store(incoming(note(1)), "job")

        await store.close()
    assert wrong not in repr(refused.value)
    assert wrong not in repr(vars(store))
    assert count(url) == 0


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("update nfed_schema_version set version_num = '9999'", "upgrade nfed"),
        ("update nfed_schema_version set version_num = '0001'", "nfed db migrate"),
        ("delete from nfed_schema_version", "nfed db migrate"),
        ("alter table nfed_schema_version rename to other", "nfed db migrate"),
    ],
)
async def test_another_schema_stops_it_and_says_what_to_do(store, url, sql, says):
    held = ask_postgres(url, "select version_num from nfed_schema_version")[0][0]
    execute(url, sql)
    try:
        with pytest.raises(ConfigError, match=says):
            await store.open()
    finally:
        if "rename" in sql:
            execute(url, "alter table other rename to nfed_schema_version")
        execute(url, "delete from nfed_schema_version")
        execute(url, f"insert into nfed_schema_version values ('{held}')")


async def test_a_database_without_a_schema_stops_it_and_says_what_to_do():
    with running() as server, supabase(server) as bare, serving(bare) as project:
        store = SupabaseStore(project.url, project.service_key, max_connections=1)

        with pytest.raises(ConfigError, match="nfed db migrate"):
            await store.open()

        await store.close()


async def test_a_database_of_the_former_importer_is_fed_as_it_stands():
    """Its columns are narrower and of other types, its ids four bytes, and it holds rows."""
    with running() as server, supabase(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(SQL.encode())
            fill(connection)
        await postgres_schema.migrate(url)
        before = count(url)
        with serving(url) as project:
            store = SupabaseStore(project.url, project.service_key, max_connections=1)
            await store.open()

            outcomes = await store.store(incoming(*EVERYTHING), "job")
            await postgres_access.close(url)
            again = await store.store(incoming(*EVERYTHING), "job")
            closed = [
                project.call(name, arguments, role).status_code
                for name, arguments in CALLS.items()
                for role in ("anon", "authenticated")
            ]

            await store.close()
        assert set(kinds(outcomes)) <= {Imported, Updated, Duplicate}
        assert set(kinds(again)) == {Duplicate}
        assert count(url) - before == 41
        assert set(closed) <= {401, 403}
