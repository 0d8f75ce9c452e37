"""Makes documents of CF-e SAT (modelo 59) and of their cancellation."""

from datetime import datetime

from nfed.documents.checks.key import key_by_policy, key_faults, key_of_id
from nfed.documents.document import Document
from nfed.documents.kinds.head import Head, Origin, extract_both
from nfed.documents.layout import positions
from nfed.documents.layout.dfe import DFE_DOCUMENTOS, DFE_ROWS
from nfed.documents.standing import Answered, accepts, rank, status_of
from nfed.documents.xml.find import Part, child
from nfed.errors import UnusableAccessKey
from nfed.words import Message

_ISSUED, _REGISTERED, _CANCELLATION = "100", "135", "110111"
_AT = {name: positions("cfe")[name] for name in ("data_emissao", "hora_emissao")}


def coupon(part: Part, origin: Origin) -> Document:
    """A CF-e as the SAT made it, or the one that cancels another. Raises DocumentError.

    The SAT writes no protocol: whatever it has made is issued.
    """
    group = child(part.asked, "infCFe")
    assert group is not None
    extraction, digest, findings = extract_both(
        DFE_DOCUMENTOS, (group, "CFe/infCFe"), (None, ""), needs_offsets=False
    )
    head = Head(DFE_DOCUMENTOS, extraction)
    own = key_of_id(head.text("chave_acesso"))
    cancelled = key_of_id((group.get("chCanc") or "").strip())
    is_cancellation = part.name == "CFeCanc"
    chave = cancelled if is_cancellation else own
    for key in (own, chave):
        fault = key_faults(key, None)
        if not key or (fault and not key.isalnum()) or len(key) > 44:
            raise UnusableAccessKey(
                fault or Message("the document's Id is empty, expected its key")
            )
        findings += key_by_policy(fault, key, origin.checks.key)
    head["chave_acesso"], head["tipo"], head["versao_linhas"] = chave, part.name, DFE_ROWS
    head["especie"] = "evento" if is_cancellation else "documento"
    head["data_hora_emissao"] = _issued(head)
    if is_cancellation:
        head["tipo_evento"] = _CANCELLATION
        # Its rows would look like a coupon's own.
        head.rows = {DFE_DOCUMENTOS.name: head.rows[DFE_DOCUMENTOS.name]}
    cstat = _REGISTERED if is_cancellation else _ISSUED
    head["codigo_status"] = cstat
    answered = Answered.EVENT if is_cancellation else Answered.DOCUMENT
    furthest = rank(cstat, None, answered)
    return head.document(
        part,
        origin,
        key=f"{_CANCELLATION}-{own}" if is_cancellation else own,
        chave=chave,
        rank=furthest,
        status="registrado" if is_cancellation else status_of(cstat).value,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
        is_accepted=accepts(furthest, answered, None, None),
    )


def _issued(head: Head) -> str | None:
    """Its day and time by São Paulo's clock; None for what is no date."""
    for row in head.rows.get("cfe", ()):
        written = "".join(str(row[at] or "").strip() for at in _AT.values())
        try:
            return datetime.strptime(written, "%Y%m%d%H%M%S").isoformat(" ")  # noqa: DTZ007
        except ValueError:
            return None
    return None
