"""From a file's bytes to what they say; runs in worker processes."""

import errno
import json
import os
import stat
import time
import traceback
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from daemon.core.archive import ArchiveLimits
from daemon.core.outcome import Deferred, Reason, Refused, refusal
from daemon.core.ports import Reading
from daemon.documents.file import documents_from
from daemon.documents.policy import Checks
from daemon.errors import (
    DocumentError,
    FileTooLarge,
    InvalidAccessKey,
    UnexpectedContent,
    XMLTruncated,
)

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know, handed over as JSON."""

    checks: Checks
    max_file_bytes: int
    memory_bytes: int
    archives: ArchiveLimits = field(default_factory=ArchiveLimits)

    def to_json(self) -> str:
        """For the worker's command line."""
        return json.dumps(
            {
                "checks": asdict(self.checks),
                "max_file_bytes": self.max_file_bytes,
                "memory_bytes": self.memory_bytes,
                "archives": asdict(self.archives),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "WorkerSettings":
        """The reverse of `to_json`."""
        fields = json.loads(text)
        return cls(
            Checks.from_fields(fields["checks"]),
            fields["max_file_bytes"],
            fields["memory_bytes"],
            ArchiveLimits(**fields["archives"]),
        )


def read_file(path: str, settings: WorkerSettings) -> Reading:
    """Reads, hashes, parses and checks one file; never raises for what a file can be."""
    began = time.perf_counter()
    reading = _read(path, settings)
    return replace(reading, duration_ms=(time.perf_counter() - began) * 1000)


def _read(path: str, settings: WorkerSettings) -> Reading:
    try:
        content, version = _content(path, settings.max_file_bytes)
    except FileTooLarge as error:
        return Reading(refusal(error))
    except OSError as error:
        return Reading(deferral(error))
    if content is None:
        return Reading(Deferred(Reason.CHANGED, "the file changed while it was read"))
    return reading_of(content, version, settings)


def reading_of(
    content: bytes, version: tuple[int, int, int, int] | None, settings: WorkerSettings
) -> Reading:
    """What these bytes say."""
    digest = sha256(content).hexdigest()
    try:
        found = documents_from(content, settings.checks, digest)
    except XMLTruncated as error:
        return Reading(Deferred(Reason.INCOMPLETE, str(error)), digest, version)
    except DocumentError as error:
        return Reading(_refused(error), digest, version)
    except MemoryError:
        raise
    except Exception as error:  # one file must not cost its chunk, whatever it holds
        return Reading(refusal(unexpected(error)), digest, version)
    result = tuple(_refused(each) if isinstance(each, DocumentError) else each for each in found)
    return Reading(result, digest, version)


def _refused(error: DocumentError) -> Refused:
    return refusal(error, error.chave if isinstance(error, InvalidAccessKey) else None)


def unexpected(error: Exception) -> UnexpectedContent:
    """Names the error and the line of code that it came from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}, line {frame.lineno}"
    return UnexpectedContent(f"{type(error).__name__}: {error} ({place})")


def _content(path: str, max_bytes: int) -> tuple[bytes | None, tuple[int, int, int, int]]:
    """The file's bytes and version; None for bytes that changed under the reader."""
    # O_NONBLOCK: a FIFO put in the file's place must not hang the worker.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.ENOTSUP, "no longer a regular file", path)
        if before.st_size > max_bytes:
            raise FileTooLarge(f"{before.st_size:,} bytes; expected at most {max_bytes:,}")
        content = os.read(descriptor, before.st_size + 1)
        while 0 < len(content) < before.st_size:
            more = os.read(descriptor, _CHUNK)
            if not more:
                break
            content += more
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    version = _version(after)
    if version != _version(before) or len(content) != after.st_size:
        return None, version
    return content, version


def _version(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def deferral(error: OSError) -> Deferred:
    """A file that cannot be read now."""
    reason = Reason.VANISHED if isinstance(error, FileNotFoundError) else Reason.UNREADABLE
    return Deferred(reason, f"{error.strerror or error}")
