"""Other electronic fiscal documents and their events: kept whole, with what they are known by."""

import re

from lxml import etree

from daemon.documents import checks, schema
from daemon.documents.document import Document, rank, status_of
from daemon.documents.evento import event_key, event_status
from daemon.documents.head import Head, Origin, extracted
from daemon.documents.layout_outros import DFE_DOCUMENTOS
from daemon.documents.parts import Part, child, local_name
from daemon.errors import InvalidAccessKey, NotFiscal

_GROUPS = ("infCte", "infMDFe", "infNFCom", "infNF3e", "infBPe", "infNFSe", "infEvento")
_PREFIXES = ("CTe", "MDFe", "NFCom", "NF3e", "BPe", "NFS", "GTVe")
_ROLES = {"0": "rem", "1": "exped", "2": "receb", "3": "dest"}
_NFSE_LENGTH = 50
_NFSE_KEY = re.compile("[0-9]{9}[0-9A-Z]{12}[0-9]{29}")


def other_document(part: Part, origin: Origin) -> Document:
    """A CT-e, MDF-e, NFCom, NF3-e, BP-e or NFS-e, or an event of one. Raises DocumentError."""
    asked, answered = _group(part.asked), _group(part.answered)
    signed = asked if asked is not None else answered
    if signed is None:
        raise NotFiscal(f"<{part.name}> has no content; expected a document")
    names = [
        "" if element is None else ("eventoNFSe" if "NFSe" in part.name and "evento" in part.name
        else local_name(element))
        for element in (part.asked, part.answered)
    ]  # fmt: skip
    extraction, digest, findings = extracted(
        (asked, f"{names[0]}/{'' if asked is None else local_name(asked)}"),
        (answered, f"{names[1]}/{'' if answered is None else local_name(answered)}"),
        needs_offsets=False,
    )
    findings += schema.checked(part, origin.checks.schema)
    head = Head(DFE_DOCUMENTOS, extraction)
    if head["versao_leiaute"] is None and part.asked is not None:
        head["versao_leiaute"] = part.asked.get("versao")
    is_event = "vento" in part.name
    chave = head.text("chave_acesso")
    for prefix in _PREFIXES:
        chave = chave.removeprefix(prefix)
    head["chave_acesso"] = chave
    findings += _check_key(chave, origin)
    head["especie"] = "evento" if is_event else "documento"
    head["tipo"] = part.name
    cstat, protocol = head.text("codigo_status"), head.text("numero_protocolo")
    if is_event:
        if part.name == "eventoNFSe":
            head["tipo_evento"] = _nfse_event_type(signed)
            cstat = "135"  # the national service hands out registered events only
        key = event_key(head, head.text("tipo_evento"), chave)
        status = event_status(cstat)
    else:
        key = chave
        # The NFS-e is made by the service itself: there is none that is not issued.
        cstat = "100" if part.name == "NFSe" else cstat
        status = status_of(cstat, protocol).value
        _name_taker(head, signed)
    return head.document(
        part,
        origin,
        key=key,
        chave=chave,
        rank=rank(cstat, protocol),
        status=status,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
    )


def _group(element: etree._Element | None) -> etree._Element | None:
    if element is None:
        return None
    return next(
        (found for name in (*_GROUPS, "infProt") if (found := child(element, name)) is not None),
        None,
    )


def _check_key(chave: str, origin: Origin) -> list[checks.Finding]:
    """Keys of 44 follow the rules of the NF-e's; an NFS-e's has 50 (ADN manual, chave).

    Its CNPJ may have letters.
    """
    if _NFSE_KEY.fullmatch(chave):
        return []
    fault = checks.key_faults(chave, None)
    if not chave or (fault and not chave.isalnum()) or len(chave) > _NFSE_LENGTH:
        raise InvalidAccessKey(fault or "the document's Id is empty, expected its key")
    return checks.key_by_policy(fault, chave, origin.checks.key)


def _nfse_event_type(group: etree._Element) -> str:
    """The element <e101101> names the type."""
    for element in group.iter():
        name = local_name(element)
        if name[:1] == "e" and name[1:].isdigit():
            return name[1:]
    return ""


def _name_taker(head: Head, group: etree._Element) -> None:
    """A taker that is one of the other parties is named as that one (CT-e, toma3)."""
    role = _ROLES.get(head.text("tomador_papel"))
    party = None if role is None else child(group, role)
    if party is None or head["tomador_cpf_cnpj"] is not None:
        return
    number = child(party, "CNPJ")
    if number is None:
        number = child(party, "CPF")
    name = child(party, "xNome")
    head["tomador_cpf_cnpj"] = None if number is None else number.text
    head["tomador_nome"] = None if name is None else name.text
