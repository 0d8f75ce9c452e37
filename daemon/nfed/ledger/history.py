"""Writes jobs and the fate of every file into the ledger, one transaction a chunk.

It tells history; it never decides whether a document is stored.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from nfed.core.escape import escaped
from nfed.core.job import Job, JobState
from nfed.core.outcome import SUPERSEDED, Deferred, Outcome, Refused, Unpacked, superseded_by
from nfed.core.ports import Fate
from nfed.documents.checks import Finding
from nfed.ledger.file import LedgerDamaged, LedgerFile, is_alive, next_seq, own_process
from nfed.sqlite import transaction
from nfed.words import Message

_CRASHED = "found running after a crash; its files came again in a new job"
_BROKEN_OFF = "found running after a crash; give its folder again to have the rest imported"
_JOB_COLUMNS = (
    "job_id, folder_path, state, total_files, imported, updated, duplicate, refused, deferred, "
    "reason, created_at, started_at, ended_at, pid, pid_started, seq"
)
_COUNTS = ("total_files", "imported", "updated", "duplicate", "refused", "deferred")
_OPEN = f"jobs.state in ('{JobState.PENDING}', '{JobState.RUNNING}')"
# An end is final, whoever wrote it: a job that another process cancelled stays cancelled.
_SAVE_JOB = (
    f"insert into jobs ({_JOB_COLUMNS}) values ({', '.join('?' * 16)}) "
    f"on conflict (job_id) do update set {', '.join(f'{n} = excluded.{n}' for n in _COUNTS)}, "
    "started_at = coalesce(jobs.started_at, excluded.started_at), "
    f"state = iif({_OPEN}, excluded.state, jobs.state), "
    f"reason = iif({_OPEN}, excluded.reason, jobs.reason), "
    f"ended_at = iif({_OPEN}, excluded.ended_at, jobs.ended_at), "
    "pid = excluded.pid, pid_started = excluded.pid_started, seq = excluded.seq"
)
_RECORD = (
    "insert into files (job_id, name, size_bytes, sha256, chave, outcome, error, error_type, "
    f"warnings, message, duration_ms, at, seq) values ({', '.join('?' * 13)})"
)
# The file that had brought it; a lot names the keys of its documents among its warnings.
_SUPERSEDED = (
    "update files set warnings = "
    "json_insert(coalesce(warnings, '[]'), '$[#]', json_array(?, ?)) "
    "where name = ? and outcome in ('imported', 'updated', 'duplicate') "
    "and (chave = ? or instr(coalesce(warnings, ''), ?) > 0)"
)


class SQLiteLedger:
    """See ports.Ledger."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nfed-ledger")
        self._file = LedgerFile(path)

    async def open(self) -> None:
        """Opens it, and makes it if it is not there. Raises StoreUnavailable, or ConfigError."""
        await self._run(self._transact, lambda _: None)

    async def close(self) -> None:
        """Waits for the write under way."""
        await self._run(self._file.close)
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

    def _transact[T](self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Does it again in a new ledger when the old one proves damaged."""
        try:
            return self._try(act)
        except LedgerDamaged:
            return self._try(act)

    def _try[T](self, act: Callable[[sqlite3.Connection], T]) -> T:
        with self._file.faults():
            connection = self._file.opened()
            with transaction(connection):
                return act(connection)

    def _write(self, job: Job, fates: Sequence[Fate]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            seq = next_seq(connection)
            connection.execute(_SAVE_JOB, (*_job_row(job), seq))
            connection.executemany(_RECORD, [(*_file_row(job.job_id, each), seq) for each in fates])
            for each in fates:
                for gone in superseded_by([each.outcome]):
                    told = Message(
                        "chave {chave}: superseded by the authorised document from {file_name!r}",
                        chave=gone.chave,
                        file_name=escaped(each.arrival.path),
                    )
                    connection.execute(
                        _SUPERSEDED, (SUPERSEDED, told, gone.file_name, gone.chave, gone.chave)
                    )

        self._transact(write)

    def _end_interrupted(self, now: datetime, owned: str | None) -> int:
        mine = None if owned is None else escaped(owned)

        def end(connection: sqlite3.Connection) -> int:
            found = connection.execute(
                "select job_id, pid, pid_started, folder_path, origin, state from jobs "
                "where state in (?, ?)",
                (JobState.RUNNING.value, JobState.PENDING.value),
            ).fetchall()
            ended = [
                (job_id, _CRASHED if origin == "daemon" else _BROKEN_OFF)
                for job_id, pid, began, folder, origin, state in found
                # A pending job of a program is that program's to start, whenever it runs again.
                if (origin == "daemon" and (folder == mine or not is_alive(pid, began)))
                or (state == JobState.RUNNING and not is_alive(pid, began))
            ]
            if ended:
                seq = next_seq(connection)
                connection.executemany(
                    "update jobs set state = ?, ended_at = ?, reason = ?, seq = ? where job_id = ?",
                    [(JobState.FAILED.value, iso(now), why, seq, each) for each, why in ended],
                )
            return len(ended)

        return self._transact(end)


def _job_row(job: Job) -> tuple[object, ...]:
    return (
        job.job_id,
        escaped(job.folder_path),
        job.state.value,
        job.total_files,
        job.imported,
        job.updated,
        job.duplicate,
        job.refused,
        job.deferred,
        job.reason,
        iso(job.created_at),
        iso(job.started_at),
        iso(job.ended_at),
        *own_process(),
    )


def _file_row(job_id: str, fate: Fate) -> tuple[object, ...]:
    outcome = fate.outcome
    error, error_type = _error(outcome)
    plain = None if isinstance(outcome, Deferred | Unpacked) else outcome
    findings = () if isinstance(outcome, Deferred) else outcome.findings
    return (
        job_id,
        escaped(fate.arrival.path),
        fate.arrival.size_bytes,
        fate.reading.sha256,
        plain.chave if plain else None,
        type(outcome).__name__.lower(),
        error,
        error_type,
        json.dumps([[each.code, each.text] for each in findings], ensure_ascii=False)
        if findings
        else None,
        _message(error, findings),
        fate.duration_ms,
        iso(fate.at),
    )


def _message(error: str | None, findings: Sequence[Finding]) -> str | None:
    """What `error` and `warnings` were made of; None where that is told by their text alone."""
    kept: dict[str, object] = {}
    if isinstance(error, Message):
        kept["error"] = error.to_json()
    if any(isinstance(each.text, Message) for each in findings):
        kept["warnings"] = [
            each.text.to_json() if isinstance(each.text, Message) else None for each in findings
        ]
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _error(outcome: Outcome) -> tuple[str | None, str | None]:
    match outcome:
        case Refused(error, error_type):
            return error, error_type
        case Deferred(reason, detail):
            return detail, reason.value
        case _:
            return None, None


def iso(moment: datetime | None) -> str | None:
    """As the ledger writes a moment: in UTC, so that the order of texts is that of moments."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")
