"""Makes, moves and counts the jobs that a program keeps itself, one transaction each."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from nfed.core.escape import escaped
from nfed.core.job import Job, JobState, moves_from
from nfed.errors import IllegalTransition
from nfed.ledger.cells import text_of
from nfed.ledger.file import LedgerFile, next_seq, own_process
from nfed.ledger.history import iso
from nfed.sqlite import transaction
from nfed.words import Message

_EPOCH_SECONDS = "(julianday(ended_at) - 2440587.5) * 86400.0"
_SLACK_SECONDS = 0.001  # what a julian day loses of a millisecond


class JobBook:
    """The jobs of one ledger, for any thread and any number of processes; nothing is kept in
    memory, so that what it answers is what the ledger holds.

    Raises StoreUnavailable.
    """

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Lets go of the file; the next call opens it again."""
        with self._lock:
            self._file.close()

    def add(self, job: Job, metadata: Mapping[str, object]) -> None:
        """Writes a new pending job. Raises IllegalTransition for an id that is there already."""
        with self._transaction() as connection:
            added = connection.execute(
                "insert or ignore into jobs (job_id, folder_path, state, total_files, imported, "
                "updated, duplicate, refused, deferred, created_at, pid, pid_started, origin, "
                "metadata, seq) values (?, ?, ?, ?, 0, 0, 0, 0, 0, ?, ?, ?, 'library', ?, ?)",
                (
                    job.job_id,
                    escaped(job.folder_path),
                    job.state.value,
                    job.total_files,
                    iso(job.created_at),
                    *own_process(),
                    json.dumps(dict(metadata), ensure_ascii=False, default=str),
                    next_seq(connection),
                ),
            ).rowcount
            if not added:
                raise IllegalTransition(
                    Message("job {job_id} exists already; expected a new id", job_id=job.job_id)
                )

    def move(self, job_id: str, state: JobState, now: datetime, reason: str | None = None) -> None:
        """Moves it by the table of states. Raises IllegalTransition, KeyError when unknown."""
        moment = "started_at" if state is JobState.RUNNING else "ended_at"
        with self._transaction() as connection:
            found = _state(connection, job_id)
            if state not in moves_from(found):
                raise IllegalTransition(
                    Message(
                        "job {job_id} is {found}; it cannot become {state}",
                        job_id=job_id,
                        found=found,
                        state=state,
                    )
                )
            connection.execute(
                f"update jobs set state = ?, {moment} = ?, reason = ?, pid = ?, pid_started = ?, "
                "seq = ? where job_id = ?",
                (
                    state.value,
                    iso(now),
                    reason,
                    *own_process(),
                    next_seq(connection),
                    job_id,
                ),
            )

    def count(
        self,
        job_id: str,
        *,
        total: int | None = None,
        processed: int | None = None,
        successful: int | None = None,
        failed: int | None = None,
    ) -> None:
        """Sets the counts that are not None. Raises IllegalTransition once the job has ended."""
        with self._transaction() as connection:
            _must_go_on(connection, job_id)
            connection.execute(
                "update jobs set total_files = coalesce(?, total_files), "
                "processed = coalesce(?, processed), successful = coalesce(?, successful), "
                "failed = coalesce(?, failed), seq = ? where job_id = ?",
                (total, processed, successful, failed, next_seq(connection), job_id),
            )

    def add_error(self, job_id: str, file: str, error: str, error_type: str, at: datetime) -> None:
        """Notes what went wrong with a file. Raises IllegalTransition once the job has ended."""
        with self._transaction() as connection:
            _must_go_on(connection, job_id)
            connection.execute(
                "insert into job_errors (job_id, file, error, error_type, at) "
                "values (?, ?, ?, ?, ?)",
                (job_id, escaped(file), _storable(error), _storable(error_type), iso(at)),
            )
            connection.execute(
                "update jobs set seq = ? where job_id = ?", (next_seq(connection), job_id)
            )

    def state(self, job_id: str) -> str | None:
        """The job's state, as the ledger has it; None: unknown."""
        with self._open() as connection:
            row = connection.execute(
                "select state from jobs where job_id = ?", (job_id,)
            ).fetchone()
        return None if row is None else text_of(row[0])

    def delete(self, job_id: str) -> bool:
        """Forgets a job and its files; False: unknown, or it runs."""
        with self._transaction() as connection:
            return _delete(connection, job_id)

    def clean_up(self, max_age: timedelta, now: datetime, *, keep_failed: bool) -> int:
        """Forgets jobs that ended so long ago, a transaction each; returns how many."""
        states = [JobState.COMPLETED.value, JobState.CANCELLED.value]
        if not keep_failed:
            states.append(JobState.FAILED.value)
        before = (now - max_age).timestamp() + _SLACK_SECONDS
        with self._open() as connection:
            found = connection.execute(
                f"select job_id from jobs where state in ({', '.join('?' * len(states))}) "
                f"and {_EPOCH_SECONDS} <= ?",
                (*states, before),
            ).fetchall()
        return sum(self.delete(job_id) for (job_id,) in found)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection, transaction(connection):
            yield connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._file.faults():
            yield self._file.opened()


def _storable(text: str) -> str:
    """Without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode()


def _state(connection: sqlite3.Connection, job_id: str) -> str:
    row = connection.execute("select state from jobs where job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise KeyError(job_id)
    return text_of(row[0])


def _must_go_on(connection: sqlite3.Connection, job_id: str) -> None:
    state = _state(connection, job_id)
    if not moves_from(state):
        raise IllegalTransition(
            Message("job {job_id} is {state}; its record is closed", job_id=job_id, state=state)
        )


def _delete(connection: sqlite3.Connection, job_id: str) -> bool:
    deleted = connection.execute(
        "delete from jobs where job_id = ? and state <> ?", (job_id, JobState.RUNNING.value)
    ).rowcount
    if deleted:
        connection.execute("delete from files where job_id = ?", (job_id,))
        connection.execute("delete from job_errors where job_id = ?", (job_id,))
    return bool(deleted)
