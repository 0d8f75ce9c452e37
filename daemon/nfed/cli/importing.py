"""`nfed import`: imports files and folders now, in the foreground."""

import asyncio
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from nfed import logs
from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.core.escape import escaped
from nfed.core.job import Job
from nfed.core.outcome import Deferred, Refused
from nfed.core.ports import Fate
from nfed.flow.processor import Observer
from nfed.intake.folder import Folder
from nfed.intake.left_alone import is_candidate
from nfed.service.foreground import Tally, import_roots
from nfed.settings import Loaded, Settings
from nfed.wiring import configure_log
from nfed.words import Message, said, word

_SAID_ANYWAY = frozenset({"file_processing_failed", "batch_processing_cancelled"})

type Roots = list[tuple[Path, list[str] | None]]
"""Folders, with None for all that lies there or else the names of files."""


def import_paths(paths: Sequence[Path], database: str | None, *, move: bool) -> int:
    """Imports; returns the exit code."""
    loaded = load({"database_url": database})
    roots = roots_of(paths)
    began = time.monotonic()

    def expected() -> int:
        return _count(roots, recursive=loaded.settings.recursive)

    with shown_progress(expected) as observer:
        _configure_logs(loaded)
        tally = asyncio.run(import_roots(loaded.settings, roots, move=move, observer=observer))
    told = summary(tally, time.monotonic() - began)
    output.say(Message("{summary}; database {path}", summary=told, path=_database(loaded.settings)))
    if tally.stopped_by is not None:
        name = signal.Signals(tally.stopped_by).name
        complain(
            Message(
                "stopped by {name}; what is stored stays, the rest was not looked at", name=name
            )
        )
        return ExitCode.SIGNAL + tally.stopped_by
    return ExitCode.SOME_REFUSED if tally.refused or tally.left else ExitCode.OK


def _database(settings: Settings) -> str:
    """In full, where it is a file: which one is meant depends on where the command is given."""
    path = settings.sqlite_path
    return escaped(settings.database_shown if path is None else str(path.absolute()))


def roots_of(paths: Iterable[Path]) -> Roots:
    """Folders first, then the named files by the folders they lie in, symbolic links followed.

    A file that its folder brings anyway is not named again.
    """
    folders: dict[Path, None] = {}
    files: dict[Path, dict[str, None]] = {}
    for path in paths:
        whole = Path(os.path.realpath(path))
        try:
            mode = whole.stat().st_mode
        except OSError as error:
            raise typer.BadParameter(f"{escaped(str(path))}: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            folders[whole] = None
        elif stat.S_ISREG(mode):
            files.setdefault(whole.parent, {})[whole.name] = None
        else:
            raise typer.BadParameter(
                said("{path} is neither a file nor a folder", path=escaped(str(path)))
            )
    roots: Roots = [(folder, None) for folder in folders]
    for parent, names in files.items():
        rest = [name for name in names if not (parent in folders and is_candidate(name))]
        if rest:
            roots.append((parent, rest))
    return roots


def _count(roots: Roots, *, recursive: bool) -> int:
    logs.configure("CRITICAL", "console")  # the import itself says what it leaves alone
    return sum(
        Folder(root, recursive=recursive).backlog() if names is None else len(names)
        for root, names in roots
    )


def _configure_logs(loaded: Loaded) -> None:
    """Unless a level is set, only what the import does not say itself."""
    settings = loaded.settings
    if loaded.origins["log_level"] != "default":
        configure_log(settings)
        return
    logs.configure("WARNING", settings.log_format, quiet=_SAID_ANYWAY, secrets=settings.secrets)


@contextmanager
def shown_progress(count: Callable[[], int]) -> Iterator[Observer]:
    """An observer that says what becomes of the files while the block runs.

    `count` tells how many to expect; it is asked only for a bar.
    """
    if not output.on_terminal():
        yield _say_remarks
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn(said("left,")),
        TextColumn("{task.fields[refused]} " + said("refused")),
        console=output.console(),
        # Log lines go above the bar, where they do not tear it.
        redirect_stderr=sys.stderr.isatty(),
    )
    task = bar.add_task(said("importing"), total=count(), refused=0)
    refused = 0

    def observe(job: Job, fates: Sequence[Fate]) -> None:
        nonlocal refused
        for line in _remarks(job, fates):
            bar.console.print(Text(word(line)), soft_wrap=True)
        refused += sum(isinstance(fate.outcome, Refused) for fate in fates)
        bar.update(task, advance=len(fates), refused=refused)

    with bar:
        yield observe


def summary(tally: Tally, seconds: float) -> Message:
    """The last line."""
    done = tally.total - tally.left
    speed = ""
    if done and seconds > 0:
        speed = Message(" ({speed:.0f}/s)", speed=done / seconds)
    return Message(
        "{files} in {seconds:.1f} s{speed}: {imported:,} imported, "
        "{updated:,} updated, {duplicate:,} duplicate, {refused:,} "
        "refused, {left:,} left",
        files=output.files(tally.total),
        seconds=seconds,
        speed=speed,
        imported=tally.imported,
        updated=tally.updated,
        duplicate=tally.duplicate,
        refused=tally.refused,
        left=tally.left,
    )


def _say_remarks(job: Job, fates: Sequence[Fate]) -> None:
    try:
        for line in _remarks(job, fates):
            sys.stdout.write(word(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody listens any more; the import goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _remarks(job: Job, fates: Sequence[Fate]) -> Iterator[Message]:
    """A line for each file that was not imported."""
    for fate in fates:
        name = escaped(f"{job.folder_path}/{fate.arrival.path}")
        match fate.outcome:
            case Refused(error, error_type):
                yield Message(
                    "refused {name}: {error_type}: {error}",
                    name=name,
                    error_type=error_type,
                    error=output.line(error),
                )
            case Deferred(reason, detail):
                yield Message(
                    "left {name}: {reason}: {detail}",
                    name=name,
                    reason=output.REASONS[reason],
                    detail=output.line(detail),
                )
            case _:
                continue


class _Speed(ProgressColumn):
    """Files a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text(said("– files/s"))
        return Text(said("{speed:.0f} files/s", speed=speed))
