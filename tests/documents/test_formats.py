"""The form of numbers and codes, and what the protocol says."""

import re

import pytest

from bench.generator import with_protocol
from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.checks.formats import format_findings
from nfed.documents.checks.key import has_right_digits
from nfed.errors import CheckFailed, InvalidFormat, NotAuthorised, WrongTotals
from tests.support.notes import NFELIB_SAMPLES, generator, note, with_value

ONLY_FORMAT = Checks(*(Policy.OFF,) * 5, format=Policy.WARN)
ONLY_AUTHORISATION = Checks(*(Policy.OFF,) * 3, Policy.WARN, Policy.OFF, Policy.OFF)


def codes(xml, checks=ONLY_FORMAT):
    return [each.code for each in document_from(xml, checks).findings]


def in_group(xml, group, tag, value):
    """The note with the first such tag in a group holding another value."""
    pattern = rf"(<{group}>.*?<{tag}>)[^<]*(</{tag}>)".encode()
    changed, count = re.subn(
        pattern,
        lambda match: match[1] + value.encode() + match[2],
        xml,
        count=1,
        flags=re.DOTALL,
    )
    assert count == 1
    return changed


@pytest.mark.parametrize(
    "number",
    ["12ABC34501DE35", "0X0J92JY000196", "99999999000191", "11444777000161", "52998224725"],
)
def test_right_digits_are_right(number):
    assert has_right_digits(number)


@pytest.mark.parametrize(
    "number",
    [
        "12ABC34501DE36", "12abc34501de35", "99999999000192", "1144477700016", "114447770001610",
        "52998224726", "52998224735", "5299822472X", "", "11.444.777/0001-61", "1144477700016١",
    ],
)  # fmt: skip
def test_wrong_digits_are_wrong(number):
    assert not has_right_digits(number)


def test_one_changed_digit_of_a_cpf_or_cnpj_is_always_found():
    for number in ("11444777000161", "52998224725", "12ABC34501DE35"):
        for place, digit in enumerate(number):
            other = "1" if digit == "0" else "0"
            assert not has_right_digits(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize("modelo", ["55", "65"])
def test_no_generated_note_is_suspected(modelo):
    for n in range(100):
        assert codes(generator().note(n, modelo=modelo, rich=True).xml) == []


@pytest.mark.parametrize("path", NFELIB_SAMPLES, ids=lambda path: path.stem[:44])
def test_no_sample_of_nfelib_is_suspected(path):
    assert codes(path.read_bytes(), Checks(*(Policy.OFF,) * 5, Policy.WARN)) == []


@pytest.mark.parametrize(
    ("group", "tag", "value", "code"),
    [
        ("emit", "CNPJ", "11444777000162", "FMT-CNPJ"),
        ("dest", "CNPJ", "114447770001", "FMT-CNPJ"),
        ("emit", "IE", "123-4", "FMT-IE"),
        ("emit", "IE", "1", "FMT-IE"),
        ("enderEmit", "cMun", "9900001", "FMT-MUNICIPIO"),
        ("enderDest", "UF", "XX", "FMT-MUNICIPIO"),
        ("prod", "NCM", "1234", "FMT-NCM"),
        ("prod", "NCM", "99", "FMT-NCM"),
        ("prod", "CFOP", "4102", "FMT-CFOP"),
        ("prod", "CFOP", "510", "FMT-CFOP"),
    ],
)
def test_each_wrong_form_has_its_code(group, tag, value, code):
    xml = next(
        made.xml
        for made in generator().notes(50, items=2, rich=False)
        if re.search(rb"<dest><CNPJ>", made.xml)
    )

    assert codes(in_group(xml, group, tag, value)) == [code]


@pytest.mark.parametrize(
    ("group", "tag", "value"), [("emit", "IE", "ISENTO"), ("prod", "NCM", "00")]
)
def test_what_the_schema_allows_is_no_fault(group, tag, value):
    assert codes(in_group(note(1), group, tag, value)) == []


def test_a_hostile_file_cannot_fill_the_ledger_with_findings():
    xml = in_group(note(1), "emit", "IE", "x" * 100_000)
    parties = b"<dest><CNPJ>1</CNPJ></dest>" * 500
    crowded = xml.replace(b"<det ", parties + b"<det ", 1)

    findings = document_from(crowded, ONLY_FORMAT).findings

    assert 1 < len(findings) <= 50
    assert max(len(each.text) for each in findings) < 500


def test_a_cpf_is_told_from_a_cnpj():
    rows = document_from(note(1), Checks.none()).rows
    party = next(each for each in rows["nf_partes"] if each[1] == "destinatario")
    party[2] = "52998224726"

    assert [each.code for each in format_findings(rows)] == ["FMT-CPF"]


@pytest.mark.parametrize(
    ("c_stat", "code"),
    [
        ("100", None), ("150", None),
        ("101", "AUT-CANCELLED"), ("155", "AUT-CANCELLED"),
        ("110", "AUT-DENIED"), ("302", "AUT-DENIED"),
        ("225", "AUT-REJECTED"), ("135", "AUT-CANCELLED"),
    ],
)  # fmt: skip
def test_the_protocol_decides_whether_a_note_is_authorised(c_stat, code):
    bare = note(1, authorised=False).replace(b"<tpAmb>2<", b"<tpAmb>1<")
    xml = with_protocol(bare, c_stat, "x").replace(b"<tpAmb>2<", b"<tpAmb>1<")

    assert codes(xml, ONLY_AUTHORISATION) == ([code] if code else [])


def test_a_note_without_a_protocol_says_so():
    bare = note(1, authorised=False).replace(b"<tpAmb>2<", b"<tpAmb>1<")

    assert codes(bare, ONLY_AUTHORISATION) == ["AUT-NONE"]


def test_the_test_environment_is_told_by_the_note_or_its_protocol():
    xml = note(1)

    assert codes(xml, ONLY_AUTHORISATION) == ["AUT-HOMOLOG"]
    assert codes(with_value(xml, "tpAmb", "1"), ONLY_AUTHORISATION) == ["AUT-HOMOLOG"]
    assert codes(xml.replace(b"<tpAmb>2<", b"<tpAmb>1<"), ONLY_AUTHORISATION) == []


@pytest.mark.parametrize(
    ("checks", "xml", "error", "code"),
    [
        (Checks(authorisation=Policy.REFUSE), note(1), NotAuthorised, "AUT-HOMOLOG"),
        (
            Checks(totals=Policy.REFUSE),
            with_value(note(1), "vNF", "0.01"),
            WrongTotals,
            "TOT-610",
        ),
        (
            Checks(format=Policy.REFUSE),
            with_value(note(1), "CFOP", "9999"),
            InvalidFormat,
            "FMT-CFOP",
        ),
    ],
)
def test_refuse_refuses_by_its_own_error(checks, xml, error, code):
    with pytest.raises(CheckFailed) as refusal:
        document_from(xml, checks)

    assert type(refusal.value) is error
    assert refusal.value.code == code
    assert refusal.value.error_type == error.__name__
    assert refusal.value.chave in xml.decode()


def test_warnings_of_the_other_checks_come_with_a_refusal():
    xml = with_value(with_value(note(1), "CFOP", "9999"), "natOp", "")

    with pytest.raises(InvalidFormat) as refusal:
        document_from(xml, Checks(format=Policy.REFUSE))

    told = [code for code, _ in refusal.value.findings]
    assert told[0] == "FMT-CFOP"
    assert {"XSD", "SIG-DIGEST", "AUT-HOMOLOG"} <= set(told)
    assert len(told) == len(set(told)) or told.count("XSD") > 1
