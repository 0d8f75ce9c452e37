"""The ledger's file: its tables, how an older one is brought up to date, and how it is opened."""

import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.errors import ConfigError, StoreUnavailable

VERSION = 1
_BUSY_SECONDS = 5.0

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
_SEQ = "select cast(value as integer) from facts where name = 'seq'"


def open_ledger(path: Path) -> sqlite3.Connection:
    """A connection that writes; makes the ledger, or brings an older one up to date.

    Raises StoreUnavailable, or ConfigError for a ledger that a newer nfed wrote.
    """
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise StoreUnavailable(f"ledger {path}: {error}") from error
        # It tells history only: a damaged one is kept aside and keeps no document waiting.
        aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        path.rename(aside)
        log.warning("ledger_damaged", error=str(error), kept_as=str(aside))
    with world_errors(path):
        return _opened(path)


def try_ledger(path: Path) -> None:
    """Opens it, writes and closes it again; what is no ledger is left where it is.

    Raises StoreUnavailable, or ConfigError for a ledger that a newer nfed wrote.
    """
    with world_errors(path), closing(_opened(path)) as connection, transaction(connection):
        next_seq(connection)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")  # history, not documents
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
                f"ledger {path} has version {found}, newer than this nfed knows ({VERSION}); "
                "upgrade nfed"
            )
        if found == VERSION:
            return
        for statement in (*_TABLES, *_UPGRADE):
            connection.execute(statement)
        connection.execute("insert into facts values ('id', ?)", (uuid.uuid4().hex[:8],))
        connection.execute(f"pragma user_version = {VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """The ledger's version; 0 for one that has none."""
    version: int = connection.execute("pragma user_version").fetchone()[0]
    return version


def next_seq(connection: sqlite3.Connection) -> int:
    """The number of the transaction under way."""
    connection.execute("update facts set value = cast(value as integer) + 1 where name = 'seq'")
    number: int = connection.execute(_SEQ).fetchone()[0]
    return number


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits at the end of the block, or takes everything back."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing and leaves nothing behind; the file must exist.

    SQLite makes -wal and -shm files even to read, and a reader's would be in the way of a daemon
    that runs as another user. Without a -wal file nobody writes, so none is needed.
    """
    whole = path.resolve()
    mode = "mode=ro" if Path(f"{whole}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{whole.as_uri()}?{mode}", uri=True)


def started_at(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; tells it from another of its number."""
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
    """Whether the process that wrote this number still runs, and not a later one that got it."""
    if began is None:  # written by a version that did not say when it began
        return pid != os.getpid() and started_at(pid) is not None
    return started_at(pid) == began


@contextmanager
def world_errors(path: Path) -> Iterator[None]:
    """What goes wrong with the file is the world's fault."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"ledger {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"ledger {path}: {error.strerror}") from error
