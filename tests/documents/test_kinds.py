"""Everything that a file can be, and what is stored of it, in any order of arrival."""

import sqlite3
from dataclasses import replace
from itertools import permutations

import pytest

from bench.generator import check_digit
from nfed.core.outcome import Duplicate, Imported, Refused, Updated, of_file
from nfed.core.ports import Incoming
from nfed.documents import documents_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.document import Document
from nfed.errors import InvalidAccessKey, InvalidSignature, NotFiscal
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.notes import note
from tests.support.other_documents import (
    answer,
    bare,
    cte,
    distribution,
    event,
    nfse,
    nfse_event,
    proc_event,
    protocol,
    summary,
    unused_numbers,
)

CHECKS = Checks(schema=Policy.OFF, signature=Policy.OFF, authorisation=Policy.OFF)
FIRST_43 = "352603112223330001815700100000007710000000" + "7"
CTE_KEY = FIRST_43 + check_digit(FIRST_43)


@pytest.fixture
async def store(tmp_path):
    made = SQLiteStore(tmp_path / "nfed.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def database(tmp_path, store):
    connection = sqlite3.connect(tmp_path / "nfed.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def read(content) -> list[Document]:
    documents = documents_from(content if isinstance(content, bytes) else content.encode(), CHECKS)
    assert all(isinstance(each, Document) for each in documents), documents
    return documents


async def put(store, *contents):
    """One chunk of files; an outcome for each document."""
    incoming = [
        Incoming(document, f"{number}.xml")
        for number, content in enumerate(contents)
        for document in read(content)
    ]
    return await store.store(incoming, "job-1")


def names(outcomes) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def one(database, query, *parameters):
    rows = database.execute(query, parameters).fetchall()
    assert len(rows) == 1, [dict(row) for row in rows]
    return rows[0]


def count(database, table):
    return database.execute(f"select count(*) from {table}").fetchone()[0]


def key_of(xml: bytes) -> str:
    return read(xml)[0].chave


NOTE = note(1)
KEY = key_of(NOTE)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("in_one_chunk", [True, False])
async def test_a_cancellation_reaches_its_note_in_either_order(
    store, database, order, in_one_chunk
):
    files = [NOTE, proc_event(KEY)]
    files = [files[at] for at in order]

    if in_one_chunk:
        assert names(await put(store, *files)) == ["Imported", "Imported"]
    else:
        for each in files:
            assert names(await put(store, each)) == ["Imported"]

    row = one(database, "select * from notas_fiscais")
    assert row["status"] == "cancelada"
    assert row["protocolo_cancelamento"] == "135260000000001"
    assert row["justificativa_cancelamento"] == "erro de digitação"
    assert row["data_hora_cancelamento"] == "2026-03-02 10:00:05"
    assert row["data_hora_cancelamento_tz"] == "2026-03-02T10:00:05-03:00"
    assert row["codigo_status"] == "100"
    assert names(await put(store, NOTE, proc_event(KEY))) == ["Duplicate", "Duplicate"]
    assert one(database, "select status from notas_fiscais")[0] == "cancelada"


async def test_a_protocol_after_a_cancellation_is_stored_and_undoes_nothing(store, database):
    await put(store, bare(NOTE))
    await put(store, proc_event(KEY, "110112"))

    outcomes = await put(store, NOTE)

    assert names(outcomes) == ["Updated"]
    row = one(database, "select status, codigo_status, numero_protocolo from notas_fiscais")
    assert row["status"] == "cancelada"
    assert row["codigo_status"] == "100"
    assert row["numero_protocolo"]


@pytest.mark.parametrize(("cstat", "status"), [("573", "autorizada"), ("155", "cancelada")])
async def test_only_a_registered_cancellation_counts(store, database, cstat, status):
    await put(store, NOTE, proc_event(KEY, cstat=cstat))

    assert one(database, "select status from notas_fiscais")[0] == status


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_an_event_is_whole_when_what_was_sent_and_its_answer_have_come(
    store, database, order
):
    files = [event(KEY), answer(KEY), NOTE]

    for at in order:
        await put(store, files[at])

    row = one(database, "select * from nf_eventos")
    assert (row["status"], row["texto"], row["numero_protocolo"]) == (
        "registrado",
        "erro de digitação",
        "135260000000001",
    )
    note_row = one(database, "select * from notas_fiscais")
    assert note_row["status"] == "cancelada"
    assert note_row["justificativa_cancelamento"] == "erro de digitação"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_carta_de_correcao_fills_nf_cce_in_any_order(store, database, order):
    text = "<xCorrecao>Onde se lê 1, leia-se 2</xCorrecao><xCondUso>A Carta…</xCondUso>"
    files = [
        NOTE,
        proc_event(KEY, "110110", 1, text=text),
        proc_event(KEY, "110110", 2, text=text.replace("leia-se 2", "leia-se 3")),
    ]

    for at in order:
        await put(store, files[at])
    await put(store, *files)

    rows = database.execute("select * from nf_cce order by sequencia_evento").fetchall()
    assert [row["correcao"] for row in rows] == [
        "Onde se lê 1, leia-se 2",
        "Onde se lê 1, leia-se 3",
    ]
    assert [row["codigo_status"] for row in rows] == ["135", "135"]
    assert one(database, "select status from notas_fiscais")[0] == "autorizada"


async def test_any_type_of_event_is_kept_with_all_its_fields(store, database):
    text = '<cOrgaoAutor>35</cOrgaoAutor><dest x="1"><UF>SP</UF><vNF>10.00</vNF></dest>'

    outcomes = await put(store, proc_event(KEY, "110140", text=text))

    assert names(outcomes) == ["Imported"]
    fields = database.execute("select caminho, valor from nf_eventos_campos order by ordem")
    assert [tuple(row) for row in fields] == [
        ("@versao", "1.00"),
        ("cOrgaoAutor", "35"),
        ("dest/@x", "1"),
        ("dest/UF", "SP"),
        ("dest/vNF", "10.00"),
    ]


@pytest.mark.parametrize("chunks", [1, 2])
async def test_an_event_sent_again_after_a_rejection_replaces_the_rejected_one(
    store, database, chunks
):
    first = proc_event(KEY, text="<xJust>primeira</xJust><vNF>1.00</vNF>", cstat="501")
    second = proc_event(KEY, text="<xJust>segunda</xJust><vNF>2.00</vNF>")

    await put(store, NOTE)
    outcomes = [
        outcome
        for files in ([[first, second]] if chunks == 1 else [[first], [second]])
        for outcome in await put(store, *files)
    ]

    assert names(outcomes) == ["Imported", "Updated"]
    row = one(database, "select * from nf_eventos")
    assert (row["status"], row["texto"]) == ("registrado", "segunda")
    fields = database.execute("select caminho, valor from nf_eventos_campos order by ordem")
    assert [tuple(each) for each in fields] == [("@versao", "1.00"), ("vNF", "2.00")]
    assert one(database, "select status from notas_fiscais")[0] == "cancelada"
    assert names(await put(store, first)) == ["Duplicate"]


async def test_a_manifestation_leaves_the_note_as_it_is(store, database):
    await put(store, NOTE, proc_event(KEY, "210200", text=""))

    assert one(database, "select status from notas_fiscais")[0] == "autorizada"
    assert one(database, "select tipo_evento from nf_eventos")[0] == "210200"


async def test_another_event_under_the_same_number_is_a_conflict(store):
    await put(store, proc_event(KEY))

    outcomes = await put(store, proc_event(KEY, text="<xJust>outra coisa</xJust>"))

    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].error_type == "ConflictingDocument"
    assert outcomes[0].error.startswith(f"event 110111-{KEY}-1-35 is already stored")


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_protocol_alone_authorises_the_bare_note(store, database, order):
    files = [bare(NOTE), protocol(KEY)]

    for at in order:
        assert names(await put(store, files[at])) == ["Imported"]

    row = one(database, "select * from notas_fiscais")
    assert (row["status"], row["codigo_status"]) == ("autorizada", "100")
    assert row["numero_protocolo"] == "135260000000009"
    assert row["data_hora_recebimento_tz"] == "2026-03-01T10:00:00-03:00"


async def test_a_rejected_protocol_does_not_undo_an_authorised_one(store, database):
    await put(store, NOTE, protocol(KEY, "204", ""))

    assert one(database, "select status from notas_fiscais")[0] == "autorizada"


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("in_one_chunk", [True, False])
async def test_a_summary_gives_way_to_the_whole_note(store, database, order, in_one_chunk):
    files = [summary(KEY), NOTE]
    files = [files[at] for at in order]

    for chunk in [files] if in_one_chunk else [[each] for each in files]:
        outcomes = await put(store, *chunk)

        assert not any(isinstance(each, Refused) for each in outcomes)
    assert count(database, "nf_resumos") == 0
    assert count(database, "notas_fiscais") == 1


async def test_a_summary_alone_is_kept(store, database):
    assert names(await put(store, summary(KEY))) == ["Imported"]
    assert names(await put(store, summary(KEY))) == ["Duplicate"]

    row = one(database, "select * from nf_resumos")
    assert (row["tipo"], row["valor_total_nota"], row["nome"]) == ("nota", 10, "FORNECEDOR")


async def test_unused_numbers_have_a_table(store, database):
    assert names(await put(store, unused_numbers())) == ["Imported"]
    assert names(await put(store, unused_numbers())) == ["Duplicate"]

    row = one(database, "select * from nf_inutilizacoes")
    assert (row["numero_inicial"], row["numero_final"], row["status"]) == (10, 12, "homologada")


async def test_another_fiscal_document_is_known_by_its_key_and_kept_whole(store, database):
    whole = cte(CTE_KEY)

    outcomes = await put(store, cte(CTE_KEY, protocol_too=False))
    again = await put(store, whole, whole)

    assert names(outcomes) == ["Imported"]
    assert names(again) == ["Updated", "Duplicate"]
    row = one(database, "select * from dfe_documentos")
    assert (row["chave_acesso"], row["modelo"], row["numero"]) == (CTE_KEY, "57", 77)
    assert (row["emitente_nome"], row["destinatario_nome"]) == ("TRANSPORTADORA", "DESTINO")
    assert (row["tomador_papel"], row["tomador_nome"]) == ("3", "DESTINO")
    assert (row["valor_total"], row["status"]) == (1234.56, "autorizada")
    assert row["xml"] == whole.decode()


NS = 'xmlns="http://www.portalfiscal.inf.br/nfe"'
WRAPPED = {
    "lot": f'<enviNFe {NS} versao="4.00"><idLote>1</idLote>{bare(NOTE)}{bare(note(2))}</enviNFe>',
    "soap": '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><x:r '
    f'xmlns:x="urn:x">{bare(NOTE)}{bare(note(2))}</x:r></soap:Body></soap:Envelope>',
    "distribution": distribution(NOTE, bare(note(2))),
    "escaped": f"<resposta><xml><![CDATA[{bare(NOTE)}]]></xml>{bare(note(2))}</resposta>",
}


@pytest.mark.parametrize("wrapper", WRAPPED)
async def test_each_note_of_a_wrapper_is_stored_on_its_own(store, database, wrapper):
    outcomes = await put(store, WRAPPED[wrapper])

    assert names(outcomes) == ["Imported", "Imported"]
    assert count(database, "notas_fiscais") == 2
    assert names(await put(store, NOTE, note(2)))[0] in ("Updated", "Duplicate")
    texts = database.execute("select chave_acesso, xml_completo from notas_fiscais").fetchall()
    assert all(row["chave_acesso"] in row["xml_completo"] for row in texts)
    assert all(row["xml_completo"].count("<infNFe") == 1 for row in texts)


async def test_an_event_inside_the_note_s_own_file_is_taken_too(store, database):
    inside = NOTE.replace(b"</nfeProc>", answer(KEY).encode() + b"</nfeProc>")

    assert names(await put(store, inside)) == ["Imported", "Imported"]
    assert one(database, "select status from notas_fiscais")[0] == "cancelada"


async def test_the_answer_to_a_query_brings_protocol_and_events(store, database):
    query = (
        f'<retConsSitNFe {NS} versao="4.00"><cStat>101</cStat>{protocol(KEY)}'
        f"{proc_event(KEY).decode()}</retConsSitNFe>"
    )

    assert names(await put(store, bare(NOTE), query)) == ["Imported", "Imported", "Imported"]

    row = one(database, "select status, codigo_status from notas_fiscais")
    assert (row["status"], row["codigo_status"]) == ("cancelada", "100")


async def test_the_state_s_download_without_a_protnfe_counts_as_authorised(store, database):
    download = (
        f'<nfeProc {NS} versao="4.00"><dhInc>2026-03-01T10:00:00-03:00</dhInc>'
        f"<nProt>135260000000042</nProt>{bare(NOTE)}</nfeProc>"
    )

    assert names(await put(store, download)) == ["Imported"]
    row = one(database, "select status, numero_protocolo from notas_fiscais")
    assert tuple(row) == ("autorizada", "135260000000042")
    assert names(await put(store, download)) == ["Duplicate"]
    assert names(await put(store, NOTE)) == ["Updated"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("101101", "cancelada"),
        ("105102", "cancelada"),  # by substitution
        ("105104", "cancelada"),  # granted by the municipality
        ("305101", "cancelada"),  # the municipality's own
        ("105105", "autorizada"),  # not granted
        ("202201", "autorizada"),
    ],
)
async def test_an_event_that_cancels_an_nfse_does_so_whatever_its_type(
    store, database, kind, status
):
    chave = "3550308" + "22" + "0X0J92JY000196" + "0000000000077" + "2603" + "1234567890"

    await put(store, nfse(chave))
    await put(store, nfse_event(chave, kind))

    row = one(database, "select * from dfe_documentos where especie = 'documento'")
    assert (row["chave_acesso"], row["status"]) == (chave, status)


def test_a_protocol_before_the_note_is_found():
    text = NOTE.decode()
    begins = text.index("<protNFe")
    ends = text.index("</protNFe>") + len("</protNFe>")
    inside = text.index("<NFe")
    turned = text[:inside] + text[begins:ends] + text[inside:begins] + text[ends:]

    document = read(turned)[0]

    assert document.status == "autorizada"


def test_elements_without_a_namespace_are_read_and_validated():
    plain = bare(NOTE).replace(f" {NS}", "")
    documents = documents_from(f"<nfeProc>{plain}</nfeProc>".encode(), Checks(signature=Policy.OFF))

    assert isinstance(documents[0], Document)
    assert documents[0].chave == KEY
    broken = plain.replace("<natOp>", "<natOpx>").replace("</natOp>", "</natOpx>")
    found = documents_from(broken.encode(), Checks(signature=Policy.OFF))[0].findings
    assert any(each.code == "XSD" and "natOpx" in each.text for each in found)


@pytest.mark.parametrize("layout", ["3.10", "2.00", "1.10"])
def test_old_layouts_are_read(layout):
    old = bare(NOTE).replace('versao="4.00"', f'versao="{layout}"')

    document = read(old)[0]

    assert document.rows["notas_fiscais"][0]
    assert not [each for each in document.findings if each.code == "XSD"]


def test_an_answer_about_another_note_is_told_and_kept():
    other = key_of(note(2))
    text = proc_event(KEY).decode()
    at = text.index("<retEvento")
    mixed = (text[:at] + text[at:].replace(KEY, other)).encode()

    (refused,) = documents_from(mixed, CHECKS)
    (warned,) = documents_from(mixed, replace(CHECKS, key=Policy.WARN))

    assert isinstance(refused, InvalidAccessKey)
    assert other in str(refused)
    assert [each.code for each in warned.findings] == ["KEY"]
    assert warned.rows["nf_eventos_campos"][-1][2:] == ["retEvento/infEvento/chNFe", other]


def test_the_signature_of_an_event_is_checked_by_its_policy():
    unsigned = proc_event(KEY)
    checks = Checks(schema=Policy.OFF)

    (warned,) = documents_from(unsigned, checks)
    (refused,) = documents_from(unsigned, replace(checks, signature=Policy.REFUSE))
    (ignored,) = documents_from(unsigned, replace(checks, signature=Policy.OFF))
    (answered,) = documents_from(answer(KEY).encode(), checks)

    assert [each.code for each in warned.findings] == ["SIG-MISSING"]
    assert isinstance(refused, InvalidSignature)
    assert (ignored.findings, answered.findings) == ((), ())


def test_what_only_bears_the_name_is_refused_and_named():
    with pytest.raises(NotFiscal, match="<RetornoConsulta>"):
        documents_from(b"<RetornoConsulta><NFe><Numero>1</Numero></NFe></RetornoConsulta>", CHECKS)


def test_one_bad_document_of_a_lot_costs_only_itself():
    lot = WRAPPED["lot"].replace(KEY, KEY[:43] + str((int(KEY[43]) + 1) % 10))

    first, second = documents_from(lot.encode(), CHECKS)

    assert not isinstance(first, Document)
    assert isinstance(second, Document)


def test_a_packed_document_that_cannot_be_read_costs_only_itself():
    first, second = documents_from(distribution("lixo", NOTE), CHECKS)

    assert "cannot be read" in str(first)
    assert isinstance(second, Document)


def test_a_packed_document_that_swells_without_end_is_refused():
    swollen = distribution(b"<NFe>" + b" " * (64 << 20) + b"</NFe>")

    (only,) = documents_from(swollen, CHECKS)

    assert "unpacks to more than" in str(only)


def test_a_file_of_several_documents_ends_as_one():
    ok = Imported("1" * 44)
    bad = Refused("no key", "InvalidAccessKey", "ask")

    assert isinstance(of_file([ok, Duplicate("2" * 44)]), Imported)
    assert isinstance(of_file([Updated("1" * 44), Duplicate("2" * 44)]), Updated)
    refused = of_file([ok, bad, ok])
    assert isinstance(refused, Refused)
    assert "1 of 3 documents" in refused.error
    assert "document 2: no key" in refused.error
    assert len(refused.findings) == 3
