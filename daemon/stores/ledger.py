"""The ledger: jobs and the fate of every file, in a local SQLite file that survives restarts.

It tells history; it never decides whether a document is stored.
"""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.arrival import shown
from daemon.core.job import Job, JobState
from daemon.core.outcome import Deferred, Outcome, Refused
from daemon.core.ports import Fate
from daemon.errors import StoreUnavailable

log: FilteringBoundLogger = structlog.get_logger("nfed")

_DDL = """
create table if not exists jobs (
    job_id text primary key, folder_path text not null, state text not null,
    total_files integer not null, imported integer not null, updated integer not null,
    duplicate integer not null, refused integer not null, deferred integer not null,
    reason text, created_at text not null, started_at text, ended_at text, pid integer not null
) without rowid;
create table if not exists files (
    id integer primary key, job_id text not null, name text not null, size_bytes integer not null,
    sha256 text, chave text, outcome text not null, error text, error_type text, warnings text,
    duration_ms real, at text not null
);
create index if not exists ix_files_job on files (job_id, outcome);
create index if not exists ix_files_name on files (name);
"""
_JOB_COLUMNS = (
    "job_id, folder_path, state, total_files, imported, updated, duplicate, refused, deferred, "
    "reason, created_at, started_at, ended_at, pid"
)
_SAVE_JOB = f"insert or replace into jobs ({_JOB_COLUMNS}) values ({', '.join('?' * 14)})"
_RECORD = (
    "insert into files (job_id, name, size_bytes, sha256, chave, outcome, error, error_type, "
    f"warnings, duration_ms, at) values ({', '.join('?' * 11)})"
)


class SQLiteLedger:
    """See ports.Ledger."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nfed-ledger")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Opens it, and makes it if it is not there. Raises StoreUnavailable."""
        await self._run(self._open)

    async def close(self) -> None:
        """Waits for the write under way."""
        await self._run(self._close)
        self._thread.shutdown(wait=True)

    async def save_job(self, job: Job) -> None:
        """See ports.Ledger."""
        await self._run(self._write, job, ())

    async def record(self, job: Job, fates: Sequence[Fate]) -> None:
        """See ports.Ledger."""
        await self._run(self._write, job, fates)

    async def end_interrupted(self, now: datetime, owned: str | None) -> int:
        """Fails the jobs that a crash left running; returns how many.

        `owned` is the folder whose lock the caller holds: no job of it can be running.
        """
        return await self._run(self._end_interrupted, now, owned)

    async def _run[**P, T](self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: act(*args, **kwargs))

    def _open(self) -> None:
        try:
            self._try_open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise StoreUnavailable(f"ledger {self.path}: {error}") from error
            # It tells history only: a damaged one is kept aside and keeps no document waiting.
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
            self.path.rename(aside)
            log.warning("ledger_damaged", error=str(error), kept_as=str(aside))
            self._try_open()

    def _try_open(self) -> None:
        connection = sqlite3.connect(
            self.path, timeout=5.0, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")  # history, not documents
            connection.executescript(_DDL)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, job: Job, fates: Sequence[Fate]) -> None:
        if self._connection is not None and not self.path.exists():
            self._close()  # deleted under us: history begins anew
        if self._connection is None:
            self._open()
        connection = self._connection
        assert connection is not None
        with _world_errors(self.path):
            connection.execute("begin immediate")
            try:
                connection.execute(_SAVE_JOB, _job_row(job))
                connection.executemany(_RECORD, [_file_row(job.job_id, fate) for fate in fates])
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise

    def _end_interrupted(self, now: datetime, owned: str | None) -> int:
        assert self._connection is not None
        with _world_errors(self.path):
            found = self._connection.execute(
                "select job_id, pid, folder_path from jobs where state in (?, ?)",
                (JobState.RUNNING.value, JobState.PENDING.value),
            ).fetchall()
            mine = None if owned is None else shown(owned)
            ended = [
                job_id for job_id, pid, folder in found if folder == mine or not _is_alive(pid)
            ]
            self._connection.executemany(
                "update jobs set state = ?, ended_at = ?, reason = ? where job_id = ?",
                [
                    (
                        JobState.FAILED.value,
                        _iso(now),
                        "found running after a crash; its files came again in a new job",
                        job_id,
                    )
                    for job_id in ended
                ],
            )
        return len(ended)


class LedgerReader:
    """Read-only views of a ledger that a daemon may be writing; an absent one is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def jobs(self, limit: int = 20) -> list[dict[str, object]]:
        """The newest jobs first."""
        return self._rows("select * from jobs order by created_at desc limit ?", limit)

    def running(self) -> list[dict[str, object]]:
        """The jobs that run now; one that a crash left running is not among them."""
        rows = self._rows("select * from jobs where state = ?", JobState.RUNNING.value)
        return [row for row in rows if isinstance(row["pid"], int) and _is_alive(row["pid"])]

    def jobs_like(self, beginning: str, limit: int) -> list[dict[str, object]]:
        """The jobs whose ids begin so, the newest first."""
        return self._rows(
            "select * from jobs where substr(job_id, 1, ?) = ? order by job_id desc limit ?",
            len(beginning),
            beginning,
            limit,
        )

    def errors(self, job_id: str, limit: int = 100) -> list[dict[str, object]]:
        """The refused files of a job."""
        return self._rows(
            "select name as file, error, error_type, at as timestamp from files "
            "where job_id = ? and outcome = 'refused' order by id limit ?",
            job_id,
            limit,
        )

    def _rows(self, query: str, *parameters: object) -> list[dict[str, object]]:
        with _world_errors(self._path):
            if not self._path.exists():
                return []
            connection = connect_readonly(self._path)
            try:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query, parameters)]
            finally:
                connection.close()


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing and leaves nothing behind; the file must exist.

    SQLite makes -wal and -shm files even to read, and a reader's would be in the way of a daemon
    that runs as another user. Without a -wal file nobody writes, so none is needed.
    """
    whole = path.resolve()
    mode = "mode=ro" if Path(f"{whole}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{whole.as_uri()}?{mode}", uri=True)


def _job_row(job: Job) -> tuple[object, ...]:
    return (
        job.job_id,
        shown(job.folder_path),
        job.state.value,
        job.total_files,
        job.imported,
        job.updated,
        job.duplicate,
        job.refused,
        job.deferred,
        job.reason,
        _iso(job.created_at),
        _iso(job.started_at),
        _iso(job.ended_at),
        os.getpid(),
    )


def _file_row(job_id: str, fate: Fate) -> tuple[object, ...]:
    outcome = fate.outcome
    error, error_type = _error(outcome)
    findings = () if isinstance(outcome, Deferred) else outcome.findings
    return (
        job_id,
        shown(fate.arrival.path),
        fate.arrival.size_bytes,
        fate.reading.sha256,
        None if isinstance(outcome, Deferred) else outcome.chave,
        type(outcome).__name__.lower(),
        error,
        error_type,
        json.dumps([[each.code, each.text] for each in findings], ensure_ascii=False)
        if findings
        else None,
        fate.duration_ms,
        _iso(fate.at),
    )


def _error(outcome: Outcome) -> tuple[str | None, str | None]:
    match outcome:
        case Refused(error, error_type):
            return error, error_type
        case Deferred(reason, detail):
            return detail, reason.value
        case _:
            return None, None


def _is_alive(pid: int) -> bool:
    """Whether another process of this number runs; ours is a new one that got the old number."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


@contextmanager
def _world_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"ledger {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"ledger {path}: {error.strerror}") from error
