"""Runs the API inside the daemon, on its pipeline and its event loop."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from nfed.api.application import create_app
from nfed.api.engine import BUSY, FolderJobs, Waiting
from nfed.api.metrics import Metrics
from nfed.api.security import LoopbackHosts
from nfed.api.server import is_local, serve
from nfed.api.state import api_for
from nfed.api.uploads import Staged, discard_leftovers, placed
from nfed.batch.job_manager import get_job_manager
from nfed.batch.processor import BatchProcessor
from nfed.core.job import Job
from nfed.core.ports import Ledger
from nfed.errors import ConfigError, FolderUnavailable, StoreUnavailable
from nfed.flow.pipeline import Pipeline
from nfed.flow.processor import Processor
from nfed.intake.folder import Census, Folder
from nfed.intake.refused import put_back
from nfed.settings import Settings
from nfed.wiring import OpenPorts
from nfed.words import Message

log: FilteringBoundLogger = structlog.get_logger("nfed")


class DaemonEngine:
    """See engine.Engine."""

    def __init__(
        self,
        pipeline: Pipeline,
        processor: Processor,
        folder: Folder,
        ledger: Ledger,
        jobs: FolderJobs,
    ) -> None:
        self._pipeline = pipeline
        self._processor = processor
        self._folder = folder
        self._ledger = ledger
        self._jobs = jobs

    async def look(self) -> str:
        """See Engine."""
        return await self._promised(self._pipeline.look())

    async def import_folder(self, folder: Path) -> str:
        """See Engine."""
        return await self._jobs.start(folder, move=False)

    async def take(self, files: Sequence[Staged]) -> tuple[str, list[str]]:
        """See Engine. Uploaded files are whole as they stand, and need not settle."""
        requests = self._pipeline.requests
        if requests.is_full:
            raise BUSY
        root = self._folder.root
        names = await asyncio.to_thread(placed, root, files, requests.claim, requests.release)
        seen = await asyncio.to_thread(lambda: [self._folder.sight(name) for name in names])
        for name, arrival in zip(names, seen, strict=True):
            if arrival is None:  # somebody took it away at once
                requests.release(name)
        batch = tuple(arrival for arrival in seen if arrival is not None)
        return await self._promised(self._pipeline.submit(batch)), names

    async def retry(self, names: Sequence[str] | None) -> tuple[str, int]:
        """See Engine."""
        count = await asyncio.to_thread(put_back, self._folder.root, names)
        return await self.look(), count

    async def cancel(self, job_id: str) -> None:
        """See Engine."""
        if not await self._pipeline.cancel(job_id):
            await self._jobs.cancel(job_id)

    async def check(self) -> None:
        """See Engine."""
        if not await asyncio.to_thread(self._folder.is_still_there):
            raise FolderUnavailable(
                Message("drop folder {root} is not there", root=self._folder.root)
            )
        if self._processor.outage is not None:
            raise StoreUnavailable(self._processor.outage)

    async def census(self) -> Census:
        """See Engine."""
        return await asyncio.to_thread(self._folder.census)

    async def backlog(self) -> int:
        """See Engine."""
        return (await self.census()).waiting

    def waiting(self, most: int) -> tuple[int, list[Waiting]]:
        """See Engine."""
        now = time.monotonic()
        waits = self._pipeline.waiting
        return len(waits), [
            Waiting(path, wait.reason, now - wait.since, wait.again_at - now)
            for path, wait in islice(waits, most)
        ]

    async def close(self) -> None:
        """See Engine; the pipeline ends by itself."""
        await self._jobs.close()

    async def _promised(self, job: Job) -> str:
        """On record, so that it can be asked for before it begins."""
        with suppress(StoreUnavailable):  # it will be when it begins, or say why it cannot
            await self._ledger.save_job(job)
        return job.job_id


class HttpService:
    """The API of one daemon on bound sockets.

    Raises ConfigError for an address that others can reach while no api_token is set.
    """

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[socket.socket],
        extend: Callable[[FastAPI, Settings], None] | None = None,
    ) -> None:
        """`extend` adds routes to the application, as the page does."""
        if settings.api_token is None and not is_local(sockets):
            raise ConfigError(
                Message(
                    "http: this address can be reached from other machines; set "
                    "api_token, or listen on 127.0.0.1"
                )
            )
        self._settings = settings
        self._sockets = sockets
        self._extend = extend
        self.metrics = Metrics()

    def close(self) -> None:
        """For one that never ran."""
        for each in self._sockets:
            each.close()

    async def run(
        self,
        pipeline: Pipeline,
        processor: Processor,
        folder: Folder,
        ports: OpenPorts,
        stop: asyncio.Event,
    ) -> None:
        """Serves until `stop`: then ends streams at once, and answers what is under way."""
        settings = self._settings
        manager = get_job_manager(settings.ledger_path)
        jobs = FolderJobs(BatchProcessor(settings=settings, ports=ports), manager)
        engine = DaemonEngine(pipeline, processor, folder, ports.ledger, jobs)
        api = api_for(settings, engine=engine, metrics=self.metrics)
        await asyncio.to_thread(discard_leftovers, folder.root)
        with suppress(StoreUnavailable):
            self.metrics.remember(await asyncio.to_thread(api.ledger.last_success))
        served = create_app(settings, api=api)
        if self._extend is not None:
            self._extend(served, settings)
        app: ASGIApp = served
        if api.token is None:
            app = LoopbackHosts(app)
        addresses = [_shown(each) for each in self._sockets]
        log.info("http_listening", addresses=addresses, token=api.token is not None)
        async with asyncio.TaskGroup() as group:
            group.create_task(_then(stop, api.events.close), name="http-streams")
            group.create_task(_then(stop, api.exports.stop), name="http-exports")
            await serve(app, self._sockets, stop)
        await api.exports.close()
        await engine.close()


async def _then(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()


def _shown(made: socket.socket) -> str:
    if made.family == socket.AF_UNIX:
        return str(made.getsockname())
    host, port = made.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
