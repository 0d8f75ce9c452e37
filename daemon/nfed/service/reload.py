"""Reads the settings again on SIGHUP; refuses bad ones and keeps the old."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.errors import NfedError
from nfed.notifiers.systemd import Notifier
from nfed.settings import Settings, changed_names

_OF_THE_LOG = frozenset({"log_level", "log_format", "journal_socket"})

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Reload:
    """Keeps the settings in force, and those that come next.

    `reread` gives the settings as they stand now, `try_out` opens what new settings name, both
    raise NfedError; `apply_log` takes those that concern the log alone.
    """

    def __init__(
        self,
        settings: Settings,
        notifier: Notifier,
        *,
        reread: Callable[[], Settings],
        try_out: Callable[[Settings, Settings], Awaitable[None]],
        apply_log: Callable[[Settings], None],
    ) -> None:
        self.settings = settings
        self.next: Settings | None = None
        """The settings for which the session must end; None: it may go on."""
        self._notifier = notifier
        self._reread = reread
        self._try_out = try_out
        self._apply_log = apply_log
        self._changed: list[str] = []

    async def serve(self, asked: asyncio.Event, end_session: Callable[[], None]) -> None:
        """Answers each SIGHUP, until one asks for another session."""
        while self.next is None:
            await asked.wait()
            asked.clear()
            self._notifier.reloading()
            self._notifier.status("reading the settings again")
            try:
                found = self._reread()
                await self._try_out(self.settings, found)
            except NfedError as error:
                log.error("settings_refused", error=str(error))
                self._notifier.ready()
                continue
            self._changed = changed_names(self.settings, found)
            if _OF_THE_LOG.issuperset(self._changed):
                self.settings = found
                self._apply_log(found)
                self.done()
            else:
                self.next = found
                end_session()

    def begin(self) -> None:
        """Another session begins, with the settings that asked for it."""
        assert self.next is not None
        self.settings, self.next = self.next, None
        self._apply_log(self.settings)

    def done(self) -> None:
        """The new settings are in force."""
        log.info("settings_reloaded", changed=self._changed)
        self._notifier.ready()
