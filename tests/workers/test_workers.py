"""The pool of worker processes, as the flow uses it."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from nfed.core.outcome import Refused
from nfed.documents.checks import Checks
from nfed.workers.pool import Workers
from nfed.workers.read import WorkerSettings

SETTINGS = WorkerSettings(Checks(), max_file_bytes=1 << 20, memory_bytes=1 << 30)


async def test_a_reader_cancelled_before_its_worker_began_leaves_it_to_the_next(tmp_path: Path):
    """A job that fails cancels its other readers; each such one had cost a worker for good."""
    path = tmp_path / "lixo.xml"
    path.write_text("lixo")

    async with Workers(1, SETTINGS) as workers:
        gate = threading.Event()
        # Stands for a thread that has given its worker back and not yet looked for more to do.
        workers._threads.submit(gate.wait)
        reader = asyncio.create_task(workers.read([str(path)]))
        await asyncio.sleep(0)  # it waits for the thread now
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        gate.set()

        async with asyncio.timeout(30):
            (reading,) = await workers.read([str(path)])

    assert isinstance(reading.result, Refused)
