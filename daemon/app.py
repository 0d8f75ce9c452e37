"""Imports in the foreground, and what the daemon and they have in common."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon import logs
from daemon.collector import calm_collector
from daemon.core.arrival import Arrival
from daemon.core.job import JobState
from daemon.core.outcome import Deferred, Reason
from daemon.core.ports import Fate, Shelves
from daemon.edges import Leave, opened_edges, processor_of, store_of
from daemon.errors import StoreUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.processor import BatchProcessor, Observer
from daemon.intake.folder import Folder, opened
from daemon.intake.shelves import FolderShelves
from daemon.settings import Settings
from daemon.signals import Signals
from daemon.stores.ledger_file import try_ledger
from daemon.stores.sqlite import SQLiteStore

log: FilteringBoundLogger = structlog.get_logger("nfed")


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
                shelves: Shelves = Leave()
                folder = Folder(root, recursive=settings.recursive)
                if move:
                    stack.enter_context(opened(root, recursive=settings.recursive))
                    putting = FolderShelves(root, settings.done_subfolders)
                    stack.callback(putting.close)
                    shelves = putting
                edges = await stack.enter_async_context(
                    opened_edges(settings, owned=str(root) if move else None)
                )
                calm_collector()
                processor = processor_of(settings, edges, root, shelves, stopping, observer)
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


async def try_store(settings: Settings) -> None:
    """Raises ConfigError for a database that will never do, or StoreUnavailable for a file that
    cannot be written to; a server that is away may come back."""
    store = store_of(settings)
    try:
        await store.open()
        if isinstance(store, SQLiteStore):
            await store.try_write()
    except StoreUnavailable:
        if isinstance(store, SQLiteStore):
            raise
    finally:
        await store.close()


async def try_ledger_of(settings: Settings) -> None:
    """Raises StoreUnavailable or ConfigError for a ledger that cannot be written to."""
    await asyncio.to_thread(try_ledger, settings.ledger_path.absolute())
