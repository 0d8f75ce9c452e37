"""Imports folders and files in the foreground, as `nfed import` does."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.arrival import Arrival
from nfed.core.job import JobState
from nfed.core.outcome import Deferred, Reason
from nfed.core.ports import Fate, Shelves
from nfed.flow.jobs import Jobs
from nfed.flow.processor import Observer, Processor
from nfed.intake.folder import Folder, opened
from nfed.intake.shelves import FolderShelves
from nfed.service.process import Signals, calm_collector
from nfed.settings import Settings
from nfed.wiring import LeaveInPlace, open_ports, processor_of

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(slots=True)
class Tally:
    """Counts what an import in the foreground came to."""

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
                shelves: Shelves = LeaveInPlace()
                below = {"recursive": settings.recursive, "by_content": settings.by_content}
                folder = Folder(root, **below)
                if move:
                    stack.enter_context(opened(root, **below))
                    putting = FolderShelves(root, settings.done_subfolders, settings.spoken)
                    stack.callback(putting.close)
                    shelves = putting
                ports = await stack.enter_async_context(
                    open_ports(settings, owned=str(root) if move else None)
                )
                calm_collector()
                processor = processor_of(settings, ports, root, shelves, stopping, observer)
                arrivals = folder.scan(()) if names is None else _sighted(folder, names)
                await _import(settings, processor, root, arrivals, tally)
            if stopping.is_set():
                break
    tally.stopped_by = signals.received
    return tally


async def _import(
    settings: Settings,
    processor: Processor,
    root: Path,
    arrivals: Iterable[Arrival],
    tally: Tally,
) -> None:
    jobs = Jobs()
    for batch in batched(arrivals, settings.batch_max_files):
        job = jobs.create(str(root), len(batch))
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
