"""Entries as lines: one JSON object each, or for people at a terminal."""

import json
from collections.abc import Callable

import structlog

from daemon.logs.entry import Entry
from daemon.logs.outbox import Item


def json_line(entry: Entry, *, with_priority: bool = False) -> bytes:
    """`timestamp`, `level`, `logger`, `event` and `context`, which holds the fields.

    `with_priority`: the line begins with `<6>` or the like, by which journald sorts it.
    """
    line = json.dumps(
        {
            "timestamp": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": entry.level,
            "logger": entry.logger,
            "event": entry.event,
            "context": entry.fields,
        },
        ensure_ascii=False,
        default=str,
    )
    prefix = f"<{entry.priority}>" if with_priority else ""
    # A name that is not UTF-8 must not end a log line half-way.
    return f"{prefix}{line}\n".encode("utf-8", "backslashreplace")


def console_renderer(*, colours: bool) -> Callable[[Entry], Item]:
    """Lines for people."""
    render = structlog.dev.ConsoleRenderer(
        colors=colours,
        pad_event_to=0,
        pad_level=False,
        sort_keys=False,
        # The default shows local variables, and with them document bodies.
        exception_formatter=structlog.dev.plain_traceback,
    )

    def line(entry: Entry) -> Item:
        shown: dict[str, object] = {
            "timestamp": f"{entry.at.astimezone():%H:%M:%S}",
            "level": entry.level,
            "event": entry.event if entry.event.isprintable() else ascii(entry.event),
        }
        if entry.logger != "nfed":
            shown["logger"] = entry.logger
        text = render(None, entry.level, shown | entry.fields)
        return (f"{text}\n".encode("utf-8", "backslashreplace"),)

    return line
