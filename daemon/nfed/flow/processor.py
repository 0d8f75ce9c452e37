"""Runs a job, chunk by chunk: read, store, record, put away. Commit first, move second."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.arrival import Arrival, Version
from nfed.core.job import Job, LogFiles
from nfed.core.outcome import Deferred, Outcome, Reason, Refused, of_file, refusal
from nfed.core.ports import Fate, Incoming, Reading, Strikes
from nfed.documents.document import Document
from nfed.errors import (
    NfedError,
    RejectedByDatabase,
    StoreRejected,
    StoreUnavailable,
    XMLTruncated,
)
from nfed.flow.archives import Unpacking
from nfed.flow.chunks import Chunk, Tries, begin_each, chunks_of_files
from nfed.flow.guard import Guard, Guards, Ports, open_guards
from nfed.flow.report import Report
from nfed.words import Message

log: FilteringBoundLogger = structlog.get_logger("nfed")

type Observer = Callable[[Job, Sequence[Fate]], None]


class Processor:
    """Runs jobs, one at a time; at most `max_concurrent` chunks of it are in flight at a time.

    `guards` are those of `ports`; None: ports that are open, and have none.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        root: str,
        max_concurrent: int,
        timeout_seconds: float,
        guards: Guards | None = None,
        strikes: Strikes | None = None,
        stopping: asyncio.Event | None = None,
        observer: Observer | None = None,
        log_files: LogFiles = LogFiles.AUTO,
    ) -> None:
        self._ports = ports
        self._root = root
        self._max_concurrent = max_concurrent
        self._timeout_seconds = timeout_seconds
        self._guards = guards or open_guards()
        self._strikes = strikes or StrikesInMemory()
        self._halt = _Halt(stopping or asyncio.Event())
        self._observer = observer
        self._log_files = log_files
        self._stuck: dict[str, tuple[Fate, str]] = {}

    async def process(
        self, job: Job, batch: Iterable[Arrival], *, final: Container[str] = frozenset()
    ) -> list[Fate]:
        """Runs a pending job to its end; returns the fates of the files that stay.

        A path in `final` is refused, not deferred, when its XML ends too early.
        A job is cancelled when `stopping` is set, or `cancel` called, before its last chunk began,
        and failed when nothing moved for `timeout_seconds` or something broke that is no file's
        fault. Files without an outcome are where they were.
        """
        job.start(_now())
        self._halt.cancelling.clear()
        run = _Run(
            self._ports,
            self._guards,
            self._strikes,
            self._halt,
            self._root,
            job,
            final,
            Report(job, self._log_files),
            self._observer,
            asyncio.Semaphore(self._max_concurrent),
        )
        with structlog.contextvars.bound_contextvars(job_id=job.job_id):
            try:
                async with asyncio.timeout(self._timeout_seconds) as deadline:
                    run.moved = lambda: _reschedule(deadline, self._timeout_seconds)
                    complete = await run.all(batch, asyncio.Semaphore(self._max_concurrent))
            except StoreUnavailable:
                job.cancel(self._halt.why, _now())
            except TimeoutError:
                job.fail(self.outage or f"no progress for {self._timeout_seconds:g} s", _now())
            except Exception as error:
                job.fail(_reason(error), _now())
            except asyncio.CancelledError:
                job.cancel("given up at once, on request", _now())
                raise
            else:
                if complete:
                    job.complete(_now())
                else:
                    job.cancel(self._halt.why, _now())
            finally:
                self._stuck |= {fate.arrival.path: (fate, job.job_id) for fate in run.stuck}
                await self._save(job)
                run.report.ended()
        return run.stayed

    def cancel(self) -> None:
        """Ends the running job after the chunks in flight."""
        self._halt.cancelling.set()

    async def give_up(self, job: Job, reason: str) -> None:
        """Cancels a job that was never begun."""
        job.cancel(reason, _now())
        await self._save(job)

    async def put_away_again(self, paths: Iterable[str]) -> set[str]:
        """Moves files whose fate is on record but that could not be moved; returns those left."""
        left: set[str] = set()
        for path in paths:
            fate, job_id = self._stuck.pop(path)
            if await self._ports.shelves.put_away([fate], job_id):
                self._stuck[path] = (fate, job_id)
                left.add(path)
        return left

    @property
    def outage(self) -> str | None:
        """The error of a port that is away; None: none is."""
        away = self._guards.away
        return None if away is None else away.error

    async def _save(self, job: Job) -> None:
        """Writes the job's end; a ledger that cannot be written to changes nothing else."""
        try:
            await asyncio.shield(self._ports.ledger.save_job(job))
        except StoreUnavailable as error:
            log.warning("ledger_unavailable", error=str(error), advice="history has a gap")


class StrikesInMemory:
    """Strikes for those who own no folder; see ports.Strikes."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Version]] = Counter()

    def add(self, arrival: Arrival) -> int:
        """See ports.Strikes."""
        self._counts[arrival.path, arrival.version] += 1
        return self._counts[arrival.path, arrival.version]

    def forget(self, arrivals: Iterable[Arrival]) -> None:
        """See ports.Strikes."""
        if self._counts:
            for arrival in arrivals:
                self._counts.pop((arrival.path, arrival.version), None)


class _Halt:
    """Says when no more chunks are begun, and outages no longer waited for."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.cancelling = asyncio.Event()

    def is_set(self) -> bool:
        return self.stopping.is_set() or self.cancelling.is_set()

    @property
    def why(self) -> str:
        return "stopped on request" if self.stopping.is_set() else "cancelled on request"

    async def sleep(self, seconds: float) -> None:
        """Ends early when there is nothing left to wait for."""
        waits = [
            asyncio.create_task(event.wait(), name="halt")
            for event in (self.stopping, self.cancelling)
        ]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()


@dataclass(slots=True)
class _Run:
    """One job on its way; what it does for a chunk, it does for files and members alike."""

    ports: Ports
    guards: Guards
    strikes: Strikes
    halt: _Halt
    root: str
    job: Job
    final: Container[str]
    report: Report
    observer: Observer | None
    slots: asyncio.Semaphore
    """Of the chunks in flight."""
    moved: Callable[[], None] = lambda: None
    """Called for each chunk that came to its end."""
    stayed: list[Fate] = field(default_factory=list)
    stuck: list[Fate] = field(default_factory=list)
    """Fates on record whose files could not be moved."""
    _broke_off: bool = False

    async def all(self, batch: Iterable[Arrival], archive_slots: asyncio.Semaphore) -> bool:
        """True when every chunk was begun and finished."""
        archives: list[Arrival] = []
        chunks = chunks_of_files(_without_archives(batch, archives))
        halted = self.halt.is_set
        await self._insist(self.guards.ledger, lambda: self.ports.ledger.save_job(self.job))
        self.report.started()
        async with asyncio.TaskGroup() as group:
            begun = await begin_each(
                group, self.slots, chunks, self._chunk, halted=halted, name="chunk"
            ) and await begin_each(
                group, archive_slots, archives, self._archive, halted=halted, name="archive"
            )
        return begun and not self._broke_off

    async def _chunk(self, chunk: Chunk) -> None:
        began = time.monotonic()
        try:
            readings = await chunk.read(self._tries(), self.root)
            await self._put_away(await self._settled(chunk, readings, self.final, began))
        except StoreUnavailable:
            self._broke_off = True  # passes the retries only when a stop was asked for

    async def _archive(self, archive: Arrival) -> None:
        began = time.monotonic()
        unpacking = Unpacking(
            self.ports,
            self._tries(),
            self.root,
            self.slots,
            self,
            self.halt.is_set,
            self.job,
            archive,
        )
        try:
            outcome = await unpacking.run(final=archive.path in self.final)
            if outcome is None:
                self._broke_off = True
                return
            fate = _fate_of_archive(archive, outcome, (time.monotonic() - began) * 1000)
            await self._record([fate])
            await self._put_away([fate])
        except StoreUnavailable:
            self._broke_off = True

    async def settle(self, chunk: Chunk, readings: Sequence[Reading]) -> list[Fate]:
        """Stores an archive's members and records their fates; see archives.Steps.

        What ends too early inside an archive that is whole will never go on: it is final.
        """
        final = {arrival.path for arrival in chunk.arrivals}
        return await self._settled(chunk, readings, final, time.monotonic())

    def progressed(self, fates: Sequence[Fate]) -> None:
        """See archives.Steps."""
        self.moved()
        self.report.progressed(fates)
        if self.observer is not None:
            self.observer(self.job, fates)

    async def _settled(
        self, chunk: Chunk, readings: Sequence[Reading], final: Container[str], began: float
    ) -> list[Fate]:
        """Stores what was read, and records every fate."""
        results = [
            _result(arrival, reading, arrival.path in final)
            for arrival, reading in zip(chunk.arrivals, readings, strict=True)
        ]
        incoming = [
            Incoming(part, arrival.path)
            for arrival, result in zip(chunk.arrivals, results, strict=True)
            if isinstance(result, tuple)
            for part in result
            if isinstance(part, Document)
        ]
        stored = iter(await self._store(incoming) if incoming else ())
        outcomes = [_outcome(result, stored) for result in results]
        now = _now()
        # A file's own reading, and its share of what the chunk did together.
        own_ms = sum(reading.duration_ms for reading in readings)
        shared_ms = max((time.monotonic() - began) * 1000 - own_ms, 0.0) / len(chunk)
        fates = [
            Fate(arrival, reading, outcome, now, round(reading.duration_ms + shared_ms, 3))
            for arrival, reading, outcome in zip(chunk.arrivals, readings, outcomes, strict=True)
        ]
        await self._record(fates)
        return fates

    async def _store(self, incoming: list[Incoming]) -> list[Outcome]:
        """An outcome for each document; where the database rejects some, one by one."""
        store = self.ports.store
        try:
            return await self._insist(
                self.guards.database, lambda: store.store(incoming, self.job.job_id)
            )
        except StoreRejected as rejection:
            if len(incoming) == 1:
                document = incoming[0].document
                return [refusal(RejectedByDatabase(str(rejection)), document.chave)]
        # One bad file costs only itself.
        return [outcome for each in incoming for outcome in await self._store([each])]

    async def _record(self, fates: Sequence[Fate]) -> None:
        self.job.count(fate.outcome for fate in fates)
        await self._insist(self.guards.ledger, lambda: self.ports.ledger.record(self.job, fates))

    async def _put_away(self, fates: Sequence[Fate]) -> None:
        # Commit first, move second: a crash between the two leaves files that the next
        # start reads again and finds to be duplicates.
        left = await self.ports.shelves.put_away(fates, self.job.job_id)
        self.stuck += left
        waits = Deferred(Reason.RETRY, Message("its fate is known, but it could not be moved"))
        self.stayed += [replace(fate, outcome=waits) for fate in left]
        self.stayed += [fate for fate in fates if isinstance(fate.outcome, Deferred)]
        self.strikes.forget(
            fate.arrival for fate in fates if not isinstance(fate.outcome, Deferred)
        )
        self.progressed(fates)

    def _tries(self) -> Tries:
        return Tries(self.ports.reader, self.strikes, self.moved)

    async def _insist[T](self, guard: Guard, act: Callable[[], Awaitable[T]]) -> T:
        return await guard.insist(act, until=self.halt.is_set, sleep=self.halt.sleep)


type _Result = tuple[Document | Refused, ...] | Refused | Deferred


def _result(arrival: Arrival, reading: Reading, final: bool) -> _Result:
    """Takes a reading only if it is of the very file that had settled."""
    if reading.version is not None and reading.version != arrival.version:
        return Deferred(Reason.CHANGED, Message("the file changed after it had settled"))
    result = reading.result
    if final and isinstance(result, Deferred) and result.reason is Reason.INCOMPLETE:
        return refusal(XMLTruncated(result.detail))
    return result


def _outcome(result: _Result, stored: Iterator[Outcome]) -> Outcome:
    """A file's, taking those of its documents from `stored`."""
    if not isinstance(result, tuple):
        return result
    return of_file([next(stored) if isinstance(part, Document) else part for part in result])


def _fate_of_archive(archive: Arrival, outcome: Outcome, spent_ms: float) -> Fate:
    reading = Reading(outcome if isinstance(outcome, Refused | Deferred) else ())
    return Fate(archive, reading, outcome, _now(), round(spent_ms, 3))


def _without_archives(batch: Iterable[Arrival], archives: list[Arrival]) -> Iterator[Arrival]:
    """The plain files; archives are put aside."""
    for arrival in batch:
        if arrival.is_archive:
            archives.append(arrival)
        else:
            yield arrival


def _reschedule(deadline: asyncio.Timeout, seconds: float) -> None:
    deadline.reschedule(asyncio.get_running_loop().time() + seconds)


def _reason(error: BaseException) -> str:
    """Says why a job could not run, from what a task group raised; logs a bug whole."""
    cause = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, NfedError):
        return str(cause)
    log.exception("batch_processing_broke", error=str(cause))
    return f"{type(cause).__name__}: {cause}"


def _now() -> datetime:
    return datetime.now().astimezone()
