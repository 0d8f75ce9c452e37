"""A database whose notes its owner has split by month, as docs/scaling.md says how."""

import re
from pathlib import Path

import psycopg
import pytest

from nfed.core.outcome import Duplicate, Imported
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.store import PostgresStore
from tests.stores.test_store_contract import EVERYTHING, key_of
from tests.support.notes import note
from tests.support.other_documents import proc_event
from tests.support.postgres_server import running
from tests.support.stores import ask_postgres, incoming
from tests.support.supabase_roles import supabase

ROOT = Path(__file__).parents[2]
SQL = (ROOT / "deploy" / "postgresql" / "partition-by-month.sql").read_text("utf-8")
SEEN = (
    "select chave_acesso, emitente, quantidade_itens from vw_notas_fiscais_resumo order by 1",
    "select chave_acesso, numero_item, valor_icms from vw_nf_itens_completo order by 1, 2",
)
GRANTS = (
    "select c.relname, e.grantee::regrole::text, e.privilege_type "
    "from pg_class c, aclexplode(c.relacl) e where c.relnamespace = 'public'::regnamespace "
    "and e.grantee <> c.relowner and c.relkind <> 'S' order by 1, 2, 3"
)


@pytest.fixture(params=[14, 18])
def url(request):
    """A database where everything new is granted to outsiders, unless somebody takes it back."""
    with running(request.param) as server, supabase(server) as made:
        yield made


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


async def test_it_is_fed_and_read_as_before(url):
    store = PostgresStore(url, max_connections=1)
    await store.open()
    await store.store(incoming(*EVERYTHING), "job")
    seen = [ask_postgres(url, query) for query in (*SEEN, GRANTS)]

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL.encode())
    await postgres_schema.migrate(url)

    assert [ask_postgres(url, query) for query in (*SEEN, GRANTS)] == seen
    assert await postgres_schema.pending(url) == []
    assert await postgres_access.openings(url) == []
    assert set(kinds(await store.store(incoming(*EVERYTHING), "job"))) == {Duplicate}
    later = [note(n, rich=True) for n in range(500, 540)]
    later.append(proc_event(key_of(later[0])))
    assert set(kinds(await store.store(incoming(*later), "job"))) == {Imported}
    await store.close()
    assert ask_postgres(
        url, f"select status from notas_fiscais where chave_acesso = '{key_of(later[0])}'"
    ) == [("cancelada",)]
    assert ask_postgres(url, "select count(*) = count(distinct id) from notas_fiscais") == [(True,)]
    months = ask_postgres(
        url,
        "select count(distinct tableoid), count(distinct substr(chave_acesso, 3, 4)), "
        "bool_and(to_char(data_hora_emissao, 'YYMM') = substr(chave_acesso, 3, 4)) "
        "from notas_fiscais where data_hora_emissao is not null",
    )
    assert months[0][0] == months[0][1] > 12
    assert months[0][2]


async def test_what_it_would_lose_stops_it_and_nothing_has_changed(url):
    await postgres_schema.migrate(url)
    policies = (ROOT / "deploy" / "supabase" / "policies-example.sql").read_text("utf-8")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(policies.encode())

        with pytest.raises(psycopg.errors.RaiseException, match="policy"):
            connection.execute(SQL.encode())

        connection.execute("rollback")
    assert ask_postgres(
        url, "select relkind::text from pg_class where oid = 'notas_fiscais'::regclass"
    ) == [("r",)]
    assert await postgres_schema.pending(url) == []


async def test_a_question_about_a_month_reads_that_month_alone(url):
    await postgres_schema.migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL.encode())
        connection.execute("select notas_por_mes.add_months('2024-01-01', '2026-12-31')")

        plan = connection.execute(
            "explain select sum(valor_total_nota) from notas_fiscais "
            "where data_hora_emissao >= '2026-03-01' and data_hora_emissao < '2026-04-01'"
        ).fetchall()

    read = [
        word for (line,) in plan for word in line.split() if re.fullmatch(r"m20\d\d_\d\d", word)
    ]
    assert read == ["m2026_03"]
