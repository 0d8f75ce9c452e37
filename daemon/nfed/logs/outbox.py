"""Takes log lines out of the process: one thread and a bounded queue.

Whoever reads the log may be slow, stopped or gone; the daemon goes on working. Lines
"""

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

type Item = tuple[bytes, ...]
"""A line; or, for the journal, `NAME=value` of each field."""

_MOST_BYTES = 8 << 20
_KEPT_FOR_URGENT = 1 << 20
_AT_ONCE_BYTES = 64 << 10
_AGAIN_SECONDS = 0.25
_AT_ONCE_SECONDS = 0.05
_OVERHEAD_BYTES = 100  # of an item in the queue, about


class Sink(Protocol):
    """Takes what the thread writes; may block."""

    def write(self, items: Sequence[Item], given_up: threading.Event) -> int:
        """Returns how many it had to drop; tries on until `given_up`."""
        ...


class Outbox:
    """Takes items from any thread without ever waiting; one thread of its own writes them."""

    def __init__(
        self, sink: Sink, dropped: Callable[[int], Item], most_bytes: int = _MOST_BYTES
    ) -> None:
        self.item_for_dropped = dropped
        self._sink = sink
        self._most_bytes = most_bytes
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._dropped = 0
        self._has_inherited = False
        self._heir: Outbox | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._given_up = threading.Event()
        # A daemon thread: one that is stuck in a write must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="nfed-log", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True while its thread is at work."""
        return self._thread.is_alive()

    def put(self, item: Item, *, urgent: bool = False) -> None:
        """Queues it, or drops and counts it; the last of the room is for what is urgent."""
        size = _size(item)
        with self._changed:
            most = self._most_bytes if urgent else self._most_bytes - _KEPT_FOR_URGENT
            if not self._closing and self._bytes + size <= most:
                self._items.append(item)
                self._bytes += size
                self._changed.notify()
                return
        self._lose(1)

    def inherit(self, dropped: int) -> None:
        """Says soon that so many lines were dropped, by an outbox before this one."""
        self._lose(dropped, inherited=True)

    def close(self, seconds: float) -> None:
        """Waits so long for the queue to be written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if not self._given_up.is_set():
            self._thread.join(seconds)
            self._give_up()
        self._thread.join(_AT_ONCE_SECONDS)

    def retire(self, heir: "Outbox", seconds: float) -> None:
        """Closes, too, but hardly waits; what is not written after so long, `heir` reports."""
        with self._changed:
            self._heir = heir
            self._closing = True
            self._changed.notify()
        self._thread.join(_AT_ONCE_SECONDS)  # keeps the order where two sinks lead to one reader
        if self.is_running:
            timer = threading.Timer(seconds, self._give_up)
            timer.daemon = True
            timer.start()

    def _run(self) -> None:
        while (items := self._next()) is not None:
            if lost := self._sink.write(items, self._given_up):
                self._lose(lost)
            else:
                self._report()
        self._give_up()

    def _give_up(self) -> None:
        """The thread may be stuck in a write: of that one's items alone nobody knows the fate."""
        self._given_up.set()
        with self._changed:
            dropped = self._dropped + len(self._items)
            self._items.clear()
            self._bytes = self._dropped = 0
        if dropped:
            self._lose(dropped)

    def _report(self) -> None:
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        if dropped and self._sink.write([self.item_for_dropped(dropped)], self._given_up):
            self._lose(dropped)

    def _lose(self, count: int, *, inherited: bool = False) -> None:
        with self._changed:
            heir = self._heir
            if heir is None:
                self._dropped += count
                self._has_inherited |= inherited
                self._changed.notify()
        if heir is not None:
            heir.inherit(count)

    def _next(self) -> list[Item] | None:
        """The next items, as many as go well together; none of them: what was inherited is to be
        reported; None: closed and all written."""
        with self._changed:
            while not (self._items or self._has_inherited or self._closing):
                self._changed.wait()
            if not self._items and not self._has_inherited:
                return None
            self._has_inherited = False
            taken: list[Item] = []
            size = 0
            while self._items and size < _AT_ONCE_BYTES:
                item = self._items.popleft()
                taken.append(item)
                size += _size(item)
            self._bytes -= size
            return taken


def _size(item: Item) -> int:
    return _OVERHEAD_BYTES + sum(map(len, item))


class DescriptorSink:
    """Lines to a file, pipe, terminal or socket, many in one write."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, items: Sequence[Item], given_up: threading.Event) -> int:
        """A full disk is waited for; a pipe whose other end is closed is not."""
        rest = memoryview(b"".join(part for item in items for part in item))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [], _AGAIN_SECONDS)
                if given_up.is_set():
                    return len(items)
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.EBADF, errno.EIO):
                    return len(items)
                if given_up.wait(_AGAIN_SECONDS):
                    return len(items)
        return 0


class StreamSink:
    """Lines to a Python stream: what a progress bar has put in stderr's place, or a test's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, items: Sequence[Item], given_up: threading.Event) -> int:
        """A stream that was closed takes nothing."""
        try:
            self._stream.write(b"".join(part for item in items for part in item).decode("utf-8"))
            self._stream.flush()
        except (OSError, ValueError):
            return len(items)
        return 0


class JournalSink:
    """Entries to journald; one that restarts is waited for."""

    def __init__(self, send: Callable[[Item], None]) -> None:
        self._send = send

    def write(self, items: Sequence[Item], given_up: threading.Event) -> int:
        """Entry by entry."""
        for number, item in enumerate(items):
            while True:
                try:
                    self._send(item)
                    break
                except OSError:
                    if given_up.wait(_AGAIN_SECONDS):
                        return len(items) - number
        return 0
