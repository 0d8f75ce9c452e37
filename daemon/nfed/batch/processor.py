"""Imports folders from a program, each as one job."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import cast

from nfed.batch import log as says
from nfed.batch.dicts import BatchResult, JobDict, Progress
from nfed.batch.job_manager import JobManager, get_job_manager
from nfed.core.escape import escaped
from nfed.core.job import Job
from nfed.core.job import JobState as JobStatus
from nfed.core.ports import Fate, Shelves
from nfed.errors import BatchProcessingException, NfedError
from nfed.intake.folder import Folder, opened
from nfed.intake.shelves import FolderShelves
from nfed.settings import Settings, load
from nfed.wiring import LeaveInPlace, OpenPorts, open_ports, processor_of
from nfed.words import Message

__all__ = ["BatchProcessingException", "BatchProcessor", "BatchResult", "Progress"]

_LOOK_SECONDS = 0.25

type ProgressCallback = Callable[[Progress], Awaitable[None] | None]


class BatchProcessor:
    """Imports folders into the database that the settings name, or that is passed in.

    Worker processes, database and ledger are opened for each import and closed after it; inside
    `async with BatchProcessor() as processor:` they stay open from one import to the next.
    """

    def __init__(
        self,
        max_concurrent: int | None = None,
        *,
        database_url: str | None = None,
        ledger: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        settings: Settings | None = None,
        ports: OpenPorts | None = None,
    ) -> None:
        """`settings` takes the place of all sources of settings, `ports` of what would be opened.

        Raises ConfigError for a bad value.
        """
        says.through_logging()
        options: dict[str, object] = {
            "max_concurrent_uploads": max_concurrent,
            "database_url": database_url,
            "ledger": ledger,
            "workers": workers,
        }
        given = {name: value for name, value in options.items() if value is not None}
        self._settings = load(given).settings if settings is None else settings
        self._edges = ports
        self._stack: AsyncExitStack | None = None

    @property
    def manager(self) -> JobManager:
        """The jobs of this processor's ledger."""
        return get_job_manager(self._settings.ledger_path)

    async def __aenter__(self) -> "BatchProcessor":
        self._stack = AsyncExitStack()
        self._edges = await self._stack.enter_async_context(open_ports(self._settings, owned=None))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._stack is not None:
            self._edges = None
            await self._stack.aclose()
            self._stack = None

    async def process_folder(
        self,
        folder: str | os.PathLike[str],
        job_id: str | None = None,
        move: bool = False,
        on_progress: ProgressCallback | None = None,
    ) -> BatchResult:
        """Imports what lies in the folder now; a file that ends too early has failed.

        `job_id` names a pending job to run, or the new one. Files stay where they are unless
        `move`, which puts them away in done/ and failed/ as the daemon does. `on_progress` is
        called, and awaited if it asks for that, with the newest state whenever that changed.

        Raises BatchProcessingException for a folder that cannot be read, IllegalTransition for a
        job that is not pending, and StoreUnavailable, FolderBusy or WorkersUnavailable when it
        cannot begin. What happens later ends in the result's `status` and `reason`.
        """
        root, name = self._begun(folder, job_id)
        async with aclosing(self._followed(root, name, move)) as progress:
            async for each in progress:
                answer = on_progress(each) if on_progress is not None else None
                if answer is not None:
                    await answer
        return self._result(name)

    async def follow_folder(
        self, folder: str | os.PathLike[str], job_id: str | None = None, move: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Imports as `process_folder` does, and yields the newest state whenever it changed.

        The last one is that of the ended job, with all of its JobDict but the errors.
        Leaving the loop early cancels the job.
        """
        root, name = self._begun(folder, job_id)
        async with aclosing(self._followed(root, name, move)) as progress:
            async for each in progress:
                yield each

    def cancel_job(self, job_id: str) -> bool:
        """Asks a pending or running job of any process to end; False: unknown.

        Raises IllegalTransition when it has ended.
        """
        job = self.manager.get_job(job_id)
        if job is not None:
            job.cancel()
        return job is not None

    def get_job_status(self, job_id: str) -> JobDict | None:
        """See JobManager."""
        return self.manager.get_job_status(job_id)

    def list_jobs(
        self, status_filter: JobStatus | str | None = None, limit: int | None = None
    ) -> list[JobDict]:
        """See JobManager."""
        return self.manager.list_jobs(status_filter, limit)

    def clear_completed_jobs(self, max_age_seconds: float = 3600) -> int:
        """Forgets completed and cancelled jobs that ended so long ago; returns how many."""
        return self.manager.cleanup_old_jobs(max_age_seconds, keep_failed=True)

    def _begun(self, folder: str | os.PathLike[str], job_id: str | None) -> tuple[Path, str]:
        """The folder, and the id of a job that this call alone may run."""
        root = Path(folder).absolute()
        _must_be_readable(root)
        job = None if job_id is None else self.manager.get_job(job_id)
        if job is None:
            job = self.manager.create_job(root, job_id=job_id)
        job.start()
        return root, job.job_id

    async def _followed(
        self, root: Path, job_id: str, move: bool
    ) -> AsyncGenerator[Progress, None]:
        changed = asyncio.Event()
        newest: list[Progress] = []

        def observe(job: Job) -> None:
            newest[:] = [_progress(job)]
            changed.set()

        task = asyncio.create_task(self._import(root, job_id, move, observe), name=f"job-{job_id}")
        task.add_done_callback(lambda _: changed.set())
        try:
            while not task.done():
                await changed.wait()
                changed.clear()
                while newest:
                    yield newest.pop()
            await task
        except Exception as error:
            self._fail(job_id, str(error))
            raise
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, NfedError):
                    await task
                self._fail(job_id, "given up at once, on request")
        job = self.manager.get_job(job_id)
        if job is not None:
            ended = {k: v for k, v in job.to_dict().items() if k != "errors"}
            yield cast("Progress", ended)

    def _fail(self, job_id: str, reason: str) -> None:
        """Ends a job that broke off before its processor could end it."""
        with suppress(NfedError, KeyError):  # it has ended
            job = self.manager.get_job(job_id)
            if job is not None:
                job.fail(reason)

    async def _import(
        self, root: Path, job_id: str, move: bool, observe: Callable[[Job], None]
    ) -> None:
        cancelled = asyncio.Event()

        def look(job: Job, _: Sequence[Fate]) -> None:
            if self._is_unwanted(job_id):
                cancelled.set()
            observe(job)

        async def watch() -> None:
            while not cancelled.is_set():
                await asyncio.sleep(_LOOK_SECONDS)
                if await asyncio.to_thread(self._is_unwanted, job_id):
                    cancelled.set()

        await asyncio.to_thread(
            self.manager.cleanup_old_jobs, self._settings.job_retention_days * 86_400
        )
        async with AsyncExitStack() as stack:
            shelves: Shelves = LeaveInPlace()
            folder = Folder(
                root, recursive=self._settings.recursive, by_content=self._settings.by_content
            )
            if move:
                folder = stack.enter_context(
                    opened(
                        root,
                        recursive=self._settings.recursive,
                        by_content=self._settings.by_content,
                    )
                )
                putting = FolderShelves(root, self._settings.done_subfolders, self._settings.spoken)
                stack.callback(putting.close)
                shelves = putting
            total = await asyncio.to_thread(folder.backlog)
            job = Job(job_id, str(root), total, _now())
            observe(job)
            ports = await stack.enter_async_context(self._opened())
            processor = processor_of(self._settings, ports, root, shelves, cancelled, look)
            # What comes while it runs is for the next one.
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watch(), name=f"watch-{job_id}")
                await processor.process(job, islice(folder.scan(()), total), final=_All())
                watching.cancel()

    def _is_unwanted(self, job_id: str) -> bool:
        """Tells whether any process cancelled or deleted it meanwhile."""
        job = self.manager.get_job(job_id)
        return job is None or job.status is JobStatus.CANCELLED

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[OpenPorts]:
        if self._edges is not None:
            yield self._edges
            return
        async with open_ports(self._settings, owned=None) as ports:
            yield ports

    def _result(self, job_id: str) -> BatchResult:
        job = self.manager.get_job(job_id)
        if job is None:
            raise BatchProcessingException(
                Message("job {job_id} was deleted while it ran", job_id=job_id), {"job_id": job_id}
            )
        record = job.record()
        return BatchResult(
            job_id=job_id,
            status=record.status,
            total=record.total_files,
            processed=record.processed_files,
            successful=record.successful_files,
            failed=record.failed_files,
            duplicate=record.duplicate_files,
            errors=record.errors,
            duration_seconds=record.duration_seconds or 0.0,
            reason=record.reason,
        )


class _All:
    """Holds every path: nothing is waited for."""

    def __contains__(self, path: object) -> bool:
        return True


def _must_be_readable(root: Path) -> None:
    name = escaped(str(root))
    try:
        with os.scandir(root):
            return
    except OSError as error:
        raise BatchProcessingException(
            Message("folder {name}: {strerror}", name=name, strerror=error.strerror),
            {"folder_path": name, "error": error.strerror, "error_type": type(error).__name__},
        ) from error


def _progress(job: Job) -> Progress:
    return Progress(
        job_id=job.job_id,
        status=str(job.state),
        total_files=job.total_files,
        processed_files=job.processed,
        successful_files=job.successful,
        failed_files=job.refused + job.deferred,
        progress_percentage=round(job.progress_percentage, 1),
    )


def _now() -> datetime:
    return datetime.now().astimezone()
