"""How one file ended, and the one place that decides the folder it goes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from daemon.documents.checks import Finding
from daemon.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Imported:
    """Its document was new and is stored."""

    chave: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same document is stored already; nothing was written."""

    chave: str
    stored_from: str | None = None
    """The file that the stored document came from."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Updated:
    """The stored document learnt its protocol from this file."""

    chave: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The file itself is at fault."""

    error: str
    error_type: str
    advice: str
    chave: str | None = None
    findings: tuple[Finding, ...] = ()
    code: str | None = None
    """Which check refused it, as in the table of codes."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive all of whose members have an outcome of their own."""

    members: int
    refused: int
    ignored: int
    """Members that are no documents."""


class Reason(StrEnum):
    """Why a file waits."""

    BUSY = "busy"
    """Somebody is writing it."""
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    VANISHED = "vanished"
    RETRY = "retry"
    CANCELLED = "cancelled"
    """Its job was; it waits to be asked for again."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not the file's fault, or not yet: it stays where it is and comes again."""

    reason: Reason
    detail: str


type Outcome = Imported | Duplicate | Updated | Refused | Deferred | Unpacked


class OutcomeName(StrEnum):
    """How an outcome is written down: its class in small letters."""

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    UPDATED = "updated"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNPACKED = "unpacked"
    """An archive; its members are files of their own."""


class Shelf(StrEnum):
    """Where a file goes."""

    DONE = "done"
    FAILED = "failed"
    STAY = "stay"


def shelf_for(outcome: Outcome) -> Shelf:
    """The one place that decides which folder a file ends in."""
    match outcome:
        case Imported() | Duplicate() | Updated() | Unpacked():
            return Shelf.DONE
        case Refused():
            return Shelf.FAILED
        case Deferred():
            return Shelf.STAY
        case _ as unreachable:
            assert_never(unreachable)  # a new Outcome fails mypy here


def refusal(error: DocumentError, chave: str | None = None) -> Refused:
    """The outcome of a file that is at fault."""
    return Refused(
        str(error),
        error.error_type,
        error.advice,
        chave or error.chave,
        tuple(Finding(code, text) for code, text in error.findings),
        error.code,
    )


def of_file(outcomes: Sequence[Outcome]) -> Outcome:
    """How a file with these documents ended.

    One that is refused sends the file to failed/, where it can be read again: the others are
    stored, and are found to be duplicates then. What became of each is told as a finding.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    told = tuple(Finding("LOT", f"{number}: {_told(each)}") for number, each in _numbered(outcomes))
    refused = [(n, each) for n, each in _numbered(outcomes) if isinstance(each, Refused)]
    if refused:
        number, first = refused[0]
        return Refused(
            f"{len(refused)} of {len(outcomes)} documents in the file were refused, the others "
            f"stored; document {number}: {first.error}",
            first.error_type,
            first.advice,
            first.chave,
            (*first.findings, *told),
            first.code,
        )
    for kind in (Deferred, Imported, Updated, Duplicate):
        found = next((each for each in outcomes if isinstance(each, kind)), None)
        match found:
            case Imported() | Updated() | Duplicate():
                return replace(found, findings=told)
            case Deferred():
                return found
    raise ValueError("a file without a document")


def _numbered(outcomes: Sequence[Outcome]) -> list[tuple[int, Outcome]]:
    return list(enumerate(outcomes, 1))


def _told(outcome: Outcome) -> str:
    match outcome:
        case Refused(error, chave=chave):
            return f"{chave or 'no key'} refused: {error}"
        case Deferred(_, detail):
            return f"waits: {detail}"
        case Unpacked():
            raise ValueError("no document ends like this")
        case Imported(chave) | Updated(chave) | Duplicate(chave):
            name = type(outcome).__name__.lower()
            warnings = "; ".join(f"{each.code}: {each.text}" for each in outcome.findings)
            return f"{chave} {name}{f' ({warnings})' if warnings else ''}"
