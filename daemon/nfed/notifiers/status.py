"""Writes the one line of STATUS: what the daemon is doing now."""

from dataclasses import dataclass
from datetime import datetime

from nfed.core.job import Job


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that STATUS is made of."""

    job: Job | None
    backlog: int
    """Files in the drop folder."""
    database_away_since: datetime | None
    stopping: bool = False
    imported: int = 0
    """Files since the start whose documents are in the database."""
    ledger_away_since: datetime | None = None
    folder_away_since: datetime | None = None
    folder_error: str = ""
    """Why the folder is away."""
    has_events: bool = True
    """False: the kernel has no watch left, so the folder is looked at every second."""


def status_line(seen: Seen) -> str:
    """Such as `1,240/5,000 in job 7f3a, 12 refused, backlog 3,760`."""
    if seen.folder_away_since is not None and not seen.stopping:
        return f"waiting since {seen.folder_away_since:%H:%M} for the {seen.folder_error}"
    if seen.database_away_since is not None and not seen.stopping:
        since = f"{seen.database_away_since:%H:%M}"
        return f"database unreachable since {since}, {_files(seen.backlog)}"
    if seen.ledger_away_since is not None and not seen.stopping:
        since = f"{seen.ledger_away_since:%H:%M}"
        return f"ledger unusable since {since}, {_files(seen.backlog)}"
    blind = "" if seen.has_events else ", no events (inotify)"
    if seen.job is None:
        doing = "stopping" if seen.stopping else "waiting for files"
        said = f"{doing}, {seen.imported:,} in the database since the start"
        return f"{said}, backlog {seen.backlog:,}{blind}" if seen.backlog else f"{said}{blind}"
    job = seen.job
    name = job.job_id.rpartition("-")[2]
    said = (
        f"{job.processed:,}/{job.total_files:,} in job {name}, {job.refused:,} refused, "
        f"backlog {seen.backlog:,}{blind}"
    )
    return f"stopping: {said}" if seen.stopping else said


def _files(count: int) -> str:
    return f"{count:,} file waits" if count == 1 else f"{count:,} files wait"
