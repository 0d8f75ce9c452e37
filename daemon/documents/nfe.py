"""NF-e (modelo 55) and NFC-e (modelo 65): a note and its protocol to rows."""

from lxml import etree

from daemon.documents import checks, schema
from daemon.documents.checks import Finding
from daemon.documents.document import Document, rank, status_of
from daemon.documents.extract import Row, Rows
from daemon.documents.head import Head, Origin, extracted
from daemon.documents.layout_nota import NF_REFERENCIAS, NOTAS_FISCAIS
from daemon.documents.note_checks import note_findings
from daemon.documents.parts import Part, child, local_name
from daemon.documents.policy import Checks, Policy
from daemon.errors import InvalidAccessKey, NotFiscal, UnsupportedLayout

_MODELS = ("55", "65")
_LAYOUTS = ("4.00", "3.10", "3.00", "2.00", "1.10", "1.00")
_REF = {name: NF_REFERENCIAS.position(name) for name in (c.name for c in NF_REFERENCIAS.columns)}


def note(part: Part, origin: Origin) -> Document:
    """The document of an NFe and of what the tax office answered. Raises DocumentError."""
    policy = origin.checks
    group = child(part.asked, "infNFe")
    assert part.asked is not None
    assert group is not None
    layout = group.get("versao", _LAYOUTS[0]).strip()
    if layout not in _LAYOUTS:
        raise UnsupportedLayout(
            f"<infNFe versao> holds {layout!r}, expected one of {', '.join(_LAYOUTS)}"
        )
    findings: list[Finding] = []
    if layout == _LAYOUTS[0]:
        findings += schema.checked(part, policy.schema)
    protocol = _protocol(part)
    extraction, digest, unreadable = extracted(
        (group, "NFe/infNFe"), (protocol, "protNFe/infProt"), needs_offsets=layout >= "3.10"
    )
    supplement = child(part.asked, "infNFeSupl")
    if supplement is not None:
        extraction.walk(supplement, "NFe/infNFeSupl")
    findings += unreadable
    head = Head(NOTAS_FISCAIS, extraction)
    if head.is_blank:
        raise NotFiscal("<infNFe> has no content; expected a note")

    if head["numero_protocolo"] is None and part.answered is part.whole:
        findings += _bare_protocol(part.whole, head)
    chave = str(head["chave_acesso"] or "").removeprefix("NFe")
    findings += _check_key(chave, _text_of(protocol, "chNFe"), head.rows, layout, policy)
    if head["modelo"] not in _MODELS:
        held = "is missing" if head["modelo"] is None else f"holds {head['modelo']!r}"
        raise NotFiscal(f"<ide/mod> {held}, expected 55 (NF-e) or 65 (NFC-e)")
    for reference in head.rows.get("nf_referencias", ()):
        reference[_REF["tipo"]] = _reference_type(reference)
    for answer in head.rows.get("nf_processamento", ()):
        answer[1] = "autorizacao"
    head["chave_acesso"] = chave
    answered = head.text("codigo_status"), head.text("numero_protocolo")
    text = part.text or (part.xml if policy.signature is not Policy.OFF else "")
    findings += note_findings(group, text, head.rows, policy, tuple(findings))
    return head.document(
        part,
        origin,
        key=chave,
        chave=chave,
        rank=rank(*answered),
        status=status_of(*answered).value,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
    )


def _protocol(part: Part) -> etree._Element | None:
    """infProt, wherever it stands."""
    answered = part.answered
    return None if answered is None else child(answered, "infProt")


def _bare_protocol(proc: etree._Element, head: Head) -> list[Finding]:
    """SEFAZ-SP's download holds the protocol's number and time beside the note, no protNFe."""
    number = _text_of(proc, "nProt")
    if not number:
        return []
    head["numero_protocolo"] = number
    return [
        Finding(
            "PROTOCOL",
            f"<{local_name(proc)}> holds <nProt> without <protNFe>: taken as authorised",
        )
    ]


def _text_of(element: etree._Element | None, name: str) -> str | None:
    found = child(element, name)
    return None if found is None or not found.text else found.text.strip()


def _check_key(
    chave: str, protocol_chave: str | None, rows: Rows, layout: str, policy: Checks
) -> list[Finding]:
    fault = checks.key_faults(chave, protocol_chave)
    if not chave or (fault and not chave.isalnum()) or len(chave) > 44:
        # Without something that can serve as a key a note cannot be told from another.
        raise InvalidAccessKey(fault or "<infNFe Id> is empty, expected NFe and the 44 of the key")
    findings = checks.key_by_policy(fault, chave, policy.key)
    if len(chave) == 44 and policy.key is not Policy.OFF:
        findings += checks.key_against_content(chave, rows, layout)
    return findings


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
