"""What Python would write to stderr by itself: warnings, and exceptions that nobody catches."""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from daemon.logs.entry import Entry


def catch_strays(handle: Callable[[Entry], None]) -> None:
    """From here on they are entries, and so have fields and are masked."""

    def thread_ended(found: threading.ExceptHookArgs) -> None:
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
