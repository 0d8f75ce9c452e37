"""Keeps what failed/ holds, grouped by cause, so that 100,000 files make no page slower.

The folder is the truth: it is listed again when it changed, and a reason is read once. What is kept
of a file is its name and its cause; the rest is read when the file is shown.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nfed.errors import FolderUnavailable
from nfed.intake.folder import FAILED
from nfed.intake.moved import ERROR_SUFFIX
from nfed.intake.refused import RefusedFile
from nfed.words import Message

_SLICE = 500
_BREATH_SECONDS = 0.005  # between two slices, for the import
_PATIENCE_SECONDS = 0.1
_MOST_ERROR = 500
_TICK_NS = 20_000_000
_UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused file, as far as a list shows it."""

    name: str
    refused_at: str
    """ISO 8601 with the offset; empty: nothing says."""
    error_type: str
    code: str
    """Empty: no check refused it."""
    error: str

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in a list, the newest first."""
        return self.refused_at, self.name


@dataclass(frozen=True, slots=True)
class Group:
    """The files that one cause refused, the newest first."""

    error_type: str
    code: str
    files: Sequence[Refusal]

    @property
    def cause(self) -> str:
        """Names the group in an address."""
        return f"{self.error_type}.{self.code}" if self.code else self.error_type


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of failed/."""

    total: int
    unread: int
    """Reasons that are yet to be read: the groups are not whole."""
    groups: Sequence[Group]
    """The largest first."""

    def group(self, cause: str) -> Group | None:
        """The group of this cause; None: there is none now."""
        return next((each for each in self.groups if each.cause == cause), None)


class Refusals:
    """One for the application; reads only while somebody looks."""

    def __init__(self, folder: Path) -> None:
        self._failed = folder / FAILED
        self._known: dict[str, tuple[int, Refusal]] = {}
        self._marks: dict[str, int] = {}
        """Names that lie there, with what tells one reason from a later one."""
        self._unread: list[str] = []
        self._stamp: tuple[int, int] | None = None
        self._seen = Seen(0, 0, ())
        self._reading: asyncio.Task[None] | None = None

    async def seen(self, patience_seconds: float = _PATIENCE_SECONDS) -> Seen:
        """What lies there. Waits a moment for what changed, and no longer.

        Raises FolderUnavailable.
        """
        if self._reading is None or self._reading.done():
            if self._reading is not None and not self._reading.cancelled():
                self._reading.result()
            self._reading = asyncio.create_task(self._read(), name="refusals")
        await asyncio.wait([self._reading], timeout=patience_seconds)
        if self._reading.done():
            self._reading.result()
            return self._seen
        seen = self._seen
        return Seen(seen.total, max(seen.unread, 1), seen.groups)

    async def _read(self) -> None:
        if not await asyncio.to_thread(self._list):
            return
        while slice_ := await asyncio.to_thread(self._next):
            if len(slice_) == _SLICE:
                await asyncio.sleep(_BREATH_SECONDS)
        await asyncio.to_thread(self._sort)

    def _list(self) -> bool:
        """Lists the folder if it changed; whether it did."""
        try:
            status = os.stat(self._failed)
            stamp = (status.st_ino, status.st_mtime_ns)
            if stamp == self._stamp:
                return False
            if time.time_ns() - status.st_mtime_ns < _TICK_NS:
                stamp = (0, -1)  # what changes within the same tick of the clock shows no other
            marks = dict(_marks(self._failed))
        except FileNotFoundError:
            stamp, marks = (0, 0), {}
        except OSError as error:
            raise FolderUnavailable(f"{self._failed}: {error.strerror}") from error
        known = self._known
        self._known = {
            name: known[name] for name, mark in marks.items() if known.get(name, (-1,))[0] == mark
        }
        self._marks = marks
        self._stamp = stamp
        self._unread = [name for name in marks if name not in self._known]
        if len(self._unread) > _SLICE:
            self._sort()  # a count, at least, before so many are read
        return True

    def _next(self) -> list[str]:
        """Reads the next reasons; returns whose."""
        unread, self._unread = self._unread[:_SLICE], self._unread[_SLICE:]
        for name in unread:
            self._known[name] = (self._marks[name], _refusal(self._failed, name))
        return unread

    def _sort(self) -> None:
        by_cause: dict[tuple[str, str], list[Refusal]] = {}
        for _, refusal in self._known.values():
            by_cause.setdefault((refusal.error_type, refusal.code), []).append(refusal)
        groups = [
            Group(error_type, code, sorted(files, key=lambda each: each.place, reverse=True))
            for (error_type, code), files in by_cause.items()
        ]
        groups.sort(key=lambda group: (-len(group.files), group.cause))
        total = len(self._marks)
        self._seen = Seen(total, total - len(self._known), groups)


def reason_of(failed: Path, name: str) -> dict[str, object]:
    """What stands beside a refused file; empty when nothing readable does."""
    if not os.path.lexists(f"{failed}/{name}{ERROR_SUFFIX}"):
        return {}
    return RefusedFile(f"{failed}/{name}", 0.0).reason()


def _short(error: object) -> str:
    if isinstance(error, Message):
        return error.shortened(_MOST_ERROR)
    return str(error or "")[:_MOST_ERROR]


def _marks(failed: Path) -> Iterator[tuple[str, int]]:
    """Every refused file with its reason's inode: another reason is another file."""
    names, reasons = [], dict[str, int]()
    with os.scandir(failed) as entries:
        for entry in entries:
            if entry.name.endswith(ERROR_SUFFIX):
                reasons[entry.name.removesuffix(ERROR_SUFFIX)] = entry.inode()
            elif not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                names.append(entry.name)
    for name in names:
        yield name, reasons.get(name, 0)


def _refusal(failed: Path, name: str) -> Refusal:
    said = reason_of(failed, name)
    at = said.get("timestamp")
    if not isinstance(at, str):
        with suppress(OSError):
            changed = os.lstat(f"{failed}/{name}").st_ctime
            at = datetime.fromtimestamp(changed).astimezone().isoformat(timespec="milliseconds")
    return Refusal(
        name,
        at if isinstance(at, str) else "",
        str(said.get("error_type") or _UNKNOWN),
        str(said.get("code") or ""),
        _short(said.get("error")),
    )
