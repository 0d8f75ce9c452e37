"""Stands before a port that the world may take away: a database, the ledger, the disk.

A Guard opens its port, lets attempts through, tries failed ones again and knows since when the
port is away. Whoever calls a guarded port need not know that there is a guard: `guarded` gives the
same ports, each call of which is one attempt. Whoever must not give up calls `insist`.

A guard logs its outage when it begins, at most once a minute while it lasts, and when it ends. A
port that is being opened at the start counts as away once opening it has failed, or took 20 s.

Every answer of a port, good or bad, is a beat: a job that hangs gets none, and so the watchdog of
the service starves. A Meter, where there is one, is told of each attempt.

It does not decide what happens to files meanwhile (they stay: `processor`), nor what counts as the
world's fault (the edges raise StoreUnavailable for it, and nothing else is tried again).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_never,
    wait_random_exponential,
)

from nfed.core.archive import Listing, Member
from nfed.core.arrival import Version
from nfed.core.job import Job
from nfed.core.outcome import Deferred, Outcome, Refused
from nfed.core.ports import Fate, Incoming, Ledger, Reader, Reading, Shelves, Store
from nfed.errors import StoreUnavailable

_SAY_EVERY_SECONDS = 60.0
_OPENING_SECONDS = 20.0  # after that the port is away, though nobody has said no
_JITTERED = wait_random_exponential(multiplier=0.25, max=15)

log: FilteringBoundLogger = structlog.get_logger("nfed")


class _NotOpenYet(StoreUnavailable):
    """Opening the port has neither succeeded nor failed."""


class Meter(Protocol):
    """Counts what passes the ports."""

    def stored(self, seconds: float) -> None:
        """The store answered after so long, whatever it said."""
        ...

    def saved(self, job: Job) -> None:
        """The ledger has the job as it stands."""
        ...

    def recorded(self, fates: Sequence[Fate]) -> None:
        """The ledger has these fates."""
        ...

    def retried(self, port: str) -> None:
        """An attempt failed because the port was away."""
        ...


class Guard:
    """One port's guard; see the module.

    `name` is what the metrics call the port; `began` and `ended` are the log events of an outage.
    `opens` opens it and raises StoreUnavailable while the world is to blame; None: it is open.
    """

    def __init__(
        self,
        name: str,
        began: str = "",
        ended: str = "",
        *,
        opens: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.name = name
        self._events = (began, ended)
        self.beats = 0
        self.asking = 0
        """Attempts under way."""
        self.error: str | None = None
        """Why the port is away; None: it is not, as far as is known."""
        self.since: datetime | None = None
        """Since when."""
        self.tried = asyncio.Event()
        """The port is open, or opening it has failed or taken long."""
        self.meter: Meter | None = None
        self._opens = opens
        self._is_open = opens is None
        self._said_at: float | None = None
        """When this outage was last logged; None: it was not."""

    async def persists(self) -> None:
        """Opens the port, however often that takes.

        Whatever is no StoreUnavailable, such as ConfigError, passes through.
        """
        opens = self._opens
        if opens is not None and not self._is_open:
            slow = asyncio.get_running_loop().call_later(
                _OPENING_SECONDS, self._met, f"no answer within {_OPENING_SECONDS:.0f} s"
            )
            try:
                await self._attempts(opens, stop=stop_never, sleep=asyncio.sleep)
            finally:
                slow.cancel()
        self._is_open = True
        self.tried.set()

    async def open_now(self) -> None:
        """Opens the port once. Raises StoreUnavailable, or what is no fault of the world."""
        if self._opens is not None:
            await self._opens()
        self._is_open = True
        self.tried.set()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One attempt at the port. Raises StoreUnavailable while it is not open."""
        self.asking += 1
        try:
            if not self._is_open:
                raise _NotOpenYet(self.error or "it is being opened")
            yield
        except StoreUnavailable:
            if self.meter is not None:
                self.meter.retried(self.name)
            raise
        finally:
            self.asking -= 1
            self.beats += 1

    async def insist[T](
        self,
        act: Callable[[], Awaitable[T]],
        *,
        until: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]],
    ) -> T:
        """The result of `act`, tried again while the port is away, with jitter.

        `until` says that there is nothing left to wait for; then StoreUnavailable is raised.
        """
        return await self._attempts(act, stop=lambda _: until(), sleep=sleep)

    async def _attempts[T](
        self,
        act: Callable[[], Awaitable[T]],
        *,
        stop: Callable[[RetryCallState], bool],
        sleep: Callable[[float], Awaitable[None]],
    ) -> T:
        async for trial in AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable),
            wait=_back_off,
            stop=stop,
            sleep=sleep,
            before_sleep=self._failed,
            reraise=True,
        ):
            with trial:
                result = await act()
        self._ended()
        return result

    def _failed(self, state: RetryCallState) -> None:
        error = _error_of(state)
        if not isinstance(error, _NotOpenYet):
            self._met(str(error or "no answer"))

    def _met(self, error: str) -> None:
        """The port could not be used, for this reason."""
        self.error = error
        if self.since is None:
            self.since = datetime.now().astimezone()
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_EVERY_SECONDS:
            self._said_at = now
            log.warning(self._events[0], error=error, advice="files stay; trying again")
        self.tried.set()

    def _ended(self) -> None:
        if self._said_at is not None:
            log.warning(self._events[1])
        self.error = self.since = self._said_at = None


def _back_off(state: RetryCallState) -> float:
    """Seconds before the next attempt: more with each, and no less than the port asked for."""
    error = _error_of(state)
    asked = error.retry_after_seconds if isinstance(error, StoreUnavailable) else None
    return max(_JITTERED(state), asked or 0.0)


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


@dataclass(slots=True)
class Guards:
    """The guards of the ports that processors share."""

    database: Guard
    ledger: Guard
    files: Guard = field(default_factory=lambda: Guard("files"))
    """Of workers and shelves, which are never away: it only counts beats."""

    @property
    def beats(self) -> int:
        """Answers of all ports."""
        return self.database.beats + self.ledger.beats + self.files.beats

    @property
    def away(self) -> Guard | None:
        """One whose port is away, the database first."""
        return next((each for each in (self.database, self.ledger) if each.since), None)

    async def persist(self) -> None:
        """Opens database and ledger, however often that takes."""
        async with asyncio.TaskGroup() as group:
            for each in (self.database, self.ledger):
                group.create_task(each.persists(), name=f"opening-{each.name}")

    async def tried(self) -> None:
        """Waits until each is open or known to be away."""
        for each in (self.database, self.ledger):
            await each.tried.wait()

    def report_to(self, meter: Meter) -> None:
        """Tells the meter of each attempt from now on."""
        for each in (self.database, self.ledger, self.files):
            each.meter = meter


def open_guards(
    open_store: Callable[[], Awaitable[object]] | None = None,
    open_ledger: Callable[[], Awaitable[object]] | None = None,
) -> Guards:
    """Guards of ports that are opened thus; None: of one that is open."""
    return Guards(
        Guard("database", "database_unavailable", "database_reachable_again", opens=open_store),
        Guard("ledger", "ledger_unavailable", "ledger_reachable_again", opens=open_ledger),
    )


@dataclass(frozen=True, slots=True)
class Ports:
    """The edges that a processor works through."""

    reader: Reader
    store: Store
    ledger: Ledger
    shelves: Shelves


def guarded(ports: Ports, guards: Guards) -> Ports:
    """The same ports, each call of which is an attempt that its guard lets through."""
    return Ports(
        _Reader(ports.reader, guards.files),
        _Store(ports.store, guards.database),
        _Ledger(ports.ledger, guards.ledger),
        _Shelves(ports.shelves, guards.files),
    )


def guarded_shelves(shelves: Shelves, guards: Guards) -> Shelves:
    """The same for the shelves of one folder."""
    return _Shelves(shelves, guards.files)


class _Store:
    def __init__(self, store: Store, guard: Guard) -> None:
        self._store, self._guard = store, guard

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        began = time.perf_counter()
        try:
            with self._guard.attempt():
                return await self._store.store(incoming, job_id)
        finally:
            if self._guard.meter is not None:
                self._guard.meter.stored(time.perf_counter() - began)


class _Ledger:
    def __init__(self, ledger: Ledger, guard: Guard) -> None:
        self._ledger, self._guard = ledger, guard

    async def save_job(self, job: Job) -> None:
        with self._guard.attempt():
            await self._ledger.save_job(job)
        if self._guard.meter is not None:
            self._guard.meter.saved(job)

    async def record(self, job: Job, fates: Sequence[Fate]) -> None:
        with self._guard.attempt():
            await self._ledger.record(job, fates)
        if self._guard.meter is not None:
            self._guard.meter.recorded(fates)


class _Reader:
    def __init__(self, reader: Reader, guard: Guard) -> None:
        self._reader, self._guard = reader, guard

    async def read(self, paths: Sequence[str]) -> list[Reading]:
        with self._guard.attempt():
            return await self._reader.read(paths)

    async def list_archive(self, path: str, version: Version) -> Listing | Refused | Deferred:
        with self._guard.attempt():
            return await self._reader.list_archive(path, version)

    async def read_members(
        self, path: str, version: Version, members: Sequence[Member]
    ) -> list[Reading]:
        with self._guard.attempt():
            return await self._reader.read_members(path, version, members)

    async def check(self) -> None:
        with self._guard.attempt():
            await self._reader.check()

    async def member_bytes(self, path: str, version: Version, member: Member) -> bytes | None:
        with self._guard.attempt():
            return await self._reader.member_bytes(path, version, member)


class _Shelves:
    def __init__(self, shelves: Shelves, guard: Guard) -> None:
        self._shelves, self._guard = shelves, guard

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        with self._guard.attempt():
            return await self._shelves.put_away(fates, job_id)

    async def keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        with self._guard.attempt():
            return await self._shelves.keep_member(fate, content, job_id)
