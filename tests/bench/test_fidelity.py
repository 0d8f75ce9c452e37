"""Every leaf of a note is in the database as the note says it, and nfelib reads it alike."""

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from bench import fidelity
from bench.fidelity_others import FoundElsewhere, compare_others
from bench.fidelity_reading import notes, root_of
from bench.fidelity_stored import compare
from nfed.core.ports import Incoming
from nfed.documents import document_from, documents_from
from nfed.documents.checks import Checks
from nfed.documents.layout import positions
from nfed.documents.xml.find import find_documents
from nfed.errors import DocumentError
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.full_notes import full_notes
from tests.support.municipal import CANCELLED, abrasf_1, abrasf_2, coupon
from tests.support.notes import generator, with_value, without
from tests.support.other_documents import (
    cte,
    distribution,
    other_event,
    proc_event,
    protocol,
    summary,
    unused_numbers,
)

UNCHECKED = Checks.none()


def compare_file(name, content, found, documents=None):
    try:
        documents = documents or documents_from(content, UNCHECKED)
    except DocumentError:
        return
    compare_others(name, list(find_documents(root_of(content), "")), documents, found)


DATA = Path(__file__).parents[1] / "data" / "dfe"
_KEY = "35260311222333000181550010000000771000000071"


@pytest.mark.parametrize(
    ("lot", "fewest_leaves"),
    [(lambda: fidelity.generated(60), 90_000), (fidelity.samples, 6_500)],
    ids=["generator", "nfelib"],
)
def test_no_leaf_is_missing_or_wrong_and_nfelib_reads_all_alike(lot, fewest_leaves):
    report = fidelity.measure(lot())

    assert (report.found.missing, report.found.wrong, report.differing) == ([], [], [])
    assert report.found.leaves > fewest_leaves
    assert report.found.stored + report.found.listed == report.found.leaves
    assert report.found.aside == 0
    assert report.found.listed < report.found.leaves / 100
    assert report.equal > fewest_leaves
    assert report.unread.keys() <= {"protNFe/infProt/cMsg", "protNFe/infProt/xMsg"}
    assert not report.refused


def test_no_leaf_of_another_kind_is_missing_or_wrong():
    found = FoundElsewhere()
    real = [(path.name, path.read_bytes()) for path in sorted(DATA.glob("*.xml"))]
    made_up = [
        ("abrasf 1.00", abrasf_1(more=CANCELLED).encode()),
        ("abrasf 2.04", abrasf_2().encode()),
        ("cf-e", coupon("35240311222333000181590000123450000771234561").encode()),
    ]

    for name, content in (*real, *made_up, *fidelity.other_samples()):
        compare_file(name, content, found)

    assert (found.missing, found.wrong) == ([], [])
    assert found.documents > 30
    assert found.stored > 1800
    assert found.listed < found.stored / 5


def report_of(*files):
    report = fidelity.measure((f"{number}.xml", xml) for number, xml in enumerate(files))
    faults = (report.found.missing, report.found.wrong, report.others.missing, report.others.wrong)
    return report, [each for found in (*faults, report.beside.missing) for each in found]


def test_what_stands_around_a_note_and_its_protocol_is_kept_aside():
    note = generator().note(3, rich=False, authorised=True).xml
    note = note.replace(b"</nfeProc>", b"<dhInc>2026-01-02</dhInc></nfeProc>")
    note = note.replace(b"</infNFe>", b"</infNFe><meuERP cliente='7'/>", 1)

    report, faults = report_of(note)

    assert faults == []
    assert report.found.aside == 2


def test_the_protocol_of_a_download_of_sefaz_sp_is_compared_with_its_note():
    note = generator().note(3, rich=False, authorised=False).xml
    note = b"<nfeProc>" + note[note.index(b"<NFe") :]
    note += b"<nProt>135260000000001</nProt><dhInc>2026-01-02T10:00:00</dhInc></nfeProc>"

    report, faults = report_of(note)

    assert faults == []
    assert (report.found.documents, report.found.aside) == (1, 1)


def test_fields_that_an_event_repeats_are_compared_one_by_one():
    text = "<itemPedido><v>1</v></itemPedido><itemPedido><v>2</v></itemPedido><xJust>a</xJust>"
    again = "<xJust>outra vez</xJust>"

    report, faults = report_of(proc_event(_KEY, "110150", text=text + again))

    assert faults == []
    assert report.others.documents == 1


@pytest.mark.parametrize("kind", ["CTe", "MDFe"])
def test_all_that_an_event_of_another_kind_says_is_stored(kind):
    """Its author, the answer's own words, and what stands around both."""
    xml = other_event(_KEY, kind).replace("</detEvento>", "</detEvento><novo>1</novo>", 1)
    xml = xml.replace("</retEvento", "<perto de='x'/></retEvento", 1)
    xml = xml.replace(f"</procEvento{kind}>", f"<dhInc>hoje</dhInc></procEvento{kind}>")

    report, faults = report_of(xml.encode())
    document = document_from(xml.encode(), UNCHECKED)

    assert faults == []
    assert report.others.documents == 1
    fields = {path: value for _, _, path, value in document.rows["dfe_eventos_campos"]}
    assert fields[f"procEvento{kind}/dhInc"] == "hoje"
    assert fields[f"retEvento{kind}/perto/@de"] == "x"
    assert fields[f"evento{kind}/infEvento/novo"] == "1"
    assert fields[f"evento{kind}/infEvento/CNPJ"] == "11222333000181"


def test_what_stands_around_another_document_and_its_protocol_is_kept_aside():
    xml = (DATA / "cte-4.00.xml").read_bytes()
    xml = xml.replace(b"</cteProc>", b"<ipTransmissor>10.0.0.1</ipTransmissor></cteProc>")
    xml = xml.replace(b"</infProt>", b"<novo>1</novo></infProt>", 1)

    _, faults = report_of(xml)
    document = document_from(xml, UNCHECKED)

    assert faults == []
    assert [(row[1], row[2]) for row in document.rows["dfe_outros_valores"]] == [
        ("protCTe/infProt/novo", "1"),
        ("cteProc/ipTransmissor", "10.0.0.1"),
    ]


def test_what_a_wrapper_says_is_listed_with_a_reason_or_missing():
    note = generator().note(3, rich=False, authorised=False).xml
    note = note[note.index(b"<NFe") :]
    lot = b"<enviNFe versao='4.00'><idLote>7</idLote>" + note + b"<meu>x</meu></enviNFe>"

    report, faults = report_of(lot)

    assert report.beside.listed == 2
    assert faults == ["0.xml: <enviNFe/meu> 'x' is in no document"]


def test_documents_in_archives_and_with_dirt_around_them_are_compared(tmp_path):
    note = generator().note(3, rich=False).xml
    with zipfile.ZipFile(tmp_path / "notas.zip", "w") as archive:
        archive.writestr("a.xml", note)
        archive.writestr("b.xml", b"\xef\xbb\xbf\xef\xbb\xbf" + note + b"\0\0")

    report = fidelity.measure(fidelity.files(tmp_path))

    assert report.is_faithful
    assert report.found.documents == 2


def test_a_signature_s_digest_that_is_stored_otherwise_is_wrong(stored):
    connection, note = stored
    connection.execute("update notas_fiscais set digest_assinatura = 'x'")

    found = compare(connection, note)

    assert [each.split(":")[0] for each in found.wrong] == ["notas_fiscais.digest_assinatura"]


def test_a_value_of_another_kind_that_is_lost_or_mixed_up_shows():
    """The comparison reads the file itself, so it sees what the rows do not say."""
    xml = (DATA / "cte-4.00.xml").read_bytes()
    document = document_from(xml, UNCHECKED)
    row = document.rows["cte"][0]
    at = positions("cte")
    row[at["cfop"]], row[at["modal"]] = "9999", None
    found = FoundElsewhere()

    compare_file("cte", xml, found, [document])

    assert [each.split()[1] for each in found.wrong] == ["<CTe/infCte/ide/CFOP>"]
    assert [each.split()[1] for each in found.missing] == ["<CTe/infCte/ide/modal>"]


def test_every_leaf_of_the_official_schema_is_stored_in_a_place_of_its_own():
    """The generator's notes are valid, and so never have all of them."""
    report = fidelity.measure(full_notes())

    assert (report.found.missing, report.found.wrong, report.differing) == ([], [], [])
    assert report.found.leaves > 900
    assert (report.found.aside, report.found.listed) == (0, 0)


def test_what_has_no_column_is_kept_aside_and_told_apart_from_what_is_lost():
    xml = generator().note(3, rich=False, items=2).xml
    xml = xml.replace(b"<indTot>", b"<cNovo>&lt;A 1</cNovo><indTot>")
    xml = xml.replace(b"</transp>", b"<gNovo xNome='x'><v>1,5</v><v>2</v></gNovo></transp>", 1)

    report = fidelity.measure([("nova.xml", xml)])

    assert (report.found.missing, report.found.wrong) == ([], [])
    assert report.found.aside == 5
    assert report.unread == {
        "NFe/infNFe/det/prod/cNovo": 2,
        "NFe/infNFe/transp/gNovo/@xNome": 1,
        "NFe/infNFe/transp/gNovo/v": 2,
    }


def test_a_value_that_no_column_can_hold_is_not_lost():
    xml = with_value(generator().note(3, rich=False).xml, "vNF", "1,50")

    report = fidelity.measure([("virgula.xml", xml)])

    assert (report.found.missing, report.found.wrong) == ([], [])
    assert report.found.aside == 1


@pytest.fixture
async def stored(tmp_path):
    """A note with all kinds of values, in a database, with a connection to it."""
    xml = generator().note(12, rich=True, items=3).xml
    xml = xml.replace(b"<indTot>", b"<cNovo>A</cNovo><indTot>", 1)
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    await store.store([Incoming(document_from(xml, UNCHECKED), "n.xml")], "job")
    await store.close()
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        connection.row_factory = sqlite3.Row
        yield connection, notes(xml)[0]


def test_a_note_as_it_was_stored_is_found_faithful(stored):
    connection, note = stored

    found = compare(connection, note)

    assert (found.missing, found.wrong, found.aside) == ([], [], 1)


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("update nf_itens set descricao = descricao || ' ' where numero_item = 2", "nf_itens"),
        ("update nf_itens set valor_unitario_comercial_exato = '1' where numero_item = 1", "nf_i"),
        ("update notas_fiscais set valor_total_nota = valor_total_nota + 0.01", "notas_fiscais"),
        ("update notas_fiscais set data_hora_emissao_tz = '2026-01-01T00:00:00Z'", "notas_fis"),
        ("update notas_fiscais set data_emissao = '2020-01-01'", "notas_fiscais"),
        ("update nf_partes set papel = 'entrega' where papel = 'emitente'", "nf_partes"),
        ("update nf_itens_icms set grupo = 'ICMS99'", "nf_itens_icms"),
        ("delete from nf_itens_pis where id = (select min(id) from nf_itens_pis)", "nf_itens_pis"),
        ("insert into nf_itens_nve (nf_item_id, nve) values (1, 'AB0001')", "nf_itens_nve"),
        ("update nf_outros_valores set valor = 'B'", "nf_outros_valores"),
    ],
)
def test_a_changed_value_is_found_wrong(stored, change, table):
    connection, note = stored
    assert connection.execute(change).rowcount > 0

    found = compare(connection, note)

    assert any(each.startswith(table) for each in found.wrong), found.wrong


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("update nf_itens set codigo_produto = null", "det[2]/prod/cProd"),
        ("update notas_fiscais set valor_total_nota = null", "total/ICMSTot/vNF"),
        ("update notas_fiscais set natureza_operacao = null", "ide/natOp"),
        ("delete from nf_outros_valores", "prod/cNovo"),
    ],
)
def test_a_lost_value_is_found_missing(stored, change, path):
    connection, note = stored
    assert connection.execute(change).rowcount > 0

    found = compare(connection, note)

    assert any(f"{path}: " in each for each in found.missing), found.missing


def test_the_tool_says_what_it_found_in_a_folder(tmp_path, capsys):
    (tmp_path / "a.xml").write_bytes(generator().note(1, rich=False).xml)
    (tmp_path / "b.xml").write_text("lixo")

    assert fidelity.main([str(tmp_path)]) == 0

    said = capsys.readouterr().out
    assert "0 missing" in said
    assert "not read as a note: 1 XMLParseError" in said


@pytest.mark.parametrize("n", range(0, 12, 4))
async def test_every_party_is_kept_as_its_note_writes_it(n, tmp_path):
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    documents = [
        document_from(generator().note(m, rich=True).xml, Checks()) for m in range(n, n + 4)
    ]
    await store.store([Incoming(each, "x.xml") for each in documents], "job")
    await store.close()
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        roles = dict(
            connection.execute("select papel, count(*) from nf_partes group by papel").fetchall()
        )
        linked = connection.execute(
            "select count(*) from notas_fiscais n join empresas e on e.id = n.emitente_id "
            "join nf_partes p on p.nota_fiscal_id = n.id and p.papel = 'emitente' "
            "where e.cpf_cnpj is p.cpf_cnpj"
        ).fetchone()

    assert roles["emitente"] == len(documents)
    assert linked == (len(documents),)


def test_without_a_value_there_is_no_leaf():
    xml = without(generator().note(1, rich=False).xml, "verProc")

    leaves = {element.path for element, _, _ in notes(xml)[0].tree.leaves()}

    assert "NFe/infNFe/ide/verProc" not in leaves
    assert "NFe/infNFe/ide/natOp" in leaves


def test_every_leaf_of_what_is_no_note_is_stored_or_listed():
    found = FoundElsewhere()
    text = '<cOrgaoAutor>35</cOrgaoAutor><dest x="1"><UF>SP</UF></dest>'
    for name, content in {
        "cancellation": proc_event(_KEY),
        "epec": proc_event(_KEY, "110140", text=text),
        "protocol": protocol(_KEY).encode(),
        "summary": summary(_KEY).encode(),
        "numbers": unused_numbers(),
        "cte": cte(_KEY),
        "packed": distribution(proc_event(_KEY, "210200"), summary(_KEY)),
    }.items():
        compare_file(name, content, found)

    assert found.documents == 8
    assert (found.missing, found.wrong) == ([], [])
    assert found.stored > 100
