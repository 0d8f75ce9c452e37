"""Makes documents of NF-e (modelo 55) and NFC-e (modelo 65), each with its protocol."""

from lxml import etree

from nfed.documents.checks import Checks, Finding, Policy, xsd
from nfed.documents.checks.canonical import digest_signed
from nfed.documents.checks.key import key_against_content, key_by_policy, key_faults, key_of_id
from nfed.documents.checks.note import note_findings
from nfed.documents.document import Document
from nfed.documents.kinds.head import Head, Origin, extract_both, keep_beside
from nfed.documents.layout import positions
from nfed.documents.layout.nota import NF_REFERENCIAS, NOTAS_FISCAIS
from nfed.documents.rows.extract import Extraction, Row, Rows
from nfed.documents.standing import Answered, Status, accepts, rank, status_of
from nfed.documents.steps import Steps
from nfed.documents.xml.find import Part, child, local_name
from nfed.errors import NotFiscal, UnsupportedLayout, UnusableAccessKey
from nfed.words import Message

_MODELS = ("55", "65")
_LAYOUTS = ("4.00", "3.10", "3.00", "2.00", "1.10", "1.00")
_EXEMPT = ("40", "41", "50")
_ICMS = positions("nf_itens_icms")
_IN_NFE = ("infNFe", "infNFeSupl", "Signature")
_IN_PROTOCOL = ("infProt", "Signature")
_IN_PROC = ("NFe", "protNFe", "Signature")
_REF = {name: NF_REFERENCIAS.position(name) for name in (c.name for c in NF_REFERENCIAS.columns)}


def note(part: Part, origin: Origin) -> Steps[Document]:
    """The document of an NFe and of what the tax office answered. Raises DocumentError."""
    policy = origin.checks
    group = child(part.asked, "infNFe")
    assert part.asked is not None
    assert group is not None
    layout = group.get("versao", _LAYOUTS[0]).strip()
    if layout not in _LAYOUTS:
        raise UnsupportedLayout(
            Message(
                "<infNFe versao> holds {layout!r}, expected one of {layouts}",
                layout=layout,
                layouts=", ".join(_LAYOUTS),
            )
        )
    findings: list[Finding] = []
    if layout == _LAYOUTS[0]:
        findings += xsd.check(part, policy.schema)
    yield
    protocol = _protocol(part)
    extraction, digest, unreadable = extract_both(
        NOTAS_FISCAIS,
        (group, "NFe/infNFe"),
        (protocol, "protNFe/infProt"),
        needs_offsets=layout >= "3.10",
    )
    supplement = child(part.asked, "infNFeSupl")
    if supplement is not None:
        extraction.walk(supplement, "NFe/infNFeSupl")
    _keep_beside(part, extraction)
    findings += unreadable
    head = Head(NOTAS_FISCAIS, extraction)
    if layout < "3.10":
        _name_relieved(head.rows)
    if head.is_blank:
        raise NotFiscal(Message("<infNFe> has no content; expected a note"))

    if head["numero_protocolo"] is None and part.answered is part.whole:
        findings += _bare_protocol(part.whole, head)
    chave = key_of_id(head.text("chave_acesso"))
    findings += _check_key(chave, _text_of(protocol, "chNFe"), head.rows, layout, policy)
    if head["modelo"] not in _MODELS:
        held = Message("is missing")
        if head["modelo"] is not None:
            held = Message("holds {modelo!r}", modelo=head["modelo"])
        raise NotFiscal(Message("<ide/mod> {held}, expected 55 (NF-e) or 65 (NFC-e)", held=held))
    for reference in head.rows.get("nf_referencias", ()):
        reference[_REF["tipo"]] = _reference_type(reference)
    for answer in head.rows.get("nf_processamento", ()):
        answer[1] = "autorizacao"
    head["chave_acesso"] = chave
    answered = head.text("codigo_status"), head.text("numero_protocolo")
    text = part.text or (part.xml if policy.signature is not Policy.OFF else "")
    yield
    findings += yield from note_findings(group, text, head.rows, policy, tuple(findings))
    furthest, status = rank(*answered), status_of(*answered)
    if status is Status.CANCELADA:
        _say_who_cancelled(head)
    protocol_digest = head.text("digest_value") or None
    signed_digest = digest_signed(group, protocol_digest)
    return head.document(
        part,
        origin,
        key=chave,
        chave=chave,
        rank=furthest,
        status=status.value,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
        signed_digest=signed_digest,
        is_accepted=accepts(furthest, Answered.DOCUMENT, protocol_digest, signed_digest),
    )


def _say_who_cancelled(head: Head) -> None:
    """The note's own protocol is the answer to its cancellation."""
    head["fonte_cancelamento"] = "protocolo"
    head["protocolo_cancelamento"] = head["numero_protocolo"]
    for suffix in ("", "_tz"):
        head[f"data_hora_cancelamento{suffix}"] = head[f"data_hora_recebimento{suffix}"]


def _name_relieved(rows: Rows) -> None:
    """Until layout 2.00 the vICMS of ICMS40 was what was relieved (MOC 4.01, N17)."""
    for row in rows.get("nf_itens_icms", ()):
        if row[_ICMS["cst"]] in _EXEMPT and row[_ICMS["valor_icms_desonerado"]] is None:
            row[_ICMS["valor_icms_desonerado"]] = row[_ICMS["valor_icms"]]
            row[_ICMS["valor_icms"]] = None


def _keep_beside(part: Part, extraction: Extraction) -> None:
    """Keeps what stands beside infNFe, infProt, and NFe and protNFe, and is no document itself."""
    proc = None if part.whole is part.asked else part.whole
    is_bare = part.answered is proc
    for holder, name, known in (
        (part.asked, "NFe", _IN_NFE),
        (None if is_bare else part.answered, "protNFe", _IN_PROTOCOL),
        (proc, "nfeProc", (*_IN_PROC, "infProt", "nProt") if is_bare else _IN_PROC),
    ):
        keep_beside(extraction, holder, name, known)


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
            Message(
                "<{proc}> holds <nProt> without <protNFe>: taken as authorised",
                proc=local_name(proc),
            ),
        )
    ]


def _text_of(element: etree._Element | None, name: str) -> str | None:
    found = child(element, name)
    return None if found is None or not found.text else found.text.strip()


def _check_key(
    chave: str, protocol_chave: str | None, rows: Rows, layout: str, policy: Checks
) -> list[Finding]:
    fault = key_faults(chave, protocol_chave)
    if not chave or (fault and not chave.isalnum()) or len(chave) > 44:
        # Without something that can serve as a key a note cannot be told from another.
        raise UnusableAccessKey(
            fault or Message("<infNFe Id> is empty, expected NFe and the 44 of the key")
        )
    findings = key_by_policy(fault, chave, policy.key)
    if len(chave) == 44 and policy.key is not Policy.OFF:
        findings += key_against_content(chave, rows, layout)
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
