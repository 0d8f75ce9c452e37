"""Every check but XSD and key, each by its policy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from lxml import etree

from daemon.documents.checks import AVULSA, Finding
from daemon.documents.extract import Rows
from daemon.documents.formats import format_findings
from daemon.documents.layout_nota import NF_PARTES, NOTAS_FISCAIS
from daemon.documents.payments import payment_findings
from daemon.documents.policy import Checks, Policy
from daemon.documents.totals import totals_findings
from daemon.errors import CheckFailed, InvalidFormat, InvalidSignature, NotAuthorised, WrongTotals

type _Check = Callable[[], Iterable[Finding]]

_AT = {
    name: NOTAS_FISCAIS.position(name)
    for name in (
        "chave_acesso",
        "codigo_status",
        "digest_value",
        "motivo_status",
        "numero_protocolo",
        "processo_emissao",
        "serie",
        "tipo_ambiente",
        "tipo_ambiente_protocolo",
    )
}
_PAPEL = NF_PARTES.position("papel")
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_AUTHORISED = ("100", "150")
_CANCELLED = ("101", "151", "155")
_DENIED = ("110", "301", "302", "303")
_MOST = 50  # findings of one check: a hostile file must not fill the ledger
_LONGEST = 400
_BY_THE_TAX_OFFICE = "1"  # procEmi


def note_findings(
    note: etree._Element, text: str, rows: Rows, checks: Checks, found: tuple[Finding, ...] = ()
) -> list[Finding]:
    """What the checks find; `note` is infNFe, `text` that of the document it was read from.

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
        new = [_bounded(each) for each in islice(check(), _MOST)]
        findings += new
        if new and policy is Policy.REFUSE and refusal is None:
            refusal = failure, new
    if refusal is not None:
        raised, first = refusal
        rest = [each for each in (*found, *findings) if each not in first]
        chave = str(rows["notas_fiscais"][0][_AT["chave_acesso"]])
        raise raised(chave, tuple((each.code, each.text) for each in (*first, *rest)))
    return findings


def signature_checked(
    signed: etree._Element | None, issuer: str | None, chave: str, checks: Checks
) -> list[Finding]:
    """The signature of another element than a note's, such as infEvento. Raises InvalidSignature.

    What was never sent, such as an answer alone, has none to check.
    """
    if signed is None or checks.signature is Policy.OFF:
        return []
    from daemon.documents.signature import signature_findings

    found = [_bounded(each) for each in islice(signature_findings(signed, issuer), _MOST)]
    if found and checks.signature is Policy.REFUSE:
        raise InvalidSignature(chave, tuple((each.code, each.text) for each in found))
    return found


def _bounded(finding: Finding) -> Finding:
    text = finding.text
    return finding if len(text) <= _LONGEST else replace(finding, text=f"{text[:_LONGEST]}...")


def _signature_findings(note: etree._Element, text: str, rows: Rows) -> list[Finding]:
    # cryptography costs a worker 30 ms: only where it is used.
    from daemon.documents.canonical import faithful
    from daemon.documents.signature import signature_findings

    signed = faithful(note, text) if _holds_markup_left_out(text) else note
    row = rows["notas_fiscais"][0]
    digest = row[_AT["digest_value"]]
    return signature_findings(signed, _issuer(rows), None if digest is None else str(digest))


def _holds_markup_left_out(text: str) -> bool:
    """Whether the reader may have left out comments or processing instructions.

    Single rare characters are looked for first: that takes a tenth of the time.
    """
    if "!" in text and "<!--" in text:
        return True
    marks = text.count("?") - (2 if text.startswith("<?xml ") else 0)
    return marks > 0 and text.find("<?", text.find("<?xml ") + 1) != -1


def _issuer(rows: Rows) -> str | None:
    """Who must own the certificate; None for a note that the tax office issues for somebody."""
    row = rows["notas_fiscais"][0]
    serie = str(row[_AT["serie"]] or "")
    if row[_AT["processo_emissao"]] == _BY_THE_TAX_OFFICE or (serie in AVULSA):
        return None
    numbers = (p[_CPF_CNPJ] for p in rows.get("nf_partes", ()) if p[_PAPEL] == "emitente")
    return str(next(numbers, None) or "")


def _authorisation_findings(rows: Rows) -> Iterator[Finding]:
    row = rows["notas_fiscais"][0]
    cstat = row[_AT["codigo_status"]]
    said = f"cStat {cstat}: {row[_AT['motivo_status']] or 'no reason given'}"
    if not cstat and row[_AT["numero_protocolo"]]:
        pass  # its number alone: told as PROTOCOL
    elif not cstat:
        yield Finding("AUT-NONE", "no protocol of the tax office in the file; expected protNFe")
    elif cstat in _CANCELLED:
        yield Finding("AUT-CANCELLED", f"the note is cancelled, {said}")
    elif cstat in _DENIED:
        yield Finding("AUT-DENIED", f"the note is denied, {said}")
    elif cstat not in _AUTHORISED:
        yield Finding("AUT-REJECTED", f"the note is not authorised, {said}")
    if "2" in (row[_AT["tipo_ambiente"]], row[_AT["tipo_ambiente_protocolo"]]):
        yield Finding("AUT-HOMOLOG", "issued in the test environment (tpAmb 2): no fiscal value")
