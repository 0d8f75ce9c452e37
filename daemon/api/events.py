"""Server-sent events: what the ledger learns, at most eight messages a second a client.

A message says what was written since the client's place in the ledger, however much that is, so
nothing is queued: who reads slowly gets fewer messages that say more. The place is the message's
id, and any daemon on the same ledger can go on from it.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from daemon.errors import StoreUnavailable
from daemon.stores.ledger_reader import Changes, LedgerReader

INTERVAL_SECONDS = 0.125
_HEARTBEAT_SECONDS = 15.0
_SEND_SECONDS = 10.0
_MOST_FILES = 100

type Place = tuple[str, int]
"""A ledger's name, and the number of a transaction in it."""


class Events:
    """One look at the ledger for all clients; looks only while there are any."""

    def __init__(
        self,
        ledger: LedgerReader,
        *,
        heartbeat_seconds: float = _HEARTBEAT_SECONDS,
        send_seconds: float = _SEND_SECONDS,
    ) -> None:
        self._ledger = ledger
        self.heartbeat_seconds = heartbeat_seconds
        self.send_seconds = send_seconds
        self._place: Place | None = None
        self._moved = asyncio.Condition()
        self._answers: dict[Place | None, asyncio.Task[tuple[Place, bytes]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self.clients = 0
        self.closing = asyncio.Event()

    def close(self) -> None:
        """Ends every stream at once."""
        self.closing.set()

    def enter(self) -> None:
        """A client comes."""
        self.clients += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="events")

    def leave(self) -> None:
        """A client goes."""
        self.clients -= 1

    async def after(self, place: Place | None) -> tuple[Place, bytes] | None:
        """What came after this place, as a message, and where that ends; None: nothing came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.heartbeat_seconds), self._moved:
                await self._moved.wait_for(lambda: self._place is not None and self._place != place)
                answer = self._answers.get(place)
                if answer is None:
                    # Shared by all clients at this place.
                    answer = self._answers[place] = asyncio.create_task(
                        asyncio.to_thread(self._read, place),
                        name="events-read",
                    )
            return await asyncio.shield(answer)
        return None

    def _read(self, place: Place | None) -> tuple[Place, bytes]:
        changes = self._ledger.changes(place, _MOST_FILES)
        return (changes.ledger, changes.seq), message(changes)

    async def _look(self) -> None:
        while self.clients and not self.closing.is_set():
            with suppress(StoreUnavailable):  # the next look may be luckier
                place = await asyncio.to_thread(self._ledger.place)
                if place != self._place:
                    async with self._moved:
                        self._place = place
                        self._answers.clear()
                        self._moved.notify_all()
            await asyncio.sleep(INTERVAL_SECONDS)


class EventStream(Response):
    """One client's stream; it ends when the client goes, reads nothing, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, events: Events, place: Place | None) -> None:
        super().__init__()
        self._events = events
        self._place = place
        self.raw_headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, for as long as the client listens."""
        self._events.enter()
        try:
            acts = [
                asyncio.create_task(self._feed(send), name="events-feed"),
                asyncio.create_task(_gone(receive), name="events-gone"),
                asyncio.create_task(self._events.closing.wait(), name="events-closing"),
            ]
            try:
                await asyncio.wait(acts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for act in acts:
                    act.cancel()
                ends = await asyncio.gather(*acts, return_exceptions=True)
            if not isinstance(ends[0], TimeoutError):
                await self._send(send, b"", more=False)
        except TimeoutError:
            pass  # it reads nothing: left to the server to cut off
        finally:
            self._events.leave()

    async def _feed(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        # No empty line after it: some clients take a block without data for a message.
        await self._send(send, b"retry: 1000\n")
        while True:
            try:
                news = await self._events.after(self._place)
            except StoreUnavailable:
                news = None
                await asyncio.sleep(1)
            if news is None:
                await self._send(send, b": still here\n")
                continue
            self._place, said = news
            await self._send(send, said)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._events.send_seconds):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def message(changes: Changes) -> bytes:
    """One message with all that changed."""
    told = {
        "jobs": [asdict(job) for job in changes.jobs],
        "files": [asdict(file) for file in changes.files],
        "files_total": changes.files_total,
    }
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f"event: progress\nid: {changes.ledger}-{changes.seq}\ndata: {data}\n\n".encode()


def place_of(event_id: str | None) -> Place | None:
    """What a Last-Event-ID names; None for one that nfed did not write."""
    ledger, dash, number = (event_id or "").rpartition("-")
    if not (dash and number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return ledger, int(number)


async def _gone(receive: Receive) -> None:
    """Returns when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
