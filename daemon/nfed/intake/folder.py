"""The drop folder: its lock, its files, and what can be said of one without reading it."""

import errno
import fcntl
import json
import os
import signal
import stat
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.archive import CONTAINERS, Kind, form_by_content
from nfed.core.arrival import Arrival
from nfed.core.escape import escaped
from nfed.errors import FolderBusy, FolderUnavailable, FolderUnfit
from nfed.intake import left_alone
from nfed.intake.left_alone import LeftAlone, is_candidate
from nfed.words import Message

DONE = "done"
FAILED = "failed"
LOCK_NAME = ".nfed.lock"
_TRIAL_NAME = ".nfed-trial"  # the lock's holder alone uses it, so a start clears what a kill left
_MAX_NAMED = 1000
_MOST_LISTED = 100
_LOOK_SECONDS = 0.05
_UNFIT = frozenset({errno.EXDEV, errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


log: FilteringBoundLogger = structlog.get_logger("nfed")


def has_writer(descriptor: int) -> bool | None:
    """A read lease is refused (EAGAIN) while anyone on this machine has the file open to write.

    None where that is not to be known: leases are not supported there, or the file is another
    user's (fcntl(2), F_SETLEASE).
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    with suppress(OSError):  # closing the file gives it back all the same
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


class Folder:
    """A drop folder, owned for as long as it is open.

    Raises FolderUnavailable when it cannot be used, FolderBusy when another daemon owns it.
    """

    def __init__(self, root: Path, *, recursive: bool = False, by_content: bool = False) -> None:
        self.root = root
        self.recursive = recursive
        self.by_content = by_content
        self._counted: list[LeftAlone | None] | None = None
        self._lock: int | None = None
        self._named: set[str] = set()
        self.identity = (0, 0)
        # A writer that opens a file while we hold the lease sends SIGIO, which would kill us.
        with suppress(ValueError):  # not in the main thread: its owner decides
            signal.signal(signal.SIGIO, signal.SIG_IGN)

    def open(self) -> None:
        """Takes the lock, and tries that files can be moved away."""
        try:
            status = os.stat(self.root)
        except OSError as error:
            raise FolderUnavailable(
                Message(
                    "drop folder {root}: {strerror}; create it or set xml_folder",
                    root=self.root,
                    strerror=error.strerror,
                )
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise FolderUnfit(
                Message("drop folder {root} is not a folder; set xml_folder", root=self.root)
            )
        self._lock = self._locked()
        try:
            for shelf in (DONE, FAILED):
                self._try_move(shelf)
        except BaseException:
            self.close()
            raise
        self.identity = (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Lets go of the lock."""
        if self._lock is not None:
            with suppress(OSError):  # a dead disk may say so now; the descriptor is gone anyway
                os.close(self._lock)
            self._lock = None

    @property
    def is_open(self) -> bool:
        """Whether we hold its lock."""
        return self._lock is not None

    def reopen(self) -> None:
        """Takes the folder that now stands at the path."""
        self.close()
        self.open()

    def is_still_there(self) -> bool:
        """Whether the folder at this path is the one that was opened."""
        try:
            status = os.stat(self.root)
            # A lock file that was deleted would let another daemon lock a new one.
            locked = self._lock is not None and os.fstat(self._lock).st_nlink > 0
        except OSError:
            return False
        return locked and (status.st_dev, status.st_ino) == self.identity

    def scan(self, skip: Container[str]) -> Iterator[Arrival]:
        """Streams what lies there now, but for the paths in `skip`; in no order."""
        try:
            yield from self._scan(skip)
        except OSError as error:  # whichever call the disk failed in
            raise self._unavailable(error) from error

    def sight(self, path: str) -> Arrival | None:
        """A closer look at one file, with the question whether anyone writes to it; None: gone."""
        whole = f"{self.root}/{path}"
        try:
            descriptor = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:
            return _lstat(path, whole)  # not readable for us; the worker will say so
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            arrival = arrival_of(path, status, being_written=bool(has_writer(descriptor)))
            return self._by_content(arrival) if self.by_content else arrival
        except OSError:
            return _lstat(path, whole)
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def backlog(self) -> int:
        """How many files wait."""
        return self.census().waiting

    def census(self) -> "Census":
        """Counts what waits and what is left alone, and logs nothing. Raises FolderUnavailable."""
        looker = Folder(self.root, recursive=self.recursive, by_content=self.by_content)
        looker._counted = []
        waiting = sum(1 for _ in looker.scan(()))
        found = looker._counted
        return Census(waiting, len(found), tuple(each for each in found if each is not None))

    def _scan(self, skip: Container[str]) -> Iterator[Arrival]:
        """Folder by folder, one open at a time, however deep they lie."""
        to_list = [""]
        while to_list:
            below = to_list.pop()
            try:
                entries = os.scandir(f"{self.root}/{below}")
            except (FileNotFoundError, NotADirectoryError):
                if below:
                    continue  # moved on since its name was listed
                raise
            except OSError as error:
                if below and error.errno in (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG):
                    self._leave_unlisted(below, error)
                    continue
                raise
            with entries:
                for entry in entries:
                    path = f"{below}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        if self._goes_below(below, entry.name):
                            to_list.append(f"{path}/")
                        elif below or entry.name not in (DONE, FAILED):
                            self._leave(path)
                    elif path in skip:
                        continue
                    elif is_candidate(entry.name) or self._is_wanted(path):
                        arrival = self._listed_file(path, entry)
                        if arrival is not None:
                            yield arrival
                    else:
                        self._leave(path)

    def _goes_below(self, below: str, name: str) -> bool:
        return (
            self.recursive
            and not name.startswith(".")
            and (bool(below) or name not in (DONE, FAILED))
        )

    def _listed_file(self, path: str, entry: "os.DirEntry[str]") -> Arrival | None:
        try:
            if entry.is_file(follow_symlinks=False):
                arrival = arrival_of(path, entry.stat(follow_symlinks=False))
                return self._by_content(arrival) if self.by_content else arrival
        except OSError:
            return None  # moved on since the name was listed; else the next scan sees it
        self._leave(path)
        return None

    def _is_wanted(self, path: str) -> bool:
        """Whether a file of any other name is taken for its first bytes."""
        if not self.by_content or not left_alone.counts_now(path, f"{self.root}/{path}"):
            return False
        form = form_by_content(left_alone.first_bytes(f"{self.root}/{path}"), path)
        return form.kind in (Kind.DOCUMENT, Kind.ZIP)

    def _by_content(self, arrival: Arrival) -> Arrival:
        form = form_by_content(left_alone.first_bytes(f"{self.root}/{arrival.path}"), arrival.path)
        return replace(arrival, opened_as_archive=form.packed or form.kind in CONTAINERS)

    def _unavailable(self, error: OSError) -> FolderUnavailable:
        return FolderUnavailable(
            Message("drop folder {root}: {strerror}", root=self.root, strerror=error.strerror)
        )

    def _leave(self, path: str) -> None:
        """Names what is not taken, once, or counts it for a census."""
        whole = f"{self.root}/{path}"
        if self._counted is None and (path in self._named or len(self._named) >= _MAX_NAMED):
            return
        if not left_alone.counts_now(path, whole):
            return
        if self._counted is not None and len(self._counted) >= _MOST_LISTED:
            self._counted.append(None)
            return
        left = left_alone.of_entry(path, whole)
        if left is not None:
            self._say(left)

    def _leave_unlisted(self, path: str, error: OSError) -> None:
        reason = Message("a folder that cannot be listed: {strerror}", strerror=error.strerror)
        advice = Message("give the daemon's user the right to read there")
        if self._counted is not None or path not in self._named:
            self._say(LeftAlone(path.rstrip("/"), reason, advice))

    def _say(self, left: LeftAlone) -> None:
        if self._counted is not None:
            self._counted.append(left)
            return
        self._named.add(left.path)
        log.warning(
            "file_left_alone", file=escaped(left.path), reason=left.reason, advice=left.advice
        )

    def _locked(self) -> int:
        path = self.root / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise FolderUnavailable(
                Message(
                    "drop folder {root}: cannot write {lock_name}: {strerror}; "
                    "give the daemon's user the right to write there",
                    root=self.root,
                    lock_name=LOCK_NAME,
                    strerror=error.strerror,
                )
            ) from error
        try:
            if not _try_lock(descriptor):
                time.sleep(_LOOK_SECONDS)  # somebody may only have asked who holds it
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            said = ""
            with suppress(OSError):
                said = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FolderBusy(
                    Message(
                        "drop folder {root} belongs to {said}; stop it first, or "
                        "choose another folder",
                        root=self.root,
                        said=_describe(said),
                    )
                ) from None
            raise FolderUnavailable(
                Message("drop folder {root}: {strerror}", root=self.root, strerror=error.strerror)
            ) from error
        with suppress(OSError):  # a full disk: whoever asks is told of a process without a number
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps({"pid": os.getpid()}).encode())
        return descriptor

    def _try_move(self, shelf: str) -> None:
        """A real rename: two bind mounts of one file system already refuse it (EXDEV)."""
        folder = f"{self.root}/{shelf}"
        trial, moved = f"{self.root}/{_TRIAL_NAME}", f"{folder}/{_TRIAL_NAME}"
        try:
            with suppress(FileExistsError):
                os.mkdir(folder)
            os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            os.rename(trial, moved)
        except OSError as error:
            fault = FolderUnfit if error.errno in _UNFIT else FolderUnavailable
            raise fault(
                Message(
                    "drop folder {root}: cannot move a file into {shelf}/: {strerror}; {hint}",
                    root=self.root,
                    shelf=shelf,
                    strerror=error.strerror,
                    hint=_hint_for(shelf, folder, error),
                )
            ) from error
        finally:
            for leftover in (trial, moved):
                with suppress(OSError):
                    os.unlink(leftover)


@dataclass(frozen=True, slots=True)
class Census:
    """What lies in a drop folder now."""

    waiting: int
    left: int
    """How many things are left alone."""
    listed: tuple[LeftAlone, ...]
    """The first of these."""


@contextmanager
def opened(root: Path, *, recursive: bool = False, by_content: bool = False) -> Iterator[Folder]:
    """A folder, open inside the block."""
    folder = Folder(root, recursive=recursive, by_content=by_content)
    folder.open()
    try:
        yield folder
    finally:
        folder.close()


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that owns a drop folder."""

    pid: int | None
    """None: it did not leave its number."""
    described: str


def holder(root: Path) -> Holder | None:
    """Who owns the folder now; None: nobody. Leaves a lock that is held as it is.

    Raises OSError for a lock file that may not be read.
    """
    try:
        descriptor = os.open(root / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.read(descriptor, 200).decode("utf-8", "replace").strip()
        return Holder(_pid(said), _describe(said))
    finally:
        os.close(descriptor)  # gives a lock that was free back at once
    return None


def arrival_of(path: str, status: os.stat_result, *, being_written: bool = False) -> Arrival:
    """A sighting of the file."""
    return Arrival(
        path,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        being_written,
    )


def _lstat(path: str, whole: str) -> Arrival | None:
    try:
        status = os.lstat(whole)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return replace(arrival_of(path, status), readable=False)


def _hint_for(shelf: str, folder: str, error: OSError) -> Message:
    """Says what to do about a shelf that takes no file."""
    if error.errno == errno.EXDEV:
        return Message(
            "{shelf}/ must be on the folder's own mount; give both one mount "
            "(one ReadWritePaths=, one volume)",
            shelf=shelf,
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Message("make room on the disk")
    if os.path.lexists(folder) and not os.path.isdir(folder):
        return Message("{shelf} is no folder: move it away, nfed makes its own", shelf=shelf)
    return Message("give the daemon's user the right to write there")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(said: str) -> int | None:
    try:
        return int(json.loads(said)["pid"])
    except (ValueError, KeyError, TypeError):
        return None


def _describe(said: str) -> Message:
    pid = _pid(said)
    if pid is None:
        return Message("another process")
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return Message("process {pid}", pid=pid)
    shown = command.decode("utf-8", "replace").strip()[:120]
    return Message("process {pid} ({command})", pid=pid, command=shown)
