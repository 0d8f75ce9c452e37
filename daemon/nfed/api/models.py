"""Describes the answers for OpenAPI; they are built as plain values, which is quicker.

A job, a file, the statistics and a line of a list of notes are the dataclasses of those who read
them, under the names that clients know; what only HTTP says is a model of its own.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from nfed.api.problems import Problem
from nfed.core.job import JobState
from nfed.core.other_documents import DocumentLine, UnusedNumbers
from nfed.core.ports import NoteLine
from nfed.ledger import reader

_EXACT = ConfigDict(extra="forbid")
"""An answer says all of it and nothing else."""


DateTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class _Exact(BaseModel):
    model_config = _EXACT


@dataclass(frozen=True)
class JobModel(reader.JobRecord):
    """A job."""

    __pydantic_config__ = _EXACT
    status: JobState
    created_at: DateTime
    started_at: DateTime | None
    completed_at: DateTime | None


class JobPage(_Exact):
    """Jobs, the newest first; `next_cursor` leads on, null: there are no more."""

    jobs: list[JobModel]
    next_cursor: str | None


@dataclass(frozen=True)
class FileModel(reader.FileRecord):
    """How one file of a job ended."""

    __pydantic_config__ = _EXACT
    timestamp: DateTime


class FilePage(_Exact):
    """Files of a job in the order of their ends."""

    files: list[FileModel]
    next_cursor: str | None


class Started(_Exact):
    """What was asked for is under way in this job."""

    job_id: str
    status: str


class Uploaded(Started):
    """The files are in the drop folder, under these names."""

    files: list[str]


class Ticket(_Exact):
    """Lets a browser listen to /batch/events as `?ticket=…`."""

    ticket: str
    expires_in_seconds: int


class Retried(Started):
    """So many refused files are back in the drop folder."""

    files: int


@dataclass(frozen=True)
class Statistics(reader.Statistics):
    """All jobs together."""

    __pydantic_config__ = _EXACT
    status_counts: dict[JobState, int]  # type: ignore[assignment]  # dict is invariant


@dataclass(frozen=True)
class NoteShort(NoteLine):
    """A note in a list; amounts as exact decimals in text."""

    __pydantic_config__ = _EXACT
    emitida_em: DateTime | None


class NotePage(_Exact):
    """Notes in the order that was asked for."""

    notas: list[NoteShort]
    next_cursor: str | None


@dataclass(frozen=True)
class DocumentShort(DocumentLine):
    """A document in a list; amounts as exact decimals in text."""

    __pydantic_config__ = _EXACT


class DocumentPage(_Exact):
    """Documents in the order that was asked for."""

    documentos: list[DocumentShort]
    next_cursor: str | None


@dataclass(frozen=True)
class UnusedRange(UnusedNumbers):
    """A range of numbers that are never to be used."""

    __pydantic_config__ = _EXACT


class UnusedPage(_Exact):
    """Ranges, the latest first."""

    inutilizacoes: list[UnusedRange]
    next_cursor: str | None


class Health(_Exact):
    """The process answers."""

    status: str
    version: str


class Ready(_Exact):
    """Folder and database can be used."""

    status: str
    checks: dict[str, str]


class LeftFile(_Exact):
    """Something in the drop folder that is not taken."""

    file: str
    reason: str
    advice: str


class LeftFiles(_Exact):
    """All of these, and the first 100."""

    total: int
    files: list[LeftFile]


class FolderNow(_Exact):
    """The drop folder: what waits, was refused, and is left alone."""

    path: str
    backlog: int
    refused: int
    left_alone: LeftFiles


def cursor_for(*place: str | int) -> str:
    """Makes the cursor that leads on from this place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_in[First: (str, int)](cursor: str, first: type[First]) -> First:
    """A place of one part. Raises a 404 problem for what is no cursor of ours."""
    (found,) = _parts(cursor, (first,))
    assert isinstance(found, first)
    return found


def pair_in[Second: (str, int)](cursor: str, second: type[Second]) -> tuple[str, Second]:
    """A place of two parts, the first of them text. Raises a 404 problem."""
    one, two = _parts(cursor, (str, second))
    assert isinstance(one, str)
    assert isinstance(two, second)
    return one, two


def _parts(cursor: str, kinds: tuple[type, ...]) -> list[object]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        parts = None
    if not (
        isinstance(parts, list)
        and len(parts) == len(kinds)
        and all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))
        and all(not isinstance(part, int) or abs(part) < 1 << 63 for part in parts)
        and all(not isinstance(part, str) or part.isprintable() for part in parts)
    ):
        raise Problem(404, "there is no such page: expected a next_cursor as it was given")
    return parts
