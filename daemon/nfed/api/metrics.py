"""Counts what passes the ports, for Prometheus, in a registry of our own."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from platform import python_version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from nfed import __version__
from nfed.api.engine import Engine
from nfed.core.job import ALLOWED, Job, JobState
from nfed.core.outcome import Duplicate, Imported, OutcomeName, Updated
from nfed.core.ports import Fate
from nfed.errors import FolderUnavailable, StoreUnavailable
from nfed.ledger.reader import LedgerReader

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CHUNK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STORE_SECONDS = (0.001, 0.0025, *_CHUNK_SECONDS)
_BACKLOG_REST_SECONDS = 5.0
_BACKLOG_REST = 20  # a count of the backlog starts no sooner than so many times the last one took


class Metrics:
    """The figures of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.registry = CollectorRegistry()
        self.files = Counter(
            "nfed_files", "Files by how they ended.", ["outcome"], registry=self.registry
        )
        for outcome in OutcomeName:
            self.files.labels(outcome.value)
        self.jobs_ended = Counter(
            "nfed_jobs_ended", "Jobs that ended here.", ["status"], registry=self.registry
        )
        for state in JobState:
            if not ALLOWED[state]:
                self.jobs_ended.labels(state.value)
        self._jobs = Gauge(
            "nfed_jobs", "Jobs in the ledger by status.", ["status"], registry=self.registry
        )
        self._backlog = Gauge(
            "nfed_backlog_files", "Files that wait in the drop folder.", registry=self.registry
        )
        self._left_alone = Gauge(
            "nfed_left_alone_files",
            "Files and folders in the drop folder that are not taken.",
            registry=self.registry,
        )
        self.chunk_seconds = Histogram(
            "nfed_chunk_seconds",
            "From the first byte read of a chunk of files to its commit.",
            buckets=_CHUNK_SECONDS,
            registry=self.registry,
        )
        self.store_seconds = Histogram(
            "nfed_store_seconds",
            "One transaction of the database.",
            buckets=_STORE_SECONDS,
            registry=self.registry,
        )
        self.retries = Counter(
            "nfed_retries",
            "Attempts that failed because a port was not available, each tried again.",
            ["port"],
            registry=self.registry,
        )
        for port in ("database", "ledger"):
            self.retries.labels(port)
        self.last_success = Gauge(
            "nfed_last_success_timestamp_seconds",
            "When a document was last stored or found to be stored.",
            registry=self.registry,
        )
        build = Gauge("nfed_build_info", "1.", ["version", "python"], registry=self.registry)
        build.labels(__version__, python_version()).set(1)
        self._count_again_at = 0.0
        self.ledger_writes = 0
        """How many transactions of this process the ledger has committed; not exported."""

    def remember(self, last_success: str | None) -> None:
        """Goes on from what the ledger knows."""
        if last_success is not None:
            with suppress(ValueError, OverflowError):  # the ledger has no moment there
                self.last_success.set(datetime.fromisoformat(last_success).timestamp())

    async def text(self, ledger: LedgerReader, engine: Engine) -> bytes:
        """Answers a scrape; what cannot be counted now keeps its last value."""
        try:
            told = await asyncio.to_thread(ledger.statistics)
        except StoreUnavailable:
            self.retries.labels("ledger").inc()
        else:
            for status, count in told.status_counts.items():
                self._jobs.labels(status).set(count)
        if time.monotonic() >= self._count_again_at:
            await self._count_backlog(engine)
        return generate_latest(self.registry)

    def stored(self, seconds: float) -> None:
        """See guard.Meter."""
        self.store_seconds.observe(seconds)

    def saved(self, job: Job) -> None:
        """See guard.Meter."""
        self.ledger_writes += 1
        if not ALLOWED[job.state]:
            self.jobs_ended.labels(job.state.value).inc()

    def recorded(self, fates: Sequence[Fate]) -> None:
        """See guard.Meter."""
        self.ledger_writes += 1
        for fate in fates:
            self.files.labels(type(fate.outcome).__name__.lower()).inc()
            if isinstance(fate.outcome, Imported | Updated | Duplicate):
                self.last_success.set(self._clock())
        self.chunk_seconds.observe(sum(fate.duration_ms for fate in fates) / 1000)

    def retried(self, port: str) -> None:
        """See guard.Meter."""
        self.retries.labels(port).inc()

    async def _count_backlog(self, engine: Engine) -> None:
        began = time.monotonic()
        self._count_again_at = began + _BACKLOG_REST_SECONDS
        try:
            census = await engine.census()
        except FolderUnavailable:
            self._backlog.set(float("nan"))
            self._left_alone.set(float("nan"))
        else:
            self._backlog.set(census.waiting)
            self._left_alone.set(census.left)
        took = time.monotonic() - began
        self._count_again_at = time.monotonic() + max(_BACKLOG_REST_SECONDS, _BACKLOG_REST * took)
