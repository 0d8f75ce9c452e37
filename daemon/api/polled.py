"""What many clients ask is read once: the status of a job, until it is written again."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import asdict

from daemon.stores.ledger_reader import JobRecord

FRESH_SECONDS = 0.1
_MOST = 256


class PolledJobs:
    """Jobs as JSON. An answer holds until `writes` moves on, which this process does with every
    write of its own, and for FRESH_SECONDS at most, for there are other processes.

    Without `writes` every question is a read. One that is unknown is asked for anew.
    """

    def __init__(
        self,
        read: Callable[[str], JobRecord | None],
        writes: Callable[[], int] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._writes = writes
        self._clock = clock
        self._answers: dict[str, tuple[float, int, asyncio.Task[bytes | None]]] = {}

    async def json(self, job_id: str) -> bytes | None:
        """The job; None: unknown."""
        if self._writes is None:
            return await self._encoded(job_id)
        now, writes = self._clock(), self._writes()
        known = self._answers.get(job_id)
        if known is None or known[1] != writes or now - known[0] >= FRESH_SECONDS:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            reading = asyncio.create_task(self._encoded(job_id), name=f"status-{job_id}")
            known = self._answers[job_id] = (now, writes, reading)
        answer = await asyncio.shield(known[2])
        if answer is None:
            self.forget(job_id)
        return answer

    def forget(self, job_id: str) -> None:
        """It has changed by what a client asked for: the next answer is a new one."""
        self._answers.pop(job_id, None)

    async def _encoded(self, job_id: str) -> bytes | None:
        found = await asyncio.to_thread(self._read, job_id)
        if found is None:
            return None
        return json.dumps(asdict(found), ensure_ascii=False, separators=(",", ":")).encode()
