"""`nfed import`: files and folders, now, in the foreground."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from daemon import logs
from daemon.app import configure_log, import_roots
from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.cli.progress import shown_progress, summary
from daemon.core.arrival import shown
from daemon.intake.folder import Folder, is_candidate
from daemon.settings import Loaded, load

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
    output.say(summary(tally, time.monotonic() - began))
    if tally.stopped_by is not None:
        name = signal.Signals(tally.stopped_by).name
        complain(f"stopped by {name}; what is stored stays, the rest was not looked at")
        return ExitCode.SIGNAL + tally.stopped_by
    return ExitCode.SOME_REFUSED if tally.refused or tally.left else ExitCode.OK


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
            raise typer.BadParameter(f"{shown(str(path))}: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            folders[whole] = None
        elif stat.S_ISREG(mode):
            files.setdefault(whole.parent, {})[whole.name] = None
        else:
            raise typer.BadParameter(f"{shown(str(path))} is neither a file nor a folder")
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
