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

from daemon.core.archive import is_archive
from daemon.core.arrival import Arrival, shown
from daemon.errors import FolderBusy, FolderUnavailable

DONE = "done"
FAILED = "failed"
LOCK_NAME = ".nfed.lock"
_MAX_NAMED = 1000
_LOOK_SECONDS = 0.05


log: FilteringBoundLogger = structlog.get_logger("nfed")


def is_candidate(name: str) -> bool:
    """Whether a file of this name is meant for import.

    It ends in .xml, .zip or .gz in any case, is not hidden, and is no temporary of a writer; that
    leaves out `~$note.xml` of office programs and `note.xml.part`.
    """
    lower = name.lower()
    return (lower.endswith(".xml") or is_archive(lower)) and not lower.startswith((".", "~$"))


class Folder:
    """A drop folder, owned for as long as it is open.

    Raises FolderUnavailable when it cannot be used, FolderBusy when another daemon owns it.
    """

    def __init__(self, root: Path, *, recursive: bool = False) -> None:
        self.root = root
        self.recursive = recursive
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
                f"drop folder {self.root}: {error.strerror}; create it or set xml_folder"
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise FolderUnavailable(f"drop folder {self.root} is not a folder; set xml_folder")
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
            os.close(self._lock)
            self._lock = None

    def reopen(self) -> None:
        """Takes the folder that now stands at the path."""
        self.close()
        self.open()

    def is_still_there(self) -> bool:
        """Whether the folder at this path is the one that was opened."""
        try:
            status = os.stat(self.root)
        except OSError:
            return False
        # A lock file that was deleted would let another daemon lock a new one.
        locked = self._lock is not None and os.fstat(self._lock).st_nlink > 0
        return locked and (status.st_dev, status.st_ino) == self.identity

    def scan(self, skip: Container[str]) -> Iterator[Arrival]:
        """Streams what lies there now, but for the paths in `skip`; in no order."""
        return self._scan(skip)

    def sight(self, path: str) -> Arrival | None:
        """A closer look at one file, with the question whether anyone writes to it; None: gone."""
        whole = self.root / path
        try:
            descriptor = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:
            # Not readable for us; the worker will say so.
            return _lstat(path, whole)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            return _arrival(path, status, being_written=_has_writer(descriptor))
        finally:
            os.close(descriptor)

    def backlog(self) -> int:
        """How many files wait."""
        return sum(1 for _ in self.scan(()))

    def _scan(self, skip: Container[str]) -> Iterator[Arrival]:
        """Folder by folder, one open at a time, however deep they lie."""
        to_list = [""]
        while to_list:
            below = to_list.pop()
            try:
                entries = os.scandir(self.root / below)
            except (FileNotFoundError, NotADirectoryError) as error:
                if below:
                    continue  # moved on since its name was listed
                raise self._unavailable(error) from error
            except OSError as error:
                if below and error.errno in (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG):
                    self._name_once(below, f"a folder that cannot be listed: {error.strerror}")
                    continue
                raise self._unavailable(error) from error
            with entries:
                for entry in self._listed(entries):
                    path = f"{below}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        if self._goes_below(below, entry.name):
                            to_list.append(f"{path}/")
                        elif is_candidate(entry.name):
                            self._name_once(path, "a folder")
                    elif is_candidate(entry.name) and path not in skip:
                        arrival = self._listed_file(path, entry)
                        if arrival is not None:
                            yield arrival

    def _goes_below(self, below: str, name: str) -> bool:
        return (
            self.recursive
            and not name.startswith(".")
            and (bool(below) or name not in (DONE, FAILED))
        )

    def _listed_file(self, path: str, entry: "os.DirEntry[str]") -> Arrival | None:
        try:
            if entry.is_file(follow_symlinks=False):
                return _arrival(path, entry.stat(follow_symlinks=False), being_written=False)
            what = "a symbolic link" if entry.is_symlink() else "no regular file"
        except OSError:
            return None  # moved on since the name was listed; else the next scan sees it
        self._name_once(path, what)
        return None

    def _listed(self, entries: Iterator["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
        """The entries; a file system that fails half-way makes the folder unavailable."""
        try:
            yield from entries
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> FolderUnavailable:
        return FolderUnavailable(f"drop folder {self.root}: {error.strerror}")

    def _name_once(self, path: str, what: str) -> None:
        if path not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add(path)
            log.warning("file_left_alone", file=shown(path), reason=what)

    def _locked(self) -> int:
        path = self.root / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise FolderUnavailable(
                f"drop folder {self.root}: cannot write {LOCK_NAME}: {error.strerror}; "
                "give the daemon's user the right to write there"
            ) from error
        try:
            if not _try_lock(descriptor):
                time.sleep(_LOOK_SECONDS)  # somebody may only have asked who holds it
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            said = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FolderBusy(
                    f"drop folder {self.root} belongs to {_describe(said)}; stop it first, or "
                    "choose another folder"
                ) from None
            raise FolderUnavailable(f"drop folder {self.root}: {error.strerror}") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid()}).encode())
        return descriptor

    def _try_move(self, shelf: str) -> None:
        """A real rename: two bind mounts of one file system already refuse it (EXDEV)."""
        trial = self.root / f".nfed-trial-{os.getpid()}"
        target = self.root / shelf
        moved = target / trial.name
        try:
            target.mkdir(exist_ok=True)
            trial.touch()
            os.rename(trial, moved)
        except OSError as error:
            hint = (
                f"{shelf}/ must be on the folder's own mount; give both one mount "
                "(one ReadWritePaths=, one volume)"
                if error.errno == errno.EXDEV
                else "give the daemon's user the right to write there"
            )
            raise FolderUnavailable(
                f"drop folder {self.root}: cannot move a file into {shelf}/: {error.strerror}; "
                f"{hint}"
            ) from error
        finally:
            for leftover in (trial, moved):
                with suppress(OSError):
                    leftover.unlink(missing_ok=True)


@contextmanager
def opened(root: Path, *, recursive: bool = False) -> Iterator[Folder]:
    """A folder, open inside the block."""
    folder = Folder(root, recursive=recursive)
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


def _arrival(path: str, status: os.stat_result, *, being_written: bool) -> Arrival:
    return Arrival(
        path,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        being_written,
    )


def _lstat(path: str, whole: Path) -> Arrival | None:
    try:
        status = os.lstat(whole)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return replace(_arrival(path, status, being_written=False), readable=False)


def _has_writer(descriptor: int) -> bool:
    """A read lease is refused (EAGAIN) while anyone on this machine has the file open to write.

    Where leases are not supported, or the file is another owner's, the answer is no: settling
    alone has to do (fcntl(2), F_SETLEASE).
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


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


def _describe(said: str) -> str:
    pid = _pid(said)
    if pid is None:
        return "another process"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({command.decode('utf-8', 'replace').strip()[:120]})"
