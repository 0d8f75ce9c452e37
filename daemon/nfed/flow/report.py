"""Logs what a job does. Event and field names are public."""

import time
from collections.abc import Sequence

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.escape import escaped
from nfed.core.job import Job, JobState, LogFiles
from nfed.core.outcome import (
    Deferred,
    Duplicate,
    Imported,
    Refused,
    Unpacked,
    Updated,
    superseded_by,
)
from nfed.core.ports import Fate

_FEW_FILES = 100
_PROGRESS_SECONDS = 1.0

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Report:
    """Writes one job's log: a line a file for small jobs, a line a second for large ones.

    Refused files are always said.
    """

    def __init__(self, job: Job, log_files: LogFiles = LogFiles.AUTO) -> None:
        self._job = job
        self._log_files = log_files
        self._said_at = time.monotonic()

    def started(self) -> None:
        """Says the job's folder and size."""
        log.info("batch_processing_started", folder_path=escaped(self._job.folder_path))
        log.info("batch_files_found", total_files=self._job.total_files)

    def progressed(self, fates: Sequence[Fate]) -> None:
        """Says what became of a chunk's files."""
        many = self._job.total_files > _FEW_FILES  # it grows with what archives hold
        auto = self._log_files is LogFiles.AUTO and not many
        say = log.info if auto or self._log_files is LogFiles.ALWAYS else log.debug
        for fate in fates:
            name = escaped(fate.arrival.path)
            for gone in superseded_by([fate.outcome]):
                log.warning(
                    "document_superseded",
                    file=gone.file_name,
                    superseded_by=name,
                    chave=gone.chave,
                )
            match fate.outcome:
                case Imported(chave, findings=found) | Updated(chave, findings=found):
                    extra: dict[str, object] = (
                        {"warnings": [f"{f.code}: {f.text}" for f in found]} if found else {}
                    )
                case Duplicate(chave, stored_from):
                    extra = {"stored_from": escaped(stored_from)} if stored_from else {}
                case Refused(error, error_type):
                    log.warning(
                        "file_processing_failed", file=name, error=error, error_type=error_type
                    )
                    continue
                case Unpacked(members, refused, ignored, findings):
                    extra = {"warnings": [f.text for f in findings]} if findings else {}
                    log.info(
                        "archive_unpacked",
                        file=name,
                        members=members,
                        refused=refused,
                        ignored=ignored,
                        **extra,
                    )
                    continue
                case Deferred():
                    continue  # said once by whoever keeps track of the files that wait
            say(
                "file_processed_successfully",
                file=name,
                chave=chave,
                outcome=type(fate.outcome).__name__.lower(),
                duration_ms=fate.duration_ms,
                **extra,
            )
        now = time.monotonic()
        if many and now - self._said_at >= _PROGRESS_SECONDS:
            self._said_at = now
            job = self._job
            log.info(
                "batch_progress",
                processed=job.processed,
                total=job.total_files,
                failed=job.refused,
            )

    def ended(self) -> None:
        """Says how the job ended."""
        job = self._job
        facts: dict[str, object] = {
            "total": job.total_files,
            "successful": job.successful,
            "failed": job.refused,
            "duplicate": job.duplicate,
            "duration_seconds": round(job.duration_seconds or 0.0, 3),
        }
        if job.deferred:
            facts["waiting"] = job.deferred
        match job.state:
            case JobState.COMPLETED:
                log.info("batch_processing_completed", **facts)
            case JobState.CANCELLED:
                log.warning("batch_processing_cancelled", reason=job.reason, **facts)
            case _:
                log.error("batch_processing_failed", reason=job.reason, **facts)
