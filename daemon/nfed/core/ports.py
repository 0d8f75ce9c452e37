"""Declares what the flow asks of the world; the edges implement it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from nfed.core.archive import Listing, Member
from nfed.core.arrival import Arrival, Version
from nfed.core.job import Job
from nfed.core.outcome import Deferred, Outcome, Refused
from nfed.documents.document import Document


@dataclass(frozen=True)  # without slots, which pickle by a slow road
class Reading:
    """The answer of a worker for one file."""

    result: tuple[Document | Refused, ...] | Refused | Deferred
    """Every document of the file or what is wrong with that one; or why the file as a whole is
    refused or waits."""
    sha256: str | None = None
    """Of the file's bytes; None when it was not read."""
    version: Version | None = None
    """The file's version as it was read (Arrival.version): one that changed since is not moved."""
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document on its way into the store."""

    document: Document
    file_name: str


@dataclass(frozen=True, slots=True)
class Fate:
    """One file and its outcome, for the ledger, the shelves and the log."""

    arrival: Arrival
    reading: Reading
    outcome: Outcome
    at: datetime
    duration_ms: float = field(default=0.0, compare=False)


class WorkerCrashed(Exception):
    """The worker that read the chunk died, hung or ran out of memory; says which."""


class Reader(Protocol):
    """Reads files in worker processes."""

    async def read(self, paths: Sequence[str]) -> list[Reading]:
        """A reading for each path, in order; XML that ends too early is deferred as incomplete.

        Raises WorkerCrashed.
        """
        ...

    async def list_archive(self, path: str, version: Version) -> Listing | Refused | Deferred:
        """Lists what the archive holds; one without its end is deferred as incomplete.

        Raises WorkerCrashed.
        """
        ...

    async def read_members(
        self, path: str, version: Version, members: Sequence[Member]
    ) -> list[Reading]:
        """A reading for each member, in order. Raises WorkerCrashed."""
        ...

    async def check(self) -> None:
        """Has a worker read a note that nfed brings along. Raises WorkerCrashed."""
        ...

    async def member_bytes(self, path: str, version: Version, member: Member) -> bytes | None:
        """A member's bytes, for failed/; None: it cannot be unpacked, or is too large.

        Raises WorkerCrashed.
        """
        ...


class Strikes(Protocol):
    """Remembers which files killed a worker, alone, across jobs and restarts; blocking, and quick.

    It decides nothing that matters: losing it costs such a file some more tries.
    """

    def add(self, arrival: Arrival) -> int:
        """Counts one more against this version of the file; returns how many there are."""
        ...

    def forget(self, arrivals: Iterable[Arrival]) -> None:
        """These files have come to an end."""
        ...


class Store(Protocol):
    """Keeps documents."""

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """Stores the documents in one transaction, and returns after its commit: an outcome each.

        An event is applied to its note whichever of the two comes first.

        Raises StoreUnavailable (try again), StoreRejected (the content; try one by one).
        """
        ...


class Ledger(Protocol):
    """Tells history: jobs and the fate of every file."""

    async def save_job(self, job: Job) -> None:
        """Writes the job as it stands."""
        ...

    async def record(self, job: Job, fates: Sequence[Fate]) -> None:
        """Writes fates and the job's counts in one transaction, and returns after its commit."""
        ...


class Shelves(Protocol):
    """Puts files away."""

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        """Moves each file to its shelf, never over a namesake; returns those it could not move,
        which are where they were."""
        ...

    async def keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        """Writes a refused member of an archive into failed/ with its reason, and returns when both
        are on the disk; the very same member is not written twice. False: it could not be."""
        ...


class ListOrder(StrEnum):
    """The order of a list; what has no moment of issue, or no value, comes last."""

    NEWEST = "emissao_desc"
    OLDEST = "emissao_asc"
    DEAREST = "valor_desc"
    CHEAPEST = "valor_asc"


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Chooses notes, and says in which order; None: any."""

    emitente: str | None = None
    """CPF or CNPJ, without punctuation."""
    destinatario: str | None = None
    de: date | None = None
    """The first date of issue, by the issuer's own clock."""
    ate: date | None = None
    """The last one, included."""
    status: str | None = None
    modelo: str | None = None
    """55 or 65."""
    ambiente: str | None = None
    """tpAmb; 1: production, 2: test."""
    serie: str | None = None
    numero: int | None = None
    valor_de: Decimal | None = None
    """The least total of the note, BRL."""
    valor_ate: Decimal | None = None
    """The greatest one, included."""
    texto: str | None = None
    """Part of a party's name or number, of an item's description or code, or of infCpl, whatever
    its accents and capitals."""
    tipo_operacao: str | None = None
    """tpNF; 0: in, 1: out."""
    finalidade: str | None = None
    """finNFe."""
    cfop: str | None = None
    """Of one of its items."""
    ncm: str | None = None
    ordem: ListOrder = ListOrder.NEWEST


type NotePosition = tuple[str, int]
"""Where a note stands in the order of listing: its moment of issue or its value as text, empty
where it has none, and a tie-breaker."""


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A stored note as a list has it; amounts as exact decimals."""

    chave: str
    modelo: str | None
    serie: str | None
    numero: int | None
    emitida_em: str | None
    """ISO 8601 with the issuer's offset."""
    emitente: str | None
    """CPF or CNPJ."""
    emitente_nome: str | None
    destinatario: str | None
    destinatario_nome: str | None
    valor_total: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class NoteSummary(NoteLine):
    """A line with its place, from which the next page can begin."""

    position: NotePosition


@dataclass(frozen=True, slots=True)
class NotePage:
    """A page of a list. It may hold less than was asked for, or nothing, and yet lead on: only so
    many notes are looked at for one page."""

    notes: list[NoteSummary]
    next: NotePosition | None
    """What the next page comes after; None: there is no more."""


class NoteReader(Protocol):
    """Reads stored documents beside whoever writes them. Raises StoreUnavailable."""

    async def notes(self, wanted: NoteFilter, after: NotePosition | None, limit: int) -> NotePage:
        """At most `limit` notes; `after` is the `next` of the page before, in the same order."""
        ...

    async def note(self, chave: str) -> dict[str, object] | None:
        """All that is stored of a note but its XML: columns by name, the rows of its tables as
        lists under the table's name, numbers as exact decimal text; None: not stored."""
        ...

    async def xml(self, chave: str) -> str | None:
        """The document's text as it was imported; None: not stored, or stored without it."""
        ...

    async def check(self) -> None:
        """Returns when it answers."""
        ...
