"""Makes documents of the tax office's answers: protocols, consultations, numbers, summaries."""

from nfed.documents.checks import Finding, xsd
from nfed.documents.checks.note import check_signature_of
from nfed.documents.document import Document
from nfed.documents.kinds.evento import check_key, event_key, event_status
from nfed.documents.kinds.head import Head, Origin, extract_both
from nfed.documents.layout.eventos import NF_INUTILIZACOES, NF_PROTOCOLOS, NF_RESUMOS
from nfed.documents.standing import Answered, accepts, rank, status_of
from nfed.documents.xml.find import Part, child, key_of, local_name
from nfed.errors import NotFiscal
from nfed.words import Message

_INUTILIZADA = {"": "solicitada", "102": "homologada"}


def protocol(part: Part, origin: Origin) -> Document:
    """A protNFe without its note. Raises DocumentError."""
    group = child(part.answered, "infProt")
    extraction, _, findings = extract_both(NF_PROTOCOLOS, (None, ""), (group, "protNFe/infProt"))
    head = Head(NF_PROTOCOLOS, extraction)
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    head["origem"] = "protNFe"
    answered = head.text("codigo_status"), head.text("numero_protocolo")
    return _answer(head, part, origin, f"{chave}-{answered[1] or answered[0]}", findings)


def consultation(part: Part, origin: Origin) -> Document:
    """A retConsSitNFe that says itself that its note is cancelled. Raises DocumentError."""
    assert part.answered is not None
    extraction, _, findings = extract_both(
        NF_PROTOCOLOS, (None, ""), (part.answered, "retConsSitNFe"), needs_offsets=False
    )
    head = Head(NF_PROTOCOLOS, extraction)
    head.rows = {name: rows for name, rows in head.rows.items() if name == NF_PROTOCOLOS.name}
    chave = key_of(part.answered)
    head["chave_acesso"], head["origem"] = chave, part.name
    findings += check_key(chave, "chNFe", origin.checks)
    key = f"consulta-{chave}-{head.text('codigo_status')}"
    return _answer(head, part, origin, key, findings)


def _answer(head: Head, part: Part, origin: Origin, key: str, findings: list[Finding]) -> Document:
    chave = head.text("chave_acesso")
    answered = head.text("codigo_status"), head.text("numero_protocolo")
    return head.document(
        part,
        origin,
        key=key,
        chave=chave,
        rank=rank(*answered),
        status=status_of(*answered).value,
        issued="data_hora_recebimento",
        content_sha256=None,
        findings=findings,
    )


def unused_numbers(part: Part, origin: Origin) -> Document:
    """An inutNFe and its answer, or either alone. Raises DocumentError."""
    asked, answered = child(part.asked, "infInut"), child(part.answered, "infInut")
    extraction, digest, findings = extract_both(
        NF_INUTILIZACOES, (asked, "inutNFe/infInut"), (answered, "retInutNFe/infInut")
    )
    findings += xsd.check(part, origin.checks.schema)
    head = Head(NF_INUTILIZACOES, extraction)
    names = ("codigo_uf", "ano", "cpf_cnpj", "modelo", "serie", "numero_inicial", "numero_final")
    key = "-".join(head.text(name) for name in names)
    if not all(head.text(name) for name in names[1:]):
        signed = asked if asked is not None else answered
        identifier = None if signed is None else signed.get("Id")
        protocol_number = head.text("numero_protocolo")
        if not (identifier or protocol_number):
            raise NotFiscal(
                Message("<{part}> names no range of numbers: {key!r}", part=part.name, key=key)
            )
        key = identifier or protocol_number
    findings += check_signature_of(asked, head.text("cpf_cnpj") or None, key, origin.checks)
    cstat = head.text("codigo_status")
    furthest = rank(cstat, head.text("numero_protocolo"), Answered.EVENT)
    return head.document(
        part,
        origin,
        key=key,
        chave=key,
        rank=furthest,
        status=_INUTILIZADA.get(cstat, "rejeitada"),
        issued="data_hora_recebimento",
        content_sha256=digest,
        findings=findings,
        is_accepted=accepts(furthest, Answered.EVENT, None, None),
    )


def summary(part: Part, origin: Origin) -> Document:
    """A resNFe or resEvento of the distribution service (NT 2014.002). Raises DocumentError."""
    assert part.asked is not None
    extraction, _, findings = extract_both(
        NF_RESUMOS, (part.asked, local_name(part.asked)), (None, "")
    )
    findings += xsd.check(part, origin.checks.schema)
    head = Head(NF_RESUMOS, extraction)
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    if part.name == "resEvento":
        head["tipo"] = "evento"
        key = event_key(head, head.text("tipo_evento"), chave)
        status = event_status("135")
    else:
        head["tipo"] = "nota"
        key = f"resNFe-{chave}-{head.text('situacao')}"
        status = {"2": "denegada", "3": "cancelada"}.get(head.text("situacao"), "autorizada")
    return head.document(
        part,
        origin,
        key=key,
        chave=chave,
        rank=0,
        status=status,
        issued="data_hora_emissao",
        content_sha256=None,
        findings=findings,
    )
