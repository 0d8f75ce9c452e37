"""`nfed jobs`: the history, and one job with its errors."""

from collections.abc import Sequence
from dataclasses import asdict

from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.settings import load
from daemon.stores.ledger_reader import JobRecord, LedgerReader

_MOST_NAMED = 5
_MOST_ERRORS = 100


def jobs(job_id: str | None, database: str | None, *, limit: int, as_json: bool) -> int:
    """Says the history, or one job by the beginning of its id; returns the exit code."""
    ledger = LedgerReader(load({"database_url": database}).settings.ledger_path)
    if job_id is None:
        records = ledger.jobs(limit=limit, most_errors=_MOST_ERRORS)
        if as_json:
            output.say_json([asdict(record) for record in records])
        elif records:
            say_jobs(records)
        else:
            output.say("no jobs yet")
        return ExitCode.OK
    found = ledger.jobs_like(job_id, _MOST_NAMED, most_errors=None)
    if len(found) != 1:
        named = ", ".join(record.job_id for record in found)
        complain(
            f"{job_id} begins several jobs: {named}" if found else f"no job's id begins {job_id}"
        )
        return ExitCode.SOME_REFUSED
    record = found[0]
    if as_json:
        output.say_json(asdict(record))
    else:
        _say_job(record)
    return ExitCode.OK


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
        if name not in ("job_id", "errors", "metadata") and value is not None:
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
