"""Every value of a file is in a column or kept aside."""

import re

import pytest

from nfed.documents import document_from, documents_from
from nfed.documents.checks import Checks
from nfed.documents.layout import positions
from tests.support.cases import case
from tests.support.notes import note
from tests.support.other_documents import NFE, proc_event, summary

KEY = "35260311222333000181550010000000771000000071"


def aside(xml: bytes) -> dict[str, str]:
    rows = document_from(xml, Checks.none()).rows.get("nf_outros_valores", [])
    return {str(path): str(text) for _, path, text, _ in rows}


def test_a_moment_that_is_none_is_kept():
    assert aside(case("66-dhsaient-bad.xml")) == {"NFe/infNFe/ide/dhSaiEnt": "20/11/2026 10:00"}


def test_a_moment_of_which_only_the_day_can_be_read_is_kept():
    xml = re.sub(rb"<dhEmi>([^T<]*)T[^<]*<", rb"<dhEmi>\1Tmanha<", note(1))

    assert [path.rpartition("/")[2] for path in aside(xml)] == ["dhEmi"]


@pytest.mark.parametrize(
    ("before", "place"),
    [("</nfeProc>", "nfeProc/obs"), ("</NFe>", "NFe/obs"), ("</protNFe>", "protNFe/obs")],
)
def test_what_stands_beside_the_groups_of_a_note_is_kept(before, place):
    added = f'<obs x="1"><xTexto>pedido 4711</xTexto></obs>{before}'
    xml = note(1).replace(before.encode(), added.encode(), 1)

    assert aside(xml) == {f"{place}/@x": "1", f"{place}/xTexto": "pedido 4711"}
    assert aside(case("beside.xml")) == {"nfeProc/obsLivre/xTexto": "pedido 4711"}


def test_an_event_inside_a_note_is_read_as_an_event():
    xml = note(1).replace(b"</NFe>", proc_event(KEY) + b"</NFe>", 1)

    first, second = documents_from(xml, Checks.none())

    assert (first.head, second.head, second.chave) == ("notas_fiscais", "nf_eventos", KEY)
    assert aside_of(first) == []


def aside_of(document):
    return document.rows.get("nf_outros_valores", [])


def test_what_an_answer_says_beside_its_columns_is_a_field_of_the_event():
    rows = document_from(case("89-epec-pend.xml"), Checks.none()).rows["nf_eventos_campos"]
    told = [path.rpartition("/")[2] for _, _, path, _ in rows if path.startswith("retEvento/")]

    assert told == ["cOrgaoAutor", "chNFePend", "chNFePend"]
    xml = proc_event(KEY).replace(b"<nProt>135260000000001", b"<digVal>AB=</digVal><nProt>1352")
    rows = document_from(xml, Checks.none()).rows["nf_eventos_campos"]
    assert ["retEvento/infEvento/digVal", "AB="] in [row[2:] for row in rows]


def test_taxes_of_the_first_layout_of_the_reform_have_the_columns_of_todays_groups():
    assert aside(case("80-mono-flat.xml")) == {}


def test_an_item_of_an_order_keeps_its_zeros():
    row = document_from(case("106-nitemped.xml"), Checks.none()).rows["nf_itens"][0]

    assert row[positions("nf_itens")["item_pedido_compra_exato"]] == "000010"


def test_a_summary_of_the_first_layouts_has_its_day_and_number():
    xml = summary(KEY).replace(
        "<dhEmi>2026-03-01T09:00:00-03:00</dhEmi>", "<dEmi>2012-03-01</dEmi>"
    )
    xml = xml.replace("<chNFe>", "<NSU>000000000000123</NSU><chNFe>", 1)
    row = document_from(xml.encode(), Checks.none()).rows["nf_resumos"][0]
    at = positions("nf_resumos")

    assert (row[at["nsu"]], row[at["data_hora_emissao"]]) == (
        "000000000000123",
        "2012-03-01 00:00:00",
    )


def test_the_time_beside_a_note_of_a_download_is_kept():
    bare = re.search(rb"<NFe.*</NFe>", note(1), re.S)[0].decode()
    xml = (
        f'<nfeProc xmlns="{NFE}"><dhInc>2026-03-01T10:00:00-03:00</dhInc>'
        f"<nProt>135260000000009</nProt>{bare}</nfeProc>"
    )

    assert aside(xml.encode()) == {"nfeProc/dhInc": "2026-03-01T10:00:00-03:00"}
