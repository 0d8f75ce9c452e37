"""What gateways, networks and databases do to a chunk on its way: no file is lost, none twice."""

import asyncio
import traceback

import psycopg
import pytest

from nfed.core.outcome import Duplicate, Imported
from nfed.documents.layout import tables
from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.postgres.http import SupabaseStore
from tests.stores.test_postgres_store import count, execute, kinds
from tests.stores.test_store_contract import key_of
from tests.support.certificates import context_of, self_signed
from tests.support.harness import eventually
from tests.support.http_proxy import Answer, Fault, HttpProxy, page, postgrest
from tests.support.notes import note, with_value
from tests.support.other_documents import proc_event
from tests.support.stores import ask_postgres, incoming
from tests.support.supabase_server import serving

JSON = {"content-type": "application/json"}


@pytest.fixture
def proxy(supabase_project):
    with HttpProxy(supabase_project.url) as made:
        yield made


@pytest.fixture
async def store(supabase_project, proxy):
    made = SupabaseStore(proxy.url, supabase_project.service_key, max_connections=3)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def hasty(supabase_project, proxy):
    """Does not wait long for an answer."""
    made = SupabaseStore(
        proxy.url, supabase_project.service_key, max_connections=3, answer_seconds=0.5
    )
    yield made
    await made.close()


@pytest.fixture
def url(supabase_project):
    return supabase_project.database_url


@pytest.fixture
def shows_no_key(supabase_project):
    """Checks all that an error could show of itself, down to what caused it."""

    def check(error):
        told = "".join(traceback.format_exception(error))
        assert supabase_project.service_key not in f"{told}{error!r}{vars(error)}"

    return check


REFUSALS = [
    pytest.param(page(401), "supabase_service_key", id="401"),
    pytest.param(postgrest(401, "PGRST301", "JWT expired"), "supabase_service_key", id="401 JWT"),
    pytest.param(
        postgrest(403, "42501", "permission denied for function nfed_store"),
        "supabase_service_key",
        id="403",
    ),
    pytest.param(
        postgrest(404, "PGRST202", "Could not find the function public.nfed_store(chunk)"),
        "nfed db migrate",
        id="404 function",
    ),
    pytest.param(postgrest(404, "42P01", "no such relation"), "nfed db migrate", id="404 table"),
]
OUTAGES = [
    pytest.param(page(403), "403", id="403 page"),
    pytest.param(page(404), "404", id="404 page"),
    pytest.param(postgrest(409, "PT409", "try again"), "409", id="409"),
    pytest.param(postgrest(429, "PT429", "slower"), "429", id="429"),
    pytest.param(page(302, location="http://127.0.0.1:9/"), "302", id="302"),
    *(pytest.param(page(status), str(status), id=str(status)) for status in (500, 502, 503, 504)),
    pytest.param(page(520), "520", id="520"),
    pytest.param(
        postgrest(503, "PGRST002", "Could not query the database for the schema cache"),
        "schema cache",
        id="503 PostgREST",
    ),
    pytest.param(postgrest(500, "40P01", "deadlock detected"), "deadlock", id="deadlock"),
    pytest.param(postgrest(500, "40001", "could not serialize"), "serialize", id="serialize"),
    pytest.param(postgrest(500, "53100", "could not extend file"), "extend", id="disk full"),
    pytest.param(postgrest(405, "25006", "read-only transaction"), "read-only", id="read-only"),
    pytest.param(postgrest(500, "57014", "statement timeout"), "timeout", id="statement timeout"),
    pytest.param(
        postgrest(
            400,
            "23502",
            'o valor nulo na coluna "lote_interno" da relação "nf_itens" viola a restrição',
        ),
        '"lote_interno" is no column of nfed',
        id="column of the owner's",
    ),
    pytest.param(page(200), ".", id="200 page"),
    pytest.param(Answer(200), ".", id="200 empty"),
    pytest.param(Answer(204), ".", id="204"),
    pytest.param(Answer(200, b"\xff\xfe\0", JSON), ".", id="200 garbage"),
    pytest.param(Answer(200, b'"[{\\"act\\": \\"ins', JSON), ".", id="200 ends early"),
    pytest.param(Answer(200, b"[]", JSON), ".", id="200 list"),
    pytest.param(Answer(200, b"null", JSON), ".", id="200 null"),
    pytest.param(Answer(200, b"7", JSON), ".", id="200 number"),
    pytest.param(Answer(200, b'"[]"', JSON), ".", id="200 no answers"),
    pytest.param(Answer(200, b'"7"', JSON), ".", id="200 other JSON"),
    pytest.param(Answer(200, b'"[7]"', JSON), ".", id="200 other list"),
    pytest.param(Answer(200, b'"[{}]"', JSON), ".", id="200 other object"),
    pytest.param(Answer(200, b'"[{\\"act\\": \\"insert\\"}]"', JSON), ".", id="200 half an answer"),
    pytest.param(Answer(200, b'"[{\\"act\\": []}]"', JSON), ".", id="200 act of another kind"),
    pytest.param(
        Answer(
            200,
            b'"[{\\"act\\": \\"duplicate\\", \\"is_known\\": true, \\"id\\": \\"x\\", '
            b'\\"content\\": 7, \\"rank\\": \\"y\\", \\"file\\": {}}]"',
            JSON,
        ),
        ".",
        id="200 values of other kinds",
    ),
    pytest.param(Answer(200, b"[" * 100_000, JSON), ".", id="200 nested"),
]


@pytest.mark.parametrize(("trouble", "says"), [*REFUSALS, *OUTAGES])
async def test_an_answer_that_is_not_the_functions_keeps_the_files_waiting(
    store, proxy, url, shows_no_key, trouble, says
):
    proxy.next(trouble)

    with pytest.raises(StoreUnavailable, match=says) as met:
        await store.store(incoming(note(1)), "job")

    shows_no_key(met.value)
    assert "<" not in str(met.value)  # nobody wants to read a gateway's page in a log
    assert len(str(met.value)) < 600
    assert "\n" not in str(met.value)
    assert count(url) == 0
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


@pytest.mark.parametrize(("trouble", "says"), REFUSALS)
async def test_a_start_that_is_refused_says_what_to_do(
    supabase_project, proxy, shows_no_key, trouble, says
):
    proxy.everywhere = True
    proxy.always(trouble)
    store = SupabaseStore(proxy.url, supabase_project.service_key, max_connections=1)

    with pytest.raises(ConfigError, match=says) as met:
        await store.open()

    await store.close()
    shows_no_key(met.value)


@pytest.mark.parametrize("trouble", [page(503), page(429), Fault.CUT_BEFORE, Answer(200, b"<")])
async def test_a_start_during_an_outage_waits(supabase_project, proxy, shows_no_key, trouble):
    proxy.everywhere = True
    proxy.always(trouble)
    store = SupabaseStore(proxy.url, supabase_project.service_key, max_connections=1)

    with pytest.raises(StoreUnavailable) as met:
        await store.open()

    shows_no_key(met.value)
    proxy.always(None)
    await store.open()
    await store.close()


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        (Fault.CUT_BEFORE, 0),
        (Fault.CUT_AFTER, 1),
        (Fault.CUT_WITHIN, 1),
        (Fault.SILENT, 0),
        (Fault.HELD, 1),
    ],
)
async def test_a_connection_that_fails_stores_nothing_twice(
    hasty, store, proxy, url, shows_no_key, fault, stored
):
    both = (note(1), proc_event(key_of(note(1))))
    proxy.next(fault)

    with pytest.raises(StoreUnavailable) as met:
        await hasty.store(incoming(*both), "job")

    shows_no_key(met.value)
    assert proxy.url in str(met.value)
    await asyncio.to_thread(eventually, lambda: count(url) == stored)
    again = await store.store(incoming(*both), "job")
    assert kinds(again) == [Duplicate if stored else Imported] * 2
    assert (count(url), count(url, "nf_itens"), count(url, "nf_eventos")) == (1, 2, 1)


async def test_a_request_that_is_too_large_goes_in_smaller_ones(store, proxy, url):
    files = [note(n) for n in range(24)]
    await store.store(incoming(note(100)), "job")
    proxy.max_body_bytes = 5 * proxy.calls("nfed_store")[0].size_bytes

    outcomes = await store.store(incoming(*files, files[0]), "job")

    assert kinds(outcomes) == [Imported] * 24 + [Duplicate]
    assert [each.chave for each in outcomes] == [key_of(xml) for xml in [*files, files[0]]]
    assert count(url) == 25
    before = len(proxy.seen)
    await store.store(incoming(*(note(n) for n in range(30, 54))), "job")
    # It has learned what passes: nothing is refused any more.
    assert {each.trouble for each in proxy.seen[before:]} == {None}


async def test_a_document_that_alone_is_too_large_is_its_own_fault(store, proxy, url):
    proxy.max_body_bytes = 1 << 20
    large = with_value(note(1), "natOp", "x" * (1 << 20))

    with pytest.raises(StoreRejected, match="takes no request of"):
        await store.store(incoming(large), "job")

    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("P0001", "item proibido"),
        ("23514", 'new row for relation "nf_itens" violates check constraint "positivo"'),
        ("23502", 'null value in column "descricao" of relation "nf_itens" violates'),
        ("22003", "numeric field overflow"),
    ],
)
async def test_what_the_database_says_of_a_document_is_that_files_own_fault(
    store, proxy, url, code, message
):
    proxy.next(postgrest(400, code, message))

    with pytest.raises(StoreRejected, match=message):
        await store.store(incoming(note(1)), "job")


async def test_a_gateway_that_takes_no_document_at_all_is_at_fault_itself(store, proxy, url):
    proxy.max_body_bytes = 1000

    with pytest.raises(StoreUnavailable, match="takes no request of"):
        await store.store(incoming(note(1)), "job")

    proxy.max_body_bytes = None
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


async def test_calls_grow_again_when_many_went_well(store, proxy, url):
    proxy.next(*[postgrest(500, "57014", "canceling statement due to statement timeout")] * 2)
    files = incoming(*(note(n) for n in range(8)))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.store(files, "job")
    calls = []
    for _ in range(12):
        before = len(proxy.seen)
        await store.store(files, "job")
        calls.append(len(proxy.seen) - before)

    assert calls == [4] * 5 + [2] * 7


async def test_a_statement_that_takes_too_long_is_sent_in_smaller_ones(store, proxy, url):
    proxy.next(postgrest(500, "57014", "canceling statement due to statement timeout"))
    files = [note(n) for n in range(8)]
    with pytest.raises(StoreUnavailable):
        await store.store(incoming(*files), "job")
    before = len(proxy.seen)

    outcomes = await store.store(incoming(*files), "job")

    assert kinds(outcomes) == [Imported] * 8
    assert len(proxy.seen[before:]) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_rest_is_left_alone(store, proxy, shows_no_key, status):
    proxy.next(page(status, **{"retry-after": "120"}))

    with pytest.raises(StoreUnavailable) as first:
        await store.store(incoming(note(1)), "job")
    with pytest.raises(StoreUnavailable, match="asked for") as second:
        await store.store(incoming(note(1)), "job")

    assert len(proxy.calls("nfed_store")) == 1
    assert first.value.retry_after_seconds == 120
    assert 0 < second.value.retry_after_seconds <= 120
    shows_no_key(second.value)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("Wed, 01 Jan 2200 00:00:00 GMT", 60, 3600),
        ("99999999999", 60, 3600),
        ("inf", 60, 3600),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0, 0),
        ("-5", 0, 0),
        ("0", 0, 0),
    ],
)
async def test_a_rest_has_an_end(store, proxy, header, least, most):
    proxy.next(page(429, **{"retry-after": header}))

    with pytest.raises(StoreUnavailable) as met:
        await store.store(incoming(note(1)), "job")

    assert least <= met.value.retry_after_seconds <= most


@pytest.mark.parametrize(
    "header", ["soon", "", "nan", "Wed, 99 Foo", "1 Jan 99999999999999999999 00:00:00 GMT"]
)
async def test_a_rest_that_nobody_understands_is_none(store, proxy, header):
    proxy.next(page(429, **{"retry-after": header}))
    with pytest.raises(StoreUnavailable, match="429"):
        await store.store(incoming(note(1)), "job")

    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_gateway_that_quotes_the_key_is_quoted_without_it(
    store, proxy, supabase_project, shows_no_key, status
):
    proxy.next(postgrest(status, "", f"no such key: {supabase_project.service_key}, sorry"))

    with pytest.raises(StoreUnavailable, match=r"no such key: \*\*\*, sorry") as met:
        await store.store(incoming(note(1)), "job")

    shows_no_key(met.value)


@pytest.mark.parametrize("body", [b'{"hello": "world"}', b'[{"id": 1}]', b"[7]", b"null"])
async def test_rows_of_somebody_else_are_an_outage(supabase_project, proxy, body):
    proxy.everywhere = True
    proxy.next(Answer(200, body, JSON))
    store = SupabaseStore(proxy.url, supabase_project.service_key, max_connections=1)

    with pytest.raises(StoreUnavailable, match="expected a list of rows"):
        await store.open()

    await store.close()


async def test_a_key_is_sent_to_nobody_else(store, proxy, supabase_project):
    with HttpProxy(supabase_project.url) as elsewhere:
        for status in (301, 302, 307, 308):
            proxy.next(page(status, location=f"{elsewhere.url}/rest/v1/rpc/nfed_store"))
            with pytest.raises(StoreUnavailable, match=str(status)):
                await store.store(incoming(note(1)), "job")

        assert elsewhere.seen == []


@pytest.mark.parametrize(
    ("address", "trusted"), [("127.0.0.1", True), ("127.0.0.1", False), ("127.0.0.2", True)]
)
async def test_a_key_is_sent_to_no_server_that_cannot_prove_its_name(
    supabase_project, tmp_path, monkeypatch, address, trusted
):
    certificate = self_signed(tmp_path, address)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    key = supabase_project.service_key
    with HttpProxy(supabase_project.url, tls=context_of(certificate)) as proxy:
        store = SupabaseStore(proxy.url, key, max_connections=1)
        if trusted and address in proxy.url:
            assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
        else:
            with pytest.raises(StoreUnavailable, match=r"certificate|mismatch") as met:
                await store.store(incoming(note(1)), "job")
            advised = "SSL_CERT_FILE" if not trusted else "call the host what its certificate does"
            assert advised in str(met.value)
            assert proxy.seen == []
        await store.close()


@pytest.mark.parametrize(("name", "why"), [("gone.pem", "No such file"), ("a.pem", "in PEM")])
async def test_certificates_of_the_environment_that_cannot_be_read_are_named(
    supabase_project, tmp_path, monkeypatch, name, why
):
    (tmp_path / "a.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
    store = SupabaseStore(supabase_project.url, supabase_project.service_key, max_connections=1)

    with pytest.raises(StoreUnavailable, match=f"SSL_CERT_FILE={tmp_path / name}: .*{why}"):
        await store.store(incoming(note(1)), "job")

    await store.close()


@pytest.mark.parametrize("value", ["\0", "\ud800"])
async def test_a_value_that_no_database_holds_is_its_files_own_fault(store, url, value):
    chunk = incoming(note(1), note(2))
    items = chunk[1].document.rows["nf_itens"]
    items[0][tables()["nf_itens"].position("descricao")] = value

    with pytest.raises(StoreRejected):
        await store.store(chunk, "job")

    assert count(url) == 0


async def test_a_database_that_only_reads_keeps_the_files_waiting(store, url):
    name = url.rsplit("/", 1)[1]
    execute(url, f"alter database {name} set default_transaction_read_only = on")
    _end_others(url)
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            await store.store(incoming(note(1)), "job")
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("set default_transaction_read_only = off")
            connection.execute(
                f"alter database {name} reset default_transaction_read_only".encode()
            )
        _end_others(url)

    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


def _end_others(url):
    execute(
        url,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()",
    )


async def test_a_statement_that_the_database_ends_keeps_the_files_waiting(
    store, proxy, supabase_project, url
):
    """The HTTP server of the tests, one of its own here, dies of it."""
    with serving(url) as project, psycopg.connect(url) as holding:
        proxy.target = project.url
        await store.open()
        holding.execute("lock table nf_itens in access exclusive mode")
        storing = asyncio.create_task(store.store(incoming(note(1)), "job"))
        waits = (
            "select pid from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()"
        )
        waiting = await asyncio.to_thread(eventually, lambda: ask_postgres(url, waits))
        execute(url, f"select pg_terminate_backend({waiting[0][0]})")

        with pytest.raises(StoreUnavailable):
            await storing

    proxy.target = supabase_project.url
    assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]


async def test_a_lock_that_another_program_holds_is_waited_for_later(hasty, store, url):
    with psycopg.connect(url) as holding:
        holding.execute("lock table nf_itens in access exclusive mode")

        with pytest.raises(StoreUnavailable, match="no answer within"):
            await hasty.store(incoming(note(1)), "job")

    await asyncio.to_thread(eventually, lambda: count(url) == 1)
    assert kinds(await store.store(incoming(note(1)), "job")) == [Duplicate]


async def test_a_server_that_comes_back_is_used_again(proxy, store, supabase_project, url):
    home = proxy.target
    with serving(url) as other:
        proxy.target = other.url
        assert kinds(await store.store(incoming(note(1)), "job")) == [Imported]
    with pytest.raises(StoreUnavailable, match="502"):
        await store.store(incoming(note(2)), "job")
    proxy.target = home

    assert kinds(await store.store(incoming(note(2)), "job")) == [Imported]
