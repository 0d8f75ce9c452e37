"""Makes jobs, remembers the one that runs, and keeps those that clients were promised."""

import uuid
from collections import deque
from datetime import datetime

from nfed.core.arrival import Batch
from nfed.core.job import Job


class Jobs:
    """Names jobs in the order of their making."""

    def __init__(self) -> None:
        self.running: Job | None = None

    def create(self, folder_path: str, total_files: int) -> Job:
        """A pending job. Its id is short, unique and sorts by time."""
        now = datetime.now().astimezone()
        return Job(new_job_id(now), folder_path, total_files, created_at=now)


def new_job_id(now: datetime) -> str:
    """Such as 20261123-223740-004d36: short, unique, and sorted by time."""
    return f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


MOST_SUBMITTED = 100


class Requests:
    """Promised jobs: one for whoever said "look", and one for each submitted batch.

    `in` says whether a path is claimed: it is put into the folder for a batch that will be
    submitted, and no scan may take it before.
    """

    def __init__(self, jobs: Jobs, root: str) -> None:
        self._jobs = jobs
        self._root = root
        self._look: Job | None = None
        self._scan_for_look = False
        self._looked = False
        self._submitted: deque[tuple[Job, Batch]] = deque()
        self._claimed: set[str] = set()

    def __contains__(self, path: object) -> bool:
        return path in self._claimed

    @property
    def is_full(self) -> bool:
        """True if no more batches should be submitted for now."""
        return len(self._submitted) >= MOST_SUBMITTED

    def claim(self, path: str) -> bool:
        """False: another request holds the path."""
        if path in self._claimed:
            return False
        self._claimed.add(path)
        return True

    def release(self, path: str) -> None:
        """Scans may take it again."""
        self._claimed.discard(path)

    def look(self) -> Job:
        """The job of the next batch that is not submitted; the same one until that begins."""
        self._looked = self._scan_for_look = False
        if self._look is None:
            self._look = self._jobs.create(self._root, 0)
        return self._look

    def submit(self, batch: Batch) -> Job:
        """A job for exactly these files."""
        job = self._jobs.create(self._root, len(batch))
        self._submitted.append((job, batch))
        return job

    def scan_begins(self) -> None:
        """Only a scan that begins after the wish sees all that was there then."""
        self._scan_for_look = self._look is not None

    def scan_ended(self) -> None:
        """The scan has named all that lies there."""
        self._looked |= self._scan_for_look

    def next_submission(self) -> tuple[Job, Batch] | None:
        """The batch that waited longest; its paths are claimed no more."""
        if not self._submitted:
            return None
        job, batch = self._submitted.popleft()
        self._release(batch)
        return job, batch

    def next_look(self, *, found: bool, idle: bool) -> Job | None:
        """The promised job, once there is a batch for it, or once it is clear that there is none.

        `idle`: no scan is under way, and nothing that was seen waits for a batch.
        """
        if self._look is None or not (found or (self._looked and idle)):
            return None
        job, self._look = self._look, None
        return job

    def withdraw(self, job_id: str) -> tuple[Job | None, Batch]:
        """Takes a promised job back, with its batch; None: there is no such job."""
        if self._look is not None and self._look.job_id == job_id:
            job, self._look = self._look, None
            return job, ()
        for each in self._submitted:
            if each[0].job_id == job_id:
                self._submitted.remove(each)
                self._release(each[1])
                return each
        return None, ()

    def withdraw_all(self) -> list[Job]:
        """Takes every promised job back."""
        jobs = [job for job, _ in self._submitted]
        if self._look is not None:
            jobs.append(self._look)
        self._look = None
        self._submitted.clear()
        self._claimed.clear()
        return jobs

    def _release(self, batch: Batch) -> None:
        for arrival in batch:
            self._claimed.discard(arrival.path)
