"""Keeps jobs for programs, in the ledger: their own, or those of a BatchProcessor.

Every call reads or writes the ledger itself, without a daemon and without an event loop, so that
two programs, or a program and the daemon, see the same jobs, and a restart loses none.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import cast

from nfed.batch import log as says
from nfed.batch.dicts import JobDict, JobStatistics
from nfed.core.job import Job
from nfed.core.job import JobState as JobStatus
from nfed.errors import BatchProcessingException, IllegalTransition
from nfed.flow.jobs import new_job_id
from nfed.ledger.jobs import JobBook
from nfed.ledger.reader import JobRecord, LedgerReader
from nfed.settings import load

__all__ = [
    "BatchJob",
    "BatchProcessingException",
    "IllegalTransition",
    "JobManager",
    "JobStatus",
    "get_job_manager",
]

_ACTIVE = (JobStatus.PENDING, JobStatus.RUNNING)


class BatchJob:
    """One job; what it says is what the ledger holds.

    Its moves follow the one table: pending → running → completed | failed | cancelled, and
    pending → cancelled; any other raises IllegalTransition. A job that was deleted raises KeyError.
    """

    def __init__(self, job_id: str, book: JobBook, reader: LedgerReader) -> None:
        self.job_id = job_id
        self._book = book
        self._reader = reader

    def __repr__(self) -> str:
        return f"BatchJob({self.job_id!r})"

    def start(self) -> None:
        """pending → running."""
        self._book.move(self.job_id, JobStatus.RUNNING, _now())

    def update_progress(
        self,
        processed: int | None = None,
        successful: int | None = None,
        failed: int | None = None,
    ) -> None:
        """Sets the counts that are given, which are totals and not steps.

        Raises ValueError for a negative one, IllegalTransition when the job has ended.
        """
        counts = {"processed": processed, "successful": successful, "failed": failed}
        for name, count in counts.items():
            if count is not None and count < 0:
                raise ValueError(f"{name} is {count}, expected 0 or more")
        self._book.count(self.job_id, **counts)

    def add_error(self, file: str, error: str, error_type: str = "ProcessingError") -> None:
        """Notes what went wrong with a file; counts are left to `update_progress`."""
        self._book.add_error(self.job_id, str(file), str(error), str(error_type), _now())

    def complete(self) -> None:
        """running → completed."""
        self._book.move(self.job_id, JobStatus.COMPLETED, _now())

    def fail(self, reason: str) -> None:
        """running → failed."""
        self._book.move(self.job_id, JobStatus.FAILED, _now(), str(reason))

    def cancel(self, reason: str = "cancelled on request") -> None:
        """pending or running → cancelled; whoever runs it ends after the chunks in flight."""
        self._book.move(self.job_id, JobStatus.CANCELLED, _now(), reason)

    @property
    def status(self) -> JobStatus:
        """The job's state."""
        return JobStatus(self.record().status)

    @property
    def folder_path(self) -> str:
        """The folder that it was made with."""
        return self.record().folder_path

    @property
    def total_files(self) -> int:
        """The number of files it is about."""
        return self.record().total_files

    @property
    def metadata(self) -> dict[str, object]:
        """The facts that the program keeps with it."""
        return self.record().metadata

    def record(self) -> JobRecord:
        """All that the ledger holds of it."""
        found = self._reader.job(self.job_id)
        if found is None:
            raise KeyError(self.job_id)
        return found

    def to_dict(self) -> JobDict:
        """The same, as JobManager.get_job_status gives it."""
        return _dict(self.record())


class JobManager:
    """The jobs of one ledger, the daemon's own included; for any thread."""

    def __init__(self, ledger: str | os.PathLike[str]) -> None:
        says.through_logging()
        self.ledger = Path(ledger).absolute()
        self._book = JobBook(self.ledger)
        self._reader = LedgerReader(self.ledger)

    def create_job(
        self,
        folder_path: str | os.PathLike[str],
        total_files: int = 0,
        metadata: Mapping[str, object] | None = None,
        job_id: str | None = None,
    ) -> BatchJob:
        """A pending job, under an id of its own or the given one.

        Raises IllegalTransition for an id that is taken, ValueError for a negative number of files.
        """
        if total_files < 0:
            raise ValueError(f"total_files is {total_files}, expected 0 or more")
        now = _now()
        job = Job(job_id or new_job_id(now), os.fspath(folder_path), total_files, now)
        self._book.add(job, metadata or {})
        return BatchJob(job.job_id, self._book, self._reader)

    def get_job(self, job_id: str) -> BatchJob | None:
        """A job to work with; None: unknown."""
        known = self._book.state(job_id) is not None
        return BatchJob(job_id, self._book, self._reader) if known else None

    def get_job_status(self, job_id: str) -> JobDict | None:
        """All that is known of a job, ready for JSON; None: unknown."""
        found = self._reader.job(job_id)
        return None if found is None else _dict(found)

    def list_jobs(
        self, status_filter: JobStatus | str | None = None, limit: int | None = None
    ) -> list[JobDict]:
        """The newest first. Raises ValueError for a status that there is not."""
        states = () if status_filter is None else (JobStatus(status_filter),)
        found = self._reader.jobs(states=states, limit=limit, most_errors=None)
        return [_dict(record) for record in found]

    def list_active_jobs(self) -> list[JobDict]:
        """Those that are pending or running, the newest first."""
        return [_dict(job) for job in self._reader.jobs(states=_ACTIVE, most_errors=None)]

    def delete_job(self, job_id: str) -> bool:
        """Forgets a job and what is recorded of its files; False: unknown, or still running."""
        return self._book.delete(job_id)

    def cleanup_old_jobs(self, max_age_seconds: float = 3600, keep_failed: bool = True) -> int:
        """Forgets jobs that ended so long ago; returns how many."""
        age = timedelta(seconds=max_age_seconds)
        return self._book.clean_up(age, _now(), keep_failed=keep_failed)

    def get_statistics(self) -> JobStatistics:
        """How many jobs there are by status, and what came of the files of all of them."""
        return cast("JobStatistics", asdict(self._reader.statistics()))

    def close(self) -> None:
        """Lets go of the ledger's file; the next call opens it again."""
        self._book.close()


def get_job_manager(ledger: str | os.PathLike[str] | None = None) -> JobManager:
    """The manager of a ledger, the one that the settings name when none is given; the same object
    for the same ledger."""
    path = load().settings.ledger_path if ledger is None else Path(ledger)
    return _manager_of(path.absolute())


@cache
def _manager_of(path: Path) -> JobManager:
    return JobManager(path)


def _dict(record: JobRecord) -> JobDict:
    return cast("JobDict", asdict(record))


def _now() -> datetime:
    return datetime.now().astimezone()
