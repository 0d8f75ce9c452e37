"""Wires stores, ledger, workers and shelves to a processor, and opens and closes them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon import logs
from daemon.core.arrival import Arrival
from daemon.core.job import JobState
from daemon.core.outcome import Deferred, Reason
from daemon.core.ports import Fate, Shelves
from daemon.documents.document import Checks
from daemon.errors import StoreUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.opening import Patience
from daemon.flow.processor import BatchProcessor, Observer, Ports
from daemon.flow.worker import WorkerSettings
from daemon.flow.workers import Workers
from daemon.intake.folder import Folder, opened
from daemon.intake.shelves import FolderShelves
from daemon.settings import Settings
from daemon.signals import Signals
from daemon.stores.ledger import SQLiteLedger
from daemon.stores.sqlite import SQLiteStore

_WORKER_MEMORY_BYTES = 2 << 30

log: FilteringBoundLogger = structlog.get_logger("nfed")


def checks_of(settings: Settings) -> Checks:
    """The checks that the settings ask for."""
    return Checks(settings.check_schema, settings.check_key, settings.keep_xml)


def worker_settings_of(settings: Settings) -> WorkerSettings:
    """What a worker process needs of the settings."""
    return WorkerSettings(checks_of(settings), settings.max_file_bytes, _WORKER_MEMORY_BYTES)


def configure_log(settings: Settings) -> None:
    """The log as the settings have it."""
    logs.configure(
        settings.log_level,
        settings.log_format,
        journal_socket=settings.journal_socket,
        secrets=settings.secrets,
    )


@dataclass(slots=True)
class Tally:
    """What an import in the foreground came to."""

    total: int = 0
    imported: int = 0
    updated: int = 0
    duplicate: int = 0
    refused: int = 0
    left: int = 0
    """Files that are not where they should be: unreadable, changed meanwhile, of a job that could
    not run; or stored, but not to be moved."""
    stopped_by: int | None = None
    """The number of the signal that asked for a stop."""


async def import_roots(
    settings: Settings,
    roots: Sequence[tuple[Path, Sequence[str] | None]],
    *,
    move: bool,
    observer: Observer | None = None,
) -> Tally:
    """Imports folders, or named files of folders, as they stand.

    Raises FolderUnavailable, StoreUnavailable or ConfigError before the first file; with `move`,
    also FolderBusy for a folder that a daemon owns.
    """
    tally = Tally()
    stopping = asyncio.Event()
    with Signals(stopping.set) as signals:
        for root, names in roots:
            async with AsyncExitStack() as stack:
                shelves: Shelves = _Leave()
                folder = Folder(root, recursive=settings.recursive)
                if move:
                    stack.enter_context(opened(root, recursive=settings.recursive))
                    putting = FolderShelves(root, settings.done_subfolders)
                    stack.callback(putting.close)
                    shelves = putting
                processor = await stack.enter_async_context(
                    open_processor(settings, root, shelves, stopping, observer, owned=move)
                )
                arrivals = folder.scan(()) if names is None else _sighted(folder, names)
                await _import(settings, processor, root, arrivals, tally)
            if stopping.is_set():
                break
    tally.stopped_by = signals.received
    return tally


async def _import(
    settings: Settings,
    processor: BatchProcessor,
    root: Path,
    arrivals: Iterable[Arrival],
    tally: Tally,
) -> None:
    jobs = JobManager()
    for batch in batched(arrivals, settings.batch_max_files):
        job = jobs.create_job(str(root), len(batch))
        final = frozenset(each.path for each in batch)
        stayed = await processor.process(job, batch, final=final)
        tally.total += job.total_files
        tally.imported += job.imported
        tally.updated += job.updated
        tally.duplicate += job.duplicate
        tally.refused += job.refused
        tally.left += job.total_files - job.successful - job.refused
        tally.left += sum(_is_stuck(fate) for fate in stayed)
        if job.state is not JobState.COMPLETED:
            return


def _is_stuck(fate: Fate) -> bool:
    return isinstance(fate.outcome, Deferred) and fate.outcome.reason is Reason.RETRY


def _sighted(folder: Folder, names: Iterable[str]) -> Iterator[Arrival]:
    for name in names:
        arrival = folder.sight(name)
        if arrival is not None:
            yield arrival


class _Leave:
    """Shelves that leave every file where it is."""

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        return []


@asynccontextmanager
async def open_processor(
    settings: Settings,
    root: Path,
    shelves: Shelves,
    stopping: asyncio.Event,
    observer: Observer | None = None,
    *,
    owned: bool,
    patience: Patience | None = None,
) -> AsyncIterator[BatchProcessor]:
    """A processor with its store, ledger and workers open; `owned`: with the folder's lock.

    With `patience`, store and ledger are opened by its `persists`, whenever the world allows it.
    """
    async with AsyncExitStack() as stack:
        store = SQLiteStore(settings.sqlite_path.absolute())
        stack.push_async_callback(store.close)
        ledger = SQLiteLedger(settings.ledger_path.absolute())
        stack.push_async_callback(ledger.close)

        async def open_ledger() -> None:
            await ledger.open()
            now = datetime.now().astimezone()
            interrupted = await ledger.end_interrupted(now, str(root) if owned else None)
            if interrupted:
                log.warning("jobs_interrupted", jobs=interrupted, advice="their files come again")

        if patience is None:
            await store.open()
            await open_ledger()
        workers = await stack.enter_async_context(
            Workers(settings.worker_count, worker_settings_of(settings))
        )
        ports = Ports(workers, store, ledger, shelves)
        yield BatchProcessor(
            ports if patience is None else patience.guarding(ports, store.open, open_ledger),
            root=str(root),
            max_concurrent=settings.max_concurrent_uploads,
            timeout_seconds=settings.batch_timeout_seconds,
            stopping=stopping,
            observer=observer,
            outage_of=None if patience is None else patience.outages,
            log_files=settings.log_files,
        )


async def try_store(settings: Settings) -> None:
    """Raises ConfigError for a database that will never do; one that is away may come back."""
    store = SQLiteStore(settings.sqlite_path.absolute())
    try:
        with suppress(StoreUnavailable):
            await store.open()
    finally:
        await store.close()
