"""What Prometheus may ask: counted where everything passes, in a registry of our own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from platform import python_version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from daemon import __version__
from daemon.api.engine import Engine
from daemon.core.job import ALLOWED, Job, JobState
from daemon.core.outcome import Duplicate, Imported, Outcome, OutcomeName, Updated
from daemon.core.ports import Fate, Incoming, Ledger, Store
from daemon.errors import FolderUnavailable, StoreUnavailable
from daemon.stores.ledger_reader import LedgerReader

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CHUNK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STORE_SECONDS = (0.001, 0.0025, *_CHUNK_SECONDS)
_BACKLOG_REST_SECONDS = 5.0
_BACKLOG_REST = 20  # a count of the backlog starts no sooner than so many times the last one took


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
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
            self.last_success.set(datetime.fromisoformat(last_success).timestamp())

    async def text(self, ledger: LedgerReader, engine: Engine) -> bytes:
        """What a scrape answers; what cannot be counted now keeps its last value."""
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

    async def _count_backlog(self, engine: Engine) -> None:
        began = time.monotonic()
        self._count_again_at = began + _BACKLOG_REST_SECONDS
        try:
            self._backlog.set(await engine.backlog())
        except FolderUnavailable:
            self._backlog.set(float("nan"))
        took = time.monotonic() - began
        self._count_again_at = time.monotonic() + max(_BACKLOG_REST_SECONDS, _BACKLOG_REST * took)


class MeasuredStore:
    """A store whose transactions are timed; see ports.Store."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        with _retries(self._metrics, "database"), self._metrics.store_seconds.time():
            return await self._store.store(incoming, job_id)


class MeasuredLedger:
    """A ledger that is counted from; see ports.Ledger."""

    def __init__(
        self, ledger: Ledger, metrics: Metrics, clock: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock

    async def save_job(self, job: Job) -> None:
        """See ports.Ledger."""
        with _retries(self._metrics, "ledger"):
            await self._ledger.save_job(job)
        self._metrics.ledger_writes += 1
        if not ALLOWED[job.state]:
            self._metrics.jobs_ended.labels(job.state.value).inc()

    async def record(self, job: Job, fates: Sequence[Fate]) -> None:
        """See ports.Ledger."""
        with _retries(self._metrics, "ledger"):
            await self._ledger.record(job, fates)
        self._metrics.ledger_writes += 1
        for fate in fates:
            self._metrics.files.labels(type(fate.outcome).__name__.lower()).inc()
            if isinstance(fate.outcome, Imported | Updated | Duplicate):
                self._metrics.last_success.set(self._clock())
        self._metrics.chunk_seconds.observe(sum(fate.duration_ms for fate in fates) / 1000)


@contextmanager
def _retries(metrics: Metrics, port: str) -> Iterator[None]:
    """Counts what makes the processor try again."""
    try:
        yield
    except StoreUnavailable:
        metrics.retries.labels(port).inc()
        raise
