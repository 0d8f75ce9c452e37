"""Looks at a running pipeline for those who supervise it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from daemon.core.job import Job
from daemon.core.outcome import Duplicate, Imported, Updated
from daemon.core.ports import Fate
from daemon.errors import FolderUnavailable
from daemon.flow.jobs import JobManager
from daemon.flow.outage import Outage
from daemon.flow.pipeline import Pipeline
from daemon.flow.pulse import Pulse
from daemon.notifiers.beacon import Sight
from daemon.notifiers.status import Seen

_REST = 20  # counting rests so many times what the last count took
_REST_SECONDS = 1.0


class Backlog:
    """How many files lie in the folder; counted in a thread, and no oftener than is cheap."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._again_at = 0.0
        self._last = 0

    async def now(self) -> int:
        """The last count, which is new unless it was made a moment ago."""
        began = time.monotonic()
        if began >= self._again_at:
            try:
                self._last = await asyncio.to_thread(self._count)
            except FolderUnavailable:
                return self._last  # which has its own event
            ended = time.monotonic()
            self._again_at = ended + max(_REST * (ended - began), _REST_SECONDS / 2)
        return self._last


class SinceStart:
    """What all jobs since the start came to; an Observer of the processor."""

    def __init__(self) -> None:
        self.in_database = 0

    def __call__(self, job: Job, fates: Sequence[Fate]) -> None:
        """Counts a chunk."""
        self.in_database += sum(
            isinstance(fate.outcome, Imported | Updated | Duplicate) for fate in fates
        )


class Lookout:
    """One session's pipeline as the beacon sees it."""

    def __init__(
        self,
        pipeline: Pipeline,
        jobs: JobManager,
        pulse: Pulse,
        outages: Mapping[str, Outage],
        backlog: Backlog,
        since_start: SinceStart,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._pipeline = pipeline
        self._jobs = jobs
        self._pulse = pulse
        self._database = outages["database"]
        self._ledger = outages["ledger"]
        self._backlog = backlog
        self._since_start = since_start
        self._is_stopping = is_stopping

    async def look(self) -> Sight:
        """How it stands now."""
        backlog = await self._backlog.now()
        job = self._jobs.running
        database_away, ledger_away = self._database.since, self._ledger.since
        seen = Seen(
            job,
            backlog,
            database_away,
            self._is_stopping(),
            self._since_start.in_database,
            ledger_away,
        )
        # The loop turns while a job hangs, so its turns count only when there is none.
        movement = self._pipeline.turns if job is None else (job.job_id, self._pulse.beats)
        is_away = database_away is not None or ledger_away is not None
        waiting = is_away or self._pulse.asking_database > 0
        return Sight(seen, movement, waiting)
