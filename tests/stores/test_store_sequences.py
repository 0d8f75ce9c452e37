"""Every store decides alike: the same random chunks into each, then a look at all they hold."""

import random
from contextlib import AsyncExitStack

import pytest

from bench.generator import with_protocol
from nfed.core.outcome import Duplicate, Outcome, Refused
from nfed.documents.layout import tables
from nfed.documents.layout.columns import EXACT_SUFFIX, Table
from nfed.stores.tables import Backend, stored_columns
from tests.stores.test_store_contract import KINDS, comparable, key_of
from tests.support.notes import note, with_value
from tests.support.other_documents import (
    answer,
    distribution,
    event,
    proc_event,
    protocol,
    summary,
)
from tests.support.stores import Shelf, incoming, shelves

PARTIES = """
select n.chave_acesso, e.cpf_cnpj, e.razao_social, d.cpf_cnpj, d.id_estrangeiro, d.razao_social
  from notas_fiscais n
  left join empresas e on e.id = n.emitente_id left join empresas d on d.id = n.destinatario_id
"""
EVENT_FIELDS = """
select e.identificador, c.ordem, c.caminho, c.valor
  from nf_eventos e join nf_eventos_campos c on c.nf_evento_id = e.id
"""


@pytest.fixture
async def each(tmp_path, postgres, migrated, supabase_session):
    """A shelf of every kind."""
    async with AsyncExitStack() as stack:
        yield {
            kind: await (
                await stack.enter_async_context(
                    shelves(kind, tmp_path, postgres, migrated, supabase_session)
                )
            ).new()
            for kind in KINDS
        }


def files_about(number: int) -> list[str | bytes]:
    """Whatever can come about one note, with what contradicts it."""
    whole, bare = note(number, items=1), note(number, items=1, authorised=False)
    chave = key_of(whole)
    fix = "110110"
    return [
        *(whole, bare, with_value(whole, "xProd", "Outra"), with_value(bare, "xProd", "Outra")),
        *(with_protocol(bare, c_stat=cstat) for cstat in ("225", "101", "302")),
        *(protocol(chave, cstat, f"1352600000000{cstat}") for cstat in ("100", "101", "110")),
        *(protocol(chave, "225", ""), summary(chave), summary(chave, "2"), summary(chave, "3")),
        *(event(chave), event(chave, text="<xJust>dois</xJust><v>2</v>")),
        *(answer(chave, cstat=cstat) for cstat in ("135", "136", "501")),
        *(proc_event(chave, cstat="501"), proc_event(chave, text="<xJust>tres</xJust><w>3</w>")),
        proc_event(chave, text="<xJust>quatro</xJust><v>4</v><w>4</w>", cstat="501"),
        *(event(chave, fix, text="<xCorrecao>A</xCorrecao>"), answer(chave, fix)),
        *(answer(chave, fix, cstat="573"), answer(chave, fix, 2)),
        *(proc_event(chave, fix, n, text="<xCorrecao>B</xCorrecao>") for n in (1, 2)),
        proc_event(chave, fix, text="<xCorrecao>C</xCorrecao><k>1</k>", cstat="501"),
        proc_event(chave, "110112", text="<xJust>por substituição</xJust>"),
        distribution(summary(chave), whole, proc_event(chave)),
        distribution(summary(chave, "3"), bare, answer(chave)),
    ]


def told(outcome: Outcome) -> tuple[str, str | None]:
    """What it is, and of which file it speaks."""
    match outcome:
        case Duplicate():
            return "Duplicate", outcome.stored_from
        case Refused():
            return "Refused", outcome.error
    return type(outcome).__name__, None


def rows_of(shelf: Shelf, kind: str, table: Table) -> list[tuple[str, ...]]:
    """All but the numbers of rows, which are each database's own."""
    names = [
        name
        for name in stored_columns(table, Backend.POSTGRES)
        if name not in ("emitente_id", "destinatario_id")
    ]
    chosen = [
        name + EXACT_SUFFIX
        if kind == "sqlite" and name + EXACT_SUFFIX in table.stored_names
        else name
        for name in names
    ]
    found = shelf.rows(f"select {', '.join(chosen)} from {table.name}")
    return sorted(comparable(names, row) for row in found)


async def test_the_same_chunks_become_the_same_rows_in_every_store(each):
    order = random.Random(20)

    for number in range(3000, 3040):
        files = files_about(number)
        drawn = order.choices(files, k=order.randint(3, 14))
        while drawn:
            size = order.randint(1, 8)
            chunk, drawn = drawn[:size], drawn[size:]
            outcomes = {
                kind: [told(one) for one in await shelf.store.store(incoming(*chunk), f"{number}")]
                for kind, shelf in each.items()
            }
            for kind in KINDS[1:]:
                assert outcomes[kind] == outcomes["sqlite"], (number, kind)

    for kind in KINDS[1:]:
        for table in tables().values():
            assert rows_of(each[kind], kind, table) == rows_of(each["sqlite"], "sqlite", table), (
                kind,
                table.name,
            )
        for query in (PARTIES, EVENT_FIELDS):
            assert sorted(map(repr, each[kind].rows(query))) == sorted(
                map(repr, each["sqlite"].rows(query))
            ), kind
