"""An edge that the world keeps shut at the start: the daemon comes up and waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from daemon.errors import StoreUnavailable
from daemon.flow.back_off import back_off
from daemon.flow.outage import Outage, outages
from daemon.flow.processor import Ports
from daemon.flow.pulse import Pulse, felt_ports

_FIRST_SECONDS = 20.0  # after that the wait has begun, though nobody has said no


class Opening:
    """Opens an edge, again and again until it succeeds.

    `opens` raises StoreUnavailable while the world is to blame. Anything else, such as
    ConfigError, ends `persists`, and with it the daemon.
    """

    def __init__(self, opens: Callable[[], Awaitable[object]], outage: Outage) -> None:
        self._opens = opens
        self._outage = outage
        self.is_open = False
        self.tried = asyncio.Event()
        """It is open, or the wait began."""

    async def persists(self) -> None:
        """Returns when it is open."""
        slow = asyncio.get_running_loop().call_later(
            _FIRST_SECONDS, self._wait_began, f"no answer within {_FIRST_SECONDS:.0f} s"
        )
        try:
            async for trial in AsyncRetrying(
                retry=retry_if_exception_type(StoreUnavailable),
                wait=back_off,
                before_sleep=self._failed,
            ):
                with trial:
                    await self._opens()
        finally:
            slow.cancel()
        self.is_open = True
        self._outage.ends()
        self.tried.set()

    def passing[**P, T](
        self, act: Callable[P, Coroutine[object, object, T]]
    ) -> Callable[P, Coroutine[object, object, T]]:
        """The same act, which raises StoreUnavailable as long as the edge is not open."""

        async def acting(*args: P.args, **kwargs: P.kwargs) -> T:
            if not self.is_open:
                raise StoreUnavailable(self._outage.error or "it is being opened")
            return await act(*args, **kwargs)

        return acting

    def _failed(self, state: RetryCallState) -> None:
        self._wait_began(str(state.outcome.exception()) if state.outcome else "no answer")

    def _wait_began(self, error: str) -> None:
        self._outage.met(error)
        self.tried.set()


class Patience:
    """The openings of one processor's store and ledger, and their outages."""

    def __init__(self) -> None:
        self.outages = outages()
        self.pulse = Pulse()
        self._openings: list[Opening] = []

    def guarding(
        self,
        ports: Ports,
        open_store: Callable[[], Awaitable[object]],
        open_ledger: Callable[[], Awaitable[object]],
    ) -> Ports:
        """The ports, which raise StoreUnavailable until they are open; their answers are beats."""
        store = Opening(open_store, self.outages["database"])
        ledger = Opening(open_ledger, self.outages["ledger"])
        self._openings = [store, ledger]
        return felt_ports(ports, self.pulse, store.passing, ledger.passing)

    async def persists(self) -> None:
        """Until all are open."""
        async with asyncio.TaskGroup() as group:
            for opening in self._openings:
                group.create_task(opening.persists(), name="opening")

    async def tried(self) -> None:
        """Until each is open or waited for."""
        for opening in self._openings:
            await opening.tried.wait()
