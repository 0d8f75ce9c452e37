"""Turns a folder into jobs: scan, settle, batch, run; one loop, until a stop is asked for."""

import asyncio
import time
from collections.abc import Container, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.arrival import Arrival, Batch, Window
from nfed.core.escape import escaped
from nfed.core.job import Job, JobState
from nfed.core.outcome import Deferred, Reason
from nfed.core.ports import Fate
from nfed.core.waiting import Waiting
from nfed.errors import FolderUnavailable
from nfed.flow.jobs import Jobs, Requests
from nfed.flow.processor import Processor

_HEARTBEAT_SECONDS = 1.0
_PULL_FILES = 1000
_SCAN_REST = 10  # a scan starts no sooner than so many times what the last one took
_MAX_PAUSE_SECONDS = 60.0
_MAX_NAMED = 10_000
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
        """Tells whether the path still leads to the folder that was opened."""
        ...

    def reopen(self) -> None:
        """Takes a folder that stands in the old one's place. Raises FolderUnavailable/Busy."""
        ...


@dataclass(frozen=True, slots=True)
class FolderGone:
    """Why the folder cannot be used, and since when."""

    error: str
    since: datetime


class _Scans:
    """Keeps when the folder is scanned, and how far the scan under way has come."""

    def __init__(self, rescan_seconds: float) -> None:
        self._rescan = rescan_seconds
        self._scan: Iterator[Arrival] | None = None
        self._took = 0.0
        self._next_hinted = 0.0
        self._next_rescan = 0.0
        self.reason = "start"
        self.hinted = False
        """Something may have changed since the last scan began."""

    @property
    def is_under_way(self) -> bool:
        return self._scan is not None

    def due(self, now: float) -> str | None:
        """The reason for which a scan is due; None: it is not."""
        if self.hinted and now >= self._next_hinted:
            return "hint"
        return "rescan" if now >= self._next_rescan else None

    def begin(self, reason: str, scan: Iterator[Arrival]) -> None:
        self.close()
        self._scan, self._took = scan, 0.0
        self.reason, self.hinted = reason, False

    def give_up(self, again_at: float) -> None:
        """The folder is away; it is scanned when it is back."""
        self.close()
        self._next_hinted, self.hinted = again_at, True

    def close(self) -> None:
        """Lets go of the folder that a scan under way has open."""
        if isinstance(self._scan, Generator):
            with suppress(ValueError):  # a thread that was given up is at it still
                self._scan.close()
        self._scan = None

    async def pull(self, count: int) -> tuple[list[Arrival], bool]:
        """The next `count` arrivals at most, and whether the scan has ended."""
        assert self._scan is not None
        began = time.monotonic()
        found, ended = await asyncio.to_thread(_next, self._scan, count)
        now = time.monotonic()
        self._took += now - began
        if ended:
            self._scan = None
            self._next_hinted = now + _SCAN_REST * self._took
            self._next_rescan = now + self._rescan
        return found, ended

    def next_at(self) -> float | None:
        """The time of the scan that a hint asked for; None: there was none."""
        return self._next_hinted if self.hinted and self._scan is None else None


class Pipeline:
    """Feeds a processor from a folder.

    `hint` may be called at any time from the loop's thread. With `once`, `run` returns when
    everything that was there has been tried; else when `stop` was called.
    """

    def __init__(
        self,
        inbox: Inbox,
        window: Window,
        waiting: Waiting,
        processor: Processor,
        jobs: Jobs,
        *,
        root: str,
        rescan_seconds: float,
        stopping: asyncio.Event,
        once: bool = False,
    ) -> None:
        self._inbox = inbox
        self._window = window
        self.waiting = waiting
        self._processor = processor
        self._jobs = jobs
        self._root = root
        self._stopping = stopping
        self._once = once
        self._wake = asyncio.Event()
        self._scans = _Scans(rescan_seconds)
        self._in_flight: frozenset[str] = frozenset()
        self._named: set[tuple[str, Reason]] = set()
        self._job: asyncio.Task[None] | None = None
        self._pause_until = 0.0
        self.failures = 0
        """Jobs that failed in a row."""
        self.turns = 0
        """Of the loop, so that one can see that it turns."""
        self.looked = asyncio.Event()
        """The first scan is done, has filled the window, or is not possible yet."""
        self.folder_gone: FolderGone | None = None
        self.scan_found_without_event_total = 0
        self.on_folder_replaced = _nothing
        self.requests = Requests(jobs, str(root))

    def hint(self) -> None:
        """Something may have changed: look."""
        self._scans.hinted = True
        self._wake.set()

    def stop(self) -> None:
        """Finish the running chunks, leave the rest."""
        self._stopping.set()
        self._wake.set()

    def look(self) -> Job:
        """Look now, also at what a cancelled job left; the pending job that the next batch gets.

        When nothing is found, it ends as a job of no files.
        """
        self.waiting.forget_cancelled()
        self.hint()
        return self.requests.look()

    def submit(self, batch: Batch) -> Job:
        """The pending job of files that are whole as they stand; paths that were claimed."""
        for arrival in batch:
            self._window.forget(arrival.path)
            self.waiting.forget(arrival.path)
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
        self.waiting.keep_cancelled(batch, time.monotonic())
        await self._processor.give_up(job, "cancelled on request")
        return True

    async def run(self) -> None:
        """Runs until `stop`, or until all is done with `once`."""
        try:
            await self._run_until_stopped()
        finally:
            self._scans.close()
            for job in self.requests.withdraw_all():
                await self._processor.give_up(job, "stopped; its files come again at the start")

    def __contains__(self, path: object) -> bool:
        """True for paths that are on their way already: a scan need not name them."""
        return path in self._in_flight or path in self._window or path in self.requests

    async def _run_until_stopped(self) -> None:
        self._begin_scan("start")
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                self._wake.clear()
                await self._look()
                self.turns += 1
                self._start_job(group)
                if self._once and self._is_idle():
                    break
                await self._sleep()

    def _is_idle(self) -> bool:
        """With `once`: nothing left to do, but for files that wait."""
        return not self._scans.is_under_way and self._job is None and not len(self._window)

    # --- the folder: scans and sightings ---------------------------------------------------------

    async def _look(self) -> None:
        try:
            if not await asyncio.to_thread(self._inbox.is_still_there):
                await asyncio.to_thread(self._inbox.reopen)
                log.warning("folder_replaced", folder_path=self._root)
                self.on_folder_replaced()
                self._begin_scan("replaced")
            if not self._scans.is_under_way and not self._once:
                reason = self._scans.due(time.monotonic())
                if reason is not None:
                    self._begin_scan(reason)
            if self._scans.is_under_way and self._window.room > 0:
                await self._pull()
            await self._sight_again()
        except FolderUnavailable as error:
            self._scans.give_up(time.monotonic() + _HEARTBEAT_SECONDS)
            if self.folder_gone is None:
                self.folder_gone = FolderGone(str(error), datetime.now().astimezone())
                log.error("folder_unavailable", error=str(error), advice="waiting for it")
            self.looked.set()
        else:
            if self.folder_gone is not None:
                self.folder_gone = None
                log.warning("folder_available_again", folder_path=self._root)

    def _begin_scan(self, reason: str) -> None:
        self.requests.scan_begins()
        self._scans.begin(reason, self._inbox.scan(self))

    async def _pull(self) -> None:
        """Takes the scan further, as far as the window has room."""
        found, ended = await self._scans.pull(min(self._window.room, _PULL_FILES))
        now = time.monotonic()
        for arrival in found:
            self._meet(arrival, now)
        if ended or self._window.room <= 0:
            self.looked.set()
        if ended:
            self.requests.scan_ended()
        else:
            self._wake.set()

    def _meet(self, arrival: Arrival, now: float) -> None:
        if arrival.path in self:
            return
        if arrival.path in self.waiting:
            if not self.waiting.lets_go(arrival, now):
                return
        elif self._scans.reason == "rescan":
            self.scan_found_without_event_total += 1
        self._window.sight(arrival, now)

    async def _sight_again(self) -> None:
        """Looks at what may have settled, and at what has waited long enough."""
        now = time.monotonic()
        paths = self._window.to_sight_again(now)
        paths += islice(self.waiting.due(now), max(self._window.room - len(paths), 0))
        if not paths:
            return
        sightings = await asyncio.to_thread(lambda: [self._inbox.sight(path) for path in paths])
        now = time.monotonic()
        stuck: list[str] = []
        for path, arrival in zip(paths, sightings, strict=True):
            if arrival is None:
                self._window.forget(path)
                self.waiting.forget(path)
            elif self.waiting.is_stuck(arrival):
                stuck.append(path)
            elif arrival.being_written:
                # Out of the window: files that nobody ever closes must not fill it.
                self._window.forget(path)
                self.waiting.keep(path, arrival.version, Reason.BUSY, now)
                if self._once:
                    self._name_waiting(path, Reason.BUSY, "somebody is writing it")
            elif path in self._window:
                self._window.sight(arrival, now)
            elif not arrival.readable and path in self.waiting:
                self.waiting.keep_on(path, now)
            else:
                self._meet(arrival, now)
        if stuck:
            await self._move_again(stuck)

    async def _move_again(self, stuck: list[str]) -> None:
        """Only the moves of these files are missing."""
        left = await self._processor.put_away_again(stuck)
        for path in stuck:
            if path in left:
                self.waiting.keep_on(path, time.monotonic())
            else:
                self.waiting.forget(path)

    # --- the jobs --------------------------------------------------------------------------------

    def _start_job(self, group: asyncio.TaskGroup) -> None:
        now = time.monotonic()
        if self._job is not None or now < self._pause_until or self._stopping.is_set():
            return
        submitted = self.requests.next_submission()
        if submitted is not None:
            job, batch = submitted
            for arrival in batch:
                self.waiting.make_final(arrival)
        else:
            batch = self._window.take(now)
            idle = not self._scans.is_under_way and not len(self._window)
            looked = self.requests.next_look(found=bool(batch), idle=idle)
            if not batch and looked is None:
                return
            job = looked or self._jobs.create(self._root, len(batch))
            job.total_files = len(batch)
        self._in_flight = frozenset(arrival.path for arrival in batch)
        self._jobs.running = job
        self._job = group.create_task(self._run(job, batch), name=f"job-{job.job_id}")
        self._wake.set()  # the window has room again

    async def _run(self, job: Job, batch: Batch) -> None:
        try:
            final = self.waiting.take_final(batch)
            self._keep_waiting(await self._processor.process(job, batch, final=final))
            if job.state is JobState.CANCELLED and not self._stopping.is_set():
                still = await asyncio.to_thread(self._still_there, batch)
                self.waiting.keep_cancelled(still, time.monotonic())
        finally:
            self._in_flight = frozenset()
            self._jobs.running = None
            self._job = None
            if job.state is JobState.FAILED:
                self.failures += 1
                pause = min(2.0**self.failures, _MAX_PAUSE_SECONDS)
                self._pause_until = time.monotonic() + pause
                self._scans.hinted = True  # for its files, which are retried
            else:
                self.failures = 0
            self._wake.set()

    def _keep_waiting(self, stayed: list[Fate]) -> None:
        now = time.monotonic()
        for fate in stayed:
            outcome = fate.outcome
            assert isinstance(outcome, Deferred)
            if outcome.reason is Reason.VANISHED:
                continue
            version = fate.reading.version or fate.arrival.version
            self.waiting.keep(fate.arrival.path, version, outcome.reason, now)
            self._name_waiting(fate.arrival.path, outcome.reason, outcome.detail)

    def _still_there(self, batch: Batch) -> Batch:
        return tuple(each for each in batch if self._inbox.sight(each.path) is not None)

    def _name_waiting(self, path: str, reason: Reason, detail: str) -> None:
        if (path, reason) not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add((path, reason))
            log.warning("file_deferred", file=escaped(path), reason=reason.value, detail=detail)

    async def _sleep(self) -> None:
        """Until something is due, at the latest until the heartbeat looks after the folder."""
        now = time.monotonic()
        due_at = self._window.due_at()
        moments = [
            now + _HEARTBEAT_SECONDS,
            self._window.settles_at(),
            self._scans.next_at(),
            max(due_at, self._pause_until) if due_at is not None and self._job is None else None,
            self.waiting.next_at() if self._window.room > 0 else None,
        ]
        first = min(each for each in moments if each is not None)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(first - now, _SHORTEST_SLEEP_SECONDS)):
                await self._wake.wait()


def _next(scan: Iterator[Arrival], count: int) -> tuple[list[Arrival], bool]:
    """Up to `count` arrivals, and whether the scan has ended."""
    found = list(islice(scan, count))
    return found, len(found) < count


def _nothing() -> None:
    return None
