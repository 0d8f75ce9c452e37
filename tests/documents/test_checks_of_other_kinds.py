"""Key, signature and authorisation of CT-e and their like are checked as a note's are."""

import pytest
from lxml import etree

from bench.generator import check_digit
from nfed.documents import document_from, documents_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.document import Document
from nfed.documents.layout import positions
from nfed.errors import InvalidAccessKey, InvalidSignature, NotAuthorised
from tests.support.cases import case
from tests.support.other_documents import cte
from tests.support.signing import certificate, sign

FIRST_43 = "352603112223330001815700100000007710000000" + "7"
KEY = FIRST_43 + check_digit(FIRST_43)
OTHER_43 = FIRST_43[:42] + "8"
OTHER = OTHER_43 + check_digit(OTHER_43)
OWN, FOREIGN = certificate("TRANSPORTADORA:11222333000181"), certificate("X:99888777000166")
CHECKS = Checks(schema=Policy.OFF)
# The kind, its group, its protocol and the prefix of its Id.
KINDS = {
    "CTe": ("infCte", "protCTe", "chCTe"),
    "CTeOS": ("infCte", "protCTe", "chCTe"),
    "GTVe": ("infCte", "protCTe", "chCTe"),
    "MDFe": ("infMDFe", "protMDFe", "chMDFe"),
    "NFCom": ("infNFCom", "protNFCom", "chNFCom"),
    "NF3e": ("infNF3e", "protNF3e", "chNF3e"),
    "BPe": ("infBPe", "protBPe", "chBPe"),
}
_PROCS = {"CTeOS": "cteOSProc", "GTVe": "GTVeProc", "MDFe": "mdfeProc"}


def proc(name: str, *, own: str = OWN, of: str = KEY, cstat: str = "100", env: str = "1") -> bytes:
    """A document of the kind, signed, with its protocol."""
    plain = cte(KEY).replace(b"<tpAmb>2</tpAmb>", f"<tpAmb>{env}</tpAmb>".encode())
    group, answer, named = KINDS[name]
    text = plain.decode().replace("infCte", group).replace("protCTe", answer)
    text = (
        text.replace("chCTe", named).replace("<CTe>", f"<{name}>").replace("</CTe>", f"</{name}>")
    )
    text = text.replace("cteProc", _PROCS.get(name, f"{name[:1].lower()}{name[1:]}Proc"))
    if name in ("NFCom", "NF3e"):
        text = text.replace(f"{name[:1].lower()}{name[1:]}Proc", f"{name.lower()}Proc")
    root = etree.fromstring(text.encode())
    signed = root[0][0]
    sign(signed, [own])
    content = etree.tostring(root).decode()
    content = content.replace(f"<{named}>{KEY}", f"<{named}>{of}")
    return content.replace("<cStat>100", f"<cStat>{cstat}").encode()


def codes(content: bytes, checks: Checks = CHECKS) -> list[str]:
    return [each.code for each in document_from(content, checks).findings]


@pytest.fixture(params=KINDS)
def name(request):
    return request.param


def test_a_whole_document_has_no_finding_of_these_checks(name):
    assert [each for each in codes(proc(name)) if each.startswith(("KEY", "SIG", "AUT"))] == []


def test_a_protocol_that_names_another_key_is_refused(name):
    (error,) = documents_from(proc(name, of=OTHER), CHECKS)

    assert isinstance(error, InvalidAccessKey)
    assert OTHER in str(error)
    assert "KEY" in codes(proc(name, of=OTHER), Checks(schema=Policy.OFF, key=Policy.WARN))


def test_a_tampered_document_is_seen_and_refused_where_that_is_asked_for(name):
    tampered = proc(name).replace(b"1234.56", b"9234.56")

    assert "SIG-DIGEST" in codes(tampered)
    with pytest.raises(InvalidSignature):
        document_from(tampered, Checks(schema=Policy.OFF, signature=Policy.REFUSE))


def test_another_companys_certificate_and_no_signature_are_seen(name):
    unsigned = proc(name)
    begin, end = unsigned.index(b"<Signature"), unsigned.index(b"</Signature>") + 12

    assert "SIG-ISSUER" in codes(proc(name, own=FOREIGN))
    assert "SIG-MISSING" in codes(unsigned[:begin] + unsigned[end:])


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"cstat": "204"}, "AUT-REJECTED"),
        ({"cstat": "301"}, "AUT-DENIED"),
        ({"env": "2"}, "AUT-HOMOLOG"),
    ],
)
def test_what_the_tax_office_answered_is_checked(name, how, code):
    assert code in codes(proc(name, **how))
    with pytest.raises(NotAuthorised):
        document_from(proc(name, **how), Checks(schema=Policy.OFF, authorisation=Policy.REFUSE))


def findings_of(name: str) -> tuple[Document, list[str]]:
    document = document_from(case(name), Checks())
    return document, [each.code for each in document.findings]


@pytest.mark.parametrize(
    "name", ["13-deson-partial.xml", "16c-paa-procEmi4.xml", "70-layout200-icms40.xml"]
)
def test_what_the_manual_allows_gives_no_warning(name):
    assert findings_of(name)[1] == []


def test_a_deduction_that_no_items_indicator_explains_is_still_a_fault():
    """Items relieve 10.00 (deducted) and 7.00 (not): 3.00 more is nobody's."""
    content = case("13-deson-partial.xml").replace(b"<vNF>13570382.10", b"<vNF>13570379.10")

    assert "TOT-610" in codes(content, Checks(schema=Policy.OFF, signature=Policy.OFF))


def test_the_relieved_icms_of_an_old_layout_stands_in_its_column():
    document, _ = findings_of("70-layout200-icms40.xml")
    (row,) = document.rows["nf_itens_icms"]

    assert [value for value in row if value == "12.00"] == ["12.00"]
    at = positions("nf_itens_icms")
    assert row[at["valor_icms_desonerado"]] == "12.00"
    assert row[at["valor_icms"]] is None
