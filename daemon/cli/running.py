"""`nfed run`."""

import asyncio
import faulthandler
from pathlib import Path

from daemon import logs
from daemon.app import configure_log
from daemon.service import run_daemon
from daemon.settings import Settings, load


def run(folder: Path | None, database: str | None, *, once: bool, http: str | None = None) -> int:
    """The daemon, until it is asked to stop; returns the exit code."""

    def settings() -> Settings:
        return load({"xml_folder": folder, "database_url": database, "http": http}).settings

    # A watchdog ends a hang with SIGABRT: where it hung is then on stderr.
    faulthandler.enable()
    first = settings()
    configure_log(first)
    try:
        return asyncio.run(run_daemon(first, once=once, reread=settings))
    finally:
        logs.close()
