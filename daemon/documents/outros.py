"""What else the tax office and a note's issuer say: protocols, unused numbers, summaries."""

from daemon.documents import schema
from daemon.documents.document import Document, rank, status_of
from daemon.documents.evento import check_key, event_key, event_status
from daemon.documents.head import Head, Origin, extracted
from daemon.documents.layout_outros import NF_INUTILIZACOES, NF_PROTOCOLOS, NF_RESUMOS
from daemon.documents.note_checks import signature_checked
from daemon.documents.parts import Part, child, local_name
from daemon.errors import NotFiscal

_INUTILIZADA = {"": "solicitada", "102": "homologada"}


def protocol(part: Part, origin: Origin) -> Document:
    """A protNFe without its note. Raises DocumentError."""
    group = child(part.answered, "infProt")
    extraction, _, findings = extracted((None, ""), (group, "protNFe/infProt"))
    head = Head(NF_PROTOCOLOS, extraction)
    head.rows = {name: rows for name, rows in head.rows.items() if name == NF_PROTOCOLOS.name}
    chave = head.text("chave_acesso")
    findings += check_key(chave, "chNFe", origin.checks)
    answered = head.text("codigo_status"), head.text("numero_protocolo")
    return head.document(
        part,
        origin,
        key=f"{chave}-{answered[1] or answered[0]}",
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
    extraction, digest, findings = extracted(
        (asked, "inutNFe/infInut"), (answered, "retInutNFe/infInut")
    )
    findings += schema.checked(part, origin.checks.schema)
    head = Head(NF_INUTILIZACOES, extraction)
    names = ("codigo_uf", "ano", "cpf_cnpj", "modelo", "serie", "numero_inicial", "numero_final")
    key = "-".join(head.text(name) for name in names)
    if not all(head.text(name) for name in names[1:]):
        signed = asked if asked is not None else answered
        identifier = None if signed is None else signed.get("Id")
        protocol_number = head.text("numero_protocolo")
        if not (identifier or protocol_number):
            raise NotFiscal(f"<{part.name}> names no range of numbers: {key!r}")
        key = identifier or protocol_number
    findings += signature_checked(asked, head.text("cpf_cnpj") or None, key, origin.checks)
    cstat = head.text("codigo_status")
    return head.document(
        part,
        origin,
        key=key,
        chave=key,
        rank=rank(cstat, head.text("numero_protocolo")),
        status=_INUTILIZADA.get(cstat, "rejeitada"),
        issued="data_hora_recebimento",
        content_sha256=digest,
        findings=findings,
    )


def summary(part: Part, origin: Origin) -> Document:
    """A resNFe or resEvento of the distribution service (NT 2014.002). Raises DocumentError."""
    assert part.asked is not None
    extraction, _, findings = extracted((part.asked, local_name(part.asked)), (None, ""))
    findings += schema.checked(part, origin.checks.schema)
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
