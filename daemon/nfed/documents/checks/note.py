"""Runs every check of a note but XSD and key, each by its policy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from lxml import etree

from nfed.documents.checks import Checks, Finding, Policy
from nfed.documents.checks.formats import format_findings
from nfed.documents.checks.key import AVULSA
from nfed.documents.checks.payments import payment_findings
from nfed.documents.checks.totals import totals_findings
from nfed.documents.layout.nota import NF_PARTES, NOTAS_FISCAIS
from nfed.documents.rows.extract import Rows, Value
from nfed.documents.standing import AUTHORISED, CANCELLED, DENIED
from nfed.documents.steps import Steps
from nfed.errors import CheckFailed, InvalidFormat, InvalidSignature, NotAuthorised, WrongTotals
from nfed.words import Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tax office answered to a document."""

    cstat: str
    """Empty: the file holds no answer."""
    motivo: str
    protocol: str
    """Its number."""
    is_test: bool
    """Issued in the test environment."""
    expected: str = "protNFe"
    """The element that holds it."""


type _Check = Callable[[], Iterable[Finding]]

_AT = {
    name: NOTAS_FISCAIS.position(name)
    for name in (
        "chave_acesso",
        "codigo_status",
        "digest_value",
        "motivo_status",
        "numero_protocolo",
        "paa_cnpj",
        "processo_emissao",
        "serie",
        "tipo_ambiente",
        "tipo_ambiente_protocolo",
    )
}
_PAPEL = NF_PARTES.position("papel")
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_MOST = 50  # findings of one check: a hostile file must not fill the ledger
_LONGEST = 400
_BY_THE_TAX_OFFICE = "1"  # procEmi


def note_findings(
    note: etree._Element, text: str, rows: Rows, checks: Checks, found: tuple[Finding, ...] = ()
) -> Steps[list[Finding]]:
    """Runs the checks, each a step.

    `note` is infNFe, `text` that of the document it was read from.

    Raises a CheckFailed when a check whose policy is `refuse` finds something; it carries what
    this and every other check found, `found` included.
    """
    findings: list[Finding] = []
    refusal: tuple[type[CheckFailed], list[Finding]] | None = None
    every: tuple[tuple[Policy, type[CheckFailed], _Check], ...] = (
        (checks.signature, InvalidSignature, lambda: _signature_findings(note, text, rows)),
        (checks.authorisation, NotAuthorised, lambda: _authorisation_findings(rows)),
        (checks.totals, WrongTotals, lambda: [*totals_findings(rows), *payment_findings(rows)]),
        (checks.format, InvalidFormat, lambda: format_findings(rows)),
    )
    for policy, failure, check in every:
        if policy is Policy.OFF:
            continue
        new = [_shorten(each) for each in islice(check(), _MOST)]
        findings += new
        yield
        if new and policy is Policy.REFUSE and refusal is None:
            refusal = failure, new
    if refusal is not None:
        raised, first = refusal
        rest = [each for each in (*found, *findings) if each not in first]
        chave = str(rows["notas_fiscais"][0][_AT["chave_acesso"]])
        raise raised(chave, tuple((each.code, each.text) for each in (*first, *rest)))
    return findings


def check_signature_of(
    signed: etree._Element | None,
    issuer: str | None,
    chave: str,
    checks: Checks,
    protocol_digest: str | None = None,
) -> list[Finding]:
    """The signature of another element than a note's, such as infEvento. Raises InvalidSignature.

    What was never sent, such as an answer alone, has none to check.
    """
    if signed is None or checks.signature is Policy.OFF:
        return []
    from nfed.documents.checks.signature import signature_findings

    found = [
        _shorten(each)
        for each in islice(signature_findings(signed, issuer, protocol_digest), _MOST)
    ]
    if found and checks.signature is Policy.REFUSE:
        raise InvalidSignature(chave, tuple((each.code, each.text) for each in found))
    return found


def check_authorisation_of(answer: Answer, chave: str, checks: Checks) -> list[Finding]:
    """What the tax office answered to another document than a note. Raises NotAuthorised."""
    if checks.authorisation is Policy.OFF:
        return []
    found = list(_answer_findings(answer))
    if found and checks.authorisation is Policy.REFUSE:
        raise NotAuthorised(chave, tuple((each.code, each.text) for each in found))
    return found


def _shorten(finding: Finding) -> Finding:
    text = finding.text
    if len(text) <= _LONGEST:
        return finding
    if isinstance(text, Message) and len(text := text.shortened(_LONGEST)) <= _LONGEST:
        return replace(finding, text=text)
    return replace(finding, text=f"{text[:_LONGEST]}...")


def _signature_findings(note: etree._Element, text: str, rows: Rows) -> list[Finding]:
    # cryptography costs a worker 30 ms: only where it is used.
    from nfed.documents.checks.canonical import faithful
    from nfed.documents.checks.signature import signature_findings

    signed = faithful(note, text) if _holds_markup_left_out(text) else note
    row = rows["notas_fiscais"][0]
    digest = row[_AT["digest_value"]]
    return signature_findings(signed, _issuer(rows), None if digest is None else str(digest))


def _holds_markup_left_out(text: str) -> bool:
    """Tells whether the parser may have left out comments or processing instructions.

    Single rare characters are looked for first: that takes a tenth of the time.
    """
    if "!" in text and "<!--" in text:
        return True
    marks = text.count("?") - (2 if text.startswith("<?xml ") else 0)
    return marks > 0 and text.find("<?", text.find("<?xml ") + 1) != -1


def _issuer(rows: Rows) -> str | None:
    """Names the owner of the certificate; None for a note that the tax office issues."""
    row = rows["notas_fiscais"][0]
    serie = str(row[_AT["serie"]] or "")
    if row[_AT["processo_emissao"]] == _BY_THE_TAX_OFFICE or (serie in AVULSA):
        return None
    if row[_AT["paa_cnpj"]]:  # a provider of signatures signs for its issuer (infPAA)
        return str(row[_AT["paa_cnpj"]])
    numbers = (p[_CPF_CNPJ] for p in rows.get("nf_partes", ()) if p[_PAPEL] == "emitente")
    return str(next(numbers, None) or "")


def _authorisation_findings(rows: Rows) -> Iterator[Finding]:
    row = rows["notas_fiscais"][0]
    return _answer_findings(
        Answer(
            _text(row[_AT["codigo_status"]]),
            _text(row[_AT["motivo_status"]]),
            _text(row[_AT["numero_protocolo"]]),
            "2" in (row[_AT["tipo_ambiente"]], row[_AT["tipo_ambiente_protocolo"]]),
        )
    )


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _answer_findings(answer: Answer) -> Iterator[Finding]:
    cstat = answer.cstat
    said = Message(
        "cStat {cstat}: {motivo}",
        cstat=cstat,
        motivo=answer.motivo or Message("no reason given"),
    )
    if not cstat and answer.protocol:
        pass  # its number alone: told as PROTOCOL
    elif not cstat:
        yield Finding(
            "AUT-NONE",
            Message(
                "no protocol of the tax office in the file; expected {expected}",
                expected=answer.expected,
            ),
        )
    elif cstat in CANCELLED:
        yield Finding("AUT-CANCELLED", Message("the note is cancelled, {said}", said=said))
    elif cstat in DENIED:
        yield Finding("AUT-DENIED", Message("the note is denied, {said}", said=said))
    elif cstat not in AUTHORISED:
        yield Finding("AUT-REJECTED", Message("the note is not authorised, {said}", said=said))
    if answer.is_test:
        yield Finding(
            "AUT-HOMOLOG", Message("issued in the test environment (tpAmb 2): no fiscal value")
        )
