"""`nfed run`; and how an event loop is run that a signal may end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

from daemon import logs
from daemon.app import run_daemon
from daemon.cli.exits import ExitCode
from daemon.errors import FolderUnavailable
from daemon.settings import load


def run(folder: Path | None, database: str | None, *, once: bool) -> int:
    """The daemon, until it is asked to stop; returns the exit code."""
    settings = load({"xml_folder": folder, "database_url": database}).settings
    logs.configure(settings.log_level, settings.log_format)
    try:
        settings.xml_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnavailable(
            f"drop folder {settings.xml_folder}: {error.strerror}; create it or set xml_folder"
        ) from error
    code, stopped_by = run_loop(run_daemon(settings, once=once))
    if code is None:
        return ExitCode.SIGNAL + (stopped_by or signal.SIGTERM)
    return code


def run_loop[T](work: Coroutine[object, object, T]) -> tuple[T | None, signal.Signals | None]:
    """The work's result, None if it was given up at once, and the signal that asked for a stop."""
    loops: list[_Loop] = []

    def make() -> _Loop:
        loops.append(_Loop())
        return loops[0]

    with asyncio.Runner(loop_factory=make) as runner:
        try:
            return runner.run(work), loops[0].stopped_by
        except asyncio.CancelledError:
            return None, loops[0].stopped_by


class _Loop(asyncio.SelectorEventLoop):
    """Remembers which signal came, whoever answers it."""

    stopped_by: signal.Signals | None = None

    def add_signal_handler[*Ts](
        self, sig: int, callback: Callable[[*Ts], object], *args: *Ts
    ) -> None:
        def remembering() -> None:
            self.stopped_by = signal.Signals(sig)
            callback(*args)

        super().add_signal_handler(sig, remembering)
