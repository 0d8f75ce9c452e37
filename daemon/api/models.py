"""What the answers look like, for OpenAPI; they are built as plain values, which is quicker."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from daemon.core.job import JobState


class _Exact(BaseModel):
    """Says all and nothing else."""

    model_config = ConfigDict(extra="forbid")


class FileError(_Exact):
    """What went wrong with a file."""

    file: str
    error: str | None
    error_type: str | None
    timestamp: str


class JobModel(_Exact):
    """A job."""

    job_id: str
    status: JobState
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
    reason: str | None
    errors: list[FileError]
    metadata: dict[str, Any]


class JobPage(_Exact):
    """Jobs, the newest first; `next_cursor` leads on, null: there are no more."""

    jobs: list[JobModel]
    next_cursor: str | None


class FileModel(_Exact):
    """How one file of a job ended."""

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


class FilePage(_Exact):
    """Files of a job in the order of their ends."""

    files: list[FileModel]
    next_cursor: str | None


class Started(_Exact):
    """What was asked for is under way in this job."""

    job_id: str
    status: str


class Uploaded(Started):
    """The files are in the drop folder, under these names."""

    files: list[str]


class Retried(Started):
    """So many refused files are back in the drop folder."""

    files: int


class Statistics(_Exact):
    """All jobs together."""

    total_jobs: int
    active_jobs: int
    status_counts: dict[JobState, int]
    total_files_processed: int
    total_successful: int
    total_failed: int


class NoteShort(_Exact):
    """A note in a list; amounts as exact decimals in text."""

    chave: str
    modelo: str | None
    serie: str | None
    numero: int | None
    emitida_em: str | None
    emitente: str | None
    emitente_nome: str | None
    destinatario: str | None
    destinatario_nome: str | None
    valor_total: str | None
    status: str | None


class NotePage(_Exact):
    """Notes, the newest issue first."""

    notas: list[NoteShort]
    next_cursor: str | None


class Health(_Exact):
    """The process answers."""

    status: str
    version: str


class Ready(_Exact):
    """Folder and database can be used."""

    status: str
    checks: dict[str, str]
