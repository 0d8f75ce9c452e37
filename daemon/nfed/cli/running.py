"""`nfed run`."""

import asyncio
import faulthandler
import os
import sys
from pathlib import Path

from nfed import logs
from nfed.cli import output
from nfed.cli.loading import load
from nfed.core.escape import escaped
from nfed.errors import FolderUnfit
from nfed.service.run import run_daemon
from nfed.settings import Loaded, Settings
from nfed.wiring import configure_log
from nfed.words import Message


def run(
    folder: Path | None,
    database: str | None,
    *,
    once: bool,
    http: str | None = None,
    create: bool = False,
) -> int:
    """The daemon, until it is asked to stop; returns the exit code.

    Raises FolderUnfit for a named drop folder that does not exist, unless it is to be made.
    """

    def loaded() -> Loaded:
        return load({"xml_folder": folder, "database_url": database, "http": http})

    def settings() -> Settings:
        return loaded().settings

    # A watchdog ends a hang with SIGABRT: where it hung is then on stderr. Of the thread that takes
    # the signal alone, which is the loop's: reading the frames of threads that go on running kills
    # the process with SIGSEGV once in twenty times, and the traceback with it (CPython gh-116008).
    faulthandler.enable(all_threads=False)
    start = loaded()
    first = start.settings
    if not create and start.origins["xml_folder"] != "default":
        _check_there(first.xml_folder.absolute())
    configure_log(first)
    if sys.stderr.isatty() and not once:
        _say_what_next(first)
    try:
        return asyncio.run(run_daemon(first, once=once, reread=settings))
    finally:
        logs.close()


def _check_there(root: Path) -> None:
    """A misspelt folder would be watched for ever, and nothing would come."""
    if not os.path.lexists(root):
        raise FolderUnfit(
            Message("drop folder {root} does not exist; create it, or say --create", root=root)
        )


def _say_what_next(settings: Settings) -> None:
    """For whoever starts it by hand, once."""
    root = os.path.relpath(settings.xml_folder)
    folder = escaped(str(settings.xml_folder) if root.startswith("..") else f"./{root}")
    command = os.path.relpath(sys.argv[0]) if os.path.exists(sys.argv[0]) else "nfed"
    command = "nfed" if command.startswith("..") or command.endswith(".py") else command
    output.say(
        Message(
            "Copy XML files, or zips of them, into {folder}: imported ones go to done/, refused "
            "ones to failed/, each with its reason. Ctrl-C stops.",
            folder=folder,
        )
    )
    output.say(Message("In another terminal: {command} status", command=command))
