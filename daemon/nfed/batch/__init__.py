"""nfed as a library: imports folders and single files, and keeps jobs, from any program.

`BatchProcessor` imports a folder as one job, with the processor that the daemon uses; files stay
where they are unless the program asks for a move. `importers` import single files and return the
id of a row. `JobManager` keeps jobs in the ledger, where the daemon and every other program see
them: a job follows the one table of moves, whoever runs it.

What programs hold on to are dictionaries with the names of `dicts`, ready for JSON, and the errors
of `nfed.errors`. The library logs to the standard library's logging (`log`), sets up nothing of its
host, and needs no daemon. It watches no folder and answers no request: that is `service` and `api`.
"""

from nfed.batch.dicts import BatchResult, FileError, JobDict, JobStatistics, Progress
from nfed.batch.job_manager import BatchJob, JobManager, JobStatus, get_job_manager
from nfed.batch.processor import BatchProcessor
from nfed.errors import BatchProcessingException, IllegalTransition

__all__ = [
    "BatchJob",
    "BatchProcessingException",
    "BatchProcessor",
    "BatchResult",
    "FileError",
    "IllegalTransition",
    "JobDict",
    "JobManager",
    "JobStatistics",
    "JobStatus",
    "Progress",
    "get_job_manager",
]
