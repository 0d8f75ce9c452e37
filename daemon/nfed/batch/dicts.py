"""The dictionaries that the library hands out, with the types of their values."""

from typing import Any, TypedDict

from nfed.ledger.reader import FileError

__all__ = ["BatchResult", "FileError", "JobDict", "JobStatistics", "Progress"]


class Progress(TypedDict):
    """How far a job has come."""

    job_id: str
    status: str
    """A JobStatus, as text."""
    total_files: int
    processed_files: int
    """Files with an outcome."""
    successful_files: int
    """Files whose document is in the database: imported, updated or there already."""
    failed_files: int
    progress_percentage: float
    """0 to 100."""


class JobDict(Progress):
    """All that the ledger knows of a job, ready for JSON; a test holds it to its JobRecord."""

    folder_path: str
    duplicate_files: int
    deferred_files: int
    created_at: str
    """Times are ISO 8601 with their UTC offset."""
    started_at: str | None
    completed_at: str | None
    duration_seconds: float | None
    """From start to end; None until it has ended."""
    reason: str | None
    """Why it failed or was cancelled."""
    errors: list[FileError]
    metadata: dict[str, Any]


class JobStatistics(TypedDict):
    """All jobs together; a test holds it to the ledger's Statistics."""

    total_jobs: int
    active_jobs: int
    status_counts: dict[str, int]
    """By status, those without a job included."""
    total_files_processed: int
    total_successful: int
    total_failed: int


class BatchResult(TypedDict):
    """The result of an import."""

    job_id: str
    status: str
    total: int
    processed: int
    successful: int
    """Files whose document is in the database: imported, updated or there already."""
    failed: int
    duplicate: int
    errors: list[FileError]
    duration_seconds: float
    reason: str | None
    """Why the job failed or was cancelled; None: it completed."""
