"""Tells from the tax office's word how a document stands: its status, its rank, what it accepts.

The only place that knows what a cStat means. The numbers are those of the manual's table of
answers (MOC 7.0, Anexo I, 5; MOC MDF-e, 4.6).
"""

from enum import StrEnum


class Status(StrEnum):
    """How a note or another document stands with the tax office, from the protocol's cStat."""

    EMITIDA = "emitida"
    REJEITADA = "rejeitada"
    AUTORIZADA = "autorizada"
    DENEGADA = "denegada"
    CANCELADA = "cancelada"
    ENCERRADA = "encerrada"
    """An MDF-e whose journey has ended."""


ENDED = ("cancelada", "encerrada", "inutilizada")
"""How a stored document stays, whatever protocol comes later: an event or a range said so."""


class Answered(StrEnum):
    """What an answer of the tax office is about, which tells what its cStat means."""

    DOCUMENT = "documento"
    """A note, CT-e and the like, or a protocol of one."""
    MDFE = "mdfe"
    EVENT = "evento"
    """An event, a cancellation of the old kind, or a range of unused numbers."""


AUTHORISED = ("100", "150")
"""cStat of a document that may be used; 150: authorised late."""
DENIED = ("110", "301", "302", "303")
CANCELLED = ("101", "151", "155", "135", "136")
"""cStat of a document that is cancelled. The last two answer the event that cancels; programs that
rewrite the protocol after it put them there."""
CLOSED = ("132", "103")
"""cStat of an MDF-e that is closed (MOC MDF-e, 4.6); 103 in the first layouts."""
REGISTERED = ("102", "134", "135", "136", "155", "101", "151")
"""cStat of an event that is registered, of a range of numbers that is (102), and of a cancellation
that was asked for without an event, as until 2013 (101, 151)."""

_REJECTED, _WITHOUT_CSTAT, _ACCEPTED, _DENIED, _CLOSED, _CANCELLED = range(1, 7)
RANKS: dict[Answered, dict[str, int]] = {
    Answered.DOCUMENT: {
        **dict.fromkeys(AUTHORISED, _ACCEPTED),
        **dict.fromkeys(DENIED, _DENIED),
        **dict.fromkeys(CANCELLED, _CANCELLED),
    },
    Answered.EVENT: dict.fromkeys(REGISTERED, _ACCEPTED),
}
"""By cStat, what ranks higher than rejected."""
RANKS[Answered.MDFE] = RANKS[Answered.DOCUMENT] | dict.fromkeys(CLOSED, _CLOSED)
_STATUS = {
    _ACCEPTED: Status.AUTORIZADA,
    _DENIED: Status.DENEGADA,
    _CLOSED: Status.ENCERRADA,
    _CANCELLED: Status.CANCELADA,
}


def status_of(
    cstat: str | None,
    numero_protocolo: str | None = None,
    answered: Answered = Answered.DOCUMENT,
) -> Status:
    """A document's status.

    With a protocol number and no cStat (SEFAZ-SP's download) it counts as authorised.
    """
    if not cstat:
        return Status.AUTORIZADA if numero_protocolo else Status.EMITIDA
    return _STATUS.get(RANKS[answered].get(cstat, _REJECTED), Status.REJEITADA)


def rank(
    cstat: str | None,
    numero_protocolo: str | None = None,
    answered: Answered = Answered.DOCUMENT,
) -> int:
    """Ranks how far a document has come, whatever the order in which files arrive.

    Nothing known 0 < rejected < a protocol number alone < authorised, registered < denied <
    closed < cancelled.
    """
    if not cstat:
        return _WITHOUT_CSTAT if numero_protocolo else 0
    return RANKS[answered].get(cstat, _REJECTED)


def least_accepted(answered: Answered) -> int:
    """The lowest rank of what the tax office accepted: for an event a number is not enough."""
    return _ACCEPTED if answered is Answered.EVENT else _WITHOUT_CSTAT


def accepts(
    rank: int, answered: Answered, protocol_digest: str | None, signed_digest: str | None
) -> bool:
    """True for content that the tax office accepted, so that it outranks any that never was.

    A protocol that names the digest of other content accepts that one. A digest that is not known
    speaks against nothing.
    """
    if rank < least_accepted(answered):
        return False
    return not protocol_digest or not signed_digest or protocol_digest == signed_digest
