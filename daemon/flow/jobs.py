"""Makes jobs, and remembers the one that runs."""

import uuid
from datetime import datetime

from daemon.core.job import Job


class JobManager:
    """Names jobs in the order of their making."""

    def __init__(self) -> None:
        self.running: Job | None = None

    def create_job(self, folder_path: str, total_files: int) -> Job:
        """A pending job. Its id is short, unique and sorts by time."""
        now = datetime.now().astimezone()
        job_id = f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        return Job(job_id, folder_path, total_files, created_at=now)
