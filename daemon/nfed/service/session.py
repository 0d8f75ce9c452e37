"""Runs one session after another, each with the settings of its time."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.batch.job_manager import get_job_manager
from nfed.core.arrival import Window
from nfed.core.waiting import Waiting
from nfed.errors import FolderBusy, FolderUnavailable, FolderUnfit, StoreUnavailable
from nfed.flow.guard import Guards
from nfed.flow.jobs import Jobs
from nfed.flow.pipeline import Pipeline
from nfed.intake.folder import Folder
from nfed.intake.shelves import FolderShelves
from nfed.intake.strikes import FolderStrikes
from nfed.intake.watcher import Watch, needs_polling
from nfed.logs.journal import try_socket
from nfed.notifiers.beacon import Beacon
from nfed.notifiers.systemd import Notifier
from nfed.service.http_port import HttpPort
from nfed.service.lookout import Backlog, Lookout, SinceStart
from nfed.service.process import Signals, calm_collector
from nfed.service.reload import Reload
from nfed.settings import Settings, changed_names
from nfed.wiring import configure_log, open_ports, processor_of, try_ledger_of, try_store
from nfed.words import Message

_FORGET_SECONDS = 3600.0
_OF_THE_STORE = frozenset({"database_url", "supabase_url", "supabase_service_key"})

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Service:
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
        self._folder = _open_folder(settings) if once else _open_or_await_folder(settings)
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
            shelves = FolderShelves(root, settings.done_subfolders, settings.spoken)
            stack.callback(shelves.close)
            http = None if self._once else self._port.service(settings)
            owned = str(root) if self._folder.is_open else None
            ports = await stack.enter_async_context(
                open_ports(settings, owned=owned, patient=not self._once)
            )
            calm_collector()
            if http is not None:
                ports.guards.report_to(http.metrics)
            processor = processor_of(
                settings, ports, root, shelves, stopping, self._since_start, FolderStrikes(root)
            )
            jobs = Jobs()
            pipeline = Pipeline(
                self._folder,
                Window(
                    settle_seconds=settings.settle_seconds,
                    debounce_seconds=settings.debounce_seconds,
                    max_wait_seconds=settings.batch_max_wait_seconds,
                    max_files=settings.batch_max_files,
                ),
                Waiting(
                    settle_seconds=settings.settle_seconds,
                    incomplete_grace_seconds=settings.incomplete_grace_seconds,
                    rescan_seconds=settings.rescan_seconds,
                ),
                processor,
                jobs,
                root=str(root),
                rescan_seconds=settings.rescan_seconds,
                stopping=stopping,
                once=self._once,
            )
            self._signals.stop = self._stopper(pipeline.stop)
            if self._signals.received is not None:
                pipeline.stop()
            if self._once:
                self._started()
                await pipeline.run()
            else:
                answers = (
                    None
                    if http is None
                    else http.run(pipeline, processor, self._folder, ports, stopping)
                )
                await self._watched(
                    pipeline, jobs, shelves, ports.guards, reload, is_up, stopping, answers
                )
            self._failures = pipeline.failures
            return pipeline.scan_found_without_event_total

    async def _watched(
        self,
        pipeline: Pipeline,
        jobs: Jobs,
        shelves: FolderShelves,
        guards: Guards,
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

        def take_new_folder() -> None:
            watch.restart()
            shelves.take_over()

        pipeline.on_folder_replaced = take_new_folder
        lookout = Lookout(
            pipeline,
            jobs,
            guards,
            Backlog(self._folder.backlog),
            self._since_start,
            stopping.is_set,
            lambda: watch.error is None,
        )

        async def announce() -> None:
            await pipeline.looked.wait()
            await guards.tried()
            is_up()

        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(), name="watch")
            if http is not None:  # ends by itself, when it has answered
                group.create_task(http, name="http")
            companions = [
                group.create_task(_forget_old_jobs(settings), name="retention"),
                group.create_task(guards.persist(), name="opening"),
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
            self._next_folder = _open_folder(new)

    def _take_next_folder(self) -> None:
        if self._next_folder is not None:
            self._folder.close()
            self._folder, self._next_folder = self._next_folder, None
        self._folder.recursive = self._settings.recursive
        self._folder.by_content = self._settings.by_content

    def _close_folders(self) -> None:
        self._folder.close()
        if self._next_folder is not None:
            self._next_folder.close()


class _NewFolder(Folder):
    """Makes the folder where there is none. Once it was open it is never made again: what is
    missing then is a mount."""

    def open(self) -> None:
        """See Folder."""
        if self.identity == (0, 0):
            _make_folder(self.root)
        super().open()


def _open_folder(settings: Settings) -> Folder:
    folder = _NewFolder(
        settings.xml_folder.absolute(), recursive=settings.recursive, by_content=settings.by_content
    )
    folder.open()
    return folder


def _open_or_await_folder(settings: Settings) -> Folder:
    """What the world keeps shut is opened by the pipeline, as soon as it can be."""
    folder = _NewFolder(
        settings.xml_folder.absolute(), recursive=settings.recursive, by_content=settings.by_content
    )
    try:
        folder.open()
    except (FolderBusy, FolderUnfit):
        raise
    except FolderUnavailable:
        pass  # the pipeline's first look says so
    return folder


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise FolderUnfit(
            Message(
                "drop folder {root}: {strerror}; set xml_folder", root=root, strerror=error.strerror
            )
        ) from error
    except OSError as error:
        raise FolderUnavailable(
            Message(
                "drop folder {root}: {strerror}; create it or set xml_folder",
                root=root,
                strerror=error.strerror,
            )
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
