"""An outage of one port, said once a minute and not a thousand times."""

import time
from datetime import datetime

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
        self.since: datetime | None = None
        """When it began; None: the port can be used as far as is known."""

    def goes_on(self, state: RetryCallState) -> None:
        """One more attempt failed."""
        self.met(str(state.outcome.exception()) if state.outcome else "no answer")

    def met(self, error: str) -> None:
        """The port could not be used, for this reason."""
        self.error = error
        now = time.monotonic()
        if self.since is None:
            self.since = datetime.now().astimezone()
        if now - self._said_at >= _SAY_EVERY_SECONDS:
            self._said_at = now
            log.warning(self._began, error=self.error, advice="files stay; trying again")

    def ends(self) -> None:
        """An attempt succeeded."""
        if self.error is not None:
            self.error = self.since = None
            log.warning(self._ended)


def outages() -> dict[str, Outage]:
    """One for each port that the world can take away."""
    return {
        "database": Outage("database_unavailable", "database_reachable_again"),
        "ledger": Outage("ledger_unavailable", "ledger_reachable_again"),
    }
