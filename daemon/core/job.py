"""A job: the record of one batch, and the one table of the moves it may make."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daemon.errors import IllegalTransition


class JobState(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ALLOWED: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(slots=True)
class Job:
    """One batch's record. Times are aware; a count never goes down."""

    job_id: str
    folder_path: str
    total_files: int
    created_at: datetime
    state: JobState = JobState.PENDING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    """Why it failed or was cancelled; None otherwise."""
    imported: int = 0
    updated: int = 0
    duplicate: int = 0
    refused: int = 0
    deferred: int = 0

    @property
    def processed(self) -> int:
        """Files with an outcome."""
        return self.imported + self.updated + self.duplicate + self.refused + self.deferred

    @property
    def successful(self) -> int:
        """Files whose document is in the database."""
        return self.imported + self.updated + self.duplicate

    @property
    def progress_percentage(self) -> float:
        """0 to 100; an empty job is done."""
        return 100.0 if not self.total_files else 100.0 * self.processed / self.total_files

    @property
    def duration_seconds(self) -> float | None:
        """From start to end; None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    def start(self, now: datetime) -> None:
        """pending → running."""
        self._move(JobState.RUNNING)
        self.started_at = now

    def complete(self, now: datetime) -> None:
        """running → completed: every file has an outcome."""
        self._end(JobState.COMPLETED, now, None)

    def fail(self, reason: str, now: datetime) -> None:
        """running → failed: the job itself could not run."""
        self._end(JobState.FAILED, now, reason)

    def cancel(self, reason: str, now: datetime) -> None:
        """pending or running → cancelled."""
        self._end(JobState.CANCELLED, now, reason)

    def _end(self, state: JobState, now: datetime, reason: str | None) -> None:
        self._move(state)
        self.ended_at = now
        self.reason = reason

    def _move(self, state: JobState) -> None:
        if state not in ALLOWED[self.state]:
            raise IllegalTransition(f"job {self.job_id} is {self.state}; it cannot become {state}")
        self.state = state
