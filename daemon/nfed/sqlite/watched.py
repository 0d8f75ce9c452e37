"""A database whose three files nobody can swap unnoticed."""

import fcntl
import os
import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.errors import StoreUnavailable
from nfed.sqlite.connections import connect, transaction
from nfed.sqlite.wal import (
    Header,
    Kinship,
    frame_count,
    holds_what_is_indexed,
    kinship,
    read_header,
    stamp,
)
from nfed.words import Message

_CHECKPOINT_FRAMES = 1000  # SQLite's own default
_STILL_SECONDS = 1.0
_BLINK_SECONDS = 0.02
_NOT_SOUND = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# Every connection holds a shared lock there (os.h of SQLite, SHARED_FIRST and SHARED_SIZE).
_SHARED_FIRST, _SHARED_BYTES = 0x40000002, 510

log: FilteringBoundLogger = structlog.get_logger("nfed")

type Identity = tuple[int, int]
"""Device and inode."""

# To close a descriptor of a file takes this process's POSIX locks on it away, SQLite's among them
# (fcntl(2)). So each main file, and each -shm, is opened once, and stays open as long as anyone
# could open it.
_descriptors: dict[Identity, int] = {}
_holders: Counter[int] = Counter()


class WatchedDatabase:
    """Open for writing from the beginning until `close`.

    Raises StoreUnavailable for files that were swapped or that may not belong together; it is
    closed then, and may be opened anew. sqlite3.Error and OSError pass through.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_open = True
        self._wal = self._shm = -1
        main, self._seen = _reconciled(path)
        self.connection = connect(path, "full")
        self._main = -1 if main is None else _held(main)
        try:
            self.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
            self.connection.execute("pragma wal_autocheckpoint = 0")
            self.connection.execute("pragma schema_version").fetchone()  # makes the other files
            if main is None:
                self._main = _made(path)
            if not self._seen.is_in_wal_mode:
                self._seen = read_header(self._main)  # it is now
            self._wal = os.open(_beside(path, "wal"), os.O_RDONLY | os.O_CLOEXEC)
            self._shm = _held(_kept_open(_beside(path, "shm")))
            self._sides = {each: _identity(each) for each in _sides(path)}
            # Sets the main file apart from every copy of it that was made while it was closed.
            self.stamp()
            self.checkpoint()
        except BaseException:
            self._let_go()
            raise

    def close(self) -> None:
        """Moves all that was committed into the main file, unless that is another one now."""
        if self.is_open:
            with suppress(StoreUnavailable, sqlite3.Error, OSError):
                self._check()
                self.connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, False)
            self._let_go()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commits at the end of the block into files that are still there, or takes all back."""
        try:
            with transaction(self.connection):
                self._check()
                stamp(self.connection)
                yield self.connection
            self._check_committed()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_SOUND:
                self._let_go()  # so that the next look is at the files, not at what is cached
            raise
        if frame_count(self._wal) >= _CHECKPOINT_FRAMES:
            with suppress(sqlite3.OperationalError):  # no room, no lock: it is stored all the same
                self.checkpoint()

    def stamp(self) -> None:
        """To be called before a transaction that changes the schema: a -wal that begins with that
        would look like a copy's."""
        with self.transaction():
            pass

    def checkpoint(self) -> None:
        """Moves what was committed into the main file, as far as readers allow."""
        self._check_committed()
        self.connection.execute("pragma wal_checkpoint(passive)").fetchone()

    def _check_committed(self) -> None:
        if read_header(self._main) == self._seen:
            self._check()
        else:
            # Another program's checkpoint, or another file: with the lock held, one can tell.
            self.connection.execute("begin immediate")
            try:
                self._check()
            finally:
                with suppress(sqlite3.Error):  # it was let go, or taken back already
                    self.connection.execute("rollback")

    def _check(self) -> None:
        try:
            identity = _identity(self.path)
        except OSError as error:
            raise StoreUnavailable(
                Message(
                    "database {path}: {strerror}; put it back, or restart nfed to begin a new one",
                    path=self.path,
                    strerror=error.strerror,
                )
            ) from error
        header = read_header(self._main)
        if identity != _identity(self._main) or not self._is_ours(header):
            self._let_go()
            raise StoreUnavailable(
                Message("database {path} was replaced; opening the new one", path=self.path)
            )
        self._seen = header
        if not self._has_its_wal():
            self._let_go()
            log.error("database_wal_overwritten", path=str(self.path))
            raise StoreUnavailable(
                Message(
                    "database {path}: its -wal was overwritten or cut off while nfed had it open; "
                    "opening what is there",
                    path=self.path,
                )
            )
        if any(_identity_or_none(each) != was for each, was in self._sides.items()):
            self._save()

    def _has_its_wal(self) -> bool:
        """Another process may be writing both just now."""
        for _ in range(3):
            if holds_what_is_indexed(self._wal, self._shm):
                return True
            time.sleep(_BLINK_SECONDS)
        return False

    def _is_ours(self, header: Header) -> bool:
        return header == self._seen or kinship(header, self._wal) is Kinship.BELONGS

    def _save(self) -> None:
        """The files beside the main one are gone or others, but our connection still has them:
        moves what they hold into the main file, and begins new ones."""
        with suppress(sqlite3.Error):
            self.connection.execute("rollback")
        _, frames, moved = self.connection.execute("pragma wal_checkpoint(passive)").fetchone()
        if frames != moved:
            raise StoreUnavailable(
                Message(
                    "database {path}: its -wal or -shm was removed while another "
                    "program reads it; end that program, and do not stop nfed "
                    "before",
                    path=self.path,
                )
            )
        self._let_go()
        log.warning("database_wal_removed", path=str(self.path), pages=moved)
        raise StoreUnavailable(
            Message("database {path}: its -wal or -shm was removed; opening it", path=self.path)
        )

    def _let_go(self) -> None:
        """Closes the connection; SQLite leaves the files as they are."""
        if not self.is_open:
            return
        self.is_open = False
        self.connection.close()
        if self._wal >= 0:
            os.close(self._wal)
        for each in (self._main, self._shm):
            if each >= 0:
                _release(each)


def check_wal(path: Path) -> None:
    """Changes nothing. Raises StoreUnavailable where the -wal does not belong to the main file."""
    with _open_wal(path) as wal:
        if wal is None:
            return
        main = _opened(path)
        if main is None or _settled_kinship(main, wal) is Kinship.STRANGE:
            raise StoreUnavailable(
                Message(
                    "database {path}: the -wal beside it is another database's; "
                    "the next import sets it aside",
                    path=path,
                )
            )


def _reconciled(path: Path) -> tuple[int | None, Header]:
    """Sees to it that SQLite finds no -wal but the main file's own; returns that file, open."""
    main = _opened(path)
    header = Header(b"") if main is None else read_header(main)
    if header.raw and not header.is_database:
        raise StoreUnavailable(
            Message(
                "database {path} is no SQLite database; put the database "
                "back, or move the file away",
                path=path,
            )
        )
    with _open_wal(path) as wal:
        if main is None:
            if wal is not None and frame_count(wal):
                _wait_until_still(path)
                _set_aside(path)
            return None, header
        found = Kinship.NONE if wal is None else _settled_kinship(main, wal)
        if found is Kinship.BELONGS:
            return main, read_header(main)
        if found is Kinship.STRANGE:
            _wait_until_still(path)
        _check_whole(path, main)
        if found is Kinship.STRANGE:
            assert wal is not None
            with _alone(path, main):
                if kinship(read_header(main), wal) is Kinship.STRANGE:
                    _set_aside(path)
        return main, read_header(main)


def _settled_kinship(main: int, wal: int) -> Kinship:
    """Another process may be moving pages from the one to the other just now."""
    found = Kinship.STRANGE
    for _ in range(3):
        found = kinship(read_header(main), wal)
        if found is not Kinship.STRANGE:
            break
    return found


def _set_aside(path: Path) -> None:
    wal = _beside(path, "wal")
    aside = wal.with_name(f"{wal.name}.aside-{time.time_ns()}")
    wal.rename(aside)
    _beside(path, "shm").unlink(missing_ok=True)  # an index of the -wal, which SQLite makes anew
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    log.warning("database_wal_set_aside", path=str(path), kept_as=str(aside))


def _wait_until_still(path: Path) -> None:
    """A copy under way has the head of the file first."""
    with suppress(FileNotFoundError):
        was = os.stat(path).st_mtime_ns
        age = time.time() - was / 1e9
        if 0 <= age < _STILL_SECONDS:
            time.sleep(_STILL_SECONDS - age)
            if os.stat(path).st_mtime_ns != was:
                raise StoreUnavailable(
                    Message("database {path} is being written; waiting for its end", path=path)
                )


def _check_whole(path: Path, main: int) -> None:
    header = read_header(main)
    size, expected = os.fstat(main).st_size, header.pages * header.page_bytes
    if size < expected:
        raise StoreUnavailable(
            Message(
                "database {path} has {size} bytes, expected {expected}: it "
                "is being copied, or was cut off; put it there whole",
                path=path,
                size=size,
                expected=expected,
            )
        )


@contextmanager
def _alone(path: Path, main: int) -> Iterator[None]:
    """No other connection has the file open inside the block, and none gets it."""
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _SHARED_FIRST, _SHARED_BYTES, 0)
    free = struct.pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, _SHARED_FIRST, _SHARED_BYTES, 0)
    try:
        fcntl.fcntl(main, fcntl.F_OFD_SETLK, lock)
    except OSError as error:
        raise StoreUnavailable(
            Message(
                "database {path}: the -wal beside it is another database's, "
                "but a program has it open ({strerror}); end that program, "
                "and nfed sets the -wal aside",
                path=path,
                strerror=error.strerror,
            )
        ) from error
    try:
        yield
    finally:
        fcntl.fcntl(main, fcntl.F_OFD_SETLK, free)


def _opened(path: Path) -> int | None:
    """The main file; None: there is none, or an empty one."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return _kept_open(path) if status.st_size else None


def _kept_open(path: Path) -> int:
    known = _descriptors.get(_identity(path))
    if known is not None:
        return known
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _descriptors[_identity(descriptor)] = descriptor
    return descriptor


def _made(path: Path) -> int:
    """The main file that SQLite has just made."""
    main = _opened(path)
    if main is None:
        raise StoreUnavailable(
            Message("database {path} was emptied while it was being made", path=path)
        )
    return _held(main)


def _held(descriptor: int) -> int:
    _holders[descriptor] += 1
    return descriptor


def _release(descriptor: int) -> None:
    _holders[descriptor] -= 1
    status = os.fstat(descriptor)
    if not _holders[descriptor] and not status.st_nlink:  # deleted: nobody can open it any more
        del _holders[descriptor], _descriptors[status.st_dev, status.st_ino]
        os.close(descriptor)


@contextmanager
def _open_wal(path: Path) -> Iterator[int | None]:
    """None: there is none. SQLite has no locks on it."""
    try:
        descriptor = os.open(_beside(path, "wal"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _beside(path: Path, side: str) -> Path:
    return Path(f"{os.path.realpath(path)}-{side}")  # as SQLite does


def _sides(path: Path) -> tuple[Path, Path]:
    return _beside(path, "wal"), _beside(path, "shm")


def _identity(file: Path | int) -> Identity:
    status = os.stat(file)
    return status.st_dev, status.st_ino


def _identity_or_none(file: Path) -> Identity | None:
    try:
        return _identity(file)
    except OSError:
        return None
