"""Tells the supervisor each second what the daemon does, and that it moves on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nfed.notifiers.status import Seen, status_line
from nfed.notifiers.systemd import Notifier

_TICK_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0  # where no watchdog says how long
_MORE_SECONDS = 15.0  # what a tick of a stop that gets on asks for


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at the daemon."""

    seen: Seen
    movement: object
    """Differs from the last look's as soon as anything has moved on."""
    is_waiting: bool
    """The world is waited for, so that nothing need move."""


class Beacon:
    """Feeds the watchdog only while work moves on.

    That the loop turns is shown by this being run at all: a job that hangs in a loop that turns
    must starve the watchdog, too.
    """

    def __init__(self, notifier: Notifier, look: Callable[[], Awaitable[Sight]]) -> None:
        self._notifier = notifier
        self._look = look
        self._movement: object = None
        self._moved_at = time.monotonic()

    async def run(self) -> None:
        """Until it is cancelled."""
        watchdog = self._notifier.watchdog_seconds
        tick = _TICK_SECONDS if watchdog is None else min(_TICK_SECONDS, watchdog / 4)
        while self._notifier.is_heard:
            self.tell(await self._look(), time.monotonic())
            await asyncio.sleep(tick)

    def tell(self, sight: Sight, now: float) -> None:
        """Says what this look has shown."""
        if sight.is_waiting or sight.movement != self._movement:
            self._movement = sight.movement
            self._moved_at = now
        watchdog = self._notifier.watchdog_seconds
        if now - self._moved_at < (watchdog or _PATIENCE_SECONDS):
            if watchdog is not None:
                self._notifier.alive()
            if sight.seen.stopping:
                self._notifier.needs(_MORE_SECONDS)
        self._notifier.status(status_line(sight.seen))
