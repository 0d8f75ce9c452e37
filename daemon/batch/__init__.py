"""nfed as a library: import folders and keep jobs from any program."""

from daemon.batch.job_manager import BatchJob, JobManager, JobStatus, get_job_manager
from daemon.batch.processor import BatchProcessor, BatchResult
from daemon.errors import BatchProcessingException, IllegalTransition

__all__ = [
    "BatchJob",
    "BatchProcessingException",
    "BatchProcessor",
    "BatchResult",
    "IllegalTransition",
    "JobManager",
    "JobStatus",
    "get_job_manager",
]
