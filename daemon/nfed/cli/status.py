"""`nfed status`: shows folder, lock, ledger and database on one screen."""

import errno
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from nfed import logs
from nfed.cli import config, database, output
from nfed.cli.check import Inotify
from nfed.cli.database import DatabaseView
from nfed.cli.exits import ExitCode
from nfed.cli.jobs import say_jobs
from nfed.cli.loading import load
from nfed.core.escape import escaped
from nfed.errors import FolderUnavailable, StoreUnavailable
from nfed.intake.folder import LOCK_NAME, Census, Folder, Holder, holder
from nfed.intake.left_alone import LeftAlone
from nfed.intake.refused import RefusedFile, refused_files
from nfed.intake.watcher import needs_polling
from nfed.ledger.reader import JobRecord, LedgerReader
from nfed.settings import Settings, masked
from nfed.words import Message

_JOBS = 5
_MOST_ERRORS = 100
_REFUSED_SHOWN = 10
_REFUSED_TOLD = 100


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the screen shows."""

    folder_path: str
    folder_error: str | None
    """Why it cannot be used; None: it can."""
    folder_is_away: bool
    """It is there, or was, and cannot be used; one that is yet to be made is not away."""
    events_error: str | None
    """Why this user gets no events of it now; None: it does, or needs none."""
    backlog: int
    left_total: int
    """How many files and folders are not taken."""
    left: tuple[LeftAlone, ...]
    """The first of them."""
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

    @property
    def is_away(self) -> bool:
        """Folder, database or ledger is there and cannot be used; what is yet to be made is not."""
        database_is_away = self.database.exists and self.database.error is not None
        return self.folder_is_away or database_is_away or self.ledger_error is not None


def say_status(folder: Path | None, url: str | None, *, as_json: bool) -> int:
    """Says it; returns the exit code."""
    loaded = load({"xml_folder": folder, "database_url": url})
    status = gather(loaded.settings, named=loaded.origins["xml_folder"] != "default")
    if as_json:
        output.say_json(_as_json(status))
    else:
        _say(status)
    return ExitCode.TRY_AGAIN if status.is_away else ExitCode.OK


def gather(settings: Settings, *, named: bool = False) -> Status:
    """Reads everything and changes nothing; `named`: the folder was chosen by somebody."""
    logs.configure("CRITICAL", "console")  # files left alone are the daemon's to name
    root = settings.xml_folder.absolute()
    census, refused, folder_error = Census(0, 0, ()), list[RefusedFile](), None
    try:
        census = Folder(root, recursive=settings.recursive, by_content=settings.by_content).census()
        refused = refused_files(root)
    except FolderUnavailable as error:
        folder_error = str(error)
    is_away = os.path.lexists(root)
    if not is_away:
        folder_error = Message("does not exist yet; `nfed run` makes it")
        if named:
            folder_error = Message("does not exist; create it, or `nfed run --create` makes it")
            is_away = True
    else:
        folder_error = folder_error or _trouble(root)
        is_away = folder_error is not None
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
        lock_error = Message(
            "cannot be told: {lock_name}: {strerror}", lock_name=LOCK_NAME, strerror=error.strerror
        )
    return Status(
        folder_path=escaped(str(root)),
        folder_error=folder_error,
        folder_is_away=is_away,
        events_error=_events_error(settings),
        backlog=census.waiting,
        left_total=census.left,
        left=census.listed,
        refused_total=len(refused),
        refused=[each.reason() for each in refused[:_REFUSED_TOLD]],
        holder=owner,
        lock_error=lock_error,
        database_url=settings.supabase_url or masked("database_url", settings.database_url),
        database=database.view(settings),
        credentials_unseen=config.unseen_credentials(),
        ledger_error=ledger_error,
        running=running,
        jobs=latest,
    )


def _trouble(root: Path) -> str | None:
    """Why no file can be moved there, whoever asks; None: nothing is known to be in the way."""
    try:
        system = os.statvfs(root)
    except OSError as error:
        return Message("drop folder {root}: {strerror}", root=root, strerror=error.strerror)
    if system.f_flag & os.ST_RDONLY:
        return Message(
            "drop folder {root}: {strerror}", root=root, strerror=os.strerror(errno.EROFS)
        )
    if not system.f_bavail or (system.f_files and not system.f_favail):
        return Message(
            "drop folder {root}: {strerror}", root=root, strerror=os.strerror(errno.ENOSPC)
        )
    return None


def _events_error(settings: Settings) -> str | None:
    polling = settings.force_polling
    if polling or (polling is None and needs_polling(settings.xml_folder)):
        return None
    try:
        Inotify.try_to_watch(settings.xml_folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror
    return None


def _as_json(status: Status) -> dict[str, object]:
    schema = status.database.schema
    return {
        "folder": {
            "path": status.folder_path,
            "error": status.folder_error,
            "events_error": status.events_error,
            "backlog": status.backlog,
            "refused": status.refused_total,
            "left_alone": {
                "total": status.left_total,
                "files": [
                    {"file": escaped(each.path), "reason": each.reason, "advice": each.advice}
                    for each in status.left
                ],
            },
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
    facts.add_row(Message("folder"), status.folder_path)
    waiting = Message(
        "{files} waiting, {refused:,} refused",
        files=output.files(status.backlog),
        refused=status.refused_total,
    )
    if status.folder_error is None or status.backlog:
        facts.add_row("", waiting)
    if status.folder_error is not None:
        facts.add_row("", status.folder_error)
    if status.left_total:
        facts.add_row("", output.left_alone(status.left_total))
    if status.events_error is not None:
        facts.add_row(
            "",
            Message(
                "no events (inotify): {error}; see `nfed check`",
                error=output.line(status.events_error),
            ),
        )
    owner = Message("not running") if status.holder is None else status.holder.described
    facts.add_row(Message("daemon"), status.lock_error or owner)
    facts.add_row(Message("database"), status.database_url)
    facts.add_row("", _database(status.database))
    if status.credentials_unseen:
        facts.add_row(Message("credentials"), config.describe_unseen(status.credentials_unseen))
    if status.ledger_error is not None:
        facts.add_row(Message("ledger"), status.ledger_error)
    for job in status.running:
        facts.add_row(Message("job"), _progress(job))
    output.say_table(facts)
    if status.jobs:
        output.say()
        say_jobs(status.jobs)
    if status.left:
        output.say()
        _say_left_alone(status)
    if status.refused:
        output.say()
        _say_refused(status)


def _database(view: DatabaseView) -> str:
    if view.error is not None:
        return (
            view.error if not view.exists else Message("not reachable: {error}", error=view.error)
        )
    if view.schema is None or view.schema.current is None:
        return Message("reachable, empty")
    return Message(
        "reachable, {notes}, schema {current}",
        notes=output.notes(view.notes or 0),
        current=view.schema.current,
    )


def _progress(job: JobRecord) -> str:
    return Message(
        "{job} {percentage:.0f} %, {processed_files:,} of "
        "{total_files:,} files, {failed_files:,} refused",
        job=job.job_id,
        percentage=job.progress_percentage,
        processed_files=job.processed_files,
        total_files=job.total_files,
        failed_files=job.failed_files,
    )


def _say_left_alone(status: Status) -> None:
    left = output.table(Message("not taken"), Message("reason"), Message("what to do"))
    for each in status.left[:_REFUSED_SHOWN]:
        left.add_row(escaped(each.path), each.reason, each.advice)
    output.say_table(left)
    more = status.left_total - _REFUSED_SHOWN
    if more > 0:
        output.say(Message("and {more:,} more that are not taken", more=more))


def _say_refused(status: Status) -> None:
    refused = output.table(Message("refused file"), Message("reason"))
    for each in status.refused[:_REFUSED_SHOWN]:
        refused.add_row(str(each["file"]), output.line(str(each.get("error"))))
    output.say_table(refused)
    more = status.refused_total - _REFUSED_SHOWN
    if more > 0:
        output.say(Message("and {more:,} more in failed/", more=more))
    output.say(Message("`nfed retry FILE` puts one back, `nfed retry --all` all"))
