"""`nfed status`: one screen, read from the folder, the lock, the ledger and the database."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from daemon import logs
from daemon.cli import credentials, database, output
from daemon.cli.database import DatabaseView
from daemon.cli.jobs import say_jobs
from daemon.core.arrival import shown
from daemon.errors import FolderUnavailable, StoreUnavailable
from daemon.intake.folder import LOCK_NAME, Folder, Holder, holder
from daemon.intake.refused import RefusedFile, refused_files
from daemon.settings import Settings, load, masked
from daemon.stores.ledger_reader import JobRecord, LedgerReader

_JOBS = 5
_MOST_ERRORS = 100
_REFUSED_SHOWN = 10
_REFUSED_TOLD = 100


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to say."""

    folder_path: str
    folder_error: str | None
    """Why it cannot be read; None: it can."""
    backlog: int
    refused_total: int
    refused: list[dict[str, object]]
    """The newest, each as its error.json tells it."""
    holder: Holder | None
    lock_error: str | None
    """Why it cannot be told whether a daemon runs; None: it can."""
    database_url: str
    database: DatabaseView
    credentials_unseen: list[str]
    """What the service knows and this command does not."""
    ledger_error: str | None
    running: list[JobRecord]
    jobs: list[JobRecord]


def say_status(folder: Path | None, url: str | None, *, as_json: bool) -> None:
    """Says it."""
    settings = load({"xml_folder": folder, "database_url": url}).settings
    status = gather(settings)
    if as_json:
        output.say_json(_as_json(status))
    else:
        _say(status)


def gather(settings: Settings) -> Status:
    """Reads everything and changes nothing."""
    logs.configure("CRITICAL", "console")  # files left alone are the daemon's to name
    root = settings.xml_folder.absolute()
    backlog, refused, folder_error = 0, list[RefusedFile](), None
    try:
        backlog = Folder(root, recursive=settings.recursive).backlog()
        refused = refused_files(root)
    except FolderUnavailable as error:
        folder_error = str(error)
        if not os.path.lexists(root):
            folder_error = "does not exist yet; `nfed run` makes it"
    running, latest, ledger_error = list[JobRecord](), list[JobRecord](), None
    ledger = LedgerReader(settings.ledger_path)
    try:
        running = ledger.running()
        latest = ledger.jobs(limit=_JOBS, most_errors=_MOST_ERRORS)
    except StoreUnavailable as error:
        ledger_error = str(error)
    owner, lock_error = None, None
    try:
        owner = holder(root)
    except OSError as error:
        lock_error = f"cannot be told: {LOCK_NAME}: {error.strerror}"
    return Status(
        folder_path=shown(str(root)),
        folder_error=folder_error,
        backlog=backlog,
        refused_total=len(refused),
        refused=[each.reason() for each in refused[:_REFUSED_TOLD]],
        holder=owner,
        lock_error=lock_error,
        database_url=settings.supabase_url or masked("database_url", settings.database_url),
        database=database.view(settings),
        credentials_unseen=credentials.unseen(),
        ledger_error=ledger_error,
        running=running,
        jobs=latest,
    )


def _as_json(status: Status) -> dict[str, object]:
    schema = status.database.schema
    return {
        "folder": {
            "path": status.folder_path,
            "error": status.folder_error,
            "backlog": status.backlog,
            "refused": status.refused_total,
        },
        "daemon": {
            "running": None if status.lock_error else status.holder is not None,
            "pid": status.holder.pid if status.holder else None,
        },
        "database": {
            "url": status.database_url,
            "reachable": status.database.error is None,
            "error": status.database.error,
            "schema": None if schema is None else schema.current,
            "newest_schema": None if schema is None else schema.newest,
            "notes": status.database.notes,
        },
        "credentials_unseen": status.credentials_unseen,
        "ledger": {"error": status.ledger_error},
        "running_jobs": [asdict(record) for record in status.running],
        "jobs": [asdict(record) for record in status.jobs],
        "refused": status.refused,
    }


def _say(status: Status) -> None:
    facts = output.table("", "")
    facts.show_header = False
    facts.add_row("folder", status.folder_path)
    waiting = f"{output.plural(status.backlog, 'file')} waiting, {status.refused_total:,} refused"
    facts.add_row("", waiting if status.folder_error is None else shown(status.folder_error))
    owner = "not running" if status.holder is None else status.holder.described
    facts.add_row("daemon", shown(status.lock_error or owner))
    facts.add_row("database", status.database_url)
    facts.add_row("", _database(status.database))
    if status.credentials_unseen:
        facts.add_row("credentials", shown(credentials.told(status.credentials_unseen)))
    if status.ledger_error is not None:
        facts.add_row("ledger", shown(status.ledger_error))
    for job in status.running:
        facts.add_row("job", f"{job.job_id} {_progress(job)}")
    output.say_table(facts)
    if status.jobs:
        output.say()
        say_jobs(status.jobs)
    if status.refused:
        output.say()
        _say_refused(status)


def _database(view: DatabaseView) -> str:
    if view.error is not None:
        return view.error if not view.exists else f"not reachable: {view.error}"
    if view.schema is None or view.schema.current is None:
        return "reachable, empty"
    return f"reachable, {output.plural(view.notes or 0, 'note')}, schema {view.schema.current}"


def _progress(job: JobRecord) -> str:
    return (
        f"{job.progress_percentage:.0f} %, {job.processed_files:,} of {job.total_files:,} files, "
        f"{job.failed_files:,} refused"
    )


def _say_refused(status: Status) -> None:
    refused = output.table("refused file", "reason")
    for each in status.refused[:_REFUSED_SHOWN]:
        refused.add_row(str(each["file"]), " ".join(str(each.get("error")).split()))
    output.say_table(refused)
    more = status.refused_total - _REFUSED_SHOWN
    if more > 0:
        output.say(f"and {more:,} more in failed/")
    output.say("`nfed retry FILE` puts one back, `nfed retry --all` all")
