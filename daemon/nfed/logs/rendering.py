"""Renders entries as lines: one JSON object each, or text for people at a terminal."""

import json
from collections.abc import Callable

import structlog

from nfed.core.escape import escaped, escaped_json, escaped_lines
from nfed.logs.entry import Entry
from nfed.logs.events import EVENTS, Event
from nfed.logs.outbox import Item

_NOTICED = 4  # warnings and worse


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
    line = escaped_json(line)  # also for who reads it on a terminal
    prefix = f"<{entry.priority}>" if with_priority else ""
    # A name that is not UTF-8 must not end a log line half-way.
    return f"{prefix}{line}\n".encode("utf-8", "backslashreplace")


_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def console_renderer(*, colours: bool) -> Callable[[Entry], Item]:
    """Lines for people: nfed's own events as the sentences that the journal shows."""
    render = structlog.dev.ConsoleRenderer(
        colors=colours,
        pad_event_to=0,
        pad_level=False,
        sort_keys=False,
        # The default shows local variables, and with them document bodies.
        exception_formatter=structlog.dev.plain_traceback,
    )

    def line(entry: Entry) -> Item:
        event = EVENTS.get(entry.event)
        if event is not None and entry.logger == "nfed":
            text = _sentence(entry, event, colours=colours)
            return (f"{text}\n".encode("utf-8", "backslashreplace"),)
        shown: dict[str, object] = {
            "timestamp": f"{entry.at.astimezone():%H:%M:%S}",
            "level": entry.level,
            "event": escaped(entry.event),
        }
        if entry.logger != "nfed":
            shown["logger"] = entry.logger
        fields = {name: _harmless(value) for name, value in entry.fields.items()}
        text = render(None, entry.level, shown | fields)
        return (f"{text}\n".encode("utf-8", "backslashreplace"),)

    return line


def _sentence(entry: Entry, event: Event, *, colours: bool) -> str:
    """Time, level where it is worth a word, the sentence; then advice, and a traceback's lines."""
    level = "" if entry.priority > _NOTICED else f"{entry.level}: "
    time = f"{entry.at.astimezone():%H:%M:%S}"
    if colours:
        time, level = f"{_DIM}{time}{_PLAIN}", level and f"{_BOLD}{level}{_PLAIN}"
    text = f"{time} {level}{event.message(entry.fields)}"
    advice = entry.fields.get("advice")
    if advice and "{advice}" not in event.sentence:
        text += f"; {escaped(str(advice))}"
    traceback = entry.fields.get("exception")
    return f"{text}\n{escaped_lines(str(traceback))}" if traceback else text


def _harmless(value: object) -> object:
    """A traceback keeps its lines; what is no text is written with quotes, and escaped."""
    return escaped_lines(value) if isinstance(value, str) else value
