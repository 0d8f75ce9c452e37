"""The daemon: sessions from start to stop, each with the settings of its time."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.app import configure_log, try_ledger_of, try_store
from daemon.batch.job_manager import get_job_manager
from daemon.collector import calm_collector
from daemon.core.arrival import Window
from daemon.edges import opened_edges, processor_of
from daemon.errors import FolderUnavailable, StoreUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.opening import Patience
from daemon.flow.pipeline import Pace, Pipeline
from daemon.http_port import HttpPort
from daemon.intake.folder import Folder
from daemon.intake.shelves import FolderShelves
from daemon.intake.watcher import Watch, needs_polling
from daemon.logs.journal import try_socket
from daemon.notifiers.beacon import Beacon
from daemon.notifiers.systemd import Notifier
from daemon.reload import Reload
from daemon.settings import Settings, changed_names
from daemon.signals import Signals
from daemon.supervised import Backlog, Lookout, SinceStart

_FORGET_SECONDS = 3600.0
_OF_THE_STORE = frozenset({"database_url", "supabase_url", "supabase_service_key"})

log: FilteringBoundLogger = structlog.get_logger("nfed")


async def run_daemon(
    settings: Settings, *, once: bool = False, reread: Callable[[], Settings] | None = None
) -> int:
    """Watches the folder until SIGTERM or SIGINT; with `once`, imports what is there.

    SIGHUP takes the settings that `reread` gives. Without `once`, a database that cannot be used
    is waited for, also at the start.
    Returns the exit code: 0; 75 (EX_TEMPFAIL) when `once` met a job that could not run; 128 and the
    signal's number when a second signal made it give up at once.
    Raises FolderUnavailable, FolderBusy or ConfigError before the first file, with `once` also
    StoreUnavailable.
    """
    with Signals(_nothing, reloads=reread is not None and not once) as signals:
        async with AsyncExitStack() as stack:
            service = _Service(settings, signals, stack, once=once)
            return await service.run(reread or (lambda: settings))
    return 128 + (signals.received or 0)


class _Service:
    """One session after another: a session ends when its settings are no longer those in force."""

    def __init__(
        self, settings: Settings, signals: Signals, stack: AsyncExitStack, *, once: bool
    ) -> None:
        self._signals = signals
        self._once = once
        self._notifier = Notifier()
        self._since_start = SinceStart()
        self._failures = 0
        self._settings = settings
        self._folder = _opened(settings)
        self._next_folder: Folder | None = None
        """Opened to try it out, and kept."""
        stack.callback(self._close_folders)
        self._port = HttpPort()
        stack.callback(self._port.close)

    async def run(self, reread: Callable[[], Settings]) -> int:
        """Until a stop; returns the exit code."""
        reload = Reload(
            self._settings,
            self._notifier,
            reread=reread,
            try_out=self._try_out,
            apply_log=configure_log,
        )
        scanned = await self._session(reload, self._started)
        while reload.next is not None and self._signals.received is None:
            reload.begin()
            self._settings = reload.settings
            self._take_next_folder()
            scanned += await self._session(reload, reload.done)
        log.info(
            "daemon_stopped",
            folder_path=str(self._folder.root),
            scan_found_without_event_total=scanned,
        )
        return 75 if self._once and self._failures else 0

    async def _session(self, reload: Reload, is_up: Callable[[], None]) -> int:
        """Runs with the settings in force; returns how many files only a scan had found."""
        settings, root = self._settings, self._folder.root
        stopping = asyncio.Event()
        self._signals.stop = self._stopper(stopping.set)
        async with AsyncExitStack() as stack:
            shelves = FolderShelves(root, settings.done_subfolders)
            stack.callback(shelves.close)
            patience = None if self._once else Patience()
            http = None if self._once else self._port.service(settings)
            edges = await stack.enter_async_context(
                opened_edges(settings, owned=str(root), patience=patience)
            )
            calm_collector()
            if http is not None:
                edges = http.measured(edges)
            processor = processor_of(
                settings, edges, root, shelves, stopping, self._since_start, patience
            )
            jobs = JobManager()
            pipeline = Pipeline(
                self._folder,
                Window(
                    settle_seconds=settings.settle_seconds,
                    debounce_seconds=settings.debounce_seconds,
                    max_wait_seconds=settings.batch_max_wait_seconds,
                    max_files=settings.batch_max_files,
                ),
                processor,
                jobs,
                root=str(root),
                pace=Pace(
                    settings.settle_seconds,
                    settings.incomplete_grace_seconds,
                    settings.rescan_seconds,
                ),
                stopping=stopping,
                once=self._once,
            )
            self._signals.stop = self._stopper(pipeline.stop)
            if self._signals.received is not None:
                pipeline.stop()
            if patience is None:
                self._started()
                await pipeline.run()
            else:
                answers = (
                    None
                    if http is None
                    else http.run(pipeline, processor, self._folder, edges, stopping)
                )
                await self._watched(pipeline, jobs, patience, reload, is_up, stopping, answers)
            self._failures = pipeline.failures
            return pipeline.scan_found_without_event_total

    async def _watched(
        self,
        pipeline: Pipeline,
        jobs: JobManager,
        patience: Patience,
        reload: Reload,
        is_up: Callable[[], None],
        stopping: asyncio.Event,
        http: Coroutine[None, None, None] | None,
    ) -> None:
        """The pipeline, with whoever goes along with it."""
        settings, root = self._settings, self._folder.root
        polling = settings.force_polling
        watch = Watch(
            root,
            pipeline.hint,
            recursive=settings.recursive,
            force_polling=needs_polling(root) if polling is None else polling,
        )
        pipeline.on_folder_replaced = watch.restart
        lookout = Lookout(
            pipeline,
            jobs,
            patience.pulse,
            patience.outages,
            Backlog(self._folder.backlog),
            self._since_start,
            stopping.is_set,
        )

        async def announce() -> None:
            await pipeline.looked.wait()
            await patience.tried()
            is_up()

        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(), name="watch")
            if http is not None:  # ends by itself, when it has answered
                group.create_task(http, name="http")
            companions = [
                group.create_task(_forget_old_jobs(settings), name="retention"),
                group.create_task(patience.persists(), name="opening"),
                group.create_task(announce(), name="announce"),
                group.create_task(Beacon(self._notifier, lookout.look).run(), name="beacon"),
                group.create_task(
                    reload.serve(self._signals.reload_asked, pipeline.stop), name="reload"
                ),
            ]
            try:
                await pipeline.run()
            finally:
                watch.close()
                for companion in companions:
                    companion.cancel()

    def _stopper(self, stop: Callable[[], None]) -> Callable[[], None]:
        def stop_and_say() -> None:
            self._notifier.stopping()
            stop()

        return stop_and_say

    def _started(self) -> None:
        database = self._settings.database_shown
        log.info("daemon_started", folder_path=str(self._folder.root), database=database)
        self._notifier.ready()

    async def _try_out(self, old: Settings, new: Settings) -> None:
        """Opens what the new settings name.

        Raises FolderUnavailable, FolderBusy, StoreUnavailable or ConfigError.
        """
        if new.journal_socket not in (None, old.journal_socket):
            try_socket(new.journal_socket)
        if not _OF_THE_STORE.isdisjoint(changed_names(old, new)):
            await try_store(new)
        if new.ledger_path.absolute() != old.ledger_path.absolute():
            await try_ledger_of(new)
        self._port.try_out(new)
        if new.xml_folder.absolute() != self._folder.root:
            self._next_folder = _opened(new)

    def _take_next_folder(self) -> None:
        if self._next_folder is not None:
            self._folder.close()
            self._folder, self._next_folder = self._next_folder, None
        self._folder.recursive = self._settings.recursive

    def _close_folders(self) -> None:
        self._folder.close()
        if self._next_folder is not None:
            self._next_folder.close()


def _opened(settings: Settings) -> Folder:
    root = settings.xml_folder.absolute()
    _make_folder(root)
    folder = Folder(root, recursive=settings.recursive)
    folder.open()
    return folder


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnavailable(
            f"drop folder {root}: {error.strerror}; create it or set xml_folder"
        ) from error


async def _forget_old_jobs(settings: Settings) -> None:
    """Once an hour: the ledger keeps what `job_retention_days` says, and failed jobs."""
    manager = get_job_manager(settings.ledger_path)
    while True:
        try:
            forgotten = await asyncio.to_thread(
                manager.cleanup_old_jobs, settings.job_retention_days * 86_400
            )
        except StoreUnavailable as error:
            log.warning("ledger_unavailable", error=str(error), advice="old jobs stay for now")
        else:
            if forgotten:
                log.info("old_jobs_forgotten", jobs=forgotten)
        await asyncio.sleep(_FORGET_SECONDS)


def _nothing() -> None:
    return None
