"""What a worker is asked about archives, and its answers."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from daemon.core.archive import Listing, Member
from daemon.core.outcome import Deferred, Reason, Refused, refusal
from daemon.core.ports import Reading
from daemon.errors import ArchiveTruncated, DocumentError
from daemon.flow.archive import ArchiveChanged, Archives, OpenArchive, Version
from daemon.flow.reading import WorkerSettings, deferral, reading_of, unexpected


@dataclass(frozen=True)
class ListArchive:
    """Answered by a Listing, or why there is none."""

    path: str
    version: Version


@dataclass(frozen=True)
class ReadMembers:
    """Answered by a list of readings."""

    path: str
    version: Version
    members: tuple[Member, ...]


@dataclass(frozen=True)
class MemberBytes:
    """Answered by bytes, or None when they are out of reach."""

    path: str
    version: Version
    member: Member


type MemberRequest = ListArchive | ReadMembers | MemberBytes


def read_archive(path: str, settings: WorkerSettings) -> Iterator[tuple[str, Reading]]:
    """Every member with its name, or the archive with why it is refused; in this process."""
    name = os.path.basename(path)
    try:
        status = os.stat(path)
    except OSError as error:
        yield name, Reading(deferral(error))
        return
    version = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    members = Members(settings)
    try:
        match members.listing(ListArchive(path, version)):
            case Listing(found):
                for member in found:
                    for reading in members.readings(ReadMembers(path, version, (member,))):
                        yield member.path, reading
            case Deferred(Reason.INCOMPLETE, detail):
                yield name, Reading(refusal(ArchiveTruncated(detail)))
            case Refused() | Deferred() as result:
                yield name, Reading(result)
    finally:
        members.close()


class Members:
    """Answers for one worker; never raises for what an archive can be."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._archives = Archives(settings.archives, settings.max_file_bytes)

    def answer(
        self, request: MemberRequest
    ) -> Listing | Refused | Deferred | list[Reading] | bytes | None:
        """What is asked for."""
        match request:
            case ListArchive():
                return self.listing(request)
            case ReadMembers():
                return self.readings(request)
            case MemberBytes(member=member):
                found = self._asked(request, lambda archive: archive.content(member))
                return found if isinstance(found, bytes) else None
            case _ as unreachable:
                assert_never(unreachable)

    def listing(self, request: ListArchive) -> Listing | Refused | Deferred:
        """What the archive holds."""
        return self._asked(request, OpenArchive.listing)

    def readings(self, request: ReadMembers) -> list[Reading]:
        """One for each member."""
        return [self._reading(request, member) for member in request.members]

    def close(self) -> None:
        """Lets go of what is open."""
        self._archives.close()

    def _reading(self, request: ReadMembers, member: Member) -> Reading:
        if member.refused is not None:
            return Reading(member.refused)
        began = time.perf_counter()
        found = self._asked(request, lambda archive: archive.content(member), final=True)
        reading = (
            reading_of(found, None, self._settings) if isinstance(found, bytes) else Reading(found)
        )
        return replace(reading, duration_ms=(time.perf_counter() - began) * 1000)

    def _asked[T](
        self, request: MemberRequest, ask: Callable[[OpenArchive], T], *, final: bool = False
    ) -> T | Refused | Deferred:
        """`final`: nothing is to be added any more, so what ends too early is refused."""
        try:
            archive = self._archives.at(request.path, request.version)
            answer = ask(archive)
            archive.check()
        except ArchiveChanged:
            self._archives.close()
            return Deferred(Reason.CHANGED, "the archive changed after it had settled")
        except ArchiveTruncated as error:
            return refusal(error) if final else Deferred(Reason.INCOMPLETE, str(error))
        except DocumentError as error:
            return refusal(error)
        except OSError as error:
            self._archives.close()
            return deferral(error)
        except MemoryError:
            raise
        except Exception as error:  # one archive must not cost its worker, whatever it holds
            return refusal(unexpected(error))
        return answer
