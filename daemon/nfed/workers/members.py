"""Answers what a worker is asked about archives."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from nfed.core.archive import Listing, Member, partly_read
from nfed.core.arrival import Version
from nfed.core.outcome import Deferred, Reason, Refused, refusal
from nfed.core.ports import Reading
from nfed.errors import ArchiveTruncated, DocumentError
from nfed.words import Message
from nfed.workers.archives import ArchiveChanged, Archives, OpenArchive
from nfed.workers.durable import flush
from nfed.workers.read import Opened, WorkerSettings, deferral, readings_of, unexpected, version_of


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


@dataclass(frozen=True)
class CheckYourself:
    """Answered by None, once the worker has read a note of its own."""


type MemberRequest = ListArchive | ReadMembers | MemberBytes


def read_archive(path: str, settings: WorkerSettings) -> Iterator[tuple[str, Reading]]:
    """Every member with its name, or the archive with why it is refused; in this process."""
    name = os.path.basename(path)
    try:
        status = os.stat(path)
    except OSError as error:
        yield name, Reading(deferral(error))
        return
    version = version_of(status)
    members = Members(settings)
    try:
        match members.listing(ListArchive(path, version)):
            case Listing(found) as listing:
                for member in found:
                    for reading in members.readings(ReadMembers(path, version, (member,))):
                        yield member.path, reading
                if listing.unread:
                    yield name, Reading(partly_read(listing))
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
        self._archives = Archives(
            settings.archives, settings.max_file_bytes, by_content=settings.by_content
        )

    def answer(
        self, request: MemberRequest
    ) -> Listing | Refused | Deferred | list[Reading] | bytes | None:
        """Answers a request."""
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
        """Lists what the archive holds."""
        return self._asked(request, OpenArchive.listing)

    def readings(self, request: ReadMembers) -> list[Reading]:
        """One for each member."""
        return readings_of(
            (partial(self._opened, request, member) for member in request.members), self._settings
        )

    def close(self) -> None:
        """Lets go of what is open."""
        self._archives.close()

    def _opened(self, request: ReadMembers, member: Member) -> Opened:
        if member.refused is not None:
            return member.refused
        found = self._asked(request, lambda archive: archive.content(member), final=True)
        return (found, None) if isinstance(found, bytes) else found

    def _asked[T](
        self, request: MemberRequest, ask: Callable[[OpenArchive], T], *, final: bool = False
    ) -> T | Refused | Deferred:
        """`final`: nothing is to be added any more, so what ends too early is refused."""
        try:
            if isinstance(request, ListArchive):
                flush(request.path)
            archive = self._archives.at(request.path, request.version)
            answer = ask(archive)
            archive.check()
        except ArchiveChanged:
            self._archives.close()
            return Deferred(Reason.CHANGED, Message("the archive changed after it had settled"))
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
