"""Wires everything; the only place that opens and closes things, in one readable order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Self, assert_never

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.arrival import Arrival, Window
from daemon.core.job import JobState
from daemon.core.outcome import Deferred, Reason
from daemon.core.ports import Fate, Shelves
from daemon.documents.document import Checks
from daemon.errors import ConfigError, FolderUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.pipeline import Pace, Pipeline
from daemon.flow.processor import BatchProcessor, Observer, Ports
from daemon.flow.worker import WorkerSettings
from daemon.flow.workers import Workers
from daemon.intake.folder import Folder, opened
from daemon.intake.shelves import FolderShelves
from daemon.intake.watcher import Watch, needs_polling
from daemon.settings import Settings, StoreKind
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


async def run_daemon(settings: Settings, *, once: bool = False) -> int:
    """Watches the folder until SIGTERM or SIGINT; with `once`, imports what is there.

    Returns the exit code: 0; 75 (EX_TEMPFAIL) when `once` met a job that could not run; 128 and the
    signal's number when a second signal made it give up at once.
    Raises FolderUnavailable, FolderBusy, StoreUnavailable or ConfigError before the first file.
    """
    stopping = asyncio.Event()
    with _Signals(stopping.set) as signals:
        return await _run_daemon(settings, stopping, signals, once=once)
    return 128 + (signals.received or 0)


async def _run_daemon(
    settings: Settings, stopping: asyncio.Event, signals: "_Signals", *, once: bool
) -> int:
    root = settings.xml_folder.absolute()
    _make_folder(root)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(opened(root, recursive=settings.recursive))
        shelves = FolderShelves(root, settings.done_subfolders)
        stack.callback(shelves.close)
        processor = await stack.enter_async_context(
            _processor(settings, root, shelves, stopping, owned=True)
        )
        pipeline = Pipeline(
            folder,
            Window(
                settle_seconds=settings.settle_seconds,
                debounce_seconds=settings.debounce_seconds,
                max_wait_seconds=settings.batch_max_wait_seconds,
                max_files=settings.batch_max_files,
            ),
            processor,
            JobManager(),
            root=str(root),
            pace=Pace(
                settings.settle_seconds,
                settings.incomplete_grace_seconds,
                settings.rescan_seconds,
            ),
            stopping=stopping,
            once=once,
        )
        signals.stop = pipeline.stop
        log.info("daemon_started", folder_path=str(root), database=settings.database_shown)
        await _watched(pipeline, settings, root, once)
        log.info(
            "daemon_stopped",
            folder_path=str(root),
            scan_found_without_event_total=pipeline.scan_found_without_event_total,
        )
        return 75 if once and pipeline.failures else 0


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

    Raises what `run_daemon` raises; with `move`, also FolderBusy for a folder that a daemon owns.
    """
    tally = Tally()
    stopping = asyncio.Event()
    with _Signals(stopping.set) as signals:
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
                    _processor(settings, root, shelves, stopping, observer, owned=move)
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


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnavailable(
            f"drop folder {root}: {error.strerror}; create it or set xml_folder"
        ) from error


def _sighted(folder: Folder, names: Iterable[str]) -> Iterator[Arrival]:
    for name in names:
        arrival = folder.sight(name)
        if arrival is not None:
            yield arrival


class _Leave:
    """Shelves that leave every file where it is."""

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        return []


def _store_of(settings: Settings) -> SQLiteStore:
    """The store that the settings name, not yet open."""
    match settings.store_kind:
        case StoreKind.SQLITE:
            assert settings.sqlite_path is not None
            return SQLiteStore(settings.sqlite_path.absolute())
        case StoreKind.POSTGRES | StoreKind.SUPABASE:
            raise ConfigError(f"{settings.database_shown} cannot be fed by this version")
        case _ as unreachable:
            assert_never(unreachable)


@asynccontextmanager
async def _processor(
    settings: Settings,
    root: Path,
    shelves: Shelves,
    stopping: asyncio.Event,
    observer: Observer | None = None,
    *,
    owned: bool,
) -> AsyncIterator[BatchProcessor]:
    """A processor with its store, ledger and workers open; `owned`: with the folder's lock."""
    async with AsyncExitStack() as stack:
        store = _store_of(settings)
        stack.push_async_callback(store.close)
        await store.open()
        ledger = SQLiteLedger(settings.ledger_path.absolute())
        stack.push_async_callback(ledger.close)
        await ledger.open()
        interrupted = await ledger.end_interrupted(
            datetime.now().astimezone(), str(root) if owned else None
        )
        if interrupted:
            log.warning("jobs_interrupted", jobs=interrupted, advice="their files come again")
        workers = await stack.enter_async_context(
            Workers(settings.worker_count, worker_settings_of(settings))
        )
        yield BatchProcessor(
            Ports(workers, store, ledger, shelves),
            root=str(root),
            max_concurrent=settings.max_concurrent_uploads,
            timeout_seconds=settings.batch_timeout_seconds,
            stopping=stopping,
            observer=observer,
        )


async def _watched(pipeline: Pipeline, settings: Settings, root: Path, once: bool) -> None:
    if once:
        await pipeline.run()
        return
    polling = settings.force_polling
    watch = Watch(
        root,
        pipeline.hint,
        recursive=settings.recursive,
        force_polling=needs_polling(root) if polling is None else polling,
    )
    pipeline.on_folder_replaced = watch.restart
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run(), name="watch")
        try:
            await pipeline.run()
        finally:
            watch.close()


class _Signals:
    """First SIGTERM or SIGINT: `stop`. A second ends the block at once, still losing nothing."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.received: int | None = None
        self._insisted = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> bool:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(number)
        return self._insisted and exc_type is asyncio.CancelledError

    def _on_signal(self, number: int) -> None:
        name = signal.Signals(number).name
        if self.received is None:
            self.received = number
            log.info("stopping", signal=name, advice="finishing running chunks; again: at once")
            self.stop()
        elif self._task is not None:
            self._insisted = True
            log.warning("stopping_at_once", signal=name)
            self._task.cancel()
