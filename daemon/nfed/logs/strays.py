"""Catches what Python would write to stderr by itself: warnings, and uncaught exceptions."""

import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from nfed.logs.entry import Entry

_TRY_AGAIN = 75  # EX_TEMPFAIL: nothing is lost, and the files wait
_OUT_OF_MEMORY = (
    b"nfed: not enough memory: a thread of the program ended for want of it; allow more "
    b"(MemoryMax= of the unit, ulimit -v)\n"
)
_WAITED_FOR = frozenset({"concurrent.futures", "asyncio"})
"""Libraries that log an exception of theirs and go on: nobody is told, and somebody waits."""


def end_if_nobody_wakes(record: logging.LogRecord) -> None:
    """Ends the process where a callback found no memory: its waiter would wait for ever."""
    if record.name in _WAITED_FOR and record.exc_info and record.exc_info[0] is MemoryError:
        _end_without_memory()


def _end_without_memory() -> None:
    os.write(2, _OUT_OF_MEMORY)
    os._exit(_TRY_AGAIN)


def catch_strays(handle: Callable[[Entry], None]) -> None:
    """From here on they are entries, and so have fields and are masked."""

    def thread_ended(found: threading.ExceptHookArgs) -> None:
        if found.exc_type is MemoryError:
            _end_without_memory()  # whoever waits for this thread would wait for ever
        if found.exc_type is not SystemExit:
            thread = "?" if found.thread is None else found.thread.name
            fields: dict[str, object] = {"thread": thread}
            fields |= _of_exception(found.exc_type, found.exc_value, found.exc_traceback)
            handle(Entry("error", "nfed", "thread_broke", fields))

    def unraisable(found: "sys.UnraisableHookArgs") -> None:
        # The object's name alone: its repr may hold anything.
        name = getattr(found.object, "__qualname__", type(found.object).__qualname__)
        fields: dict[str, object] = {"where": str(name)}
        fields |= _of_exception(found.exc_type, found.exc_value, found.exc_traceback)
        handle(Entry("error", "nfed", "exception_ignored", fields))

    threading.excepthook = thread_ended
    sys.unraisablehook = unraisable
    warnings.showwarning = _warned


def _of_exception(
    kind: type[BaseException],
    error: BaseException | None,
    where: TracebackType | None,
) -> dict[str, object]:
    lines = traceback.format_exception(kind, error, where)
    return {"error_type": kind.__name__, "exception": "".join(lines).rstrip()}


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """As logging.captureWarnings does; but the place is the warning's, and there is no source."""
    logger = logging.getLogger("py.warnings")
    if logger.isEnabledFor(logging.WARNING):
        said = ("%s: %s", (category.__name__, message))
        logger.handle(
            logger.makeRecord(logger.name, logging.WARNING, filename, lineno, *said, None)
        )
