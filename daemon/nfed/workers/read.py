"""Reads files from disk and makes a Reading of each; runs in worker processes.

Files are read in slices. Those of a slice go together through the steps of `documents.steps`, which
takes less CPU; a slice is small, for all it holds is in memory at once: the files' bytes, and trees
of ten times as many.
"""

import errno
import json
import os
import stat
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import sha256

from nfed.core.archive import ArchiveLimits
from nfed.core.arrival import Version
from nfed.core.outcome import Deferred, Reason, Refused, refusal
from nfed.core.ports import Reading
from nfed.documents import documents_by_steps, documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.documents.steps import Steps
from nfed.errors import (
    DocumentError,
    FileTooLarge,
    InvalidAccessKey,
    UnexpectedContent,
    XMLTruncated,
)
from nfed.words import Message

_CHUNK = 1 << 20
_SLICE_FILES = 16  # 8 take 12 % more CPU, 32 and 64 no less
_SLICE_BYTES = 1 << 20

_OWN = (
    b'<protNFe xmlns="http://www.portalfiscal.inf.br/nfe" versao="4.00"><infProt>'
    b"<tpAmb>2</tpAmb><cStat>999</cStat></infProt></protNFe>"
)

type Opened = tuple[bytes, Version | None] | Refused | Deferred
"""A file's bytes and version, or why there are none."""
type _Result = tuple[Document | Refused, ...] | Refused | Deferred


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The settings of a worker, handed over as JSON."""

    checks: Checks
    max_file_bytes: int
    memory_bytes: int
    archives: ArchiveLimits = field(default_factory=ArchiveLimits)
    by_content: bool = False
    """Files and members are taken by their first bytes."""

    def to_json(self) -> str:
        """For the worker's command line."""
        return json.dumps(
            {
                "checks": asdict(self.checks),
                "max_file_bytes": self.max_file_bytes,
                "memory_bytes": self.memory_bytes,
                "archives": asdict(self.archives),
                "by_content": self.by_content,
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
            fields["by_content"],
        )


def read_file(path: str, settings: WorkerSettings) -> Reading:
    """Reads, hashes, parses and checks one file; never raises for what a file can be."""
    (reading,) = read_files((path,), settings)
    return reading


def read_files(paths: Sequence[str], settings: WorkerSettings) -> list[Reading]:
    """The same for several, in their order."""
    return readings_of((partial(_opened, path, settings) for path in paths), settings)


def check_yourself(settings: WorkerSettings) -> None:
    """Reads a document that nfed brings along; raises MemoryError where the machine cannot."""
    try:
        documents_from(_OWN, settings.checks)
    except DocumentError:
        pass  # what it says does not matter
    except (OSError, ImportError) as error:
        raise MemoryError(str(error)) from error


def readings_of(opening: Iterable[Callable[[], Opened]], settings: WorkerSettings) -> list[Reading]:
    """A reading of each file that is opened, in order; a slice of them is open at a time."""
    readings: list[Reading] = []
    files: list[_File] = []
    size_bytes = 0
    for each in opening:
        file = _File(each, settings)
        files.append(file)
        size_bytes += file.size_bytes
        if len(files) == _SLICE_FILES or size_bytes >= _SLICE_BYTES:
            readings += _readings_of_slice(files)
            files, size_bytes = [], 0
    return readings + _readings_of_slice(files)


def _readings_of_slice(files: Sequence["_File"]) -> list[Reading]:
    going = files
    while going:
        going = [file for file in going if file.take_step()]
    return [file.reading() for file in files]


class _File:
    """One file of a slice; counts the time that it takes itself."""

    def __init__(self, opening: Callable[[], Opened], settings: WorkerSettings) -> None:
        began = time.perf_counter()
        self._digest: str | None = None
        self._version: Version | None = None
        opened = opening()
        if isinstance(opened, tuple):
            content, self._version = opened
            self.size_bytes = len(content)
            self._digest = sha256(content).hexdigest()
            self._steps = _steps(content, self._digest, settings)
        else:
            self.size_bytes = 0
            self._steps = _no_steps(opened)
        self._seconds = time.perf_counter() - began

    def take_step(self) -> bool:
        """False: that was the last."""
        began = time.perf_counter()
        try:
            next(self._steps)
        except StopIteration as end:
            self._result: _Result = end.value
            return False
        finally:
            self._seconds += time.perf_counter() - began
        return True

    def reading(self) -> Reading:
        """What it came to, after the last step."""
        return Reading(self._result, self._digest, self._version, self._seconds * 1000)


def _steps(content: bytes, digest: str, settings: WorkerSettings) -> Steps[_Result]:
    """Makes a result of a file's bytes, step by step."""
    try:
        found = yield from documents_by_steps(content, settings.checks, digest)
    except XMLTruncated as error:
        return Deferred(Reason.INCOMPLETE, str(error))
    except DocumentError as error:
        return _refused(error)
    except MemoryError:
        raise
    except (OSError, ImportError) as error:  # of nfed's own files: no document's fault
        return Deferred(
            Reason.UNREADABLE, Message("nfed could not load what it needs: {error}", error=error)
        )
    except Exception as error:  # one file must not cost its chunk, whatever it holds
        return refusal(unexpected(error))
    return tuple(_refused(each) if isinstance(each, DocumentError) else each for each in found)


def _no_steps(result: Refused | Deferred) -> Steps[_Result]:
    return result
    yield


def _refused(error: DocumentError) -> Refused:
    return refusal(error, error.chave if isinstance(error, InvalidAccessKey) else None)


def unexpected(error: Exception) -> UnexpectedContent:
    """Names the error and the line of code that it came from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}, line {frame.lineno}"
    return UnexpectedContent(
        Message("{name}: {error} ({place})", name=type(error).__name__, error=error, place=place)
    )


def _opened(path: str, settings: WorkerSettings) -> Opened:
    try:
        content, version = _content(path, settings.max_file_bytes)
    except FileTooLarge as error:
        return refusal(error)
    except OSError as error:
        return deferral(error)
    if content is None:
        return Deferred(Reason.CHANGED, Message("the file changed while it was read"))
    return content, version


def _content(path: str, max_bytes: int) -> tuple[bytes | None, Version]:
    """The file's bytes and version; None for bytes that changed under the reader."""
    # O_NONBLOCK: a FIFO put in the file's place must not hang the worker.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.ENOTSUP, "no longer a regular file", path)
        if before.st_size > max_bytes:
            raise FileTooLarge(
                Message(
                    "{st_size:,} bytes; expected at most {max_bytes:,}",
                    st_size=before.st_size,
                    max_bytes=max_bytes,
                )
            )
        content = os.read(descriptor, before.st_size + 1)
        while 0 < len(content) < before.st_size:
            more = os.read(descriptor, _CHUNK)
            if not more:
                break
            content += more
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    version = version_of(after)
    if version != version_of(before) or len(content) != after.st_size:
        return None, version
    return content, version


def version_of(status: os.stat_result) -> Version:
    """See Arrival.version."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def deferral(error: OSError) -> Deferred:
    """A file that cannot be read now."""
    reason = Reason.VANISHED if isinstance(error, FileNotFoundError) else Reason.UNREADABLE
    return Deferred(reason, Message("{strerror}", strerror=error.strerror or error))
