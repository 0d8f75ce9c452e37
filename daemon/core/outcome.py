"""How one file ended, and the one place that decides the folder it goes to."""

from dataclasses import dataclass
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


class Reason(StrEnum):
    """Why a file waits."""

    BUSY = "busy"
    """Somebody is writing it."""
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    VANISHED = "vanished"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not the file's fault, or not yet: it stays where it is and comes again."""

    reason: Reason
    detail: str


type Outcome = Imported | Duplicate | Updated | Refused | Deferred


class Shelf(StrEnum):
    """Where a file goes."""

    DONE = "done"
    FAILED = "failed"
    STAY = "stay"


def shelf_for(outcome: Outcome) -> Shelf:
    """The one place that decides which folder a file ends in."""
    match outcome:
        case Imported() | Duplicate() | Updated():
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
