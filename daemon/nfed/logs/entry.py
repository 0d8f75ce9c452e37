"""Makes one entry of whatever is logged: nfed's own events or a library's records."""

import logging
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_URGENT = 4
# What every record has; the rest came with `extra=`.
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@dataclass(frozen=True, slots=True)
class Place:
    """The line of code that an entry came from."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its facts, ready to be masked and rendered."""

    level: str
    logger: str
    event: str
    fields: dict[str, object]
    place: Place | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def priority(self) -> int:
        """As syslog counts: 3 error, 4 warning, 6 info, 7 debug."""
        return _PRIORITY.get(self.level, 6)

    @property
    def is_urgent(self) -> bool:
        """A warning or worse, for which some room is kept."""
        return self.priority <= _URGENT


def entry_of_event(logger: str, event: dict[str, object]) -> Entry:
    """Makes an entry of what structlog's processors made of a call."""
    name = str(event.pop("event", ""))
    level = str(event.pop("level", "info"))
    path = event.pop("pathname", None)
    line, function = event.pop("lineno", 0), event.pop("func_name", "")
    place = (
        Place(path, line, str(function))
        if isinstance(path, str) and isinstance(line, int)
        else None
    )
    return Entry(level, logger, name, event, place)


def entry_of_record(record: logging.LogRecord) -> Entry:
    """A record of the standard library's, with its `extra` and what is bound to this task."""
    fields = dict(structlog.contextvars.get_contextvars())
    fields |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    if record.exc_info and record.exc_info[0] is not None:
        fields["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return Entry(
        record.levelname.lower(),
        record.name,
        record.getMessage(),
        fields,
        Place(record.pathname, record.lineno, record.funcName or ""),
        datetime.fromtimestamp(record.created, UTC),
    )


def entry_of_broken_record(record: logging.LogRecord, error: Exception) -> Entry:
    """Of a record that cannot be rendered: who made it and where, and nothing that it holds."""
    where = f"{record.pathname}:{record.lineno}"
    return Entry(
        record.levelname.lower(),
        record.name,
        "log_call_broken",
        {"where": where, "error_type": type(error).__name__},
        Place(record.pathname, record.lineno, record.funcName or ""),
        datetime.fromtimestamp(record.created, UTC),
    )
