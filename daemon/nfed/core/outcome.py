"""Says how one file ended, and which folder it goes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from nfed.documents.checks import Finding
from nfed.documents.document import Document
from nfed.errors import ConflictingDocument, DocumentError
from nfed.words import Message, listed


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


SUPERSEDED = "AUT-SUPERSEDED"
"""The code of the finding that tells, at a file, that its document gave way to another's."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """What was stored under a key until the document came that the tax office had accepted."""

    chave: str
    file_name: str
    """The file that it had come from, which stays where it is."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The stored document learnt its protocol from this file, or gave way to this file's."""

    chave: str
    findings: tuple[Finding, ...] = ()
    superseded: tuple[Superseded, ...] = ()


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
    superseded: tuple[Superseded, ...] = ()
    """By other documents of the same file, which are stored."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An archive all of whose members have an outcome of their own."""

    members: int
    refused: int
    ignored: int
    """Members that are no documents."""
    findings: tuple[Finding, ...] = ()
    """The names of those that were ignored."""


class Reason(StrEnum):
    """The reasons for which a file waits."""

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
    """Not the file's fault, or not yet: it stays where it is and is tried again."""

    reason: Reason
    detail: str


type Outcome = Imported | Duplicate | Updated | Refused | Deferred | Unpacked


class OutcomeName(StrEnum):
    """The name of an outcome in the ledger: its class in small letters."""

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    UPDATED = "updated"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNPACKED = "unpacked"
    """An archive; its members are files of their own."""


class Shelf(StrEnum):
    """The folder that a file goes to."""

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
    """Makes one outcome of those of a file's documents.

    One that is refused sends the file to failed/, where it can be read again: the others are
    stored, and are found to be duplicates then. What became of each is told as a finding.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    told = tuple(
        Finding("LOT", Message("{number}: {each}", number=number, each=_describe(each)))
        for number, each in _numbered(outcomes)
    )
    refused = [(n, each) for n, each in _numbered(outcomes) if isinstance(each, Refused)]
    if refused:
        number, first = refused[0]
        if len(refused) == len(outcomes):
            error = Message(
                "all {total} documents in the file were refused; document {number}: {error}",
                total=len(outcomes),
                number=number,
                error=first.error,
            )
        else:
            error = Message(
                "{refused} of {total} documents in the file were refused, the others stored; "
                "document {number}: {error}",
                refused=len(refused),
                total=len(outcomes),
                number=number,
                error=first.error,
            )
        return Refused(
            error,
            first.error_type,
            first.advice,
            first.chave,
            (*first.findings, *told),
            first.code,
            superseded_by(outcomes),
        )
    # One that took another's place has to say so: it goes before the merely new.
    updated = Updated if superseded_by(outcomes) else Imported
    for kind in (Deferred, updated, Imported, Updated, Duplicate):
        found = next((each for each in outcomes if isinstance(each, kind)), None)
        match found:
            case Updated():
                return replace(found, findings=told, superseded=superseded_by(outcomes))
            case Imported() | Duplicate():
                return replace(found, findings=told)
            case Deferred():
                return found
    raise ValueError("a file without a document")


def superseded_by(outcomes: Sequence[Outcome]) -> tuple[Superseded, ...]:
    """Everything that gave way to documents of these."""
    return tuple(
        each for one in outcomes if isinstance(one, Updated | Refused) for each in one.superseded
    )


def _numbered(outcomes: Sequence[Outcome]) -> list[tuple[int, Outcome]]:
    return list(enumerate(outcomes, 1))


def _describe(outcome: Outcome) -> Message:
    match outcome:
        case Refused(error, chave=chave):
            key = chave or Message("no key")
            return Message("{key} refused: {error}", key=key, error=error)
        case Deferred(_, detail):
            return Message("waits: {detail}", detail=detail)
        case Unpacked():
            raise ValueError("no document ends like this")
        case Imported(chave) | Updated(chave) | Duplicate(chave):
            fate = _FATES[type(outcome)]
            if not outcome.findings:
                return Message("{chave} {fate}", chave=chave, fate=fate)
            warnings = listed(
                [Message("{code}: {text}", code=f.code, text=f.text) for f in outcome.findings]
            )
            return Message("{chave} {fate} ({warnings})", chave=chave, fate=fate, warnings=warnings)


_FATES = {
    Imported: Message("imported"),
    Updated: Message("updated"),
    Duplicate: Message("duplicate"),
}


_REJECTED = "573"  # as any other cStat that accepts nothing


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored document, as far as a verdict needs it."""

    content_sha256: str | None
    """None for a mere answer, and for a note that another program stored."""
    rank: int
    """See documents.standing.rank."""
    file_name: str | None
    status: str | None = None
    is_accepted: bool = False
    """See documents.standing.accepts."""


def verdict(document: Document, stored: Stored | None, *, is_vouched_for: bool = False) -> Outcome:
    """Imported when new, Updated when it brings what the stored one lacks: a protocol that gets it
    further, or what was asked where only the answer is stored.

    SHA-256 identifies a file, the key a document: the same content under the same key is a
    Duplicate whatever the file. Of two contents the one that the tax office accepted prevails,
    whichever comes first: it replaces what never was accepted (Updated), and what never was is
    refused beside it. Between equals other content is refused as a conflict. `is_vouched_for`: a
    protocol that came by itself names the digest of this document.
    """
    chave = document.chave
    if stored is None:
        return Imported(chave, document.findings)
    if not is_other_content(document, stored):
        known, own = stored.content_sha256, document.content_sha256
        brings_the_text = known is None and own is not None and document.head != "notas_fiscais"
        if document.rank > stored.rank or brings_the_text:
            return Updated(chave, document.findings)
        return Duplicate(chave, stored.file_name, document.findings)
    is_accepted = document.is_accepted or is_vouched_for
    if is_accepted and not stored.is_accepted:
        gone = Superseded(chave, stored.file_name or "")
        told = Finding(
            "AUT-SUPERSEDES",
            Message(
                "takes the place of what file {file_name!r} holds under the same key, which the "
                "tax office never accepted",
                file_name=gone.file_name,
            ),
        )
        return Updated(chave, (*document.findings, told), (gone,))
    if stored.is_accepted and is_event(document) and document.status == "rejeitado":
        # Such as 573, the event is there already: the registered one stands.
        return Duplicate(chave, stored.file_name, document.findings)
    is_superseded = stored.is_accepted and not is_accepted
    return refusal(ConflictingDocument(_conflict(document, stored, is_superseded)), chave)


def is_other_content(document: Document, stored: Stored) -> bool:
    """True for two contents under one key, where both are known."""
    known, own = stored.content_sha256, document.content_sha256
    return known is not None and own is not None and known not in (own, document.content_as_written)


def _conflict(document: Document, stored: Stored, is_superseded: bool) -> Message:
    """Says which of the two lies where."""
    facts = {
        "key": document.key,
        "file_name": stored.file_name,
        "stored": stored.status,
        "own": document.status,
    }
    if is_superseded:
        if is_event(document):
            return Message(
                "event {key} is superseded by the registered event from {file_name!r}, which is "
                "stored and lies in done/ ({stored}); this file ({own}) has other content, which "
                "was never registered",
                **facts,
            )
        if document.head == "notas_fiscais":
            return Message(
                "chave {key} is superseded by the authorised note from {file_name!r}, which is "
                "stored and lies in done/ ({stored}); this file ({own}) has other content, which "
                "the tax office never accepted",
                **facts,
            )
        return Message(
            "chave {key} is superseded by the authorised document from {file_name!r}, which is "
            "stored and lies in done/ ({stored}); this file ({own}) has other content, which the "
            "tax office never accepted",
            **facts,
        )
    if is_event(document):
        return Message(
            "event {key} is already stored from file {file_name!r}, which lies in done/ "
            "({stored}), with other content than this file ({own}), which goes to failed/; "
            "expected the same document under the same key",
            **facts,
        )
    return Message(
        "chave {key} is already stored from file {file_name!r}, which lies in done/ ({stored}), "
        "with other content than this file ({own}), which goes to failed/; expected the same "
        "document under the same key",
        **facts,
    )


def is_event(document: Document) -> bool:
    """Tells whether another attempt may replace the document."""
    return document.head == "nf_eventos" or (
        document.head == "dfe_documentos" and document.text("especie") == "evento"
    )
