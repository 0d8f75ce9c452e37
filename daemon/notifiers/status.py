"""The one line of STATUS: what the daemon is doing now."""

from dataclasses import dataclass
from datetime import datetime

from daemon.core.job import Job


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known at this moment."""

    job: Job | None
    backlog: int
    """Files in the drop folder."""
    database_away_since: datetime | None
    stopping: bool = False
    imported: int = 0
    """Files since the start whose documents are in the database."""
    ledger_away_since: datetime | None = None


def status_line(seen: Seen) -> str:
    """Such as `1,240/5,000 in job 7f3a, 12 refused, backlog 3,760`."""
    if seen.database_away_since is not None and not seen.stopping:
        since = f"{seen.database_away_since:%H:%M}"
        return f"database unreachable since {since}, {_files(seen.backlog)}"
    if seen.ledger_away_since is not None and not seen.stopping:
        since = f"{seen.ledger_away_since:%H:%M}"
        return f"ledger unusable since {since}, {_files(seen.backlog)}"
    if seen.job is None:
        doing = "stopping" if seen.stopping else "waiting for files"
        said = f"{doing}, {seen.imported:,} in the database since the start"
        return f"{said}, backlog {seen.backlog:,}" if seen.backlog else said
    job = seen.job
    name = job.job_id.rpartition("-")[2]
    said = (
        f"{job.processed:,}/{job.total_files:,} in job {name}, {job.refused:,} refused, "
        f"backlog {seen.backlog:,}"
    )
    return f"stopping: {said}" if seen.stopping else said


def _files(count: int) -> str:
    return f"{count:,} file waits" if count == 1 else f"{count:,} files wait"
