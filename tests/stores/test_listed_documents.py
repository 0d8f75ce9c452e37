"""CT-e, NFS-e and the rest are listed and told as notes are, the same in every store."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from nfed.core.other_documents import DocumentFilter, Related
from nfed.core.ports import ListOrder, NoteFilter
from tests.support.municipal import abrasf_1
from tests.support.other_documents import cte, cte_cancellation, unused_numbers
from tests.support.stores import shelves

KINDS = ("sqlite", "postgresql", "supabase")
KEYS = [f"352603112223330001815700100000007{n:02}1000000073" for n in range(8)]
KEYS = [f"{key[:43]}{n}" for n, key in enumerate(KEYS)]


@pytest.fixture(params=KINDS)
async def shelf(request, tmp_path, postgres, migrated, supabase_session):
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            shelves(request.param, tmp_path, postgres, migrated, supabase_session)
        )
        shelf = await made.new()
        await shelf.put(*(cte(key) for key in KEYS), cte_cancellation(KEYS[3]))
        await shelf.put(abrasf_1(15), unused_numbers())
        shelf.run(
            """
            update dfe_documentos set valor_total = 10 * id, serie = id % 2
             where especie = 'documento';
            update dfe_documentos set emitente_nome = 'Transportes São João' where id % 3 = 0
               and especie = 'documento';
            update dfe_documentos set tomador_cpf_cnpj = '11222333000181' where id % 4 = 0;
            """
        )
        yield shelf


async def listed(shelf, wanted, size=3):
    found, after = [], None
    while True:
        page = await shelf.notes.documents(wanted, after, size)
        found += [each.chave for each in page.lines]
        after = page.next
        if after is None:
            return found


def stored(shelf, condition="true"):
    return [
        row[0]
        for row in shelf.rows(
            "select chave_acesso from dfe_documentos where especie = 'documento' and "
            f"{condition} order by data_hora_emissao desc, id desc"
        )
    ]


async def test_documents_are_listed_as_is_asked_for_and_events_are_none(shelf):
    everything = stored(shelf)
    assert len(everything) == len(KEYS) + 1

    for wanted, condition in (
        (DocumentFilter(), "true"),
        (DocumentFilter(tipo="CTe"), "tipo = 'CTe'"),
        (DocumentFilter(tipo="NFSeMunicipal"), "tipo = 'NFSeMunicipal'"),
        (DocumentFilter(modelo="57", serie="1"), "modelo = '57' and serie = '1'"),
        (DocumentFilter(status="cancelada"), "status = 'cancelada'"),
        (DocumentFilter(emitente="11222333000181"), "emitente_cpf_cnpj = '11222333000181'"),
        (DocumentFilter(tomador="11222333000181"), "tomador_cpf_cnpj = '11222333000181'"),
        (DocumentFilter(texto="sao joao"), "emitente_nome = 'Transportes São João'"),
        (
            DocumentFilter(valor_de=Decimal(20), valor_ate=Decimal(50)),
            "valor_total between 20 and 50",
        ),
        (DocumentFilter(ate=date(2026, 3, 4)), "data_hora_emissao < '2026-03-05'"),
    ):
        assert await listed(shelf, wanted) == stored(shelf, condition), wanted
        assert stored(shelf, condition), condition


async def test_documents_come_by_value(shelf):
    assert await listed(shelf, DocumentFilter(ordem=ListOrder.CHEAPEST)) == [
        row[0]
        for row in shelf.rows(
            "select chave_acesso from dfe_documentos where especie = 'documento' "
            "order by valor_total, id"
        )
    ]


async def test_a_document_is_told_whole_with_its_xml(shelf):
    told = await shelf.notes.document(KEYS[0])
    page = await shelf.notes.documents(DocumentFilter(texto="sao joao"), None, 1)

    assert told is not None
    assert (told["chave_acesso"], told["tipo"]) == (KEYS[0], "CTe")
    assert len(told["cte"]) == 1
    assert not {"id", "xml"} & told.keys()
    assert await shelf.notes.document_xml(KEYS[0]) == cte(KEYS[0]).decode()
    assert await shelf.notes.document("1" * 44) is None
    assert await shelf.notes.document_xml("1" * 44) is None
    assert page.lines[0].emitente_nome == "Transportes São João"
    assert page.lines[0].emitida_em is not None
    assert page.lines[0].valor_total.endswith("0.00")


async def test_what_cites_a_document_is_told_whether_it_is_stored_or_not(shelf):
    carried = "<infCTeNorm><infDoc><infNFe><chave>{}</chave></infNFe></infDoc></infCTeNorm>"
    key = f"{KEYS[0][:25]}9{KEYS[0][26:]}"
    await shelf.put(
        cte(key).replace(b"</infCte>", carried.format("1" * 44).encode() + b"</infCte>")
    )

    (cited,) = await shelf.notes.related(key)
    (citing,) = await shelf.notes.related("1" * 44)

    assert cited == Related("cita", "transportada", "1" * 44, None)
    assert citing == Related("citado por", "transportada", key, "cte")
    assert await shelf.notes.related(KEYS[1]) == []
    assert await shelf.notes.related("' or 1=1 --") == []


async def test_ranges_of_numbers_are_listed_and_found_by_a_number_within(shelf):
    everything = await shelf.notes.unused(NoteFilter(), None, 10)

    (only,) = everything.lines
    assert everything.next is None
    assert (only.numero_inicial, only.numero_final, only.status) == (10, 12, "homologada")
    assert (only.emitente, only.recebida_em) == ("11222333000181", "2026-03-01T10:00:00-03:00")
    chosen = NoteFilter(emitente="11222333000181", modelo="55", ambiente="2", serie="1", numero=11)
    assert (await shelf.notes.unused(chosen, None, 10)).lines == [only]
    for other in (replace(chosen, numero=13), replace(chosen, ate=date(2026, 2, 28))):
        assert (await shelf.notes.unused(other, None, 10)).lines == []
