"""What stands around documents: lots, answers, dirt, texts that look like XML."""

import base64
import gzip

import pytest

from nfed.core.outcome import Duplicate, Refused, of_file, refusal
from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.errors import AnswerAlone, DocumentError, NotADocument, UnusableAccessKey
from tests.support.cases import case
from tests.support.notes import note, other_key, with_value
from tests.support.other_documents import NFE, answer, event, protocol

NOTE, OTHER = note(1, authorised=False), note(2, authorised=False)


def key_of(xml: bytes) -> str:
    return xml.partition(b'Id="NFe')[2][:44].decode()


def element(xml: bytes) -> str:
    """Without its declaration."""
    return xml.decode().partition("?>")[2] if xml.startswith(b"<?xml") else xml.decode()


def read(content: bytes | str) -> list[tuple[str, str | None, list[str]]]:
    """Head, status and codes of what each document is; the error where it cannot be read."""
    whole = content if isinstance(content, bytes) else content.encode()
    return [
        (each.head, each.status, [found.code for found in each.findings])
        if isinstance(each, Document)
        else (type(each).__name__, str(each), [])
        for each in documents_from(whole, Checks())
    ]


def test_the_protocol_of_a_note_is_the_one_that_names_its_key():
    first, second = documents_from(case("104-two-prots.xml"), Checks())

    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.head, first.status, first.findings) == ("notas_fiscais", "autorizada", ())
    assert second.head == "nf_protocolos"
    assert second.chave != first.chave


@pytest.mark.parametrize("wrapper", ["nfeProc", "enviNFe", "lote"])
@pytest.mark.parametrize("order", ["NNPP", "NPPN", "PPNN", "NpNP"], ids=str)
def test_notes_and_protocols_side_by_side_are_put_together(wrapper, order):
    """`p` is the protocol of the second note, `P` the next one of either."""
    notes, protocols = iter([NOTE, OTHER]), iter([NOTE, OTHER])
    if "p" in order:
        protocols = iter([OTHER, NOTE])
    parts = [
        element(next(notes)) if each == "N" else protocol(key_of(next(protocols))) for each in order
    ]

    found = read(f'<{wrapper} xmlns="{NFE}">{"".join(parts)}</{wrapper}>')

    assert [(head, status) for head, status, _ in found] == [("notas_fiscais", "autorizada")] * 2
    assert not any("AUT-NONE" in codes for *_, codes in found)


def test_a_document_of_a_lot_keeps_its_protocol_in_its_own_text():
    lot = "".join(f"{element(each)}{protocol(key_of(each))}" for each in (NOTE, OTHER))
    first, second = documents_from(f'<nfeProc xmlns="{NFE}">{lot}</nfeProc>'.encode(), Checks())

    for document in (first, second):
        assert isinstance(document, Document)
        kept = next(str(v) for v in document.rows["notas_fiscais"][0] if str(v).startswith("<nfe"))
        assert kept.count("<protNFe") == 1
        again = documents_from(kept.encode(), Checks())
        assert [(d.key, d.status, d.content_sha256) for d in again if isinstance(d, Document)] == [
            (document.key, "autorizada", document.content_sha256)
        ]


def test_two_events_and_their_answers_side_by_side_are_put_together():
    key = key_of(NOTE)
    text = "".join(
        (event(key, sequence=2), event(key, sequence=1), answer(key), answer(key, sequence=2))
    )

    found = read(f'<procEventoNFe xmlns="{NFE}">{text}</procEventoNFe>')

    assert [(head, status) for head, status, _ in found] == [("nf_eventos", "registrado")] * 2


def test_a_protocol_of_another_note_alone_is_still_a_fault():
    key = other_key(key_of(NOTE))
    (found,) = read(f'<nfeProc xmlns="{NFE}">{element(NOTE)}{protocol(key)}</nfeProc>')

    assert found[0] == "InvalidAccessKey"


def test_a_note_without_content_in_a_lot_is_named():
    found = read(f'<enviNFe xmlns="{NFE}">{element(NOTE)}<NFe/></enviNFe>')

    assert [head for head, *_ in found] == ["notas_fiscais", "NotFiscal"]
    assert "<NFe> without <infNFe>" in str(found[1][1])


def test_a_document_of_the_distribution_that_nfed_does_not_know_is_named_beside_the_others():
    parts = documents_from(case("85-dist-mixed.xml"), Checks())
    outcome = of_file(
        [Duplicate(part.chave) if isinstance(part, Document) else refusal(part) for part in parts]
    )

    assert [type(part) for part in parts] == [Document, Document, NotADocument]
    assert isinstance(outcome, Refused)
    assert "1 of 3 documents in the file were refused, the others stored" in outcome.error
    lot = [found.text for found in outcome.findings if found.code == "LOT"]
    assert len(lot) == 3
    assert "schema='desconhecido_v9.xsd'" in lot[2]
    assert "<resNovo>" in lot[2]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"<nada/>", mtime=0), "<nada>"),
        (gzip.compress(b"nothing at all", mtime=0), "cannot be read"),
        (b"no gzip", "no base64 of gzip"),
    ],
)
def test_every_doczip_that_yields_nothing_is_named(content, says):
    packed = base64.b64encode(content).decode()
    whole = (
        f'<retDistDFeInt xmlns="{NFE}"><loteDistDFeInt><docZip NSU="1">{packed}</docZip>'
        f"{element(NOTE)}</loteDistDFeInt></retDistDFeInt>"
    )

    error, good = documents_from(whole.encode(), Checks())

    assert isinstance(good, Document)
    assert isinstance(error, DocumentError)
    assert says in str(error)


SOAP = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>%s</s:Body></s:Envelope>'
)
IN_USE = (
    f'<retConsStatServ xmlns="{NFE}"><cStat>107</cStat><xMotivo>Em uso</xMotivo></retConsStatServ>'
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (case("84a-dist-137.xml"), "<retDistDFeInt> holds no document: cStat 137, Nenhum doc"),
        ((SOAP % IN_USE).encode(), "<retConsStatServ> holds no document: cStat 107, Em uso"),
        (
            (SOAP % f"<r>{IN_USE.replace('<', '&lt;')}</r>").encode(),
            "<retConsStatServ> holds no document: cStat 107, Em uso",
        ),
    ],
)
def test_an_answer_without_documents_says_which_and_why(content, says):
    with pytest.raises(AnswerAlone) as refused:
        documents_from(content, Checks())

    assert says in str(refused.value)
    assert refused.value.code == "ANSWER"
    assert refused.value.error_type == "NotFiscalDocument"


def test_a_text_of_the_wrapper_that_begins_like_xml_costs_nothing():
    (document,) = documents_from(case("97a-sibling-lt.xml"), Checks())

    assert isinstance(document, Document)
    assert (document.status, document.findings) == ("autorizada", ())


@pytest.mark.parametrize("text", ["< 10 kg", "<b>negrito</b>", "<!DOCTYPE x>", "<IBPT>", "<"])
def test_no_text_that_is_no_document_costs_anything(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")

    (found,) = read(f'<x xmlns="{NFE}">{element(NOTE)}<obs>{escaped}</obs></x>')

    assert found[0] == "notas_fiscais"


def test_a_document_that_is_cut_off_inside_a_text_costs_itself_and_is_named():
    cut = element(OTHER)[:400].replace("&", "&amp;").replace("<", "&lt;")

    found = read(f'<x xmlns="{NFE}">{element(NOTE)}<obs>{cut}</obs></x>')

    assert [head for head, *_ in found] == ["notas_fiscais", "XMLParseError"]


def test_nuls_behind_a_document_are_left_out_and_remarked():
    (document,) = documents_from(case("25d-nul-tail.xml"), Checks())

    assert isinstance(document, Document)
    assert document.status == "autorizada"
    assert [each.code for each in document.findings] == ["DIRT"]
    assert "512 NUL after the document" in document.findings[0].text
    assert not any("\0" in str(value) for value in document.rows["notas_fiscais"][0])


BOM = b"\xef\xbb\xbf"
PLAIN = b"<?xml version='1.0' encoding='UTF-8'?>" + element(NOTE).encode()
WIDE = PLAIN.decode().replace("UTF-8", "utf-16").encode("utf-16")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOM + BOM + PLAIN, "1 byte order mark before the document"),
        (BOM + b" \r\n" + PLAIN, "white space before the document"),
        (b"\n" + PLAIN, "white space before the document"),
        (b"\0\0" + PLAIN + b"\0", "2 NUL before the document and 1 NUL after the document"),
        (PLAIN + b"\r\n\x1a", "1 Ctrl-Z after the document"),
        (PLAIN + BOM, "1 byte order mark after the document"),
        (WIDE + b"\0\0\0\0", "NUL around the document"),
        (b"\xff\xfe" + WIDE, "byte order mark around the document"),
    ],
)
def test_dirt_around_a_whole_document_is_left_out_and_remarked(content, says):
    clean = documents_from(PLAIN, Checks())[0]
    (document,) = documents_from(content, Checks())

    assert isinstance(document, Document)
    assert isinstance(clean, Document)
    assert document.content_sha256 == clean.content_sha256
    assert says in document.findings[0].text
    assert document.findings[0].code == "DIRT"


@pytest.mark.parametrize("content", [PLAIN, BOM + PLAIN, PLAIN + b"\n \r\n", WIDE])
def test_what_xml_allows_around_a_document_is_no_dirt(content):
    (found,) = read(content)

    assert "DIRT" not in found[2]


def test_prefixes_and_a_comment_go_together():
    (document,) = documents_from(case("prefix-comment.xml"), Checks())

    assert isinstance(document, Document)
    assert document.status == "autorizada"
    assert "SIG-DIGEST" not in [found.code for found in document.findings]


def test_the_prefix_of_an_id_is_read_in_any_case():
    (document,) = documents_from(case("118-id-lower.xml"), Checks())

    assert isinstance(document, Document)
    assert document.chave == "35261111222333000181550010000010031079427574"
    assert len(document.key) == 44


def test_no_advice_names_a_setting_that_would_not_help():
    nameless = NOTE.replace(b'Id="NFe', b'Id="NFe/%&amp;')

    with pytest.raises(UnusableAccessKey) as refused:
        raise documents_from(nameless, Checks())[0]

    assert "check_key" not in refused.value.advice


def test_a_value_is_read_as_it_stands_beside_dirt():
    changed = with_value(NOTE, "natOp", "VENDA ção")
    (document,) = documents_from(changed + b"\0" * 7, Checks())

    assert isinstance(document, Document)
    assert "VENDA ção" in map(str, document.rows["notas_fiscais"][0])
