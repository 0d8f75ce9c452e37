"""An outage of one port, said once a minute and not a thousand times."""

import time

import structlog
from structlog.typing import FilteringBoundLogger
from tenacity import RetryCallState

_SAY_EVERY_SECONDS = 60.0

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Outage:
    """Keeps why a port cannot be used, while it cannot; `began` and `ended` are log events."""

    def __init__(self, began: str, ended: str) -> None:
        self._began = began
        self._ended = ended
        self._said_at = -_SAY_EVERY_SECONDS
        self.error: str | None = None

    def goes_on(self, state: RetryCallState) -> None:
        """One more attempt failed."""
        self.error = str(state.outcome.exception()) if state.outcome else "no answer"
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY_SECONDS:
            self._said_at = now
            log.warning(self._began, error=self.error, advice="files stay; trying again")

    def ends(self) -> None:
        """An attempt succeeded."""
        if self.error is not None:
            self.error = None
            log.warning(self._ended)
