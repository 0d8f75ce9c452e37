"""Takes an archive through a job: lists it, reads its members, keeps the refused ones."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nfed.core.archive import Listing, Member, ignored_in, partly_read
from nfed.core.arrival import Arrival
from nfed.core.job import Job
from nfed.core.outcome import Deferred, Outcome, Reason, Refused, Unpacked, refusal
from nfed.core.ports import Fate, Reading, WorkerCrashed
from nfed.errors import (
    ArchiveNotWrittenOut,
    ArchiveTruncated,
    StoreUnavailable,
)
from nfed.flow.chunks import Chunk, Tries, begin_each, chunks_of_members
from nfed.flow.guard import Ports
from nfed.words import Message


class Steps(Protocol):
    """The steps that a job takes with every chunk, of files and of members alike."""

    async def settle(self, chunk: Chunk, readings: Sequence[Reading]) -> list[Fate]:
        """Stores what was read and records the fates."""
        ...

    def progressed(self, fates: Sequence[Fate]) -> None:
        """Tells whoever listens, and that the job moves."""
        ...


@dataclass(slots=True)
class Unpacking:
    """One archive of a job; its chunks share the job's slots."""

    ports: Ports
    tries: Tries
    root: str
    slots: asyncio.Semaphore
    steps: Steps
    halted: Callable[[], bool]
    job: Job
    archive: Arrival

    _refused: int = 0
    _not_kept: list[str] = field(default_factory=list)
    """Refused members of which failed/ has no copy."""
    _waits: Deferred | None = None
    """Why the archive stays; what was stored is a duplicate when it is read again."""
    _broke_off: bool = False

    async def run(self, *, final: bool) -> Outcome | None:
        """The archive's own outcome, once each of its members has one; None: halted before.

        The job's total counts the members in the archive's stead. Raises StoreUnavailable.
        """
        async with self.slots:
            listing = await self.tries.until_it_answers(self.archive, self._list)
        match listing:
            case Deferred(Reason.INCOMPLETE, detail) if final:
                return refusal(ArchiveTruncated(detail))
            case Refused() | Deferred():
                return listing
            case Listing():
                return await self._members(listing)

    async def _list(self) -> Listing | Refused | Deferred:
        return await self.ports.reader.list_archive(self._path, self.archive.version)

    async def _members(self, listing: Listing) -> Outcome | None:
        members = listing.members
        self.job.total_files += len(members) - 1
        async with asyncio.TaskGroup() as group:
            self._broke_off |= not await begin_each(
                group,
                self.slots,
                chunks_of_members(self.archive, members),
                self._chunk,
                halted=lambda: self._broke_off or self._waits is not None or self.halted(),
                name="members",
            )
        if self._waits is not None:
            self.job.total_files += 1
            return self._waits
        if self._broke_off:
            return None
        if self._not_kept:
            self.job.total_files += 1
            return refusal(
                ArchiveNotWrittenOut(
                    Message(
                        "{refused} of {count} members were refused, the others "
                        "stored; {not_kept_count} could not be unpacked into failed/: "
                        "{not_kept}",
                        refused=self._refused,
                        count=len(members),
                        not_kept_count=len(self._not_kept),
                        not_kept=", ".join(self._not_kept[:3]),
                    )
                )
            )
        if listing.unread:
            self.job.total_files += 1
            return partly_read(listing)
        ignored = ignored_in(listing)
        return Unpacked(len(members), self._refused, listing.ignored, ignored)

    async def _chunk(self, chunk: Chunk) -> None:
        try:
            readings = await chunk.read(self.tries, self.root)
            changed = next((r.result for r in readings if _is_archives_own(r.result)), None)
            if isinstance(changed, Deferred):
                self._waits = changed  # without a fate: all of them are read again
                return
            fates = await self.steps.settle(chunk, readings)
            for member, fate in zip(chunk.members, fates, strict=True):
                match fate.outcome:
                    case Refused():
                        self._refused += 1
                        await self._keep(member, fate)
                    case Deferred():
                        self._waits = fate.outcome
                    case _:
                        pass
            self.steps.progressed(fates)
        except StoreUnavailable:
            self._broke_off = True  # passes the retries only when a stop was asked for

    async def _keep(self, member: Member, fate: Fate) -> None:
        """Writes a refused member into failed/."""
        reader, shelves = self.ports.reader, self.ports.shelves
        try:
            content = await reader.member_bytes(self._path, self.archive.version, member)
        except WorkerCrashed:
            content = None
        if content is None:
            self._not_kept.append(member.path)
        elif not await shelves.keep_member(fate, content, self.job.job_id):
            self._waits = Deferred(
                Reason.UNREADABLE, Message("failed/ takes no file; it is tried again")
            )

    @property
    def _path(self) -> str:
        return f"{self.root}/{self.archive.path}"


def _is_archives_own(result: object) -> bool:
    """Tells whether the archive itself cannot be read on, or is another one by now."""
    return isinstance(result, Deferred) and result.reason is not Reason.INCOMPLETE
