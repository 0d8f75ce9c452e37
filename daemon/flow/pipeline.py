"""From the folder to jobs: scan, settle, batch, run; one loop, until a stop is asked for."""

import asyncio
import math
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.arrival import Arrival, Batch, Window, shown
from daemon.core.job import Job, JobState
from daemon.core.outcome import Deferred, Reason
from daemon.core.ports import Fate
from daemon.errors import FolderUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.processor import BatchProcessor
from daemon.flow.requests import Requests

_HEARTBEAT_SECONDS = 1.0
_PULL_FILES = 1000
_SCAN_REST = 10  # a scan starts no sooner than so many times what the last one took
_MAX_PAUSE_SECONDS = 60.0
_MAX_NAMED = 10_000
_BUSY_SECONDS = 0.05
_SHORTEST_SLEEP_SECONDS = 0.005  # whatever is due, the loop never spins

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Inbox(Protocol):
    """The drop folder, as the pipeline sees it (blocking; called in a thread)."""

    def scan(self, skip: Container[str]) -> Iterator[Arrival]:
        """Streams what lies there but for `skip`. Raises FolderUnavailable."""
        ...

    def sight(self, path: str) -> Arrival | None:
        """One file, closer; None: gone."""
        ...

    def is_still_there(self) -> bool:
        """Whether the path still leads to the folder that was opened."""
        ...

    def reopen(self) -> None:
        """Takes a folder that stands in the old one's place. Raises FolderUnavailable/Busy."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that stays: since when, as what, and when it is looked at again."""

    version: tuple[int, int, int, int]
    reason: Reason
    again_at: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The pipeline's times, in seconds."""

    settle: float
    incomplete_grace: float
    rescan: float


class Pipeline:
    """Feeds a processor from a folder.

    `hint` may be called at any time from the loop's thread. With `once`, `run` returns when
    everything that was there has been tried; else when `stop` was called.
    """

    def __init__(
        self,
        inbox: Inbox,
        window: Window,
        processor: BatchProcessor,
        jobs: JobManager,
        *,
        root: str,
        pace: Pace,
        stopping: asyncio.Event,
        once: bool = False,
    ) -> None:
        self._inbox = inbox
        self._window = window
        self._processor = processor
        self._jobs = jobs
        self._root = root
        self._pace = pace
        self._stopping = stopping
        self._once = once
        self._wake = asyncio.Event()
        self._hinted = False
        self._scan: Iterator[Arrival] | None = None
        self._scan_took = 0.0
        self._scan_reason = "start"
        self._next_scan = 0.0
        self._next_rescan = 0.0
        self._in_flight: frozenset[str] = frozenset()
        self._final: dict[str, tuple[int, int, int, int]] = {}
        self.waiting: dict[str, Waiting] = {}
        self._named: set[tuple[str, Reason]] = set()
        self._job: asyncio.Task[None] | None = None
        self._pause_until = 0.0
        self.failures = 0
        self.turns = 0
        """Of the loop, so that one can see that it turns."""
        self.looked = asyncio.Event()
        """The first scan is done, or has filled the window."""
        self._folder_gone = False
        self.scan_found_without_event_total = 0
        self.on_folder_replaced = _nothing
        self.requests = Requests(jobs, str(root))

    def hint(self) -> None:
        """Something may have changed: look."""
        self._hinted = True
        self._wake.set()

    def stop(self) -> None:
        """Finish the running chunks, leave the rest."""
        self._stopping.set()
        self._wake.set()

    def look(self) -> Job:
        """Look now, also at what a cancelled job left; the pending job that the next batch gets.

        When nothing is found, it ends as a job of no files.
        """
        self.waiting = {
            path: waits
            for path, waits in self.waiting.items()
            if waits.reason is not Reason.CANCELLED
        }
        self.hint()
        return self.requests.look()

    def submit(self, batch: Batch) -> Job:
        """The pending job of files that are whole as they stand; paths that were claimed."""
        for arrival in batch:
            self._window.forget(arrival.path)
            self.waiting.pop(arrival.path, None)
        self._wake.set()
        return self.requests.submit(batch)

    async def cancel(self, job_id: str) -> bool:
        """Ends a pending or running job; False: it is neither.

        Its files that have no outcome yet stay, and are left alone until `look`, until they
        change, or until the next start.
        """
        running = self._jobs.running
        if running is not None and running.job_id == job_id:
            self._processor.cancel()
            return True
        job, batch = self.requests.withdraw(job_id)
        if job is None:
            return False
        self._leave_alone(batch)
        await self._processor.give_up(job, "cancelled on request")
        return True

    async def run(self) -> None:
        """Runs until `stop`, or until all is done with `once`."""
        try:
            await self._run_until_stopped()
        finally:
            for job in self.requests.withdraw_all():
                await self._processor.give_up(job, "stopped; its files come again at the start")

    async def _run_until_stopped(self) -> None:
        self._begin_scan("start")
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                self._wake.clear()
                now = time.monotonic()
                await self._look(now)
                self.turns += 1
                self._start_job(group)
                if self._once and self._is_idle():
                    break
                await self._sleep()

    def _is_idle(self) -> bool:
        """With `once`: nothing left to do, but for files that wait."""
        return self._scan is None and self._job is None and not len(self._window)

    async def _look(self, now: float) -> None:
        try:
            if not await asyncio.to_thread(self._inbox.is_still_there):
                await self._reopen()
            if self._scan is None and not self._once:
                if self._hinted and now >= self._next_scan:
                    self._begin_scan("hint")
                elif now >= self._next_rescan:
                    self._begin_scan("rescan")
            if self._scan is not None and self._window.room > 0:
                await self._pull()
            await self._sight_again(time.monotonic())
        except FolderUnavailable as error:
            self._scan = None
            self._next_scan = time.monotonic() + _HEARTBEAT_SECONDS
            self._hinted = True
            if not self._folder_gone:
                self._folder_gone = True
                log.error("folder_unavailable", error=str(error), advice="waiting for it")
        else:
            if self._folder_gone:
                self._folder_gone = False
                log.warning("folder_available_again", folder_path=self._root)

    async def _reopen(self) -> None:
        await asyncio.to_thread(self._inbox.reopen)
        log.warning("folder_replaced", folder_path=self._root)
        self.on_folder_replaced()
        self._begin_scan("replaced")

    def _begin_scan(self, reason: str) -> None:
        self._hinted = False
        self._scan_reason = reason
        self._scan_took = 0.0
        self.requests.scan_begins()
        self._scan = self._inbox.scan(self)

    def __contains__(self, path: object) -> bool:
        """What a scan need not name: paths already on their way."""
        return path in self._in_flight or path in self._window or path in self.requests

    async def _pull(self) -> None:
        """Takes the scan further, as far as the window has room."""
        assert self._scan is not None
        scan = self._scan
        began = time.monotonic()
        found, ended = await asyncio.to_thread(_next, scan, min(self._window.room, _PULL_FILES))
        now = time.monotonic()
        self._scan_took += now - began
        for arrival in found:
            self._meet(arrival, now)
        if ended or self._window.room <= 0:
            self.looked.set()
        if ended:
            self._scan = None
            self.requests.scan_ended()
            self._next_scan = now + _SCAN_REST * self._scan_took
            self._next_rescan = now + self._pace.rescan
        else:
            self._wake.set()

    def _meet(self, arrival: Arrival, now: float) -> None:
        path = arrival.path
        if path in self:
            return
        waits = self.waiting.get(path)
        if waits is not None:
            unchanged = waits.version == arrival.version
            if unchanged and (now < waits.again_at or waits.reason is Reason.RETRY):
                return
            del self.waiting[path]
            if unchanged and waits.reason is Reason.INCOMPLETE:
                self._final[path] = arrival.version  # stood still for the grace time: refused next
        elif self._scan_reason == "rescan":
            self.scan_found_without_event_total += 1
        self._window.sight(arrival, now)

    async def _sight_again(self, now: float) -> None:
        due = self._window.to_sight_again(now)
        for path, waits in list(self.waiting.items()):
            if now >= waits.again_at and self._window.room > len(due):
                due.append(path)
        if not due:
            return
        stuck: list[str] = []
        sightings = await asyncio.to_thread(lambda: [self._inbox.sight(path) for path in due])
        now = time.monotonic()
        for path, arrival in zip(due, sightings, strict=True):
            if arrival is None:
                self._window.forget(path)
                self.waiting.pop(path, None)
                self._final.pop(path, None)
            elif self._is_stuck(arrival):
                stuck.append(path)
            elif arrival.being_written:
                # Out of the window: files that nobody ever closes must not fill it.
                self._window.forget(path)
                again_at = now + max(self._pace.settle, _BUSY_SECONDS)
                self.waiting[path] = Waiting(arrival.version, Reason.BUSY, again_at)
                if self._once:
                    self._name_waiting(path, Reason.BUSY, "somebody is writing it")
            elif path in self._window:
                self._window.sight(arrival, now)
            elif not arrival.readable and path in self.waiting:
                again_at = now + self._pace.rescan
                self.waiting[path] = replace(self.waiting[path], again_at=again_at)
            else:
                self._meet(arrival, now)

        if stuck:
            left = await self._processor.put_away_again(stuck)
            for path in stuck:
                if path in left:
                    again_at = time.monotonic() + self._pace.rescan
                    self.waiting[path] = replace(self.waiting[path], again_at=again_at)
                else:
                    del self.waiting[path]

    def _is_stuck(self, arrival: Arrival) -> bool:
        """Whether only its move is missing."""
        waits = self.waiting.get(arrival.path)
        return (
            waits is not None and waits.reason is Reason.RETRY and waits.version == arrival.version
        )

    def _start_job(self, group: asyncio.TaskGroup) -> None:
        now = time.monotonic()
        if self._job is not None or now < self._pause_until or self._stopping.is_set():
            return
        submitted = self.requests.next_submission()
        if submitted is not None:
            job, batch = submitted
            self._final |= {arrival.path: arrival.version for arrival in batch}
        else:
            batch = self._window.take(now)
            idle = self._scan is None and not len(self._window)
            looked = self.requests.next_look(found=bool(batch), idle=idle)
            if not batch and looked is None:
                return
            job = looked or self._jobs.create_job(self._root, len(batch))
            job.total_files = len(batch)
        self._in_flight = frozenset(arrival.path for arrival in batch)
        self._jobs.running = job
        self._job = group.create_task(self._run(job, batch), name=f"job-{job.job_id}")
        self._wake.set()  # the window has room again

    async def _run(self, job: Job, batch: Batch) -> None:
        final = frozenset(
            arrival.path
            for arrival in batch
            if self._final.pop(arrival.path, None) == arrival.version
        )
        try:
            stayed = await self._processor.process(job, batch, final=final)
            self._keep_waiting(stayed)
            if job.state is JobState.CANCELLED and not self._stopping.is_set():
                still = await asyncio.to_thread(self._still_there, batch)
                self._leave_alone(still)
        finally:
            self._in_flight = frozenset()
            self._jobs.running = None
            self._job = None
            if job.state is JobState.FAILED:
                self.failures += 1
                pause = min(2.0**self.failures, _MAX_PAUSE_SECONDS)
                self._pause_until = time.monotonic() + pause
                self._hinted = True  # its files come again
            else:
                self.failures = 0
            self._wake.set()

    def _keep_waiting(self, stayed: list[Fate]) -> None:
        now = time.monotonic()
        for fate in stayed:
            outcome = fate.outcome
            assert isinstance(outcome, Deferred)
            path = fate.arrival.path
            match outcome.reason:
                case Reason.VANISHED:
                    continue
                case Reason.INCOMPLETE:
                    again = self._pace.incomplete_grace
                case Reason.CHANGED | Reason.BUSY:
                    again = self._pace.settle
                case Reason.UNREADABLE | Reason.RETRY | Reason.CANCELLED:
                    again = self._pace.rescan
            version = fate.reading.version or fate.arrival.version
            self.waiting[path] = Waiting(version, outcome.reason, now + again)
            self._name_waiting(path, outcome.reason, outcome.detail)

    def _still_there(self, batch: Batch) -> Batch:
        return tuple(each for each in batch if self._inbox.sight(each.path) is not None)

    def _leave_alone(self, batch: Batch) -> None:
        """What a cancelled job did not come to."""
        for arrival in batch:
            if arrival.path not in self.waiting:
                self.waiting[arrival.path] = Waiting(arrival.version, Reason.CANCELLED, math.inf)

    def _name_waiting(self, path: str, reason: Reason, detail: str) -> None:
        if (path, reason) not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add((path, reason))
            log.warning("file_deferred", file=shown(path), reason=reason.value, detail=detail)

    async def _sleep(self) -> None:
        """Until something is due, at the latest until the heartbeat looks after the folder."""
        now = time.monotonic()
        moments = [now + _HEARTBEAT_SECONDS]
        settles_at = self._window.settles_at()
        if settles_at is not None:
            moments.append(settles_at)
        due_at = self._window.due_at()
        if due_at is not None and self._job is None:
            moments.append(max(due_at, self._pause_until))
        if self._hinted and self._scan is None:
            moments.append(self._next_scan)
        if self._window.room > 0:
            moments.extend(waits.again_at for waits in self.waiting.values())
        with suppress(TimeoutError):
            async with asyncio.timeout(max(min(moments) - now, _SHORTEST_SLEEP_SECONDS)):
                await self._wake.wait()


def _next(scan: Iterator[Arrival], count: int) -> tuple[list[Arrival], bool]:
    """Up to `count` arrivals, and whether the scan has ended."""
    found: list[Arrival] = []
    for arrival in scan:
        found.append(arrival)
        if len(found) >= count:
            return found, False
    return found, True


def _nothing() -> None:
    return None
