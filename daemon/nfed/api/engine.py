"""Does what the routes are asked for: by the daemon's pipeline, or by a processor of our own."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.api.problems import Problem
from nfed.api.uploads import Staged, placed
from nfed.batch.job_manager import BatchJob, JobManager
from nfed.batch.processor import BatchProcessor
from nfed.core.outcome import Reason
from nfed.errors import FolderUnavailable, IllegalTransition, NfedError
from nfed.intake.folder import Census, Folder, holder
from nfed.intake.refused import put_back, refused_files
from nfed.words import Message

_MOST_WAITING = 100
BUSY = Problem(503, "too many jobs wait already; try again later", headers={"Retry-After": "10"})

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that stays in the drop folder."""

    file: str
    """Relative to the folder."""
    reason: Reason
    since_seconds: float
    again_seconds: float
    """Until it is looked at again; infinity: when it changes, or somebody asks for it."""


class Engine(Protocol):
    """Starts and ends jobs. Each method returns as soon as it is clear which job it will be."""

    async def look(self) -> str:
        """The job of what lies in the drop folder now."""
        ...

    async def import_folder(self, folder: Path) -> str:
        """The job of another folder, whose files stay where they are."""
        ...

    async def take(self, files: Sequence[Staged]) -> tuple[str, list[str]]:
        """The job of uploaded files, and the names that they got in the drop folder."""
        ...

    async def retry(self, names: Sequence[str] | None) -> tuple[str, int]:
        """The job of refused files, None: of all, and how many were put back."""
        ...

    async def cancel(self, job_id: str) -> None:
        """Ends a pending or running job. Raises IllegalTransition for one that has ended."""
        ...

    async def check(self) -> None:
        """Returns when work can be done. Raises FolderUnavailable or StoreUnavailable."""
        ...

    async def census(self) -> Census:
        """Counts what waits in the drop folder and what is left alone there."""
        ...

    async def backlog(self) -> int:
        """Counts the files that wait in the drop folder."""
        ...

    def waiting(self, most: int) -> tuple[int, list[Waiting]]:
        """How many files stay in the drop folder, and `most` of them with the reason of each."""
        ...

    async def close(self) -> None:
        """Ends the jobs that are its own after the chunks in flight."""
        ...


class FolderJobs:
    """Imports of folders that nobody watches, one after the other."""

    def __init__(self, processor: BatchProcessor, manager: JobManager) -> None:
        self._processor = processor
        self._manager = manager
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, folder: Path, *, move: bool) -> str:
        """The job's id. Raises the problem BUSY."""
        if len(self._tasks) >= _MOST_WAITING:
            raise BUSY
        job = await asyncio.to_thread(self._manager.create_job, folder)
        task = asyncio.create_task(self._run(job, folder, move), name=f"folder-{job.job_id}")
        self._tasks[job.job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.job_id, None))
        return job.job_id

    async def cancel(self, job_id: str) -> None:
        """See Engine; also a job that another program runs."""
        job = await asyncio.to_thread(self._manager.get_job, job_id)
        if job is not None:
            await asyncio.to_thread(job.cancel)

    async def close(self) -> None:
        """Ends what runs after the chunks in flight, and what waits at once."""
        for job_id in list(self._tasks):
            with suppress(IllegalTransition, NfedError):
                await self.cancel(job_id)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, job: BatchJob, folder: Path, move: bool) -> None:
        async with self._turn:
            try:
                await self._processor.process_folder(folder, job_id=job.job_id, move=move)
            except IllegalTransition:
                pass  # cancelled while it waited
            except NfedError as error:  # the job's record says so, too
                log.warning("folder_job_failed", job_id=job.job_id, error=str(error))
                with suppress(NfedError):
                    await asyncio.to_thread(_fail, job, str(error))


class StandaloneEngine:
    """Without a daemon in this process: the drop folder is imported when a client asks for it.

    While a daemon elsewhere owns the folder, its own API is the one to ask.
    """

    def __init__(
        self, root: Path, jobs: FolderJobs, *, recursive: bool, by_content: bool = False
    ) -> None:
        self._root = root
        self._jobs = jobs
        self._recursive = recursive
        self._by_content = by_content

    async def look(self) -> str:
        """See Engine."""
        await asyncio.to_thread(self._must_be_free)
        return await self._jobs.start(self._root, move=True)

    async def import_folder(self, folder: Path) -> str:
        """See Engine."""
        return await self._jobs.start(folder, move=False)

    async def take(self, files: Sequence[Staged]) -> tuple[str, list[str]]:
        """See Engine."""
        await asyncio.to_thread(self._must_be_free)
        names = await asyncio.to_thread(placed, self._root, files, lambda _: True, lambda _: None)
        return await self.look(), names

    async def retry(self, names: Sequence[str] | None) -> tuple[str, int]:
        """See Engine."""
        await asyncio.to_thread(self._must_be_free)
        count = await asyncio.to_thread(put_back, self._root, names)
        return await self.look(), count

    async def cancel(self, job_id: str) -> None:
        """See Engine."""
        await self._jobs.cancel(job_id)

    async def check(self) -> None:
        """See Engine."""
        await asyncio.to_thread(refused_files, self._root)
        if not await asyncio.to_thread(self._root.is_dir):
            raise FolderUnavailable(Message("drop folder {root} is not there", root=self._root))

    async def census(self) -> Census:
        """See Engine."""
        folder = Folder(self._root, recursive=self._recursive, by_content=self._by_content)
        return await asyncio.to_thread(folder.census)

    async def backlog(self) -> int:
        """See Engine."""
        return (await self.census()).waiting

    def waiting(self, most: int) -> tuple[int, list[Waiting]]:
        """See Engine; without a daemon nothing waits longer than its job."""
        return 0, []

    async def close(self) -> None:
        """See Engine."""
        await self._jobs.close()

    def _must_be_free(self) -> None:
        owner = holder(self._root)
        if owner is not None and owner.pid != os.getpid():
            raise Problem(409, f"the drop folder belongs to {owner.described}: ask there")


def _fail(job: BatchJob, reason: str) -> None:
    with suppress(IllegalTransition, KeyError):
        job.start()
    with suppress(IllegalTransition, KeyError):
        job.fail(reason)
