"""Makes documents of CT-e, MDF-e, NFS-e and their like, and of their events."""

import re

from lxml import etree

from nfed.documents.checks import Finding, others, xsd
from nfed.documents.checks.canonical import digest_signed
from nfed.documents.checks.key import key_by_policy, key_faults, key_of_id
from nfed.documents.checks.note import Answer, check_authorisation_of, check_signature_of
from nfed.documents.document import Document
from nfed.documents.kinds.campos import keep_fields
from nfed.documents.kinds.evento import CANCELLATION, event_key, event_status
from nfed.documents.kinds.head import Head, Origin, extract_both, keep_beside
from nfed.documents.layout import positions
from nfed.documents.layout.dfe import DFE_CONSULTATIONS, DFE_DOCUMENTOS, DFE_EVENTS, DFE_ROWS
from nfed.documents.rows.extract import Extraction, Rows
from nfed.documents.standing import Answered, Status, accepts, rank, status_of
from nfed.documents.xml.find import Part, child, key_of, local_name
from nfed.errors import NotFiscal, UnusableAccessKey
from nfed.words import Message

_GROUPS = ("infCte", "infMDFe", "infNFCom", "infNF3e", "infBPe", "infNFSe", "infDPS", "infEvento")
_ROLES = {"0": "rem", "1": "exped", "2": "receb", "3": "dest"}
_NFSE_LENGTH = 50
_NFSE_KEY = re.compile("[0-9]{9}[0-9A-Z]{12}[0-9]{29}")
_DPS_KEY = re.compile("[0-9]{8}[0-9A-Z]{12}[0-9]{22}")
_BESIDE = ("infCTeSupl", "infMDFeSupl", "infNFComSupl", "infNF3eSupl", "infBPeSupl", "infFisco")
_MODELS = {
    "55": "nfe",
    "57": "cte",
    "58": "mdfe",
    "59": "cfe",
    "62": "nfcom",
    "63": "bpe",
    "64": "gtve",
    "65": "nfce",
    "66": "nf3e",
    "67": "cteos",
}
"""What a key's document is, by the model that the key holds."""
_RELATIONS = {
    "infNF": "transportada",
    "infNFe": "transportada",
    "infOutros": "transportada",
    "infDCe": "transportada",
    "infNFeTranspParcial": "transportada",
    "idDocAntPap": "anterior",
    "idDocAntEle": "anterior",
    "infDocAnt": "anterior",
    "refDFeAnt": "anterior",
    "infDocRef": "referenciada",
    "refNFSe": "referenciada",
    "infGTVe": "referenciada",
    "infCTeMultimodal": "multimodal",
    "infCteSub": "substituida",
    "infBPeSub": "substituida",
    "infBPeVinculado": "vinculada",
    "gSub": "substituida",
    "subst": "substituida",
    "infCteComp": "complementada",
    "infCteAnu": "anulada",
    "refCTeCanc": "cancelada",
    "chDFePagAnt": "pagamento_antecipado",
    "gJudic": "judicial",
    "gCofat": "cofaturada",
    "NFdet": "ajustada",
    "docDedRed": "deducao",
    "documentos": "reembolso",
    "chNFSeRej": "rejeitada",
}
"""What a document is to the one that names it, by the element that does."""
_UNLOADED = {"infCTe": "cte", "infNFe": "nfe", "infNFePrestParcial": "nfe", "infMDFeTransp": "mdfe"}


def other_document(part: Part, origin: Origin) -> Document:
    """A CT-e, MDF-e, NFCom, NF3-e, BP-e or NFS-e, or an event of one. Raises DocumentError."""
    asked, answered = _group(part.asked), _group(part.answered)
    signed = asked if asked is not None else answered
    if signed is None:
        raise NotFiscal(Message("<{part}> has no content; expected a document", part=part.name))
    names = [
        "" if element is None else ("eventoNFSe" if "NFSe" in part.name and "evento" in part.name
        else local_name(element))
        for element in (part.asked, part.answered)
    ]  # fmt: skip
    head, digest, findings = _head(
        part,
        origin,
        (asked, f"{names[0]}/{'' if asked is None else local_name(asked)}"),
        (answered, f"{names[1]}/{'' if answered is None else local_name(answered)}"),
    )
    if head["versao_leiaute"] is None and part.asked is not None:
        head["versao_leiaute"] = part.asked.get("versao")
    is_event = "vento" in part.name
    chave = key_of_id(head.text("chave_acesso"))
    head["chave_acesso"] = chave
    findings += _check_key(chave, origin)
    if is_event:
        cstat = head.text("codigo_status")
        if part.name == "eventoNFSe":
            head["tipo_evento"] = _nfse_event_type(signed)
            cstat = "135"  # the national service hands out registered events only
        key = event_key(head, head.text("tipo_evento"), chave)
        keep_fields(head, part)
        findings += _check_answer(part, chave, origin)
        author = None if asked is None else _author_of(asked)
        findings += check_signature_of(asked, author, chave, origin.checks)
        return _event(head, part, origin, key, cstat, digest, findings)
    _name_taker(head, signed)
    # The NFS-e is made by the service itself: there is none that is not issued.
    cstat = "100" if part.name == "NFSe" else head.text("codigo_status")
    status = status_of(cstat, head.text("numero_protocolo"), _about(part))
    if status in (Status.CANCELADA, Status.ENCERRADA):
        head["fonte_cancelamento"] = "protocolo"
        head["protocolo_cancelamento"] = head["numero_protocolo"]
        for suffix in ("", "_tz"):
            head[f"data_hora_cancelamento{suffix}"] = head[f"data_hora_recebimento{suffix}"]
    findings += _check_answer(part, chave, origin)
    findings += _check_signature(head, part, asked, origin)
    findings += _check_authorisation(head, part, cstat, origin)
    findings += others.check(head.rows, chave, origin.checks)
    signed_digest = None
    if asked is not None and part.name not in ("NFSe", "DPS"):
        signed_digest = digest_signed(asked, head.text("digest_value") or None)
    return _document(head, part, origin, "documento", chave, cstat, digest, findings, signed_digest)


_NOT_SIGNED_BY_THE_ISSUER = ("NFSe", "eventoNFSe")
_BY_THE_TAX_OFFICE = "1"  # procEmi
_ANSWERED_BY = {
    "CTeOS": "protCTe",
    "CTeSimp": "protCTe",
    "GTVe": "protCTe",
    "BPeTM": "protBPe",
    "BPeTA": "protBPe",
}


def _check_answer(part: Part, chave: str, origin: Origin) -> list[Finding]:
    """The answer must be about this very document. Raises InvalidAccessKey."""
    if part.asked is None or part.answered is None:
        return []
    named = key_of(part.answered)
    if named in ("", chave):
        return []
    fault = Message(
        "the answer names chave {named}, the document {chave}", named=named[:50], chave=chave
    )
    return key_by_policy(fault, chave, origin.checks.key)


def _check_signature(
    head: Head, part: Part, asked: etree._Element | None, origin: Origin
) -> list[Finding]:
    """By whose certificate: the issuer's, or its provider's (infPAA). Raises InvalidSignature."""
    if asked is None:
        return []
    issuer: str | None = head.text("emitente_cpf_cnpj")
    provider = child(child(asked, "infPAA"), "CNPJPAA")
    if provider is not None and provider.text:
        issuer = provider.text.strip()
    made_by = child(child(asked, "ide"), "procEmi")
    if part.name in _NOT_SIGNED_BY_THE_ISSUER or (
        made_by is not None and made_by.text == _BY_THE_TAX_OFFICE
    ):
        issuer = None
    chave, digest = head.text("chave_acesso"), head.text("digest_value") or None
    return check_signature_of(asked, issuer or None, chave, origin.checks, digest)


def _check_authorisation(head: Head, part: Part, cstat: str, origin: Origin) -> list[Finding]:
    """What the tax office answered; a DPS is no document yet, and is not asked."""
    if part.name == "DPS":
        return []
    answer = Answer(
        cstat,
        head.text("motivo_status"),
        head.text("numero_protocolo"),
        head.text("tipo_ambiente") == "2",
        _ANSWERED_BY.get(part.name, f"prot{part.name}"),
    )
    return check_authorisation_of(answer, head.text("chave_acesso"), origin.checks)


def _author_of(event: etree._Element) -> str | None:
    """The CNPJ or CPF of who made the event."""
    for name in ("CNPJ", "CPF", "CNPJAutor", "CPFAutor"):
        found = child(event, name)
        if found is not None and found.text:
            return found.text.strip()
    return None


def other_protocol(part: Part, origin: Origin) -> Document:
    """A protCTe and the like without its document. Raises DocumentError."""
    return _answer(part, origin, child(part.answered, "infProt"), f"{part.name}/infProt")


def other_consultation(part: Part, origin: Origin) -> Document:
    """A retConsSitCTe and the like that says itself how its document ended."""
    return _answer(part, origin, part.answered, part.name)


def _answer(part: Part, origin: Origin, group: etree._Element | None, path: str) -> Document:
    """What the tax office says about a document by itself, in `group`."""
    head, _, findings = _head(part, origin, (None, ""), (group, path))
    chave = "" if group is None else key_of(group)
    head["chave_acesso"] = chave
    findings += _check_key(chave, origin)
    cstat = head.text("codigo_status")
    if part.name.startswith("retConsSit"):
        key = f"consulta-{chave}-{cstat}"
    else:
        key = f"protocolo-{chave}-{head.text('numero_protocolo') or cstat}"
    return _document(head, part, origin, "protocolo", key, cstat, None, findings)


def other_old_cancellation(part: Part, origin: Origin) -> Document:
    """A cancCTe, its retCancCTe, or both: how a CT-e was cancelled before there were events."""
    asked, answered = child(part.asked, "infCanc"), child(part.answered, "infCanc")
    head, digest, findings = _head(
        part, origin, (asked, "cancCTe/infCanc"), (answered, "retCancCTe/infCanc")
    )
    chave = next((key for one in (asked, answered) if one is not None and (key := key_of(one))), "")
    head["chave_acesso"] = chave
    findings += _check_key(chave, origin)
    head["tipo_evento"], head["sequencia_evento"] = CANCELLATION, 1
    keep_fields(head, part)
    return _event(
        head, part, origin, f"cancCTe-{chave}", head.text("codigo_status"), digest, findings
    )


type _Named = tuple[etree._Element | None, str]
type _Digest = tuple[str, str | None] | None


def _head(
    part: Part, origin: Origin, asked: _Named, answered: _Named
) -> tuple[Head, _Digest, list[Finding]]:
    extraction, digest, findings = extract_both(
        DFE_DOCUMENTOS, asked, answered, needs_offsets=False
    )
    for element in (part.asked, part.answered):
        for name in _BESIDE:
            if (beside := child(element, name)) is not None and element is not None:
                extraction.walk(beside, f"{local_name(element)}/{name}")
    if part.name not in DFE_EVENTS:
        _keep_beside(part, extraction)
    findings += xsd.check(part, origin.checks.schema)
    head = Head(DFE_DOCUMENTOS, extraction)
    head["versao_linhas"] = DFE_ROWS
    _name_references(head.rows)
    return head, digest, findings


def _keep_beside(part: Part, extraction: Extraction) -> None:
    """Keeps what stands beside a document's groups, and beside it and its answer."""
    asked, answered = part.asked, part.answered
    if asked is not None:
        keep_beside(extraction, asked, local_name(asked), (*_GROUPS, *_BESIDE, "Signature"))
    if answered is not None and part.name not in DFE_CONSULTATIONS:
        keep_beside(extraction, answered, local_name(answered), ("infProt", "Signature"))
    if part.whole is not asked and part.whole is not answered:
        names = [local_name(each) for each in (asked, answered) if each is not None]
        keep_beside(extraction, part.whole, local_name(part.whole), names)


def _event(
    head: Head,
    part: Part,
    origin: Origin,
    key: str,
    cstat: str,
    digest: _Digest,
    findings: list[Finding],
) -> Document:
    head["especie"], head["tipo"] = "evento", part.name
    furthest = rank(cstat, head.text("numero_protocolo"), Answered.EVENT)
    return head.document(
        part,
        origin,
        key=key,
        chave=head.text("chave_acesso"),
        rank=furthest,
        status=event_status(cstat),
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
        is_accepted=accepts(furthest, Answered.EVENT, None, None),
    )


def _document(
    head: Head,
    part: Part,
    origin: Origin,
    especie: str,
    key: str,
    cstat: str,
    digest: _Digest,
    findings: list[Finding],
    signed_digest: str | None = None,
) -> Document:
    """A document, or an answer about one."""
    head["especie"], head["tipo"] = especie, part.name
    answered, protocol = _about(part), head.text("numero_protocolo")
    furthest = rank(cstat, protocol, answered)
    return head.document(
        part,
        origin,
        key=key,
        chave=head.text("chave_acesso"),
        rank=furthest,
        status=status_of(cstat, protocol, answered).value,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
        signed_digest=signed_digest,
        is_accepted=accepts(furthest, answered, head.text("digest_value") or None, signed_digest),
    )


def _about(part: Part) -> Answered:
    return Answered.MDFE if part.name.endswith("MDFe") else Answered.DOCUMENT


def _group(element: etree._Element | None) -> etree._Element | None:
    if element is None:
        return None
    return next(
        (found for name in (*_GROUPS, "infProt") if (found := child(element, name)) is not None),
        None,
    )


def _check_key(chave: str, origin: Origin) -> list[Finding]:
    """Keys of 44 follow the rules of the NF-e's; an NFS-e's has 50 (ADN manual, chave).

    Its CNPJ may have letters. A DPS is known by the 42 of its Id.
    """
    if _NFSE_KEY.fullmatch(chave) or _DPS_KEY.fullmatch(chave):
        return []
    fault = key_faults(chave, None)
    if not chave or (fault and not chave.isalnum()) or len(chave) > _NFSE_LENGTH:
        raise UnusableAccessKey(fault or Message("the document's Id is empty, expected its key"))
    return key_by_policy(fault, chave, origin.checks.key)


def _nfse_event_type(group: etree._Element) -> str:
    """The element <e101101> names the type."""
    for element in group.iter():
        name = local_name(element)
        if name[:1] == "e" and name[1:].isdigit():
            return name[1:]
    return ""


def _name_references(rows: Rows) -> None:
    """Says what each document that is named is, and to what end; leaves out what names none."""
    for table, column in (("dfe_referencias", "relacao"), ("mdfe_documentos", "elemento")):
        own = rows.get(table, [])
        at = positions(table)
        by = at[column]
        own[:] = [row for row in own if any(value is not None for value in row[by + 1 :])]
        for row in own:
            chave = str(row[at["chave_acesso"]] or "").strip()
            kind = "nfse" if len(chave) == _NFSE_LENGTH else _MODELS.get(chave[20:22])
            row[at["tipo"]] = kind or ("papel" if not chave else _UNLOADED.get(str(row[by])))
            if column == "relacao":
                row[by] = _RELATIONS.get(str(row[by]), row[by])


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
