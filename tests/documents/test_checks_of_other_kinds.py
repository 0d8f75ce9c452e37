"""Key, signature and authorisation of CT-e and their like are checked as a note's are."""

import re
from pathlib import Path

import pytest
from lxml import etree

from bench.generator import check_digit
from nfed.documents import document_from, documents_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.document import Document
from nfed.documents.layout import positions
from nfed.errors import InvalidAccessKey, InvalidSignature, NotAuthorised
from tests.support.cases import case
from tests.support.notes import generator
from tests.support.other_documents import (
    bare,
    cte,
    nfse,
    nfse_event,
    other_event,
    proc_event,
    protocol,
    summary,
)
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
    "CTeSimp": ("infCte", "protCTe", "chCTe"),
    "GTVe": ("infCte", "protCTe", "chCTe"),
    "MDFe": ("infMDFe", "protMDFe", "chMDFe"),
    "NFCom": ("infNFCom", "protNFCom", "chNFCom"),
    "NF3e": ("infNF3e", "protNF3e", "chNF3e"),
    "BPe": ("infBPe", "protBPe", "chBPe"),
    "BPeTM": ("infBPe", "protBPe", "chBPe"),
    "BPeTA": ("infBPe", "protBPe", "chBPe"),
}
_PROCS = {
    "CTeOS": "cteOSProc",
    "CTeSimp": "cteSimpProc",
    "BPeTM": "bpeTMProc",
    "BPeTA": "bpeTAProc",
    "GTVe": "GTVeProc",
    "MDFe": "mdfeProc",
}


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


EVENTS = ("CTe", "MDFe", "NFCom", "NF3e", "BPe")


@pytest.fixture(params=EVENTS)
def event_of(request):
    return request.param


def signed_event(name: str, *, own: str = OWN, **how: str) -> bytes:
    root = etree.fromstring(other_event(KEY, name, **how).encode())
    sign(root[0][0], [own])
    return etree.tostring(root)


def test_a_whole_event_has_no_finding_of_these_checks(event_of):
    document = document_from(signed_event(event_of), CHECKS)

    assert document.findings == ()
    assert (document.status, document.is_accepted) == ("registrado", True)


def test_an_answer_to_another_event_is_refused(event_of):
    content = signed_event(event_of, answered=OTHER)

    (error,) = documents_from(content, CHECKS)

    assert isinstance(error, InvalidAccessKey)
    assert OTHER in str(error)
    assert codes(content, Checks(schema=Policy.OFF, key=Policy.WARN)) == ["KEY"]


def test_an_event_of_a_key_with_a_wrong_digit_is_refused(event_of):
    wrong = KEY[:-1] + str((int(KEY[-1]) + 1) % 10)

    (error,) = documents_from(signed_event(event_of).replace(KEY.encode(), wrong.encode()), CHECKS)

    assert isinstance(error, InvalidAccessKey)


def test_a_tampered_event_is_seen_and_refused_where_that_is_asked_for(event_of):
    tampered = signed_event(event_of).replace(b"<xJust>erro", b"<xJust>Erro")

    assert codes(tampered) == ["SIG-DIGEST"]
    with pytest.raises(InvalidSignature):
        document_from(tampered, Checks(schema=Policy.OFF, signature=Policy.REFUSE))


def test_an_event_is_signed_by_its_author(event_of):
    assert codes(signed_event(event_of, own=FOREIGN)) == ["SIG-ISSUER"]
    assert codes(other_event(KEY, event_of).encode()) == ["SIG-MISSING"]


def test_a_rejected_event_is_stored_as_that_and_is_no_fault(event_of):
    """An event has a status of its own, and no authorisation to check."""
    content = signed_event(event_of, cstat="573")

    document = document_from(content, Checks(schema=Policy.OFF, authorisation=Policy.REFUSE))

    assert document.findings == ()
    assert (document.status, document.is_accepted) == ("rejeitado", False)


NFSE_KEY = "3550308" + "2" + "1" + "11222333000181" + "0" * 27


def signed_nfse(*, own: str = FOREIGN) -> bytes:
    root = etree.fromstring(nfse(NFSE_KEY).encode())
    sign(root[0], [own])
    return etree.tostring(root)


def test_an_nfse_is_issued_by_being_there_and_signed_by_any_certificate():
    checks = Checks(schema=Policy.OFF, signature=Policy.REFUSE, authorisation=Policy.REFUSE)

    document = document_from(signed_nfse(), checks)

    assert document.findings == ()
    assert document.status == "autorizada"


def test_a_tampered_nfse_is_seen_and_refused_where_that_is_asked_for():
    tampered = signed_nfse().replace(b"<nNFSe>77", b"<nNFSe>78")

    assert codes(tampered) == ["SIG-DIGEST"]
    assert codes(nfse(NFSE_KEY).encode()) == ["SIG-MISSING"]
    with pytest.raises(InvalidSignature):
        document_from(tampered, Checks(schema=Policy.OFF, signature=Policy.REFUSE))


def test_an_nfse_whose_key_has_another_form_is_refused():
    (error,) = documents_from(nfse(NFSE_KEY[:-1]).encode(), CHECKS)

    assert isinstance(error, InvalidAccessKey)


def test_an_event_of_an_nfse_is_checked_for_its_signature():
    root = etree.fromstring(nfse_event(NFSE_KEY, "101101").encode())
    sign(root[0], [FOREIGN])
    whole = etree.tostring(root)

    assert codes(whole) == []
    assert codes(whole.replace(b"<cMotivo>01", b"<cMotivo>02")) == ["SIG-DIGEST"]


WRONG = KEY[:-1] + str((int(KEY[-1]) + 1) % 10)
_DPS = nfse(NFSE_KEY).replace("NFSe", "DPS").replace(f"NFS{NFSE_KEY}", "DPS" + "1" * 42)


_LAYOUTS = {"MDFe": "3.00", "NFCom": "1.00", "NF3e": "1.00", "BPe": "1.00"}


def _alone(name: str) -> bytes:
    """The document without signature and protocol."""
    root = etree.fromstring(proc(name))
    root.remove(root[1])
    root[0].remove(root[0][1])
    return etree.tostring(root).replace(b'"4.00"', f'"{_LAYOUTS.get(name, "4.00")}"'.encode())


def _event_alone(name: str) -> bytes:
    return other_event(KEY, name).replace('"4.00"', f'"{_LAYOUTS.get(name, "4.00")}"').encode()


# By row of the table in docs/checks.md: what breaks every rule that a kind can have.
BROKEN = {
    "NF-e, NFC-e": [bare(generator().note(3, rich=False, authorised=False).xml).encode()],
    "CT-e, CT-e OS, GTV-e": [_alone("CTe"), _alone("CTeOS"), _alone("GTVe")],
    "MDF-e": [_alone("MDFe")],
    "NFCom, NF3-e, BP-e": [_alone("NFCom"), _alone("NF3e"), _alone("BPe")],
    "NFS-e nacional": [nfse(NFSE_KEY).encode()],
    "DPS": [_DPS.encode()],
    "events of NF-e, NFC-e, CT-e, MDF-e": [
        proc_event(KEY),
        _event_alone("CTe"),
        _event_alone("MDFe"),
    ],
    "events of other kinds": [_event_alone(each) for each in ("NFCom", "NF3e", "BPe")],
    "summaries": [summary(KEY).encode()],
    "lone protocols": [protocol(KEY).encode()],
}


def table() -> dict[str, list[str]]:
    lines = (Path(__file__).parents[2] / "docs" / "checks.md").read_text().splitlines()
    begin = next(n for n, each in enumerate(lines) if each.startswith("| kind | schema |"))
    rows = {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        kind, *cells = (each.strip() for each in line.strip("|").split("|"))
        rows[kind] = cells
    return rows


def test_the_table_has_a_row_for_every_kind_here():
    assert table().keys() == BROKEN.keys()


@pytest.mark.parametrize("kind", BROKEN)
def test_the_table_of_checks_and_kinds_says_what_the_checks_do(kind):
    """A cell says yes (with what is special about it) exactly where a broken document is found."""
    schema, key, signature, authorisation, _, _ = table()[kind]
    loose = Checks(key=Policy.WARN, totals=Policy.OFF, format=Policy.OFF)
    for content in BROKEN[kind]:
        content = re.sub(rb"<Signature.*?</Signature>", b"", content, flags=re.DOTALL)
        for each in (b"<tpAmb>", b"<nNFSe>", b"<nDPS>", b"<xNome>"):
            content = content.replace(each, b"<novo/>" + each)
        found = set(codes(content, loose))
        wrong = content.replace(KEY.encode(), WRONG.encode()).replace(b"NFS3550", b"NFSX550")
        wrong = re.sub(rb'(Id="NFe[0-9]{43})([0-9])', _next_digit, wrong)
        wrong = wrong.replace(b"DPS1111", b"DPSX111")

        assert ("XSD" in found) is schema.startswith("yes")
        assert ("SIG-MISSING" in found) is signature.startswith("yes")
        assert ("AUT-NONE" in found) is authorisation.startswith("yes")
        assert key.startswith(("yes", "its form"))
        assert "KEY" in set(codes(wrong, loose))


def _next_digit(found: re.Match[bytes]) -> bytes:
    return found[1] + str((int(found[2]) + 1) % 10).encode()


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
