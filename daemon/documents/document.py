"""What a file says, ready to store, and which checks it went through."""

import marshal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from daemon.documents.checks import Finding
from daemon.documents.extract import Rows


@dataclass(frozen=True)
class Document:
    """One document of a file: a note, an event, a summary.

    `rows` holds one row of the table `head` and the rows below it. Two files hold the same document
    when they have the same `key` there.
    """

    head: str
    key: str
    """The value of the head table's key column (layout.Table.key)."""
    chave: str
    """The chave de acesso that it is about; for documents without one, its key."""
    rank: int
    """How far it has come with the tax office (`rank`): more replaces less."""
    issued_utc: str
    """dhEmi as AAAA-MM-DDThh:mm:ssZ, so that text order is time order; empty if unknown."""
    content_sha256: str | None
    """Of what its issuer says, however written; None for a mere answer of the tax office."""
    rows: Rows
    findings: tuple[Finding, ...] = ()

    def __reduce__(self) -> tuple[Callable[..., "Document"], tuple[object, ...]]:
        """Its rows go from a worker to its daemon as marshal writes them.

        They are plain lists, texts and numbers, and one Python writes and reads them; pickle, which
        looks each of them up among all it has seen, takes three times as long.
        """
        return _unpacked, (
            self.head,
            self.key,
            self.chave,
            self.rank,
            self.issued_utc,
            self.content_sha256,
            marshal.dumps(self.rows),
            self.findings,
        )

    @property
    def status(self) -> str | None:
        """The head row's status."""
        from daemon.documents.layout import tables

        value = self.rows[self.head][0][tables()[self.head].position("status")]
        return None if value is None else str(value)


def _unpacked(
    head: str,
    key: str,
    chave: str,
    rank: int,
    issued_utc: str,
    content_sha256: str | None,
    rows: bytes,
    findings: tuple[Finding, ...],
) -> Document:
    """What `Document.__reduce__` has packed."""
    return Document(
        head, key, chave, rank, issued_utc, content_sha256, marshal.loads(rows), findings
    )


class Status(StrEnum):
    """notas_fiscais.status, from the protocol's cStat."""

    EMITIDA = "emitida"
    REJEITADA = "rejeitada"
    AUTORIZADA = "autorizada"
    DENEGADA = "denegada"
    CANCELADA = "cancelada"


_STATUS = {
    **dict.fromkeys(("100", "150"), Status.AUTORIZADA),
    **dict.fromkeys(("101", "151", "155"), Status.CANCELADA),
    **dict.fromkeys(("110", "301", "302", "303"), Status.DENEGADA),
}
REGISTERED = ("102", "134", "135", "136", "155")
"""cStat of an event that is registered, and of a range of numbers that is (102)."""

_REJECTED, _WITHOUT_CSTAT, _ACCEPTED, _DENIED, _CANCELLED = range(1, 6)
_RANK = {
    **dict.fromkeys(REGISTERED, _ACCEPTED),
    **{
        cstat: {
            Status.AUTORIZADA: _ACCEPTED,
            Status.DENEGADA: _DENIED,
            Status.CANCELADA: _CANCELLED,
        }[status]
        for cstat, status in _STATUS.items()
    },
}
RANKED = tuple(_RANK)
"""Every cStat that is more than rejected, for those who say `rank` in another language."""


def status_of(cstat: str | None, numero_protocolo: str | None = None) -> Status:
    """A note's status.

    With a protocol number and no cStat (SEFAZ-SP's download) it counts as authorised.
    """
    if not cstat:
        return Status.AUTORIZADA if numero_protocolo else Status.EMITIDA
    return _STATUS.get(cstat, Status.REJEITADA)


def rank(cstat: str | None, numero_protocolo: str | None = None) -> int:
    """How far a document has come; the order in which files arrive does not matter.

    Nothing known 0 < rejected < a protocol number alone < authorised, registered < denied <
    cancelled.
    """
    if not cstat:
        return _WITHOUT_CSTAT if numero_protocolo else 0
    return _RANK.get(cstat, _REJECTED)
