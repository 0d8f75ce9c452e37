"""An archive's way through a job: list, read member by member, write out what is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.archive import Listing, Member
from daemon.core.arrival import Arrival, Batch
from daemon.core.job import Job
from daemon.core.outcome import Deferred, Outcome, Reason, Refused, Unpacked, refusal
from daemon.core.ports import Fate, Reader, Reading, Shelves, WorkerCrashed
from daemon.errors import ArchiveNotWrittenOut, ArchiveTruncated, StoreUnavailable, WorkerDied

CHUNK_MEMBERS = 64
CHUNK_BYTES = 4 << 20
_WORKER_STRIKES = 3

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(frozen=True, slots=True)
class Steps:
    """What the processor does for every chunk, of files and of members alike."""

    settle: Callable[[Job, Batch, Sequence[Reading]], Awaitable[list[Fate]]]
    """Stores what was read and records the fates."""
    settled: Callable[[Sequence[Fate]], None]
    """Tells whoever listens, and that the job moves."""
    is_halted: Callable[[], bool]


class Unpacker:
    """Takes the archives of one job apart; its chunks share the job's slots."""

    def __init__(
        self, reader: Reader, shelves: Shelves, root: str, slots: asyncio.Semaphore, steps: Steps
    ) -> None:
        self._reader = reader
        self._shelves = shelves
        self._root = root
        self._slots = slots
        self._steps = steps

    async def unpack(self, job: Job, archive: Arrival, *, final: bool) -> Outcome | None:
        """The archive's own outcome, once each of its members has one; None: halted before.

        The job's total counts the members in the archive's stead. Raises StoreUnavailable.
        """
        async with self._slots:
            listing = await self._list(archive)
        match listing:
            case Deferred(Reason.INCOMPLETE, detail) if final:
                return refusal(ArchiveTruncated(detail))
            case Refused() | Deferred():
                return listing
            case Listing(members, ignored):
                pass
        job.total_files += len(members) - 1
        walk = _Progress()
        await self._read_all(job, archive, members, walk)
        if walk.halted:
            return None
        if walk.waits is not None:
            job.total_files += 1
            return walk.waits
        if walk.not_written:
            job.total_files += 1
            return refusal(
                ArchiveNotWrittenOut(
                    f"{walk.refused} of {len(members)} members were refused, the others stored; "
                    f"{len(walk.not_written)} could not be unpacked into failed/: "
                    f"{', '.join(walk.not_written[:3])}"
                )
            )
        return Unpacked(len(members), walk.refused, ignored)

    async def _read_all(
        self, job: Job, archive: Arrival, members: Sequence[Member], walk: "_Progress"
    ) -> None:
        async def run(chunk: Sequence[Member]) -> None:
            try:
                await self._chunk(job, archive, chunk, walk)
            except StoreUnavailable:
                walk.halted = True  # passes the retries only when a stop was asked for
            finally:
                self._slots.release()

        async with asyncio.TaskGroup() as group:
            for number, chunk in enumerate(_chunked(members)):
                await self._slots.acquire()
                walk.halted |= self._steps.is_halted()
                if walk.halted or walk.waits is not None:
                    self._slots.release()
                    return
                group.create_task(run(chunk), name=f"members-{number}")

    async def _chunk(
        self, job: Job, archive: Arrival, chunk: Sequence[Member], walk: "_Progress"
    ) -> None:
        readings = await self._readings(archive, chunk)
        changed = next((r.result for r in readings if _is_archives_own(r.result)), None)
        if isinstance(changed, Deferred):
            walk.waits = changed  # without a fate: they come again, all of them
            return
        arrivals = tuple(replace(archive, path=m.path, size_bytes=m.size_bytes) for m in chunk)
        fates = await self._steps.settle(job, arrivals, readings)
        for member, fate in zip(chunk, fates, strict=True):
            match fate.outcome:
                case Refused():
                    walk.refused += 1
                    await self._keep(job, archive, member, fate, walk)
                case Deferred():
                    walk.waits = fate.outcome
                case _:
                    pass
        self._steps.settled(fates)

    async def _keep(
        self, job: Job, archive: Arrival, member: Member, fate: Fate, walk: "_Progress"
    ) -> None:
        try:
            content = await self._reader.member_bytes(self._at(archive), archive.version, member)
        except WorkerCrashed:
            content = None
        if content is None:
            walk.not_written.append(member.path)
        elif not await self._shelves.keep_member(fate, content, job.job_id):
            walk.waits = Deferred(Reason.UNREADABLE, "failed/ takes no file; it is tried again")

    async def _list(self, archive: Arrival) -> Listing | Refused | Deferred:
        crash: WorkerCrashed | None = None
        for _ in range(_WORKER_STRIKES):
            try:
                return await self._reader.list_archive(self._at(archive), archive.version)
            except WorkerCrashed as error:
                crash = error
        return refusal(_died(crash))

    async def _readings(self, archive: Arrival, chunk: Sequence[Member]) -> list[Reading]:
        path, version = self._at(archive), archive.version
        try:
            return await self._reader.read_members(path, version, chunk)
        except WorkerCrashed as crash:
            log.warning("worker_replaced", error=str(crash), files=len(chunk))
        return [await self._reading_alone(path, version, member) for member in chunk]

    async def _reading_alone(
        self, path: str, version: tuple[int, int, int, int], member: Member
    ) -> Reading:
        """A member that kills its worker alone, again and again, is at fault."""
        crash: WorkerCrashed | None = None
        for _ in range(_WORKER_STRIKES):
            try:
                return (await self._reader.read_members(path, version, [member]))[0]
            except WorkerCrashed as error:
                crash = error
        return Reading(refusal(_died(crash)))

    def _at(self, archive: Arrival) -> str:
        return f"{self._root}/{archive.path}"


@dataclass(slots=True)
class _Progress:
    """How far an archive has come."""

    refused: int = 0
    not_written: list[str] = field(default_factory=list)
    """Refused members of which failed/ has no copy."""
    waits: Deferred | None = None
    """Why the archive stays; what was stored is a duplicate when it comes again."""
    halted: bool = False


def _is_archives_own(result: object) -> bool:
    """Whether the archive itself cannot be read on, or is another one by now."""
    return isinstance(result, Deferred) and result.reason is not Reason.INCOMPLETE


def archive_fate(archive: Arrival, outcome: Outcome, now: datetime, duration_ms: float) -> Fate:
    """For the ledger and the shelves."""
    reading = Reading(outcome if isinstance(outcome, Refused | Deferred) else ())
    return Fate(archive, reading, outcome, now, round(duration_ms, 3))


def _died(crash: WorkerCrashed | None) -> WorkerDied:
    return WorkerDied(f"reading it failed {_WORKER_STRIKES} times, last: {crash}")


def _chunked(members: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """At most CHUNK_MEMBERS members and about CHUNK_BYTES bytes each."""
    chunk: list[Member] = []
    size = 0
    for member in members:
        if chunk and (len(chunk) == CHUNK_MEMBERS or size + member.size_bytes > CHUNK_BYTES):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(member)
        size += member.size_bytes
    if chunk:
        yield tuple(chunk)
