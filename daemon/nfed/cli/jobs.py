"""`nfed jobs`: lists the history, or shows one job with its errors."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.ledger.reader import JobRecord, LedgerReader
from nfed.words import Message

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
            output.say(Message("no jobs yet"))
        return ExitCode.OK
    found = ledger.jobs_like(job_id, _MOST_NAMED, most_errors=None)
    if len(found) != 1:
        named = ", ".join(record.job_id for record in found)
        complain(
            Message("{job_id} begins several jobs: {named}", job_id=job_id, named=named)
            if found
            else Message("no job's id begins {job_id}", job_id=job_id)
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
        Message("job"),
        Message("status"),
        Message("files"),
        Message("successful"),
        Message("refused"),
        Message("duplicate"),
        Message("waiting"),
        Message("started"),
        Message("took"),
    )
    for column in table.columns[2:7]:
        column.justify = "right"
    for record in records:
        table.add_row(
            record.job_id,
            STATES.get(record.status, record.status),
            f"{record.total_files:,}",
            f"{record.successful_files:,}",
            f"{record.failed_files:,}",
            f"{record.duplicate_files:,}",
            f"{record.deferred_files:,}",
            clock(record.started_at),
            _took(record.duration_seconds),
        )
    output.say_table(table)


def _took(seconds: float | None) -> str:
    return "" if seconds is None else Message("{seconds:.1f} s", seconds=seconds)


STATES = {
    "pending": Message("pending"),
    "running": Message("running"),
    "completed": Message("completed"),
    "failed": Message("failed"),
    "cancelled": Message("cancelled"),
}
"""A job's status, as a person may see it."""


def clock(moment: str | None) -> str:
    """A moment of the ledger to the second, on this machine's clock, with its zone; what is no
    moment as it is."""
    if moment is None:
        return ""
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except (ValueError, OverflowError):
        return moment


def _say_job(record: JobRecord) -> None:
    table = output.table("job", record.job_id)
    for name, value in asdict(record).items():
        if name not in ("job_id", "errors", "metadata") and value is not None:
            table.add_row(name, clock(str(value)) if name.endswith("_at") else str(value))
    output.say_table(table)
    if not record.errors:
        return
    output.say()
    errors = output.table(
        Message("refused file"), Message("error"), Message("type"), Message("when")
    )
    for error in record.errors[:_MOST_ERRORS]:
        errors.add_row(
            str(error["file"]),
            output.line(error["error"] or ""),
            str(error["error_type"]),
            clock(str(error["timestamp"])),
        )
    output.say_table(errors)
    more = len(record.errors) - _MOST_ERRORS
    if more > 0:
        output.say(
            Message(
                "and {more:,} more: `nfed jobs {job_id} --json` names them all",
                more=more,
                job_id=record.job_id,
            )
        )
