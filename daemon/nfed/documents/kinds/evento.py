"""Makes documents of events of NF-e and NFC-e: cancellation, carta de correção, any other type."""

from lxml import etree

from nfed.documents.checks import Checks, Finding, xsd
from nfed.documents.checks.key import key_by_policy, key_faults
from nfed.documents.checks.note import check_signature_of
from nfed.documents.document import Document
from nfed.documents.kinds.campos import keep_fields
from nfed.documents.kinds.head import Head, Origin, extract_both
from nfed.documents.layout.eventos import NF_EVENTOS
from nfed.documents.standing import REGISTERED, Answered, accepts, rank
from nfed.documents.xml.find import Part, child
from nfed.errors import NotFiscal, UnusableAccessKey
from nfed.words import Message

CANCELLATION = "110111"
"""tpEvento; in an MDF-e, too."""


def event(part: Part, origin: Origin) -> Document:
    """The document of an event and of its registration. Raises DocumentError."""
    asked, answered = child(part.asked, "infEvento"), child(part.answered, "infEvento")
    extraction, digest, findings = extract_both(
        NF_EVENTOS, (asked, "evento/infEvento"), (answered, "retEvento/infEvento")
    )
    head = Head(NF_EVENTOS, extraction)
    findings += xsd.check(part, origin.checks.schema)
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    findings += _check_answer(chave, answered if asked is not None else None, origin.checks)
    kind = head.text("tipo_evento")
    if not kind.isdigit():
        raise NotFiscal(
            Message("<infEvento/tpEvento> holds {kind!r}, expected the number of a type", kind=kind)
        )
    author = head.text("autor_cpf_cnpj") or None
    findings += check_signature_of(asked, author, chave, origin.checks)
    keep_fields(head, part)
    return _document(head, part, origin, event_key(head, kind, chave), digest, findings)


def old_cancellation(part: Part, origin: Origin) -> Document:
    """The document of a cancNFe, its retCancNFe, or both, as until 2013. Raises DocumentError."""
    asked, answered = child(part.asked, "infCanc"), child(part.answered, "infCanc")
    extraction, digest, findings = extract_both(
        NF_EVENTOS,
        (asked, "cancNFe/infCanc"),
        (answered, "retCancNFe/infCanc"),
        needs_offsets=False,
    )
    head = Head(NF_EVENTOS, extraction)
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    findings += _check_answer(chave, answered if asked is not None else None, origin.checks)
    findings += check_signature_of(asked, chave[6:20], chave, origin.checks)
    head["tipo_evento"], head["sequencia_evento"] = CANCELLATION, 1
    keep_fields(head, part)
    return _document(head, part, origin, f"cancNFe-{chave}", digest, findings)


def _document(
    head: Head,
    part: Part,
    origin: Origin,
    key: str,
    digest: tuple[str, str | None] | None,
    findings: list[Finding],
) -> Document:
    cstat, protocol = head.text("codigo_status"), head.text("numero_protocolo")
    furthest = rank(cstat, protocol, Answered.EVENT)
    return head.document(
        part,
        origin,
        key=key,
        chave=head.text("chave_acesso"),
        rank=furthest,
        status=event_status(cstat),
        issued="data_hora_evento",
        content_sha256=digest,
        findings=findings,
        is_accepted=accepts(furthest, Answered.EVENT, None, None),
    )


def event_key(head: Head, kind: str, chave: str) -> str:
    """Makes the key of an event: type, chave, sequence and organ (NT 2011.004, infEvento)."""
    sequence = head["sequencia_evento"]
    return f"{kind}-{chave}-{1 if sequence is None else sequence}-{head.text('codigo_orgao')}"


def event_status(cstat: str) -> str:
    """The status of an event, from its cStat."""
    if not cstat:
        return "enviado"
    return "registrado" if cstat in REGISTERED else "rejeitado"


def check_key(chave: str, element: str, policy: Checks) -> list[Finding]:
    """The check of a key that an event, a protocol or a summary names. Raises InvalidAccessKey."""
    fault = key_faults(chave, None)
    if not chave or (fault and not chave.isalnum()) or len(chave) > 44:
        raise UnusableAccessKey(
            Message(
                "<{element}>: {fault}",
                element=element,
                fault=fault or Message("is empty, expected a chave de acesso"),
            )
        )
    named = Message("<{element}>: {fault}", element=element, fault=fault) if fault else None
    return key_by_policy(named, chave, policy.key)


def _check_answer(chave: str, answered: etree._Element | None, policy: Checks) -> list[Finding]:
    """Checks that the answer is about the event's note. Raises InvalidAccessKey."""
    named = child(answered, "chNFe")
    other = "" if named is None else (named.text or "").strip()
    if other in ("", chave):
        return []
    fault = Message(
        "the answer names chave {other}, the event {chave}", other=other[:50], chave=chave
    )
    return key_by_policy(fault, chave, policy.key)
