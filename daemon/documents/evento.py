"""Events of NF-e and NFC-e: cancellation, carta de correção, manifestation, any other type."""

from collections.abc import Iterator

from lxml import etree

from daemon.documents import checks, schema
from daemon.documents.checks import Finding
from daemon.documents.document import REGISTERED, Document, rank
from daemon.documents.extract import Row
from daemon.documents.head import Head, Origin, extracted
from daemon.documents.layout_outros import NF_EVENTOS
from daemon.documents.note_checks import signature_checked
from daemon.documents.parts import Part, child, local_name
from daemon.documents.policy import Checks
from daemon.errors import InvalidAccessKey, NotFiscal

_OWN_COLUMNS = frozenset(
    {"descEvento", "xCorrecao", "xJust", "xCondUso", "nProt", "chNFeRef"}
)  # fmt: skip


_IN_BOTH = ("tpAmb", "chNFe", "tpEvento", "nSeqEvento")


def event(part: Part, origin: Origin) -> Document:
    """The document of an event and of its registration. Raises DocumentError."""
    asked, answered = child(part.asked, "infEvento"), child(part.answered, "infEvento")
    extraction, digest, findings = extracted(
        (asked, "evento/infEvento"), (answered, "retEvento/infEvento")
    )
    head = Head(NF_EVENTOS, extraction)
    findings += schema.checked(part, origin.checks.schema)
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    findings += _check_answer(chave, answered if asked is not None else None, origin.checks)
    kind = head.text("tipo_evento")
    if not kind.isdigit():
        raise NotFiscal(f"<infEvento/tpEvento> holds {kind!r}, expected the number of a type")
    author = head.text("autor_cpf_cnpj") or None
    findings += signature_checked(asked, author, chave, origin.checks)
    fields: list[Row] = [
        [0, number, path, value]
        for number, (path, value) in enumerate(_other_fields(asked, answered), 1)
    ]
    if fields:
        head.rows["nf_eventos_campos"] = fields
    cstat, protocol = head.text("codigo_status"), head.text("numero_protocolo")
    return head.document(
        part,
        origin,
        key=event_key(head, kind, chave),
        chave=chave,
        rank=rank(cstat, protocol),
        status=event_status(cstat),
        issued="data_hora_evento",
        content_sha256=digest,
        findings=findings,
    )


def event_key(head: Head, kind: str, chave: str) -> str:
    """What tells events apart: type, key, sequence and organ (NT 2011.004, infEvento)."""
    sequence = head["sequencia_evento"]
    return f"{kind}-{chave}-{1 if sequence is None else sequence}-{head.text('codigo_orgao')}"


def event_status(cstat: str) -> str:
    """How far an event has come."""
    if not cstat:
        return "enviado"
    return "registrado" if cstat in REGISTERED else "rejeitado"


def check_key(chave: str, element: str, policy: Checks) -> list[Finding]:
    """The check of a key that an event, a protocol or a summary names. Raises InvalidAccessKey."""
    fault = checks.key_faults(chave, None)
    if not chave or (fault and not chave.isalnum()) or len(chave) > 44:
        raise InvalidAccessKey(f"<{element}>: {fault or 'is empty, expected a chave de acesso'}")
    return checks.key_by_policy(fault and f"<{element}>: {fault}", chave, policy.key)


def _check_answer(chave: str, answered: etree._Element | None, policy: Checks) -> list[Finding]:
    """Whether the answer is about the event's note. Raises InvalidAccessKey."""
    named = child(answered, "chNFe")
    other = "" if named is None else (named.text or "").strip()
    if other in ("", chave):
        return []
    fault = f"the answer names chave {other[:50]}, the event {chave}"
    return checks.key_by_policy(fault, chave, policy.key)


def _other_fields(
    asked: etree._Element | None, answered: etree._Element | None
) -> Iterator[tuple[str, str]]:
    """What has no column: of detEvento, and of an answer that says otherwise than the event."""
    detail = child(asked, "detEvento")
    if detail is not None:
        yield from _fields(detail)
    if asked is not None and answered is not None:
        for name in _IN_BOTH:
            said, sent = child(answered, name), child(asked, name)
            if said is not None and sent is not None and (said.text or "") != (sent.text or ""):
                yield f"retEvento/infEvento/{name}", said.text or ""


def _fields(element: etree._Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf and attribute below, in order, but for what has a column of its own."""
    for name, value in element.attrib.items():
        yield f"{path}@{name!s}", str(value)
    for each in element:
        name = local_name(each)
        if not path and name in _OWN_COLUMNS:
            continue
        if len(each):
            yield from _fields(each, f"{path}{name}/")
        else:
            for attribute, value in each.attrib.items():
                yield f"{path}{name}/@{attribute!s}", str(value)
            yield f"{path}{name}", each.text or ""
