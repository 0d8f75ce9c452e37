"""Makes documents of events of NF-e and NFC-e: cancellation, carta de correção, any other type."""

from collections.abc import Iterator

from lxml import etree

from nfed.documents.checks import Checks, Finding, xsd
from nfed.documents.checks.key import key_by_policy, key_faults
from nfed.documents.checks.note import check_signature_of
from nfed.documents.document import Document
from nfed.documents.kinds.head import Head, Origin, extract_both
from nfed.documents.layout.eventos import NF_EVENTOS
from nfed.documents.rows.extract import Row
from nfed.documents.standing import REGISTERED, Answered, accepts, rank
from nfed.documents.xml.find import Part, child, local_name
from nfed.errors import NotFiscal, UnusableAccessKey
from nfed.words import Message

_OWN_COLUMNS = frozenset(
    {"descEvento", "xCorrecao", "xJust", "xCondUso", "nProt", "chNFeRef"}
)  # fmt: skip


_ASKED, _ANSWERED = (
    frozenset(
        path.removeprefix(f"{group}/").partition("/")[0]
        for column in NF_EVENTOS.columns
        for path in (column.path or "").split("|")
        if path.startswith(f"{group}/")
    )
    | {"detEvento"}
    for group in ("evento/infEvento", "retEvento/infEvento")
)
CANCELLATION = "110111"
"""tpEvento; in an MDF-e, too."""
_IN_BOTH = ("tpAmb", "chNFe", "tpEvento", "nSeqEvento")


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
    fields: list[Row] = [
        [0, number, path, value]
        for number, (path, value) in enumerate(_other_fields(asked, answered), 1)
    ]
    if fields:
        head.rows["nf_eventos_campos"] = fields
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


def _other_fields(
    asked: etree._Element | None, answered: etree._Element | None
) -> Iterator[tuple[str, str]]:
    """Yields what has no column: of detEvento, and of an answer that differs from the event."""
    detail = child(asked, "detEvento")
    if detail is not None:
        yield from fields_below(detail)
    yield from _without_column(asked, "evento/infEvento", _ASKED)
    yield from _without_column(answered, "retEvento/infEvento", _ANSWERED)
    if asked is not None and answered is not None:
        for name in _IN_BOTH:
            said, sent = child(answered, name), child(asked, name)
            if said is not None and sent is not None and (said.text or "") != (sent.text or ""):
                yield f"retEvento/infEvento/{name}", said.text or ""


def _without_column(
    group: etree._Element | None, path: str, known: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """What one group of an event says beside the fields of the layout, again ones included."""
    seen: set[str] = set()
    for each in () if group is None else group:
        name = local_name(each)
        if name not in known or name in seen:
            yield from ((f"{path}/{below}", value) for below, value in _leaves_of(each, name))
        seen.add(name)


def _leaves_of(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield f"{path}/@{name!s}", str(value)
    if len(element):
        for each in element:
            yield from _leaves_of(each, f"{path}/{local_name(each)}")
    elif (element.text or "").strip():
        yield path, element.text or ""


def fields_below(element: etree._Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields every leaf and attribute below, in order, but for what has a column of its own."""
    for name, value in element.attrib.items():
        yield f"{path}@{name!s}", str(value)
    for each in element:
        name = local_name(each)
        if not path and name in _OWN_COLUMNS:
            continue
        if len(each):
            yield from fields_below(each, f"{path}{name}/")
        else:
            for attribute, value in each.attrib.items():
                yield f"{path}{name}/@{attribute!s}", str(value)
            yield f"{path}{name}", each.text or ""
