"""Signatures: true ones of every form are taken, and no false one is."""

import random
import re

import pytest
from lxml import etree

from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.checks.canonical import digest_signed, faithful
from nfed.documents.checks.signature import signature_findings
from nfed.documents.xml.parse import NAMESPACE
from nfed.errors import DocumentError, InvalidSignature
from tests.support.notes import NFELIB_SAMPLES, generator, note, with_value
from tests.support.signing import (
    CNPJ_OID,
    CPF_OID,
    DSIG,
    EXCLUSIVE,
    INCLUSIVE,
    canonical,
    certificate,
    sign,
)

ISSUER = "12345678000195"
OTHER_BRANCH = "12345678000276"
STRANGER = "98765432000198"
CPF = "12345678909"
ONLY_SIGNATURE = Checks(
    schema=Policy.OFF,
    signature=Policy.WARN,
    authorisation=Policy.OFF,
    totals=Policy.OFF,
    format=Policy.OFF,
)


def codes(findings):
    return [finding.code for finding in findings]


def document(xml):
    """The infNFe of a note's text."""
    return etree.fromstring(xml).find(".//{*}infNFe")


def signed_note(certificates=None, wrapper="", inner="<ide><cUF>35</cUF></ide>", **how):
    """The infNFe of a small note, signed where it stands."""
    nfe = f'<NFe xmlns="{NAMESPACE}"><infNFe Id="NFe35" versao="4.00">{inner}</infNFe></NFe>'
    text = f"{wrapper}{nfe}</nfeProc>" if wrapper else nfe
    signed = document(text)
    sign(signed, [certificate(f"A LTDA:{ISSUER}")] if certificates is None else certificates, **how)
    return signed


def reparsed(signed, change=lambda text: text):
    """The same element after a way through text."""
    text = etree.tostring(signed.getroottree(), encoding="unicode")
    changed = change(text)
    return document(changed)


@pytest.mark.parametrize("n", range(12))
def test_the_generators_notes_verify(n):
    made = generator().note(n, rich=True)
    root = etree.fromstring(made.xml)
    digest = root.findtext(".//{*}digVal")

    assert signature_findings(root.find(".//{*}infNFe"), made.emitente_cnpj or None, digest) == []


def test_without_a_signature_the_digest_is_that_of_the_form_which_the_protocol_names():
    """A wrapper's further namespaces make other forms, of which the issuer knew none."""
    alone = etree.fromstring('<CTe xmlns="urn:a"><infCte Id="1"><a>1</a></infCte></CTe>')
    wrapped = etree.fromstring(
        '<p:lot xmlns:p="urn:p" xmlns:q="urn:q"><CTe xmlns="urn:a"><infCte Id="1"><a>1</a></infCte>'
        "</CTe></p:lot>"
    )
    own = digest_signed(alone[0])
    first = digest_signed(wrapped[0][0])

    assert first != own
    assert digest_signed(wrapped[0][0], own) == own
    assert digest_signed(wrapped[0][0], first) == first
    assert digest_signed(wrapped[0][0], "another's") == first


MEANT = {"AUT-HOMOLOG", "AUT-NONE"}
"""All of the generator's notes are of the test environment, and some have no protocol."""


@pytest.mark.parametrize("modelo", ["55", "65"])
@pytest.mark.parametrize("rich", [True, False], ids=["rich", "plain"])
def test_the_generators_notes_pass_every_check(modelo, rich):
    findings = []
    for n in range(60):
        how = {"items": 1 + n % 9, "authorised": n % 8 != 0}
        made = generator().note(n, modelo=modelo, rich=rich, **how)
        found = document_from(made.xml, Checks()).findings
        findings += [(n, each.code, str(each.text)) for each in found]

    assert {code for _, code, _ in findings} == MEANT, findings
    assert len({n for n, code, _ in findings if code == "AUT-HOMOLOG"}) == 60


def test_a_provider_that_signs_for_an_issuer_does_so_with_its_own_certificate():
    note = generator().note(8, modelo="65", rich=True, items=9).xml
    assert b"<CNPJPAA>" in note

    found = document_from(note, Checks()).findings

    assert [each.code for each in found if each.code.startswith("SIG")] == []


@pytest.mark.parametrize("method", ["sha1", "sha256"])
@pytest.mark.parametrize("c14n", [INCLUSIVE, EXCLUSIVE, f"{INCLUSIVE}#WithComments"])
@pytest.mark.parametrize("prefix", ["", "ds"])
def test_every_method_that_issuers_use_verifies(method, c14n, prefix):
    signed = reparsed(signed_note(method=method, c14n=c14n, prefix=prefix))

    assert signature_findings(signed, ISSUER) == []


@pytest.mark.parametrize("name", ["infNFe", "infEvento", "infInut", "infCte"])
def test_any_signed_element_verifies(name):
    root = etree.fromstring(f'<a xmlns="{NAMESPACE}"><{name} Id="X1"><b><c/></b></{name}></a>')
    sign(root[0], [certificate(f"A:{ISSUER}")])

    assert signature_findings(root[0], ISSUER) == []
    root[0][0][0].text = "1"
    assert codes(signature_findings(root[0], ISSUER)) == ["SIG-DIGEST"]


def test_a_note_signed_on_its_own_verifies_in_a_wrapper_with_more_namespaces():
    text = etree.tostring(signed_note().getroottree(), encoding="unicode")
    wrapped = (
        f'<nfeProc xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:ds="{DSIG}">{text}</nfeProc>'
    )

    assert signature_findings(document(wrapped), ISSUER) == []


def test_a_note_signed_inside_such_a_wrapper_verifies_there():
    wrapper = f'<nfeProc xmlns="{NAMESPACE}" xmlns:xsi="urn:x" versao="4.00">'

    assert signature_findings(reparsed(signed_note(wrapper=wrapper)), ISSUER) == []


def test_namespaces_that_nobody_uses_are_part_of_the_inclusive_form():
    inner = '<ide xmlns:xsi="urn:x"><cUF>35</cUF></ide>'

    assert signature_findings(reparsed(signed_note(inner=inner)), ISSUER) == []


def test_a_processing_instruction_that_was_signed_is_digested():
    signed = signed_note(inner="<ide><?erp 7?><cUF>35</cUF></ide>")
    text = etree.tostring(signed.getroottree(), encoding="unicode")
    read = etree.fromstring(text, etree.XMLParser(remove_pis=True)).find(".//{*}infNFe")

    assert codes(signature_findings(read, ISSUER)) == ["SIG-DIGEST"]
    assert signature_findings(faithful(read, text), ISSUER) == []


def test_a_processing_instruction_put_in_later_is_found_and_a_comment_is_none():
    text = note(1).decode()
    changed = text.replace("<ide>", "<ide><?later x?>", 1)
    commented = text.replace("<ide>", "<ide><!-- later -->", 1)

    assert codes(document_from(changed.encode(), ONLY_SIGNATURE).findings) == ["SIG-DIGEST"]
    assert document_from(commented.encode(), ONLY_SIGNATURE).findings == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace(b"<natOp>", b"<natOp>x", 1),
        lambda xml: re.sub(rb"<vNF>[^<]*<", b"<vNF>1.00<", xml),
        lambda xml: re.sub(rb"</det>", b"</det> ", xml, count=1),
        lambda xml: xml.replace(b"<infNFe ", b'<infNFe x="1" ', 1),
    ],
    ids=["text", "amount", "blank", "attribute"],
)
def test_whatever_is_changed_after_signing_is_found(change):
    xml = note(1)
    changed = change(xml)

    assert changed != xml
    assert codes(document_from(changed, ONLY_SIGNATURE).findings) == ["SIG-DIGEST"]


def test_indenting_a_note_breaks_its_signature():
    root = etree.fromstring(note(1))
    etree.indent(root)

    findings = document_from(etree.tostring(root), ONLY_SIGNATURE).findings

    assert codes(findings) == ["SIG-DIGEST", "SIG-VALUE"]


def test_a_digest_made_to_fit_breaks_the_signature_itself():
    signed = signed_note()
    digests = [each.text for each in signed.getparent().iter(f"{{{DSIG}}}DigestValue")]
    signed[0][0].text = "33"
    again = signed_note(inner="<ide><cUF>33</cUF></ide>")
    new = next(again.getparent().iter(f"{{{DSIG}}}DigestValue")).text
    next(signed.getparent().iter(f"{{{DSIG}}}DigestValue")).text = new

    assert digests != [new]
    assert codes(signature_findings(signed, ISSUER)) == ["SIG-VALUE"]


def test_a_missing_signature_has_a_code_of_its_own_and_the_protocol_still_vouches():
    xml = re.sub(rb"<Signature.*?</Signature>", b"", note(1), flags=re.DOTALL)

    assert codes(document_from(xml, ONLY_SIGNATURE).findings) == ["SIG-MISSING"]
    changed = with_value(xml, "natOp", "outra")
    assert codes(document_from(changed, ONLY_SIGNATURE).findings) == [
        "SIG-MISSING",
        "SIG-PROTOCOL",
    ]


def test_the_protocol_must_name_the_digest_of_the_signature():
    xml = with_value(note(1), "digVal", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    assert codes(document_from(xml, ONLY_SIGNATURE).findings) == ["SIG-PROTOCOL"]


class TestWrapping:
    """The signature of one element must not vouch for another."""

    def hidden(self, xml, where):
        """A changed note whose true original stands elsewhere in the file under the same Id."""
        original = re.search(rb"<infNFe.*?</infNFe>", xml, re.DOTALL).group()
        changed = with_value(xml, "xNome", "Outra")
        return where(changed, original)

    @pytest.mark.parametrize(
        "where",
        [
            lambda changed, original: changed.replace(b"</NFe>", original + b"</NFe>"),
            lambda changed, original: changed.replace(
                b"<protNFe", b"<extra>" + original + b"</extra><protNFe"
            ),
            lambda changed, original: changed.replace(
                b"</Signature>", b"<Object>" + original + b"</Object></Signature>"
            ),
            lambda changed, original: changed.replace(
                b"<infNFe", b"<outro>" + original + b"</outro><infNFe", 1
            ),
        ],
        ids=["beside", "outside", "in the Signature", "before"],
    )
    def test_an_original_hidden_elsewhere_vouches_for_nothing(self, where):
        attacked = self.hidden(note(1), where)

        assert codes(document_from(attacked, ONLY_SIGNATURE).findings) == ["SIG-FORM"]

    def test_a_copy_under_another_id_is_no_help(self):
        def where(changed, original):
            other = re.sub(rb'Id="[^"]*"', b'Id="other"', original)
            return changed.replace(b"</NFe>", other + b"</NFe>")

        attacked = self.hidden(note(1), where)

        assert codes(document_from(attacked, ONLY_SIGNATURE).findings) == ["SIG-DIGEST"]

    def test_a_reference_to_another_element_is_refused(self):
        assert codes(signature_findings(signed_note(uri="#other"), ISSUER)) == ["SIG-FORM"]
        assert codes(signature_findings(signed_note(uri=""), ISSUER)) == ["SIG-FORM"]

    def test_two_references_are_refused(self):
        assert codes(signature_findings(signed_note(references=2), ISSUER)) == ["SIG-FORM"]

    def test_two_signatures_are_refused(self):
        signed = signed_note()
        sign(signed, [certificate(f"A:{ISSUER}")])

        assert codes(signature_findings(signed, ISSUER)) == ["SIG-FORM"]

    def test_a_signature_that_stands_elsewhere_does_not_count(self):
        signed = signed_note()
        nfe = signed.getparent()
        box = etree.SubElement(nfe, "box")
        box.append(nfe[1])

        assert codes(signature_findings(signed, ISSUER)) == ["SIG-MISSING"]

    @pytest.mark.parametrize(
        "transforms",
        [
            [],
            [INCLUSIVE],
            [f"{DSIG}enveloped-signature", "http://www.w3.org/TR/1999/REC-xpath-19991116"],
            [f"{DSIG}enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"],
            [f"{DSIG}enveloped-signature", INCLUSIVE, INCLUSIVE],
        ],
    )
    def test_other_transforms_are_refused(self, transforms):
        findings = signature_findings(signed_note(transforms=transforms), ISSUER)

        assert codes(findings) == ["SIG-FORM"]

    def test_an_unknown_method_is_refused_and_named(self):
        signed = reparsed(signed_note(), lambda text: text.replace("#rsa-sha1", "#hmac-sha1"))

        (finding,) = signature_findings(signed, ISSUER)

        assert finding.code == "SIG-FORM"
        assert "hmac-sha1" in finding.text


class TestCertificate:
    """Whose certificate it is."""

    @pytest.mark.parametrize("tag", [0x13, 0x04, 0x0C, 0x16])
    def test_the_cnpj_of_the_san_decides_whatever_its_string_type(self, tag):
        made = certificate("A LTDA:98765432000198", {CNPJ_OID: ISSUER}, tag)

        assert signature_findings(signed_note([made]), ISSUER) == []
        assert codes(signature_findings(signed_note([made]), STRANGER)) == ["SIG-ISSUER"]

    def test_a_branch_signs_with_the_certificate_of_its_company(self):
        assert signature_findings(signed_note(), OTHER_BRANCH) == []

    def test_a_cnpj_with_letters_is_compared_as_text(self):
        made = certificate("A LTDA:12ABC34501DE35")

        assert signature_findings(signed_note([made]), "12ABC345000188") == []
        assert codes(signature_findings(signed_note([made]), ISSUER)) == ["SIG-ISSUER"]

    def test_another_company_is_named(self):
        (finding,) = signature_findings(signed_note(), STRANGER)

        assert finding.code == "SIG-ISSUER"
        assert ISSUER in finding.text
        assert STRANGER in finding.text

    def test_a_person_signs_with_the_cpf(self):
        made = certificate("JOSE", {CPF_OID: "01011970" + CPF + "0" * 26})

        assert signature_findings(signed_note([made]), CPF) == []
        assert signature_findings(signed_note([certificate(f"JOSE:{CPF}")]), CPF) == []
        assert codes(signature_findings(signed_note([made]), "52998224725")) == ["SIG-ISSUER"]

    def test_a_certificate_of_nobody_is_found(self):
        findings = signature_findings(signed_note([certificate("A LTDA")]), ISSUER)

        assert codes(findings) == ["SIG-CERT-CNPJ"]

    def test_whoever_signs_for_an_avulsa_note_is_not_compared(self):
        assert signature_findings(signed_note(), None) == []

    @pytest.mark.parametrize("base64", ["", "AAAA", "%%%", "A" * 20_000])
    def test_a_certificate_that_cannot_be_read_is_found(self, base64):
        assert codes(signature_findings(signed_note([base64]), ISSUER)) == ["SIG-CERT"]

    def test_no_certificate_is_found(self):
        assert codes(signature_findings(signed_note([]), ISSUER)) == ["SIG-CERT"]

    def test_the_chain_may_come_along(self):
        chain = ["AAAA", certificate(f"A:{ISSUER}")]

        assert signature_findings(signed_note(chain), ISSUER) == []


def test_what_has_no_canonical_form_has_no_signature_either():
    """libxml2 refuses relative namespace names; an empty digest must not pass for its digest."""
    signed = signed_note(inner='<ide><cUF xmlns:x="urn:x">35</cUF></ide>')
    empty = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="  # SHA-1 of nothing, base64

    def relative(text):
        changed = re.sub("<DigestValue>[^<]*<", f"<DigestValue>{empty}<", text)
        return changed.replace('"urn:x"', '"x"')

    assert "SIG-DIGEST" in codes(signature_findings(reparsed(signed, relative), ISSUER))


def test_no_signature_however_mangled_makes_the_check_stumble():
    """Cuts, doubles and swaps parts of the Signature, and changes its characters."""
    dice = random.Random(7)
    xml = note(1)
    first, last = xml.index(b"<SignedInfo>"), xml.index(b"<KeyInfo>")
    ends = 0
    for _ in range(1500):
        start, end = sorted((dice.randrange(first, last), dice.randrange(first, last)))
        piece = xml[start : min(end, start + dice.choice((1, 3, 40, 400)))]
        other = dice.choice(
            (b"", piece * 2, b"=", b"A" * len(piece), "é".encode(), b'xmlns:x="x"', b"<!-- -->")
        )
        mangled = xml[:start] + other + xml[start + len(piece) :]
        try:
            found = codes(document_from(mangled, ONLY_SIGNATURE).findings)
        except DocumentError:
            continue
        ends += 1
        assert found or _says(mangled) == _says(xml)
    assert ends > 100


def _says(xml):
    """The canonical form, but for blanks, which base64 may hold anywhere."""
    return b"".join(canonical(etree.fromstring(xml), INCLUSIVE).split())


def test_the_series_of_the_tax_office_are_not_compared_with_the_issuer():
    """An avulsa note (890 to 899) is signed by the state."""
    xml = note(1)
    issuer = generator().note(1, items=2, rich=False).emitente_cnpj
    foreign = re.sub(rb"<CNPJ>[0-9]{14}</CNPJ>", b"<CNPJ>98765432000198</CNPJ>", xml, count=1)
    avulsa = with_value(foreign, "serie", "890")
    checks = Checks(key=Policy.OFF, schema=Policy.OFF, authorisation=Policy.OFF)

    found = {each.code for each in document_from(foreign, checks).findings}
    avulsa_found = {each.code for each in document_from(avulsa, checks).findings}

    assert issuer != "98765432000198"
    assert {"SIG-DIGEST", "SIG-ISSUER"} <= found
    assert "SIG-ISSUER" not in avulsa_found


def test_refuse_names_the_code_and_tells_what_else_was_found():
    xml = with_value(note(1), "vNF", "1.00")
    checks = Checks(schema=Policy.OFF, signature=Policy.REFUSE)

    with pytest.raises(InvalidSignature) as refusal:
        document_from(xml, checks)

    assert refusal.value.code == "SIG-DIGEST"
    assert str(refusal.value).startswith("SIG-DIGEST: ")
    assert [code for code, _ in refusal.value.findings][:3] == [
        "SIG-DIGEST",
        "AUT-HOMOLOG",
        "TOT-610",
    ]


def test_off_says_nothing():
    xml = with_value(note(1), "vNF", "1.00")

    assert document_from(xml, Checks.none()).findings == ()


@pytest.mark.parametrize("path", NFELIB_SAMPLES, ids=lambda path: path.stem[:20])
def test_nfelibs_samples_without_signature_say_so(path):
    """None of them is an original with its signature."""
    found = codes(document_from(path.read_bytes(), ONLY_SIGNATURE).findings)

    signature = [code for code in found if code.startswith("SIG-")]
    assert signature
