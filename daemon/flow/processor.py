"""A job's files, chunk by chunk: read, store, record, put away. Commit first, move second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
)

from daemon.core.archive import is_archive
from daemon.core.arrival import Arrival, Batch
from daemon.core.job import Job
from daemon.core.outcome import (
    Deferred,
    Duplicate,
    Imported,
    Outcome,
    Reason,
    Refused,
    Unpacked,
    Updated,
    of_file,
    refusal,
)
from daemon.core.ports import Fate, Incoming, Ledger, Reader, Reading, Shelves, Store, WorkerCrashed
from daemon.documents.document import Document
from daemon.errors import (
    NfedError,
    RejectedByDatabase,
    StoreRejected,
    StoreUnavailable,
    WorkerDied,
    XMLTruncated,
)
from daemon.flow.back_off import back_off
from daemon.flow.outage import Outage, outages
from daemon.flow.report import LogFiles, Report
from daemon.flow.unpack import Steps, Unpacker, archive_fate

CHUNK_FILES = 64
CHUNK_BYTES = 4 << 20
_WORKER_STRIKES = 3

log: FilteringBoundLogger = structlog.get_logger("nfed")

type Observer = Callable[[Job, Sequence[Fate]], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """The edges that a processor works through."""

    reader: Reader
    store: Store
    ledger: Ledger
    shelves: Shelves


class BatchProcessor:
    """Runs jobs, one at a time; at most `max_concurrent` chunks of it are in flight at a time."""

    def __init__(
        self,
        ports: Ports,
        *,
        root: str,
        max_concurrent: int,
        timeout_seconds: float,
        stopping: asyncio.Event | None = None,
        observer: Observer | None = None,
        outage_of: Mapping[str, Outage] | None = None,
        log_files: LogFiles = LogFiles.AUTO,
    ) -> None:
        self._ports = ports
        self._root = root
        self._max_concurrent = max_concurrent
        self._timeout_seconds = timeout_seconds
        self._stopping = stopping or asyncio.Event()
        self._observer = observer
        self._cancelling = asyncio.Event()
        self._stuck: dict[str, tuple[Fate, str]] = {}
        self._outages = outage_of or outages()
        self._log_files = log_files

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
        self._cancelling = asyncio.Event()
        stayed: list[Fate] = []
        report = Report(job, self._log_files)
        with structlog.contextvars.bound_contextvars(job_id=job.job_id):
            try:
                complete = await self._chunks(job, batch, final, stayed, report)
            except StoreUnavailable:
                job.cancel(self._why_halted(), _now())
            except TimeoutError:
                job.fail(self.outage or f"no progress for {self._timeout_seconds:g} s", _now())
            except Exception as error:
                cause = _first(error)
                if isinstance(cause, NfedError):
                    job.fail(str(cause), _now())
                else:
                    log.exception("batch_processing_broke", error=str(cause))
                    job.fail(f"{type(cause).__name__}: {cause}", _now())
            except asyncio.CancelledError:
                job.cancel("given up at once, on request", _now())
                raise
            else:
                if complete:
                    job.complete(_now())
                else:
                    job.cancel(self._why_halted(), _now())
            finally:
                await self._save(job)
                report.ended()
        return stayed

    def cancel(self) -> None:
        """Ends the running job after the chunks in flight."""
        self._cancelling.set()

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

    async def _save(self, job: Job) -> None:
        """Writes the job's end; a ledger that cannot be written to changes nothing else."""
        try:
            await asyncio.shield(self._ports.ledger.save_job(job))
        except StoreUnavailable as error:
            log.warning("ledger_unavailable", error=str(error), advice="history has a gap")

    async def _chunks(
        self,
        job: Job,
        batch: Iterable[Arrival],
        final: Container[str],
        stayed: list[Fate],
        report: Report,
    ) -> bool:
        """True when every chunk was begun and finished."""
        slots = asyncio.Semaphore(self._max_concurrent)
        given_up = False
        loop = asyncio.get_running_loop()

        def settled(fates: Sequence[Fate]) -> None:
            deadline.reschedule(loop.time() + self._timeout_seconds)
            report.progressed(fates)
            if self._observer is not None:
                self._observer(job, fates)

        async def put_away(fates: Sequence[Fate]) -> None:
            # Commit first, move second: a crash between the two leaves files that the next
            # start reads again and finds to be duplicates.
            for fate in await self._ports.shelves.put_away(fates, job.job_id):
                self._stuck[fate.arrival.path] = (fate, job.job_id)
                waits = Deferred(Reason.RETRY, "its fate is known, but it could not be moved")
                stayed.append(replace(fate, outcome=waits))
            stayed.extend(fate for fate in fates if isinstance(fate.outcome, Deferred))
            settled(fates)

        async def run(chunk: Batch) -> None:
            nonlocal given_up
            try:
                await put_away(await self._chunk(job, chunk, final))
            except StoreUnavailable:
                given_up = True  # passes the retries only when a stop was asked for
            finally:
                slots.release()

        async def run_archive(archive: Arrival) -> None:
            nonlocal given_up
            began = time.monotonic()
            try:
                outcome = await unpacker.unpack(job, archive, final=archive.path in final)
                if outcome is None:
                    given_up = True
                    return
                spent_ms = (time.monotonic() - began) * 1000
                fate = archive_fate(archive, outcome, _now(), spent_ms)
                _count(job, [outcome])
                await self._retrying("ledger", lambda: self._ports.ledger.record(job, [fate]))
                await put_away([fate])
            except StoreUnavailable:
                given_up = True
            finally:
                archive_slots.release()

        steps = Steps(self._settle_members, settled, self._is_halted)
        reader, shelves = self._ports.reader, self._ports.shelves
        unpacker = Unpacker(reader, shelves, self._root, slots, steps)
        archive_slots = asyncio.Semaphore(self._max_concurrent)
        archives: list[Arrival] = []

        async with asyncio.timeout(self._timeout_seconds) as deadline:
            await self._retrying("ledger", lambda: self._ports.ledger.save_job(job))
            report.started()
            async with asyncio.TaskGroup() as group:
                for number, chunk in enumerate(_chunked(_without_archives(batch, archives))):
                    await slots.acquire()
                    if self._is_halted():
                        return False
                    group.create_task(run(chunk), name=f"chunk-{number}")
                for number, archive in enumerate(archives):
                    await archive_slots.acquire()
                    if self._is_halted():
                        return False
                    group.create_task(run_archive(archive), name=f"archive-{number}")
        return not given_up

    async def _chunk(self, job: Job, chunk: Batch, final: Container[str]) -> list[Fate]:
        began = time.monotonic()
        return await self._settle(job, chunk, await self._read(chunk), final, began)

    async def _settle_members(
        self, job: Job, chunk: Batch, readings: Sequence[Reading]
    ) -> list[Fate]:
        """What ends too early inside an archive that is whole will never go on: it is final."""
        final = {arrival.path for arrival in chunk}
        return await self._settle(job, chunk, readings, final, time.monotonic())

    async def _settle(
        self,
        job: Job,
        chunk: Batch,
        readings: Sequence[Reading],
        final: Container[str],
        began: float,
    ) -> list[Fate]:
        """Stores what was read, and records every fate."""
        results = [
            _result(arrival, reading, arrival.path in final)
            for arrival, reading in zip(chunk, readings, strict=True)
        ]
        incoming = [
            Incoming(part, arrival.path)
            for arrival, result in zip(chunk, results, strict=True)
            if isinstance(result, tuple)
            for part in result
            if isinstance(part, Document)
        ]
        stored = iter(await self._store(incoming, job.job_id) if incoming else ())
        outcomes = [_outcome(result, stored) for result in results]
        now = _now()
        # A file's own reading, and its share of what the chunk did together.
        own_ms = sum(reading.duration_ms for reading in readings)
        shared_ms = max((time.monotonic() - began) * 1000 - own_ms, 0.0) / len(chunk)
        fates = [
            Fate(arrival, reading, outcome, now, round(reading.duration_ms + shared_ms, 3))
            for arrival, reading, outcome in zip(chunk, readings, outcomes, strict=True)
        ]
        _count(job, outcomes)
        await self._retrying("ledger", lambda: self._ports.ledger.record(job, fates))
        return fates

    async def _read(self, chunk: Batch) -> list[Reading]:
        paths = [f"{self._root}/{arrival.path}" for arrival in chunk]
        reader = self._ports.reader
        try:
            return await reader.read(paths)
        except WorkerCrashed as crash:
            log.warning("worker_replaced", error=str(crash), files=len(paths))
        return [await self._read_alone(path) for path in paths]

    async def _read_alone(self, path: str) -> Reading:
        """A file that kills its worker alone, again and again, is at fault."""
        crash: WorkerCrashed | None = None
        for _ in range(_WORKER_STRIKES):
            try:
                return (await self._ports.reader.read([path]))[0]
            except WorkerCrashed as error:
                crash = error
        return Reading(
            refusal(WorkerDied(f"reading it failed {_WORKER_STRIKES} times, last: {crash}"))
        )

    async def _store(self, incoming: list[Incoming], job_id: str) -> list[Outcome]:
        store = self._ports.store
        try:
            return await self._retrying("database", lambda: store.store(incoming, job_id))
        except StoreRejected as rejection:
            if len(incoming) == 1:
                document = incoming[0].document
                return [refusal(RejectedByDatabase(str(rejection)), document.chave)]
        # One bad file costs only itself.
        return [outcome for each in incoming for outcome in await self._store([each], job_id)]

    async def _retrying[T](self, port: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Until it succeeds, a stop is asked for or the job's time is up; with jitter."""
        outage = self._outages[port]
        async for trial in AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable),
            wait=back_off,
            stop=lambda _: self._is_halted(),
            sleep=self._sleep,
            before_sleep=outage.goes_on,
            reraise=True,
        ):
            with trial:
                result = await attempt()
        outage.ends()
        return result

    async def _sleep(self, seconds: float) -> None:
        """Ends early when there is nothing left to wait for."""
        halts = [
            asyncio.create_task(event.wait(), name="halt")
            for event in (self._stopping, self._cancelling)
        ]
        try:
            await asyncio.wait(halts, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for halt in halts:
                halt.cancel()

    def _is_halted(self) -> bool:
        return self._stopping.is_set() or self._cancelling.is_set()

    def _why_halted(self) -> str:
        return "stopped on request" if self._stopping.is_set() else "cancelled on request"

    @property
    def outage(self) -> str | None:
        """Why a job could not go on, if the world is to blame."""
        return next((each.error for each in self._outages.values() if each.error), None)


def _without_archives(batch: Iterable[Arrival], archives: list[Arrival]) -> Iterator[Arrival]:
    """The plain files; archives are put aside."""
    for arrival in batch:
        if is_archive(arrival.path):
            archives.append(arrival)
        else:
            yield arrival


def _chunked(batch: Iterable[Arrival]) -> Iterator[Batch]:
    """At most CHUNK_FILES files and about CHUNK_BYTES bytes each."""
    chunk: list[Arrival] = []
    size = 0
    for arrival in batch:
        if chunk and (len(chunk) == CHUNK_FILES or size + arrival.size_bytes > CHUNK_BYTES):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(arrival)
        size += arrival.size_bytes
    if chunk:
        yield tuple(chunk)


type _Result = tuple[Document | Refused, ...] | Refused | Deferred


def _outcome(result: _Result, stored: Iterator[Outcome]) -> Outcome:
    """A file's, taking those of its documents from `stored`."""
    if not isinstance(result, tuple):
        return result
    return of_file([next(stored) if isinstance(part, Document) else part for part in result])


def _result(arrival: Arrival, reading: Reading, final: bool) -> _Result:
    """What was read counts only if it is the very file that had settled."""
    if reading.version is not None and reading.version != arrival.version:
        return Deferred(Reason.CHANGED, "the file changed after it had settled")
    result = reading.result
    if final and isinstance(result, Deferred) and result.reason is Reason.INCOMPLETE:
        return refusal(XMLTruncated(result.detail))
    return result


def _count(job: Job, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        match outcome:
            case Imported():
                job.imported += 1
            case Updated():
                job.updated += 1
            case Duplicate():
                job.duplicate += 1
            case Refused():
                job.refused += 1
            case Deferred():
                job.deferred += 1
            case Unpacked():
                pass  # its members are counted


def _first(error: BaseException) -> BaseException:
    """What a task group's error is about."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _now() -> datetime:
    return datetime.now().astimezone()
