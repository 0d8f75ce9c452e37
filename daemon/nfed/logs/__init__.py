"""Carries what happens to the journal, to JSON lines, or to a terminal, and holds nothing up.

How it works
    Everybody logs through structlog (libraries: through logging) an event's name and its fields.
    `entry` makes one Entry of either, `masking` takes secrets and persons' tax numbers out of it,
    `journal` or `rendering` makes bytes of it, and `outbox` sends them from a thread of its own.
    `strays` catches what Python would write to stderr by itself.
    `events` is the table of nfed's own events: name, MESSAGE_ID, sentence. All three are public.
    What an event means and what to do about it (`journalctl -x`) is not here: it is written by
    hand in deploy/nfed.catalog and deploy/nfed.pt_BR.catalog, and tests hold the three together.

What it promises
    A reader of the log that is slow or stopped delays no import: lines that no longer fit are
    dropped, and the number dropped is logged. No line holds a secret that the settings know.

What it does not do
    It knows no settings: `configure` is told. It keeps no history: that is the ledger's.
"""

import atexit
import logging
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TextIO

import structlog

from nfed.logs.entry import Entry, entry_of_broken_record, entry_of_event, entry_of_record
from nfed.logs.journal import Send, SocketSender, journal_item, journal_sender, stderr_is_journal
from nfed.logs.masking import Mask
from nfed.logs.outbox import DescriptorSink, Item, JournalSink, Outbox, Sink, StreamSink
from nfed.logs.rendering import console_renderer, json_line
from nfed.logs.strays import catch_strays, end_if_nobody_wakes

type Render = Callable[[Entry], Item]

_FLUSH_SECONDS = 2.0


def configure(
    level: str,
    style: str,
    stream: TextIO | None = None,
    *,
    journal_socket: Path | None = None,
    quiet: Collection[str] = (),
    secrets: Collection[str] = (),
) -> None:
    """Sets up structlog and the standard library's logging, which libraries use.

    `style` is auto, console or json. auto means journald's own protocol when stderr is the
    journal and systemd-python is there (or always, to `journal_socket`), else console on a
    terminal, else JSON lines. Events in `quiet` are left out; `secrets` are masked wherever they
    stand. May be called again, without waiting: what is on its way goes its way, and what does not
    get there is counted by the next.
    """
    out = stream or sys.stderr
    in_journal = stderr_is_journal(out)
    sender = _sender(in_journal, journal_socket) if style == "auto" else None
    console = style == "console" or (style == "auto" and sender is None and out.isatty())
    render: Render
    if sender is not None:
        render = journal_item
    elif console:
        render = console_renderer(colours=out.isatty())
    else:
        render = _json_renderer(with_priority=in_journal)
    old = _State.outbox
    outbox = _outbox(
        _sink(out, sender, journal_socket),
        lambda count: render(Entry("warning", "nfed", "log_lines_dropped", {"lines": count})),
    )
    mask = Mask(secrets)
    quiet = frozenset(quiet)

    def handle(entry: Entry) -> None:
        if entry.event not in quiet:
            outbox.put(render(mask(entry)), urgent=entry.is_urgent)

    _configure_structlog(level, handle, with_place=sender is not None)
    _configure_logging(level, handle)
    catch_strays(handle)
    if old is not None and old is not outbox:
        old.retire(outbox, _FLUSH_SECONDS)
        _State.retired = tuple(each for each in (*_State.retired, old) if each.is_running)


def close(seconds: float = _FLUSH_SECONDS) -> None:
    """Writes out what is on its way, for as long as that; what nobody takes by then is lost."""
    if _State.outbox is not None:
        for each in (*_State.retired, _State.outbox):
            each.close(seconds)
        _State.outbox, _State.retired = None, ()


class _State:
    """Keeps what one call of `configure` leaves to the next."""

    outbox: Outbox | None = None
    sink_key: object = None
    retired: tuple[Outbox, ...] = ()


def _sender(in_journal: bool, journal_socket: Path | None) -> Send | None:
    if journal_socket is not None:
        return SocketSender(journal_socket)
    return journal_sender() if in_journal else None


def _sink(out: TextIO, sender: Send | None, journal_socket: Path | None) -> tuple[object, Sink]:
    """The sink, and what tells it from others."""
    if sender is not None:
        return ("journal", journal_socket), JournalSink(sender)
    if out is sys.__stderr__ and out is not None:
        out.flush()
        return ("descriptor", out.fileno()), DescriptorSink(out.fileno())
    return ("stream", id(out)), StreamSink(out)


def _outbox(keyed: tuple[object, Sink], dropped: Callable[[int], Item]) -> Outbox:
    """The one outbox; it is kept while its sink stays the same."""
    key, sink = keyed
    if _State.outbox is None or _State.sink_key != key:
        if _State.sink_key is None:
            atexit.register(close)
        _State.outbox, _State.sink_key = Outbox(sink, dropped), key
    _State.outbox.item_for_dropped = dropped
    return _State.outbox


def _json_renderer(*, with_priority: bool) -> Render:
    return lambda entry: (json_line(entry, with_priority=with_priority),)


def _configure_structlog(level: str, handle: Callable[[Entry], None], *, with_place: bool) -> None:
    place: list[structlog.typing.Processor] = (
        [
            structlog.processors.CallsiteParameterAdder(
                {
                    structlog.processors.CallsiteParameter.PATHNAME,
                    structlog.processors.CallsiteParameter.LINENO,
                    structlog.processors.CallsiteParameter.FUNC_NAME,
                }
            )
        ]
        if with_place
        else []
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *place,
            # Without local variables, and so without document bodies.
            structlog.processors.format_exc_info,
            _as_keywords,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Handing(names[0] if names else "nfed", handle),
        cache_logger_on_first_use=False,
    )


def _as_keywords(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.ProcessorReturnValue:
    return ((dict(event),), {})


class _Handing:
    """The end of structlog's chain: every method hands the finished event on."""

    def __init__(self, name: str, handle: Callable[[Entry], None]) -> None:
        def hand_on(event: dict[str, object]) -> None:
            handle(entry_of_event(name, event))

        self.debug = self.info = self.warning = self.error = self.critical = hand_on


def _configure_logging(level: str, handle: Callable[[Entry], None]) -> None:
    root = logging.getLogger()
    root.handlers = [_Handler(handle)]
    root.setLevel(logging.WARNING)  # libraries only when they complain
    logging.getLogger("nfed").setLevel(level)


class _Handler(logging.Handler):
    """Libraries' records, with the same fields as nfed's own events."""

    def __init__(self, handle: Callable[[Entry], None]) -> None:
        super().__init__()
        self._handle_entry = handle

    def emit(self, record: logging.LogRecord) -> None:
        """A record that cannot be rendered is a fault of the library's; it must not be ours."""
        end_if_nobody_wakes(record)
        try:
            self._handle_entry(entry_of_record(record))
        except Exception as error:
            # Not handleError: it writes the arguments as they are, past the mask.
            self._handle_entry(entry_of_broken_record(record, error))


__all__ = ["close", "configure"]
