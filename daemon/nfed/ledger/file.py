"""Opens the ledger's file: makes its tables, and brings an older one up to date."""

import os
import sqlite3
import time
import uuid
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.errors import ConfigError, StoreUnavailable
from nfed.sqlite import connect, transaction, world_errors
from nfed.words import Message

VERSION = 2

log: FilteringBoundLogger = structlog.get_logger("nfed")

_TABLES = (
    """create table if not exists jobs (
    job_id text primary key, folder_path text not null, state text not null,
    total_files integer not null, imported integer not null, updated integer not null,
    duplicate integer not null, refused integer not null, deferred integer not null,
    reason text, created_at text not null, started_at text, ended_at text, pid integer not null
) without rowid""",
    """create table if not exists files (
    id integer primary key, job_id text not null, name text not null, size_bytes integer not null,
    sha256 text, chave text, outcome text not null, error text, error_type text, warnings text,
    duration_ms real, at text not null
)""",
    "create index if not exists ix_files_job on files (job_id, outcome)",
    "create index if not exists ix_files_name on files (name)",
)

# What a ledger of version 0 lacks. `seq` numbers the transactions: whoever follows the ledger asks
# for what came after the number that they have seen. `origin` says who runs the job; `processed`,
# `successful` and `failed` hold what a program counted itself, and are empty where outcomes count.
_UPGRADE = (
    "alter table jobs add column origin text not null default 'daemon'",
    "alter table jobs add column metadata text",
    "alter table jobs add column processed integer",
    "alter table jobs add column successful integer",
    "alter table jobs add column failed integer",
    "alter table jobs add column pid_started integer",
    "alter table jobs add column seq integer not null default 0",
    "alter table files add column seq integer not null default 0",
    "create index ix_jobs_seq on jobs (seq)",
    "create index ix_jobs_created on jobs (created_at, job_id)",
    "create index ix_files_seq on files (seq)",
    """create table job_errors (
    id integer primary key, job_id text not null, file text not null, error text not null,
    error_type text not null, at text not null
)""",
    "create index ix_job_errors_job on job_errors (job_id)",
    "create table facts (name text primary key, value text not null) without rowid",
    "insert into facts values ('seq', '0')",
)
# What one of version 1 lacks: `message` holds, as JSON, what `error` and `warnings` say in English,
# as templates and facts, to be put into other words (`words.Message`). Moments were written with
# the offset of whoever wrote them; those that jobs are sorted by become UTC.
_MESSAGES = (
    "alter table files add column message text",
    *(
        f"update jobs set {column} = strftime('%Y-%m-%dT%H:%M:%f+00:00', {column}) "
        f"where {column} not like '%+00:00'"
        for column in ("created_at", "started_at", "ended_at")
    ),
)
_SEQ = (
    "select cast(value as integer) from facts where name = 'seq' "
    "and exists (select 1 from facts where name = 'id')"
)


class LedgerFile:
    """The ledger for writing, opened when it is first used.

    It tells history only, so nothing may wait for it longer than it must: one that was deleted or
    replaced is left, and one that is damaged is kept aside and begun anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Around every use. Raises LedgerDamaged once, when it was set aside; StoreUnavailable."""
        with world_errors("ledger", self._path):
            try:
                yield
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                was_current = self._connection is None or not self._is_another()
                self.close()
                if was_current:
                    _set_aside(self._path, error)
                raise LedgerDamaged(
                    Message(
                        "ledger {path}: {error}; it is begun anew", path=self._path, error=error
                    )
                ) from error

    def opened(self) -> sqlite3.Connection:
        """The connection. Raises ConfigError for a ledger that a newer nfed wrote, what `faults`
        tells apart."""
        if self._is_another():
            self.close()
        if self._connection is None:
            self._connection = _open(self._path)
            weakref.finalize(self, self._connection.close)
            self._identity = _identity_of_file(self._path)
        return self._connection

    def _is_another(self) -> bool:
        """Whether the file was deleted, or replaced, perhaps by a process that set it aside."""
        return self._connection is not None and _identity_of_file(self._path) != self._identity

    def close(self) -> None:
        """Lets go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class LedgerDamaged(StoreUnavailable):
    """It was damaged and set aside; the next try begins a new one."""


def try_ledger(path: Path) -> None:
    """Opens it, writes and closes it again; what is no ledger is left where it is.

    Raises StoreUnavailable, or ConfigError for a ledger that a newer nfed wrote.
    """
    with (
        world_errors("ledger", path),
        closing(_open(path)) as connection,
        transaction(connection),
    ):
        next_seq(connection)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is the reason, and not what keeps us from it: no disk, no lock, no room.

    SQLITE_ERROR is what a file with other tables gives, SQLITE_CONSTRAINT one with other rules.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
    )


def _set_aside(path: Path, error: sqlite3.DatabaseError) -> None:
    """With its -wal, which would damage the next one."""
    aside = f"{path}.damaged-{time.time_ns()}"
    for side in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            os.rename(f"{path}{side}", f"{aside}{side}")
    log.warning("ledger_damaged", error=str(error), kept_as=aside)


def _identity_of_file(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


def _open(path: Path) -> sqlite3.Connection:
    connection = connect(path, "normal")  # history, not documents
    connection.text_factory = plain_text
    try:
        if version_of(connection) != VERSION:
            _bring_up_to_date(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection):
        found = version_of(connection)  # asked again: another process may have been quicker
        if found > VERSION:
            raise ConfigError(
                Message(
                    "ledger {path} has version {found}, newer than this nfed "
                    "knows ({version}); upgrade nfed",
                    path=path,
                    found=found,
                    version=VERSION,
                )
            )
        if found == VERSION:
            return
        if found == 0:
            for statement in (*_TABLES, *_UPGRADE):
                connection.execute(statement)
            connection.execute("insert into facts values ('id', ?)", (uuid.uuid4().hex[:8],))
        for statement in _MESSAGES:
            connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")


def plain_text(stored: bytes) -> str:
    """A text of the ledger; a byte that is not UTF-8 as \\xNN."""
    return stored.decode(errors="backslashreplace")


def version_of(connection: sqlite3.Connection) -> int:
    """The ledger's version; 0 for one that has none."""
    version: int = connection.execute("pragma user_version").fetchone()[0]
    return version


def next_seq(connection: sqlite3.Connection) -> int:
    """The number of the transaction under way. Raises sqlite3.DatabaseError, as SQLite does for
    damage, where the ledger has lost its number or its name."""
    connection.execute("update facts set value = cast(value as integer) + 1 where name = 'seq'")
    found = connection.execute(_SEQ).fetchone()
    if found is None or not isinstance(found[0], int):
        error = sqlite3.DatabaseError("its number or its name is missing")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    return found[0]


def started_at(pid: int) -> int | None:
    """The start of a process, in clock ticks since boot; tells it from another of its number."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
            # A zombie has ended, though nobody waited for it (a container's first process may not).
            return None if fields[0] in {b"Z", b"X"} else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def own_process() -> tuple[int, int | None]:
    """This process's number, and when it began."""
    return _identity_of(os.getpid())


@cache
def _identity_of(pid: int) -> tuple[int, int | None]:
    return pid, started_at(pid)


def is_alive(pid: int, began: int | None) -> bool:
    """Tells whether the process that wrote this number still runs, not a later one with it."""
    if began is None:  # written by a version that did not say when it began
        return pid != os.getpid() and started_at(pid) is not None
    return started_at(pid) == began
