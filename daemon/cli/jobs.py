"""`nfed jobs`: the history, and one job with its errors."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.settings import load
from daemon.stores.ledger import LedgerReader

_MOST_NAMED = 5
_MOST_ERRORS = 100
_ALL = 1 << 31


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger tells it; the field names are the keys of `--json`."""

    job_id: str
    status: str
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
    errors: list[dict[str, object]]


def jobs(job_id: str | None, database: str | None, *, limit: int, as_json: bool) -> int:
    """Says the history, or one job by the beginning of its id; returns the exit code."""
    ledger = LedgerReader(load({"database_url": database}).settings.ledger_path)
    if job_id is None:
        records = newest(ledger, limit)
        if as_json:
            output.say_json([asdict(record) for record in records])
        elif records:
            say_jobs(records)
        else:
            output.say("no jobs yet")
        return ExitCode.OK
    found = ledger.jobs_like(job_id, _MOST_NAMED)
    if len(found) != 1:
        named = ", ".join(str(row["job_id"]) for row in found)
        complain(
            f"{job_id} begins several jobs: {named}" if found else f"no job's id begins {job_id}"
        )
        return ExitCode.SOME_REFUSED
    record = record_of(found[0], ledger, most_errors=_ALL)
    if as_json:
        output.say_json(asdict(record))
    else:
        _say_job(record)
    return ExitCode.OK


def newest(ledger: LedgerReader, limit: int) -> list[JobRecord]:
    """The newest jobs first."""
    return [record_of(row, ledger) for row in ledger.jobs(limit)]


def record_of(
    row: dict[str, object], ledger: LedgerReader, *, most_errors: int = _MOST_ERRORS
) -> JobRecord:
    """One of the ledger's rows with its errors."""
    imported, updated, duplicate, refused, deferred = (
        _count(row, name) for name in ("imported", "updated", "duplicate", "refused", "deferred")
    )
    total = _count(row, "total_files")
    processed = imported + updated + duplicate + refused + deferred
    job_id = str(row["job_id"])
    started, ended = _text(row, "started_at"), _text(row, "ended_at")
    return JobRecord(
        job_id=job_id,
        status=str(row["state"]),
        folder_path=str(row["folder_path"]),
        total_files=total,
        processed_files=processed,
        successful_files=imported + updated + duplicate,
        failed_files=refused,
        duplicate_files=duplicate,
        deferred_files=deferred,
        progress_percentage=round(100 * processed / total, 1) if total else 100.0,
        created_at=str(row["created_at"]),
        started_at=started,
        completed_at=ended,
        duration_seconds=_seconds_between(started, ended),
        reason=_text(row, "reason"),
        errors=ledger.errors(job_id, most_errors) if refused else [],
    )


def say_jobs(records: Sequence[JobRecord]) -> None:
    """One line each."""
    table = output.table(
        "job", "status", "files", "successful", "refused", "duplicate", "waiting", "started", "took"
    )
    for column in table.columns[2:7]:
        column.justify = "right"
    for record in records:
        table.add_row(
            record.job_id,
            record.status,
            f"{record.total_files:,}",
            f"{record.successful_files:,}",
            f"{record.failed_files:,}",
            f"{record.duplicate_files:,}",
            f"{record.deferred_files:,}",
            clock(record.started_at),
            "" if record.duration_seconds is None else f"{record.duration_seconds:.1f} s",
        )
    output.say_table(table)


def clock(moment: str | None) -> str:
    """A moment of the ledger to the second, by its own clock."""
    return "" if moment is None else moment[:19].replace("T", " ")


def _say_job(record: JobRecord) -> None:
    table = output.table("job", record.job_id)
    for name, value in asdict(record).items():
        if name not in ("job_id", "errors") and value is not None:
            table.add_row(name, str(value))
    output.say_table(table)
    if not record.errors:
        return
    output.say()
    errors = output.table("refused file", "error", "type", "when")
    for error in record.errors[:_MOST_ERRORS]:
        errors.add_row(
            str(error["file"]),
            " ".join(str(error["error"]).split()),
            str(error["error_type"]),
            clock(str(error["timestamp"])),
        )
    output.say_table(errors)
    more = len(record.errors) - _MOST_ERRORS
    if more > 0:
        output.say(f"and {more:,} more: `nfed jobs {record.job_id} --json` names them all")


def _count(row: dict[str, object], name: str) -> int:
    value = row[name]
    return value if isinstance(value, int) else 0


def _text(row: dict[str, object], name: str) -> str | None:
    value = row[name]
    return None if value is None else str(value)


def _seconds_between(started: str | None, ended: str | None) -> float | None:
    if started is None or ended is None:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
