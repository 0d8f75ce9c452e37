"""Reads jobs, files and statistics from the ledger, a page at a time; never writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from nfed.core.job import JobState
from nfed.ledger.cells import (
    count_of,
    error_of,
    milliseconds_of,
    object_of,
    pairs_of,
    seconds_between,
    text_of,
    text_or_none,
    worded,
)
from nfed.ledger.file import is_alive, plain_text, version_of
from nfed.sqlite import connect_readonly, world_errors

_ENDED = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
_PROCESSED = "coalesce(processed, imported + updated + duplicate + refused + deferred)"
_SUCCESSFUL = "coalesce(successful, imported + updated + duplicate)"
# A program that imports a folder now retries nothing, so what could not be read has failed.
_FAILED = "coalesce(failed, refused + iif(origin = 'library', deferred, 0))"


def _sum(expression: str) -> str:
    """Of what is a number; SQLite's own `sum` fails where it grows too large."""
    return f"cast(total({expression}) as integer)"


_TOTALS = ", ".join(map(_sum, ("imported", "updated", "duplicate", "refused")))
_PLACE = (
    "select max(iif(name = 'id', value, null)), "
    "max(iif(name = 'seq', cast(value as integer), null)) from facts"
)
_FILES_FAILED = {"daemon": "('refused')", "library": "('refused', 'deferred')"}


class FileError(TypedDict):
    """What went wrong with a file."""

    file: str
    """Relative to the folder."""
    error: str | None
    error_type: str | None
    timestamp: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger tells it; the field names are the keys of every JSON."""

    job_id: str
    status: str
    folder_path: str
    total_files: int
    processed_files: int
    successful_files: int
    failed_files: int
    duplicate_files: int
    deferred_files: int
    progress_percentage: float
    created_at: str
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    """From start to end; None until it has ended."""
    reason: str | None
    """Why it failed or was cancelled."""
    errors: list[FileError]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a job, and how it ended."""

    id: int
    job_id: str
    file: str
    outcome: str
    chave: str | None
    error: str | None
    error_type: str | None
    warnings: list[list[str]]
    size_bytes: int
    sha256: str | None
    duration_ms: float | None
    timestamp: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """All jobs together."""

    total_jobs: int
    active_jobs: int
    status_counts: dict[str, int]
    total_files_processed: int
    total_successful: int
    total_failed: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How the files of some jobs ended."""

    imported: int = 0
    updated: int = 0
    duplicate: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that was written after a given transaction."""

    ledger: str
    """Which ledger it is: one that was deleted and made anew numbers from the start again."""
    seq: int
    jobs: list[JobRecord]
    files: list[FileRecord]
    """At most as many as were asked for, the refused first."""
    files_total: int


class LedgerReader:
    """Read-only views of a ledger that a daemon may be writing; an absent one is empty.

    Each answer opens the file anew, so one that was replaced meanwhile is never held on to.
    Raises StoreUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def job(self, job_id: str, *, most_errors: int | None = None) -> JobRecord | None:
        """One job with its errors; None: unknown."""
        found = self._jobs("where job_id = ?", (job_id,), most_errors)
        return found[0] if found else None

    def jobs(
        self,
        *,
        states: tuple[JobState, ...] = (),
        limit: int | None = None,
        before: tuple[str, str] | None = None,
        most_errors: int | None = 0,
    ) -> list[JobRecord]:
        """The newest first; `before` is the (created_at, job_id) of the last one of a page."""
        conditions, values = ["1"], list[object]()
        if states:
            conditions.append(f"state in ({', '.join('?' * len(states))})")
            values += [state.value for state in states]
        if before is not None:
            conditions.append("(created_at, job_id) < (?, ?)")
            values += before
        where = f"where {' and '.join(conditions)} order by created_at desc, job_id desc"
        if limit is not None:
            where += " limit ?"
            values.append(limit)
        return self._jobs(where, tuple(values), most_errors)

    def running(self) -> list[JobRecord]:
        """The jobs that run now; one that a crash left running is not among them."""
        with self._open() as connection:
            if connection is None:
                return []
            rows = [
                dict(row)
                for row in connection.execute(
                    "select * from jobs where state = ?", (JobState.RUNNING.value,)
                )
            ]
            return [
                _record(row, connection, 0)
                for row in rows
                if is_alive(row["pid"], row.get("pid_started"))
            ]

    def jobs_like(self, beginning: str, limit: int, most_errors: int | None) -> list[JobRecord]:
        """The jobs whose ids begin so, the newest first."""
        return self._jobs(
            "where substr(job_id, 1, ?) = ? order by job_id desc limit ?",
            (len(beginning), beginning, limit),
            most_errors,
        )

    def files(
        self, job_id: str, *, outcome: str | None = None, limit: int = 100, after: int = 0
    ) -> list[FileRecord]:
        """A job's files in the order of their ends; `after` is the id of the last of a page."""
        condition, values = "job_id = ? and id > ?", [job_id, after]
        if outcome is not None:
            condition += " and outcome = ?"
            values.append(outcome)
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                f"select * from files where {condition} order by id limit ?", (*values, limit)
            )
            return [_file(row) for row in rows]

    def totals_since(self, moment: datetime) -> Totals:
        """Counts the files of the jobs that were made at `moment` or later."""
        with self._open() as connection:
            row = (
                connection
                and connection.execute(
                    f"select {_TOTALS} from jobs where created_at >= ?",
                    (moment.astimezone(UTC).isoformat(timespec="milliseconds"),),
                ).fetchone()
            )
            return Totals(*row) if row else Totals()

    def statistics(self) -> Statistics:
        """Counts jobs by status, and their files by outcome."""
        counts = {state.value: 0 for state in JobState}
        processed = successful = failed = 0
        with self._open() as connection:
            if connection is not None and version_of(connection):
                for state, jobs, *sums in connection.execute(
                    f"select state, count(*), {_sum(_PROCESSED)}, {_sum(_SUCCESSFUL)}, "
                    f"{_sum(_FAILED)} from jobs group by state"
                ):
                    counts[text_of(state)] = jobs
                    processed += sums[0]
                    successful += sums[1]
                    failed += sums[2]
        return Statistics(
            total_jobs=sum(counts.values()),
            active_jobs=counts[JobState.PENDING] + counts[JobState.RUNNING],
            status_counts=counts,
            total_files_processed=processed,
            total_successful=successful,
            total_failed=failed,
        )

    def changes(self, after: tuple[str, int] | None, most_files: int) -> Changes:
        """Reads what was written since `after`, a ledger's name and a transaction's number.

        None, or a place in another ledger: the jobs that have not ended, and no files.
        """
        with self._open() as connection:
            if connection is None or not version_of(connection):
                return Changes("", 0, [], [], 0)
            connection.execute("begin")  # one view of it all
            ledger, seq = _place(connection)
            if after is None or after[0] != ledger or after[1] > seq:
                active = "where state in ('pending', 'running') order by created_at"
                return Changes(ledger, seq, _select(connection, active, (), 0), [], 0)
            since = after[1]
            if since == seq:
                return Changes(ledger, seq, [], [], 0)
            jobs = _select(connection, "where seq > ? order by seq limit 1000", (since,), 0)
            total: int = connection.execute(
                "select count(*) from files where seq > ?", (since,)
            ).fetchone()[0]
            rows = connection.execute(
                "select * from files where seq > ? order by outcome <> 'refused', id desc limit ?",
                (since, most_files),
            )
            return Changes(ledger, seq, jobs, [_file(row) for row in rows], total)

    def place(self) -> tuple[str, int]:
        """The ledger's name, and the number of its last transaction."""
        with self._open() as connection:
            if connection is None or not version_of(connection):
                return ("", 0)
            return _place(connection)

    def last_success(self) -> str | None:
        """The time at which a file was last found in, or put into, the database."""
        with self._open() as connection:
            row = (
                connection
                and connection.execute(
                    "select at from files where outcome in ('imported', 'updated', 'duplicate') "
                    "order by id desc limit 1"
                ).fetchone()
            )
            return text_of(row[0]) if row else None

    def _jobs(
        self, where: str, values: tuple[object, ...], most_errors: int | None
    ) -> list[JobRecord]:
        with self._open() as connection:
            return [] if connection is None else _select(connection, where, values, most_errors)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """None: there is no ledger yet."""
        with world_errors("ledger", self._path):
            if not self._path.exists():
                yield None
                return
            with closing(connect_readonly(self._path)) as connection:
                connection.row_factory = sqlite3.Row
                connection.text_factory = plain_text
                yield connection if _has_tables(connection) else None


def _place(connection: sqlite3.Connection) -> tuple[str, int]:
    found = connection.execute(_PLACE).fetchone()
    if None in tuple(found):
        raise sqlite3.DatabaseError("its number or its name is missing")
    return text_of(found[0]), int(found[1])


def _has_tables(connection: sqlite3.Connection) -> bool:
    found = connection.execute("select 1 from sqlite_master where name = 'jobs'").fetchone()
    return found is not None


def _select(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...], most_errors: int | None
) -> list[JobRecord]:
    rows = connection.execute(f"select * from jobs {where}", values).fetchall()
    return [_record(dict(row), connection, most_errors) for row in rows]


def _record(
    row: dict[str, object], connection: sqlite3.Connection, most_errors: int | None
) -> JobRecord:
    """A row with the first `most_errors` of its errors, None: all; also of an older ledger."""
    imported, updated, duplicate, refused, deferred, total = (
        count_of(row.get(name))
        for name in ("imported", "updated", "duplicate", "refused", "deferred", "total_files")
    )
    origin = str(row.get("origin", "daemon"))
    processed = count_of(row.get("processed"), imported + updated + duplicate + refused + deferred)
    successful = count_of(row.get("successful"), imported + updated + duplicate)
    failed = count_of(row.get("failed"), refused + (deferred if origin == "library" else 0))
    started, ended = text_or_none(row["started_at"]), text_or_none(row["ended_at"])
    state = text_of(row["state"])
    empty = 100.0 if state in _ENDED else 0.0
    return JobRecord(
        job_id=text_of(row["job_id"]),
        status=state,
        folder_path=text_of(row["folder_path"]),
        total_files=total,
        processed_files=processed,
        successful_files=successful,
        failed_files=failed,
        duplicate_files=duplicate,
        deferred_files=deferred,
        progress_percentage=min(round(100 * processed / total, 1), 100.0) if total else empty,
        created_at=text_of(row["created_at"]),
        started_at=started,
        completed_at=ended,
        duration_seconds=seconds_between(started, ended),
        reason=text_or_none(row["reason"]),
        errors=[] if most_errors == 0 else _errors(connection, row, origin, most_errors),
        metadata=object_of(row.get("metadata")),
    )


def _errors(
    connection: sqlite3.Connection, row: dict[str, object], origin: str, most: int | None
) -> list[FileError]:
    """Lists how files ended, then what a program reported itself."""
    job_id = row["job_id"]
    limit = -1 if most is None else most
    failed = _FILES_FAILED.get(origin, _FILES_FAILED["daemon"])
    message = "message" if version_of(connection) > 1 else "null as message"
    found = connection.execute(
        f"select name as file, error, error_type, at as timestamp, {message} from files "
        f"where job_id = ? and outcome in {failed} order by id limit ?",
        (job_id, limit),
    ).fetchall()
    if version_of(connection) and (most is None or len(found) < most):
        found += connection.execute(
            "select file, error, error_type, at as timestamp, null as message from job_errors "
            "where job_id = ? order by id limit ?",
            (job_id, limit if most is None else most - len(found)),
        ).fetchall()
    return [
        FileError(
            file=text_of(each["file"]),
            error=error_of(each),
            error_type=text_or_none(each["error_type"]),
            timestamp=text_of(each["timestamp"]),
        )
        for each in map(dict, found)
    ]


def _file(found: sqlite3.Row) -> FileRecord:
    row = {"message": None, **dict(found)}  # one of version 1 holds none
    warnings, told = pairs_of(row["warnings"]), object_of(row["message"]).get("warnings")
    if isinstance(told, list) and len(told) == len(warnings):
        warnings = [
            [code, worded(text, each) or ""]
            for (code, text), each in zip(warnings, told, strict=True)
        ]
    return FileRecord(
        id=row["id"],
        job_id=text_of(row["job_id"]),
        file=text_of(row["name"]),
        outcome=text_of(row["outcome"]),
        chave=text_or_none(row["chave"]),
        error=error_of(row),
        error_type=text_or_none(row["error_type"]),
        warnings=warnings,
        size_bytes=count_of(row["size_bytes"]),
        sha256=text_or_none(row["sha256"]),
        duration_ms=milliseconds_of(row["duration_ms"]),
        timestamp=text_of(row["at"]),
    )
