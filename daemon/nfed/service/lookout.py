"""Looks at a running pipeline for those who supervise it."""

import asyncio
import time
from collections.abc import Callable, Sequence

from nfed.core.job import Job
from nfed.core.outcome import Duplicate, Imported, Updated
from nfed.core.ports import Fate
from nfed.errors import FolderUnavailable
from nfed.flow.guard import Guards
from nfed.flow.jobs import Jobs
from nfed.flow.pipeline import Pipeline
from nfed.notifiers.beacon import Sight
from nfed.notifiers.status import Seen

_REST = 20  # counting rests so many times what the last count took
_REST_SECONDS = 1.0


class Backlog:
    """Counts the files in the folder, in a thread, and no oftener than is cheap."""

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
    """Counts the files of all jobs since the start; an Observer of the processor."""

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
        jobs: Jobs,
        guards: Guards,
        backlog: Backlog,
        since_start: SinceStart,
        is_stopping: Callable[[], bool],
        has_events: Callable[[], bool],
    ) -> None:
        self._pipeline = pipeline
        self._jobs = jobs
        self._guards = guards
        self._backlog = backlog
        self._since_start = since_start
        self._is_stopping = is_stopping
        self._has_events = has_events

    async def look(self) -> Sight:
        """Looks at the session as it stands now."""
        backlog = await self._backlog.now()
        job = self._jobs.running
        database, ledger = self._guards.database, self._guards.ledger
        gone = self._pipeline.folder_gone
        seen = Seen(
            job,
            backlog,
            database.since,
            self._is_stopping(),
            self._since_start.in_database,
            ledger.since,
            None if gone is None else gone.since,
            "" if gone is None else gone.error,
            self._has_events(),
        )
        # The loop turns while a job hangs, so its turns count only when there is none.
        movement = self._pipeline.turns if job is None else (job.job_id, self._guards.beats)
        waiting = self._guards.away is not None or database.asking > 0
        return Sight(seen, movement, waiting)
