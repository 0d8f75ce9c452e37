"""What runs in a worker process: paths in, readings out.

Started as `python -P -m daemon.flow.worker FD` with one end of a socket pair. It ends when the
other end closes, so no worker outlives its daemon.
"""

import contextlib
import ctypes
import errno
import gc
import json
import os
import resource
import signal
import stat
import sys
import time
import traceback
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path

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

_PR_SET_PDEATHSIG = 1
_CHUNK = 1 << 20
_EX_MEMORY = 71  # EX_OSERR, sysexits.h: out of memory


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know, handed over as JSON."""

    checks: Checks
    max_file_bytes: int
    memory_bytes: int

    def to_json(self) -> str:
        """For the worker's command line."""
        return json.dumps(
            {
                "checks": asdict(self.checks),
                "max_file_bytes": self.max_file_bytes,
                "memory_bytes": self.memory_bytes,
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
        return Reading(_deferral(error))
    if content is None:
        return Reading(Deferred(Reason.CHANGED, "the file changed while it was read"))
    digest = sha256(content).hexdigest()
    try:
        found = documents_from(content, settings.checks)
    except XMLTruncated as error:
        return Reading(Deferred(Reason.INCOMPLETE, str(error)), digest, version)
    except DocumentError as error:
        return Reading(_refused(error), digest, version)
    except MemoryError:
        raise
    except Exception as error:  # one file must not cost its chunk, whatever it holds
        return Reading(refusal(UnexpectedContent(_place_of(error))), digest, version)
    result = tuple(_refused(each) if isinstance(each, DocumentError) else each for each in found)
    return Reading(result, digest, version)


def _refused(error: DocumentError) -> Refused:
    return refusal(error, error.chave if isinstance(error, InvalidAccessKey) else None)


def _place_of(error: Exception) -> str:
    """The error and the line of code that it came from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"


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


def _deferral(error: OSError) -> Deferred:
    reason = Reason.VANISHED if isinstance(error, FileNotFoundError) else Reason.UNREADABLE
    return Deferred(reason, f"{error.strerror or error}")


def main(descriptor: int, settings: WorkerSettings) -> None:
    """Answers requests until the daemon hangs up."""
    _confine(settings.memory_bytes)
    connection = Connection(descriptor)
    # Documents are trees without cycles: the collector would only walk them in vain.
    gc.freeze()
    gc.disable()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send_bytes(b"")  # ready
        while True:
            paths = connection.recv()
            try:
                readings = [read_file(path, settings) for path in paths]
            except MemoryError:
                os._exit(_EX_MEMORY)
            connection.send(readings)
            gc.collect(0)


def _confine(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's business
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main(int(sys.argv[1]), WorkerSettings.from_json(sys.argv[2]))
