"""From bytes to a document: key, status, policies, what is refused."""

import re

import pytest
from lxml import etree

from bench.generator import with_protocol
from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.layout.nota import NOTAS_FISCAIS
from nfed.errors import (
    DocumentError,
    InvalidAccessKey,
    NotFiscal,
    SchemaViolation,
    UnsupportedLayout,
)
from tests.support.notes import generator, note, other_key, with_key, with_value, without

CHECKS = Checks(authorisation=Policy.OFF)  # the generator issues in the test environment


def codes(document):
    return {finding.code for finding in document.findings}


def test_an_untouched_note_has_no_findings():
    for n in range(40):
        assert document_from(generator().note(n, rich=True).xml, CHECKS).findings == ()


@pytest.mark.parametrize(
    ("c_stat", "status"),
    [
        ("100", "autorizada"), ("150", "autorizada"),
        ("101", "cancelada"), ("151", "cancelada"), ("155", "cancelada"),
        ("110", "denegada"), ("301", "denegada"), ("302", "denegada"), ("303", "denegada"),
        ("225", "rejeitada"), ("999", "rejeitada"),
    ],
)  # fmt: skip
def test_the_status_follows_the_protocol(c_stat, status):
    xml = with_protocol(note(1, authorised=False), c_stat=c_stat, x_motivo="x")

    assert document_from(xml, CHECKS).status == status


def test_a_bare_note_is_emitida():
    assert document_from(note(1, authorised=False), CHECKS).status == "emitida"


def test_a_wrong_check_digit_is_refused_with_both_digits():
    chave = generator().note(1, items=2, rich=False).chave
    wrong = chave[:43] + str((int(chave[43]) + 1) % 10)

    with pytest.raises(InvalidAccessKey) as refusal:
        document_from(with_key(note(1), wrong), CHECKS)

    assert f"{wrong}: check digit {wrong[43]}, expected {chave[43]}" in str(refusal.value)


def test_a_protocol_of_another_key_is_refused_and_names_both():
    chave = generator().note(1, items=2, rich=False).chave
    xml = with_value(note(1), "chNFe", other_key(chave))

    with pytest.raises(InvalidAccessKey) as refusal:
        document_from(xml, CHECKS)

    assert chave in str(refusal.value)
    assert other_key(chave) in str(refusal.value)


def test_a_key_fault_is_a_finding_with_warn_and_nothing_with_off():
    chave = generator().note(1, items=2, rich=False).chave
    xml = with_value(note(1), "chNFe", other_key(chave))

    assert "KEY" in codes(document_from(xml, Checks(key=Policy.WARN)))
    assert not {"KEY"} & codes(document_from(xml, Checks(key=Policy.OFF)))


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        ("cUF", "11", "KEY-UF"), ("serie", "77", "KEY-SERIE"), ("nNF", "77", "KEY-NUMERO"),
        ("cNF", "00000077", "KEY-CNF"), ("tpEmis", "9", "KEY-TPEMIS"),
        ("dhEmi", "2019-01-31T23:30:00-04:00", "KEY-MES"),
    ],
)  # fmt: skip
def test_a_key_against_its_content_is_a_finding(tag, value, code):
    assert code in codes(document_from(with_value(note(1), tag, value), CHECKS))


def test_an_avulsa_note_may_carry_the_tax_office_in_its_key():
    xml = with_value(with_value(note(3), "CNPJ", "00000000000191"), "serie", "890")

    found = codes(document_from(xml, CHECKS))

    assert "KEY-SERIE" in found
    assert "KEY-EMITENTE" not in found


def test_a_schema_violation_is_a_finding_or_a_refusal():
    xml = without(note(1), "natOp")

    document = document_from(xml, CHECKS)
    assert "natOp" in "".join(finding.text for finding in document.findings)
    assert document.rows["notas_fiscais"]
    with pytest.raises(SchemaViolation, match="natOp"):
        document_from(xml, Checks(schema=Policy.REFUSE))
    unread = Checks(schema=Policy.OFF, signature=Policy.OFF, authorisation=Policy.OFF)
    assert document_from(xml, unread).findings == ()


@pytest.mark.parametrize(
    ("tag", "value", "path"),
    [
        ("vNF", "1,50", "total/ICMSTot/vNF"),
        ("vNF", "1e5", "total/ICMSTot/vNF"),
        ("vNF", "NaN", "total/ICMSTot/vNF"),
        ("vNF", "1234567890123456.78", "total/ICMSTot/vNF"),
        ("vUnCom", "dez", "det/prod/vUnCom"),
        ("nNF", "12.5", "ide/nNF"),
        ("dhEmi", "2026-02-30T10:00:00-03:00", "ide/dhEmi"),
        ("dhEmi", "2026-02-20 10:00", "ide/dhEmi"),
        ("dVenc", "20/02/2026", "cobr/dup/dVenc"),
    ],
)
def test_a_value_that_no_column_can_hold_is_a_finding_that_names_its_path(tag, value, path):
    document = document_from(with_value(note(1), tag, value), CHECKS)

    told = [finding.text for finding in document.findings if finding.code == "VALUE"]
    assert len(told) == 1
    assert told[0].startswith(f"<{path}> holds {value!r}, expected ")


def test_a_wall_clock_without_offset_is_kept_and_told():
    document = document_from(with_value(note(1), "dhEmi", "2026-02-20T10:00:00"), CHECKS)

    row = document.rows["notas_fiscais"][0]
    assert row[NOTAS_FISCAIS.position("data_hora_emissao")] == "2026-02-20 10:00:00"
    assert row[NOTAS_FISCAIS.position("data_hora_emissao_tz")] is None
    assert "VALUE" in codes(document)


def test_another_layout_is_refused_rather_than_half_read():
    xml = note(1).replace(b'versao="4.00"', b'versao="5.00"')

    with pytest.raises(UnsupportedLayout, match=r"holds '5.00', expected one of 4\.00, 3\.10"):
        document_from(xml, CHECKS)


@pytest.mark.parametrize("modelo", ["57", ""])
def test_another_model_is_refused(modelo):
    with pytest.raises(NotFiscal, match="expected 55"):
        document_from(with_value(note(1), "mod", modelo), CHECKS)


@pytest.mark.parametrize(
    "xml", [b"<nfeProc/>", b"<NFe/>", b"<NFe><infNFe/></NFe>", b"<nfeProc><NFe/></nfeProc>"]
)
def test_a_wrapper_without_a_note_is_refused(xml):
    with pytest.raises(DocumentError):
        document_from(xml, CHECKS)


def rewritten(xml, how):
    root = etree.fromstring(xml)
    match how:
        case "indented":
            etree.indent(root)
        case "prefixed":
            text = etree.tostring(root).decode().replace("xmlns=", "xmlns:n=", 1)
            text = re.sub(r'(<Signature) xmlns="[^"]*"', r"\1", text)
            text = re.sub(r"<(/?)(?=[A-Za-z])", r"<\1n:", text)
            text = re.sub(r' xmlns="[^"]*"', "", text)
            return text.encode()
        case "reordered":
            for element in root.iter("{*}ide", "{*}emit", "{*}prod", "{*}ICMSTot"):
                element[:] = sorted(element, key=lambda child: child.tag)
        case "commented":
            for element in list(root.iter("{*}det")):
                element.insert(0, etree.Comment("seen"))
        case "cdata":
            for element in root.iter("{*}xProd", "{*}natOp"):
                element.text = etree.CDATA(element.text)
        case "latin-1":
            return etree.tostring(root, encoding="ISO-8859-1", xml_declaration=True)
    return etree.tostring(root, encoding="utf-8")


@pytest.mark.parametrize(
    "how", ["indented", "prefixed", "reordered", "commented", "cdata", "latin-1"]
)
def test_a_note_is_the_same_however_it_is_written(how):
    for n in range(5):
        xml = note(n, rich=True)
        plain = document_from(xml, CHECKS)

        other = document_from(rewritten(xml, how), CHECKS)

        assert other.content_sha256 == plain.content_sha256
        assert without_file(other.rows) == without_file(plain.rows)


def without_file(rows):
    for name in ("xml_completo", "arquivo_sha256"):
        rows["notas_fiscais"][0][NOTAS_FISCAIS.position(name)] = None
    return rows


def test_items_with_their_numbers_exchanged_are_another_content():
    xml = note(1)
    exchanged = xml.replace(b'nItem="1"', b'nItem="x"').replace(b'nItem="2"', b'nItem="1"')
    exchanged = exchanged.replace(b'nItem="x"', b'nItem="2"')

    assert (
        document_from(exchanged, CHECKS).content_sha256 != document_from(xml, CHECKS).content_sha256
    )


def test_the_wrapper_does_not_change_what_a_note_says():
    bare = document_from(note(1, authorised=False), CHECKS)
    whole = document_from(note(1), CHECKS)

    assert bare.content_sha256 == whole.content_sha256


@pytest.mark.parametrize("tag", ["vNF", "xProd", "nItemPed", "infAdFisco", "CEP", "nLacre", "nDup"])
def test_any_other_value_is_another_content(tag):
    xml = next(
        xml for xml in (note(n, rich=True) for n in range(200)) if f"<{tag}>".encode() in xml
    )
    value = "9.99" if tag.startswith("v") else "9"

    assert (
        document_from(with_value(xml, tag, value), CHECKS).content_sha256
        != document_from(xml, CHECKS).content_sha256
    )
