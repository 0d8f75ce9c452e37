"""NF-e (modelo 55) and NFC-e (modelo 65): bytes to rows, ready to store."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from lxml import etree

from daemon.documents import checks, schema
from daemon.documents.checks import Finding
from daemon.documents.extract import Extraction, Row, Rows
from daemon.documents.layout_nota import NF_REFERENCIAS, NOTAS_FISCAIS
from daemon.documents.note_checks import note_findings
from daemon.documents.policy import Checks, Policy
from daemon.documents.reader import Kind, read
from daemon.errors import InvalidAccessKey, NotFiscal, SchemaViolation, UnsupportedLayout


class Status(StrEnum):
    """notas_fiscais.status, from the protocol's cStat."""

    EMITIDA = "emitida"
    REJEITADA = "rejeitada"
    AUTORIZADA = "autorizada"
    DENEGADA = "denegada"
    CANCELADA = "cancelada"


_STATUS = {
    **dict.fromkeys(("100", "150"), Status.AUTORIZADA),
    **dict.fromkeys(("101", "151", "155"), Status.CANCELADA),
    **dict.fromkeys(("110", "301", "302", "303"), Status.DENEGADA),
}
_RANK = {status.value: rank for rank, status in enumerate(Status)}
_MODELS = ("55", "65")
_LAYOUT = "4.00"

_CHAVE = NOTAS_FISCAIS.position("chave_acesso")
_ISSUED = NOTAS_FISCAIS.position("data_hora_emissao")
_MODELO = NOTAS_FISCAIS.position("modelo")
_STATUS_AT = NOTAS_FISCAIS.position("status")
_CSTAT = NOTAS_FISCAIS.position("codigo_status")
_SHA256 = NOTAS_FISCAIS.position("arquivo_sha256")
_CONTENT = NOTAS_FISCAIS.position("conteudo_sha256")
_XML = NOTAS_FISCAIS.position("xml_completo")
_REF = {name: NF_REFERENCIAS.position(name) for name in (c.name for c in NF_REFERENCIAS.columns)}


@dataclass(frozen=True)  # without slots, which pickle by a slow road
class Document:
    """What one file says, ready to store."""

    chave: str
    status: Status
    issued_utc: str
    """dhEmi as AAAA-MM-DDThh:mm:ssZ, so that text order is time order; empty if unknown."""
    content_sha256: str
    rows: Rows
    findings: tuple[Finding, ...] = ()


def status_rank(status: str | None) -> int:
    """How far a note has come; a file that knows more replaces the protocol of one that knew less.

    emitida < rejeitada < autorizada < denegada < cancelada; the order of arrival does not matter.
    What another program wrote there, such as inutilizada, ranks lowest.
    """
    return _RANK.get(status or "", 0)


def document_from(content: bytes, policy: Checks) -> Document:
    """One file's document.

    Raises DocumentError (see errors.py) with what was found and what was expected.
    """
    source = read(content)
    note, protocol = _parts(source.root, source.kind)
    layout = note.get("versao", _LAYOUT).strip()
    if layout != _LAYOUT:
        raise UnsupportedLayout(f"<infNFe versao> holds {layout!r}, expected {_LAYOUT}")
    findings: list[Finding] = []
    if policy.schema is not Policy.OFF:
        found = schema.violations(source.root, source.kind)
        if found and policy.schema is Policy.REFUSE:
            raise SchemaViolation("; ".join(found))
        findings += (Finding("XSD", text) for text in found)

    extraction = Extraction()
    extraction.walk(note, "NFe/infNFe")
    content_sha256 = extraction.digest
    supplement = _supplement(note)
    if supplement is not None:
        extraction.walk(supplement, "NFe/infNFeSupl")
    if protocol is not None:
        extraction.walk(protocol, "protNFe/infProt")
    findings += (Finding("VALUE", text) for text in extraction.unreadable.values())
    rows = extraction.rows()
    row = rows["notas_fiscais"][0] if "notas_fiscais" in rows else None
    if row is None:
        raise NotFiscal("<infNFe> has no content; expected a note")

    chave = str(row[_CHAVE] or "").removeprefix("NFe")
    findings += _check_key(chave, _text_of(protocol, "chNFe"), rows, policy.key)
    if row[_MODELO] not in _MODELS:
        raise NotFiscal(f"<ide/mod> holds {row[_MODELO]!r}, expected 55 (NF-e) or 65 (NFC-e)")
    status = _status(row[_CSTAT], protocol)
    row[_CHAVE] = chave
    row[_STATUS_AT] = status.value
    row[_SHA256] = sha256(content).hexdigest()
    row[_CONTENT] = content_sha256
    row[_XML] = source.text if policy.keep_xml else None
    for reference in rows.get("nf_referencias", ()):
        reference[_REF["tipo"]] = _reference_type(reference)
    for answer in rows.get("nf_processamento", ()):
        answer[1] = "autorizacao"
    findings += note_findings(note, source.text, rows, policy, tuple(findings))
    return Document(chave, status, _utc(row[_ISSUED]), content_sha256, rows, tuple(findings))


def _parts(root: etree._Element, kind: Kind) -> tuple[etree._Element, etree._Element | None]:
    """infNFe and infProt."""
    nfe = root if kind is Kind.NFE else _child(root, "NFe")
    note = None if nfe is None else _child(nfe, "infNFe")
    if note is None:
        raise NotFiscal(f"<{kind}> holds no <NFe/infNFe>; expected a note inside")
    prot = None if kind is Kind.NFE else _child(root, "protNFe")
    protocol = None if prot is None else _child(prot, "infProt")
    return note, protocol


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if child.tag.rpartition("}")[2] == name), None)


def _supplement(note: etree._Element) -> etree._Element | None:
    """infNFeSupl, the QR code's element beside infNFe."""
    nfe = note.getparent()
    return None if nfe is None else _child(nfe, "infNFeSupl")


def _text_of(element: etree._Element | None, name: str) -> str | None:
    child = None if element is None else _child(element, name)
    return None if child is None or not child.text else child.text.strip()


def _check_key(chave: str, protocol_chave: str | None, rows: Rows, policy: Policy) -> list[Finding]:
    fault = checks.key_faults(chave, protocol_chave)
    if not chave or (fault and not chave.isalnum()) or len(chave) > 44:
        # Without something that can serve as a key a note cannot be told from another.
        raise InvalidAccessKey(fault or "<infNFe Id> is empty, expected NFe and the 44 of the key")
    if policy is Policy.OFF:
        return []
    if fault and policy is Policy.REFUSE:
        raise InvalidAccessKey(fault, chave)
    findings = [Finding("KEY", fault)] if fault else []
    if len(chave) == 44:
        findings += checks.key_against_content(chave, rows)
    return findings


def _status(cstat: object, protocol: etree._Element | None) -> Status:
    if protocol is None or not cstat:
        return Status.EMITIDA
    return _STATUS.get(str(cstat), Status.REJEITADA)


def _reference_type(row: Row) -> str | None:
    """nf_referencias.tipo, by which of the elements of NFref was there (group BA)."""
    if row[_REF["chave_acesso_cte"]]:
        return "cte"
    if row[_REF["ref_modelo_ecf"]] or row[_REF["ref_numero_ecf"]] is not None:
        return "ecf"
    if row[_REF["ref_cpf_cnpj_produtor"]] or row[_REF["ref_inscricao_estadual"]]:
        return "nfp"
    chave = str(row[_REF["chave_acesso_referenciada"]] or "")
    if chave:
        return "nfce" if chave[20:22] == "65" else "nfe"
    return "modelo1" if row[_REF["ref_cnpj"]] else None


def _utc(issued: object) -> str:
    if not issued:
        return ""
    try:
        instant = datetime.fromisoformat(str(issued)).astimezone(UTC)
    except OverflowError:  # 0001-01-01 and 9999-12-31 have no UTC day on their far side
        return str(issued)[:19] + "Z"
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
