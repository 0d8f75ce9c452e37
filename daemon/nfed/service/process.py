"""Answers signals, and says how often Python looks for cycles among the objects."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from typing import Self

import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Signals:
    """First SIGTERM or SIGINT: `stop`. A second ends the block at once, still losing nothing.

    With `reloads`, SIGHUP sets `reload_asked`, unless it comes because the terminal was closed:
    that is a stop.
    """

    def __init__(self, stop: Callable[[], None], *, reloads: bool = False) -> None:
        self.stop = stop
        self.received: int | None = None
        self.reload_asked = asyncio.Event()
        self._numbers = (signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if reloads else []))
        self._on_terminal = _has_terminal()
        self._insisted = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    def __enter__(self) -> Self:
        for number in self._numbers:
            self._loop.add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> bool:
        for number in self._numbers:
            self._loop.remove_signal_handler(number)
        return self._insisted and exc_type is asyncio.CancelledError

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGHUP and not (self._on_terminal and not _has_terminal()):
            self.reload_asked.set()
            return
        name = signal.Signals(number).name
        if self.received is None:
            self.received = number
            log.info("stopping", signal=name, advice="finishing running chunks; again: at once")
            self.stop()
        elif self._task is not None:
            self._insisted = True
            log.warning("stopping_at_once", signal=name)
            self._task.cancel()


def _has_terminal() -> bool:
    """Tells whether stdin leads to a terminal that is still there."""
    try:
        return os.isatty(0)
    except OSError:
        return False


_CONTAINERS = 20_000
"""A chunk of 64 notes holds some 3,000; at Python's own 700 a collection would walk them, and
every module with them, several times."""


def calm_collector() -> None:
    """To be called once everything is set up: what is there now stays, so it is not walked again.

    A note's rows are trees without cycles. Without this, looking for some among them costs as much
    as unpickling them. For programs of nfed's own alone: a library does not change its host.
    """
    gc.set_threshold(_CONTAINERS, 10, 10)
    if not gc.get_freeze_count():  # not what an earlier session left, which may be garbage
        gc.freeze()
