"""Moves files away, and takes back what somebody wrote to although it had been read.

A producer may open a note in place (r+), and nfed may move it to done/ before the bytes come. They
would lie where nobody reads. So what lies in done/ must be what was read, and each move is closed
in from before it until long after:

| the producer | what sees it |
|---|---|
| writes between reading and move, also with mtime set back | `lstat` before the move: ctime |
| writes between that look and the rename | the hash of the moved file |
| has it open when it is moved | a lease, tried for after the move, if the file is nfed's own |
| … as another user (writers in a group, nfed without capabilities) | the watch on done/ |
| came by the old name in the very moment of the move | the watch on done/ |
| writes through a mapping, which raises no event | the lease; the event of its close |
| writes while nfed is dead, or nfed dies between move and look | the journal, at the next start |

The watch (inotify, on the folders below done/ that files go to) tells of any late write, whatever
name the writer came by: the file is hashed, and other bytes than were read bring it back, to be
read as any file is. An archive has no hash; its size and mtime, and any event, stand for it.
failed/ needs no watch: its files wait for somebody who has them read anew (`nfed retry`).

LINGER files are remembered, in memory and in the journal, `.nfed.moved` in the drop folder, which
names them before they are moved. After an orderly end it names only files that somebody may still
have open. It is not synced, and it decides nothing: lose it, and only a kill in the moment of a
late write loses that write.

What is not closed: a write that comes after LINGER further files were moved; one by another machine
(NFS, SMB served elsewhere) after a file's last look; an archive's, between look and rename, with
its size and mtime as before; the last moments before a power cut.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, replace

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.escape import escaped
from nfed.core.ports import Fate
from nfed.intake.folder import DONE, FAILED, arrival_of, has_writer
from nfed.intake.rename import free_names, move_without_replacing
from nfed.intake.watcher import Writes

ERROR_SUFFIX = ".error.json"
JOURNAL_NAME = ".nfed.moved"
LINGER = 1024
_MOST_BYTES = 16 << 20
_MASK = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

log: FilteringBoundLogger = structlog.get_logger("nfed")


class FileChanged(Exception):
    """Somebody writes to the file, or wrote to it after it was read; it is in the drop folder."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A file as it was read, and where it was moved; paths are relative to the drop folder."""

    source: str
    target: str
    inode: int
    size_bytes: int
    modified_ns: int
    sha256: str | None
    """None: of an archive."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the first look after a move saw."""

    changed_ns: int
    """st_ctime_ns, which any write moves on."""
    has_no_writer: bool
    """Sure: a lease said so. Else nobody can tell."""


class LastMoved:
    """The files that one drop folder's shelves moved last; used by one thread.

    `watches` is what sees late writes.
    """

    def __init__(self, root: str, watches: Writes, *, linger: int = LINGER) -> None:
        self._root = root
        self._watches = watches
        self._linger = linger
        self._moved: dict[str, tuple[Moved, _Look]] = {}
        self._journal = _Journal(f"{root}/{JOURNAL_NAME}")

    def expect(self, fates: Iterable[Fate], folder: str) -> None:
        """Writes down what is about to be moved to a folder, and watches it."""
        if folder != FAILED:
            self._watches.add(folder)
        if self._journal.lines > 4 * self._linger:
            self._journal.rewrite(moved for moved, _ in self._moved.values())
        self._journal.append(
            _moved(fate, f"{folder}/{os.path.basename(fate.arrival.path)}") for fate in fates
        )

    def move(self, fate: Fate, target: str) -> None:
        """Moves the file, if it is as it was read and nobody has it open to write.

        Raises FileExistsError for a target that is taken, FileChanged, and any OSError; the file
        is in the drop folder then, under its name or a free one.
        """
        moved = _moved(fate, target)
        source = f"{self._root}/{moved.source}"
        read = fate.reading.version or fate.arrival.version
        if arrival_of(moved.source, os.lstat(source)).version != read:
            raise FileChanged(moved.source)
        move_without_replacing(source, f"{self._root}/{target}")
        self._keep_or_take_back(moved)

    def look_at(self, written: Mapping[str, bool]) -> None:
        """Takes back what of these was written to; see Writes.take."""
        for path in written if "" not in written else list(self._moved):
            if path in self._moved:
                self._look_again(self._moved[path][0], has_bytes=written.get(path, False))

    def resume(self) -> None:
        """Looks at what the last run moved last, and goes on watching it."""
        self._moved.clear()
        for moved in self._journal.load()[-self._linger :]:
            found = self._found(moved)
            if found is not None:
                self._watches.add(os.path.dirname(found.target))
                with suppress(OSError, FileChanged):
                    self._keep_or_take_back(found)
        self._journal.rewrite(moved for moved, _ in self._moved.values())

    def close(self) -> None:
        """A last look; for the next start stay the files that somebody may still have open."""
        for moved, look in list(self._moved.values()):
            self._look_closer(moved, look)
        self._journal.rewrite(
            moved for moved, look in self._moved.values() if not look.has_no_writer
        )

    def _keep_or_take_back(self, moved: Moved) -> None:
        """Raises FileChanged for what is no longer what was read."""
        look = self._look(moved)
        if look is None:
            self._moved[moved.target] = (moved, _Look(0, has_no_writer=False))  # until it is back
            self._take_back(moved)
            raise FileChanged(moved.source)
        if moved.target.startswith(f"{FAILED}/"):
            return
        self._moved.pop(moved.target, None)
        self._moved[moved.target] = (moved, look)
        while len(self._moved) > self._linger:
            oldest = next(iter(self._moved))
            self._look_closer(*self._moved[oldest])
            self._moved.pop(oldest, None)

    def _look(self, moved: Moved) -> _Look | None:
        """None: somebody has it open to write, or it holds something else than was read.

        A file that is gone, replaced, or as unreadable as it was before is let be.
        """
        try:
            descriptor = os.open(f"{self._root}/{moved.target}", os.O_RDONLY | _MASK)
            with open(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if status.st_ino != moved.inode or not stat.S_ISREG(status.st_mode):
                    return _Look(0, has_no_writer=True)
                writer = has_writer(descriptor)
                if writer or status.st_size != moved.size_bytes:
                    return None
                if moved.sha256 is None:
                    is_other = status.st_mtime_ns != moved.modified_ns
                else:
                    is_other = hashlib.file_digest(file, "sha256").hexdigest() != moved.sha256
        except OSError:
            return _Look(0, has_no_writer=False)
        return None if is_other else _Look(status.st_ctime_ns, has_no_writer=writer is False)

    def _look_again(self, moved: Moved, *, has_bytes: bool = False) -> None:
        """At a file that may have been written to, or certainly was."""
        if (has_bytes and moved.sha256 is None) or self._look(moved) is None:
            with suppress(OSError):  # the next start looks again
                self._take_back(moved)

    def _look_closer(self, moved: Moved, look: _Look) -> None:
        """At a file that is watched no longer: events do not come of every file system."""
        if not look.has_no_writer or not self._watches.has(os.path.dirname(moved.target)):
            with suppress(OSError):
                if os.lstat(f"{self._root}/{moved.target}").st_ctime_ns != look.changed_ns:
                    self._look_again(moved)

    def _take_back(self, moved: Moved) -> None:
        """Into the drop folder, under its name or a free one. Raises OSError."""
        target = f"{self._root}/{moved.target}"
        below, name = os.path.split(moved.source)
        folder = self._root
        if below and os.path.realpath(f"{folder}/{below}") == f"{os.path.realpath(folder)}/{below}":
            # Not by a link, by which somebody would lead nfed out of the folder.
            folder = f"{folder}/{below}" if os.path.isdir(f"{folder}/{below}") else folder
        for free in free_names(name):
            with suppress(FileExistsError):
                move_without_replacing(target, f"{folder}/{free}")
                break
        self._moved.pop(moved.target, None)
        if moved.target.startswith(f"{FAILED}/"):
            with suppress(OSError):
                os.unlink(target + ERROR_SUFFIX)
        for touched in (folder, os.path.dirname(target)):
            with suppress(OSError):  # a cut may undo the move; the journal names the file
                sync_folder(touched)
        log.warning("file_taken_back", file=escaped(moved.source), target=escaped(moved.target))

    def _found(self, moved: Moved) -> Moved | None:
        """The same with the name that it really got; None: it was not moved."""
        folder = os.path.dirname(moved.target)
        try:
            if os.lstat(f"{self._root}/{moved.target}").st_ino == moved.inode:
                return moved
        except OSError:
            pass
        with suppress(OSError), os.scandir(f"{self._root}/{folder}") as entries:
            for entry in entries:
                if entry.inode() == moved.inode:
                    return replace(moved, target=f"{folder}/{entry.name}")
        return None


class _Journal:
    """A JSON list a line; whatever is wrong with it there are only fewer lines.

    Opened for each turn: nfed must not keep a mount busy.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.lines = 0

    def append(self, files: Iterable[Moved]) -> None:
        """Adds lines; for one file the last counts."""
        self._write(self._path, os.O_APPEND, files)

    def rewrite(self, files: Iterable[Moved]) -> None:
        """Keeps these lines alone; without any there is no file."""
        new = self._path + ".new"
        self.lines = 0
        with suppress(OSError):
            os.unlink(new)
        with suppress(OSError):
            if self._write(new, os.O_EXCL, files):
                os.replace(new, self._path)
            else:
                os.unlink(self._path)

    def load(self) -> list[Moved]:
        """One for each file, the line that was written last."""
        found: dict[int, Moved] = {}
        try:
            descriptor = os.open(self._path, os.O_RDONLY | _MASK)
            with open(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    return []
                file.seek(max(status.st_size - _MOST_BYTES, 0))
                lines = file.read().split(b"\n")
        except OSError:
            return []
        for moved in filter(None, map(_parsed, lines)):
            found.pop(moved.inode, None)
            found[moved.inode] = moved
        self.lines = len(lines)
        return list(found.values())

    def _write(self, path: str, how: int, files: Iterable[Moved]) -> bool:
        """Whether there was anything, and it was written."""
        lines = [json.dumps(astuple(moved)) + "\n" for moved in files]
        if not lines:
            return False
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how | _MASK, 0o640)
            with open(descriptor, "wb", buffering=0) as file:
                file.write("".join(lines).encode())
        except OSError:
            return False
        self.lines += len(lines)
        return True


def sync_folder(folder: str) -> None:
    """Makes the names in it durable; a folder that is gone needs it no more. Raises OSError."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _moved(fate: Fate, target: str) -> Moved:
    inode, size_bytes, modified_ns, _ = fate.reading.version or fate.arrival.version
    return Moved(fate.arrival.path, target, inode, size_bytes, modified_ns, fate.reading.sha256)


def _parsed(line: bytes) -> Moved | None:
    """None for a line that a power cut left, or that is not ours."""
    try:
        source, target, inode, size_bytes, modified_ns, sha256 = json.loads(line)
    except (ValueError, TypeError):
        return None
    if not all(type(number) is int for number in (inode, size_bytes, modified_ns)):
        return None
    if not all(isinstance(path, str) and _is_inside(path) for path in (source, target)):
        return None  # who writes to the drop folder must not lead nfed out of it
    if target.split("/")[0] not in (DONE, FAILED) or not isinstance(sha256, str | None):
        return None
    return Moved(source, target, inode, size_bytes, modified_ns, sha256)


def _is_inside(path: str) -> bool:
    return "\0" not in path and ".." not in path.split("/") and not path.startswith("/")
