"""What is stored is read in pages, all of it once, and to the digit the same in every store."""

import sqlite3
from contextlib import AsyncExitStack
from datetime import date
from decimal import Decimal

import pytest

from nfed.stores.pages import Papel, Search, Selection, subjects
from nfed.stores.sqlite.pages import question
from tests.support.notes import generator
from tests.support.other_documents import cte, proc_event
from tests.support.stores import shelves

KINDS = ("sqlite", "postgresql", "supabase")
NAMES = tuple(subjects())
NOTES = [generator().note(n, items=3, rich=n % 2 == 0) for n in range(24)]
CTE_KEY = "35260311222333000181570010000000771000000073"
FILES = (
    *(each.xml for each in NOTES),
    proc_event(NOTES[0].chave),
    proc_event(NOTES[1].chave, "110110", 1),
    proc_event("35260311222333000181550010000000771000000070"),
    cte(CTE_KEY),
)


@pytest.fixture
async def each(tmp_path, postgres, migrated, supabase_session):
    """A shelf of every kind, with the same files in it."""
    async with AsyncExitStack() as stack:
        found = []
        for kind in KINDS:
            made = await stack.enter_async_context(
                shelves(kind, tmp_path, postgres, migrated, supabase_session)
            )
            shelf = await made.new()
            await shelf.put(*FILES)
            shelf.run(
                "update notas_fiscais set data_hora_emissao = null, data_hora_emissao_tz = null"
                " where id % 7 = 0"
            )
            found.append(shelf)
        yield found


async def read(shelf, name, selection=Selection(), limit=1000):  # noqa: B008
    found = []
    async for page in shelf.pages.read(name, selection, limit):
        assert 0 < len(page.rows) <= limit
        found += [(page.papel, *row) for row in page.rows]
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_every_store_tells_the_same_rows_in_pages_of_any_size(each, name):
    whole = await read(each[0], name)

    assert whole
    for shelf in each:
        for limit in (1, 4, 1000):
            assert await read(shelf, name, limit=limit) == whole


async def test_what_is_chosen_is_what_the_documents_say(each):
    rows = each[0].rows(
        "select n.chave_acesso, e.cpf_cnpj, d.cpf_cnpj, substr(n.data_hora_emissao, 1, 10),"
        " n.status, n.modelo from notas_fiscais n left join empresas e on e.id = n.emitente_id"
        " left join empresas d on d.id = n.destinatario_id"
    )
    company = rows[0][1]
    buyer = next(row[2] for row in rows if row[2])
    day = sorted(row[3] for row in rows if row[3])[8]

    def chosen(test):
        return {row[0] for row in rows if test(*row[1:])}

    cases = [
        (Selection(empresa=company), chosen(lambda e, d, *_: company in (e, d))),
        (Selection(empresa=company, papel=Papel.EMITENTE), chosen(lambda e, *_: e == company)),
        (Selection(empresa=buyer, papel=Papel.DESTINATARIO), chosen(lambda e, d, *_: d == buyer)),
        (Selection(empresa="00000000000000"), set()),
        (Selection(de=date.fromisoformat(day)), chosen(lambda e, d, on, *_: on and on >= day)),
        (Selection(ate=date.fromisoformat(day)), chosen(lambda e, d, on, *_: on and on <= day)),
        (Selection(ate=date.max), chosen(lambda e, d, on, *_: on)),
        (Selection(status="cancelada"), chosen(lambda e, d, on, status, _: status == "cancelada")),
        (Selection(modelo="65"), chosen(lambda e, d, on, status, model: model == "65")),
        (Selection(chaves=(rows[1][0], rows[2][0])), {rows[1][0], rows[2][0]}),
        (Selection(chaves=()), set()),
    ]
    for selection, expected in cases:
        for shelf in each:
            for name in ("notas", "itens", "xml_notas"):
                for limit in (2, 1000):
                    found = [row[1] for row in await read(shelf, name, selection, limit)]
                    assert set(found) == expected, (selection, name)
                    assert len(found) == len(expected) * (3 if name == "itens" else 1)


async def test_a_company_has_what_it_issued_and_what_it_received(each):
    for shelf in each:
        shelf.run("update notas_fiscais set destinatario_id = emitente_id where id = 1")
        company = shelf.one(
            "select cpf_cnpj from empresas where id ="
            " (select emitente_id from notas_fiscais where id = 1)"
        )[0]

        found = await read(shelf, "notas", Selection(empresa=company))

        to_itself = [row[0] for row in found if row[1] == NOTES[0].chave]
        assert to_itself == [Papel.EMITENTE]


async def test_events_and_other_documents_are_chosen_by_whom_they_are_about(each):
    for shelf in each:
        orphan = await read(shelf, "eventos", Selection(empresa="11222333000181"))
        assert "35260311222333000181550010000000771000000070" in {row[1] for row in orphan}
        about = await read(shelf, "eventos", Selection(chaves=(NOTES[0].chave,)))
        assert [row[2] for row in about] == ["110111"]
        freight = await read(shelf, "documentos", Selection(empresa="11222333000181"))
        assert [row[1] for row in freight] == [CTE_KEY]
        assert await read(shelf, "documentos", Selection(empresa="00000000000000")) == []
        assert await read(shelf, "eventos", Selection(modelo="65", empresa="11222333000181")) == []


async def test_a_long_number_comes_to_its_last_digit(each):
    exact = {
        Decimal(row[0])
        for row in each[0].rows("select valor_unitario_comercial_exato from nf_itens")
    }
    for shelf in each:
        at = subjects()["itens"].position("valor_unitario_comercial") + 1
        found = {Decimal(row[at]) for row in await read(shelf, "itens")}
        assert found == exact


async def test_a_page_goes_on_by_an_index_and_sorts_nothing_but_equals(each):
    path = each[0].pages._path
    after = ("2026-01-01 00:00:00", 1, 1)
    for name in ("notas", "itens", "xml_notas"):
        subject = subjects()[name]
        for values in ({}, {"emitente": "1"}, {"since": "2026-01-01 00:00:00"}):
            search = Search(subject, values, True, after[: len(subject.order)], 10)
            query, named = question(search)
            with sqlite3.connect(path) as connection:
                plan = connection.execute(f"explain query plan {query}", named).fetchall()
            told = [row[3] for row in plan]
            assert any("SEARCH n USING INDEX ix_notas_fiscais_em" in line for line in told), told
            assert not any("SCAN" in line for line in told), told
            assert not any("TEMP B-TREE FOR ORDER BY" in line for line in told), told
