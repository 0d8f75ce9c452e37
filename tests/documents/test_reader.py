"""The parser trusts nobody, and says what it found."""

import time

import pytest
from lxml import etree

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.xml.find import local_name
from nfed.documents.xml.parse import parse
from nfed.errors import HostileXML, NotFiscal, XMLParseError, XMLTruncated
from tests.support.notes import generator, note
from tests.support.other_documents import bare


@pytest.mark.parametrize("pretty", [False, True])
def test_every_beginning_of_a_note_is_truncated_and_nothing_else(pretty):
    whole = note(1)
    if pretty:
        whole = etree.tostring(
            etree.fromstring(whole), pretty_print=True, xml_declaration=True, encoding="utf-8"
        )
    end = len(whole.rstrip())

    for length in range(0, end, 7):
        with pytest.raises(XMLTruncated):
            parse(whole[:length])
    assert local_name(parse(whole).root) == "nfeProc"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_a_beginning_is_truncated_in_every_encoding(encoding):
    text = '<?xml version="1.0" encoding="%s"?><NFe><infNFe><x>açaí</x></infNFe></NFe>'
    whole = (text % encoding.removesuffix("-sig")).encode(encoding)

    for length in range(len(whole) - 1):
        with pytest.raises(XMLTruncated):
            parse(whole[:length])
    assert "açaí" in parse(whole).text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "not XML: begins with 'hello'"),
        (b"\x89PNG\r\n\x1a\n", "not XML"),
        (b"<NFe><b></a></NFe>", "Opening and ending tag mismatch"),
        (b"<NFe></NFe><NFe/>", "Extra content"),
        ("<NFe/>".encode("utf-16-le"), "not well-formed"),
        (b"<NFe>&undefined;</NFe>", "Entity 'undefined' not defined"),
        (b"<NFe>\x00</NFe>", "Char 0x0"),
    ],
)
def test_what_is_no_xml_is_refused_with_place_and_reason(content, says):
    with pytest.raises(XMLParseError) as refusal:
        parse(content)

    assert not isinstance(refusal.value, XMLTruncated)
    assert says in str(refusal.value)
    assert "line 1, column" in str(refusal.value)


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%b">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(20))
    + b"]><NFe>&t;</NFe>"
)


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE NFe><NFe/>",
        b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE NFe SYSTEM "file:///etc/passwd"><NFe/>',
        b'<!DOCTYPE NFe [<!ENTITY x SYSTEM "file:///etc/passwd">]><NFe>&x;</NFe>',
        b'<!DOCTYPE NFe SYSTEM "http://127.0.0.1:9/x.dtd"><NFe/>',
        b"\xef\xbb\xbf <!DOCTYPE NFe><NFe/>",
        "<!DOCTYPE NFe [<!ENTITY x 'y'>]><NFe>&x;</NFe>".encode("utf-16"),
        BILLION_LAUGHS,
        b"<a>" * 10_000 + b"</a>" * 10_000,
        b"<NFe>" + b"x" * 20_000_000 + b"</NFe>",
    ],
    ids=["doctype", "after-comment", "file", "network", "bom", "utf-16", "laughs", "deep", "long"],
)
def test_hostile_xml_is_refused_fast(content):
    began = time.monotonic()

    with pytest.raises(HostileXML):
        parse(content)

    assert time.monotonic() - began < 5


def test_the_parsers_advice_to_programmers_is_left_out():
    with pytest.raises(HostileXML, match=r"^Excessive depth in document: 256 at line 1, "):
        parse(b"<a>" * 1000 + b"</a>" * 1000)


def test_another_namespace_is_another_document():
    with pytest.raises(NotFiscal, match=r"portalfiscal\.inf\.br/cte"):
        documents_from(b'<nfeProc xmlns="http://www.portalfiscal.inf.br/cte"/>', Checks())


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "utf-16"), ("UTF-8", "utf-16-le"), ("UTF-32", "utf-32"), ("hex", "utf-8")],
)
def test_a_wrong_declaration_is_refused_by_its_name(declared, encoding):
    xml = f'<?xml version="1.0" encoding="{declared}"?><NFe>a\u00e7\u00e3o</NFe>'.encode(encoding)

    with pytest.raises(XMLParseError, match=declared) as refusal:
        parse(xml)

    assert "line 1, column" in str(refusal.value)


def test_a_comment_that_names_a_doctype_is_no_doctype():
    assert local_name(parse(b"<!-- <!DOCTYPE x> --><NFe/>").root) == "NFe"


def test_another_document_is_refused_and_its_root_named():
    with pytest.raises(NotFiscal) as refusal:
        documents_from(b'<html xmlns="http://www.w3.org/1999/xhtml"/>', Checks())

    assert "<{http://www.w3.org/1999/xhtml}html>" in str(refusal.value)


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-8-sig", "UTF-8"), ("iso-8859-1", "ISO-8859-1")]
)
def test_the_text_is_what_came(encoding, declared):
    text = f'<?xml version="1.0" encoding="{declared}"?>\r\n<NFe>\t<x>Açúcar</x></NFe>\n'

    assert parse(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            b"<NFe><infNFe " + b" ".join(b'a%d="1"' % n for n in range(72_000)) + b"/></NFe>",
            "LIMIT-ATTRIBUTES",
        ),
        (b"<NFe>" + b"<a/>" * 5_000_001 + b"</NFe>", "LIMIT-ELEMENTS"),
    ],
    ids=["attributes", "elements"],
)
def test_what_would_cost_more_time_than_its_size_is_refused_by_a_limit(content, code):
    """72,000 attributes in 0.8 MB cost libxml2's validator more than 20 s."""
    with pytest.raises(HostileXML) as raised:
        parse(content)

    assert raised.value.code == code


def test_a_thousand_attributes_are_read():
    content = b"<NFe " + b" ".join(b'a%d="1"' % n for n in range(1000)) + b"/>"

    assert len(parse(content).root.attrib) == 1000


@pytest.mark.parametrize(
    ("namespaces", "code"),
    [
        ('xmlns:p="' + "u" * 2_000_000 + '"', "LIMIT-NAMESPACES"),
        (" ".join(f'xmlns:p{n}="{"u" * 2000}"' for n in range(900)), "LIMIT-NAMESPACES"),
        ('xmlns:p="urn:short"', None),
    ],
    ids=["one", "many", "short"],
)
def test_namespaces_around_many_documents_swell_none_of_them(namespaces, code):
    """Each document's own text declares them again: 2.5 MB became a database of 403 MB."""
    notes = [generator().note(n, items=1, rich=False, authorised=False) for n in range(40)]
    inside = "".join(bare(each.xml) for each in notes)
    lot = f'<enviNFe xmlns="http://www.portalfiscal.inf.br/nfe" {namespaces}>{inside}</enviNFe>'

    if code is None:
        assert len(documents_from(lot.encode(), Checks())) == 40
        return
    with pytest.raises(HostileXML) as raised:
        documents_from(lot.encode(), Checks())
    assert raised.value.code == code
