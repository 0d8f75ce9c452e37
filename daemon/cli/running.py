"""`nfed run`."""

import asyncio
from pathlib import Path

from daemon import logs
from daemon.app import run_daemon
from daemon.settings import load


def run(folder: Path | None, database: str | None, *, once: bool, http: str | None = None) -> int:
    """The daemon, until it is asked to stop; returns the exit code."""
    settings = load({"xml_folder": folder, "database_url": database, "http": http}).settings
    logs.configure(settings.log_level, settings.log_format)
    return asyncio.run(run_daemon(settings, once=once))
