"""Records one batch as a job, and holds the one table of the moves that a job may make."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nfed.core.outcome import Deferred, Duplicate, Imported, Outcome, Refused, Unpacked, Updated
from nfed.errors import IllegalTransition
from nfed.words import Message


class JobState(StrEnum):
    """The states of a job."""

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


def moves_from(state: str) -> frozenset[JobState]:
    """The moves of a job of this state; a state that nobody knows allows none."""
    return ALLOWED[JobState(state)] if state in JobState else frozenset()


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

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Adds outcomes to the counts; an archive's members are counted in its stead."""
        for outcome in outcomes:
            match outcome:
                case Imported():
                    self.imported += 1
                case Updated():
                    self.updated += 1
                case Duplicate():
                    self.duplicate += 1
                case Refused():
                    self.refused += 1
                case Deferred():
                    self.deferred += 1
                case Unpacked():
                    pass

    def _end(self, state: JobState, now: datetime, reason: str | None) -> None:
        self._move(state)
        self.ended_at = now
        self.reason = reason

    def _move(self, state: JobState) -> None:
        if state not in ALLOWED[self.state]:
            raise IllegalTransition(
                Message(
                    "job {job_id} is {state}; it cannot become {wanted}",
                    job_id=self.job_id,
                    state=self.state,
                    wanted=state,
                )
            )
        self.state = state


class LogFiles(StrEnum):
    """Says when each file is a line at INFO; else it is one at DEBUG."""

    AUTO = "auto"
    """In jobs of up to 100 files."""
    ALWAYS = "always"
    NEVER = "never"
