"""Cuts work into chunks and reads them: files of a batch and members of an archive alike.

A Chunk is what one worker reads and one transaction stores. At most so many of them are in flight,
whatever they hold (`begin_each`). A file or member that kills its worker costs only itself: its
chunk is read again one by one, and what kills a worker three times, alone, is refused. Such strikes
outlive the job and the daemon. Before one is counted, a worker reads a note that nfed brings along:
where that fails, too, the machine is at fault and not the file, which stays.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.archive import Member
from nfed.core.arrival import Arrival, Batch
from nfed.core.outcome import Deferred, Reason, Refused, refusal
from nfed.core.ports import Reader, Reading, Strikes, WorkerCrashed
from nfed.errors import WorkerDied
from nfed.words import Message

CHUNK_FILES = 64
CHUNK_BYTES = 4 << 20
_STRIKES = 3

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Files of a batch, or members of one archive."""

    arrivals: Batch
    """A member is its archive's arrival, with the member's path and size."""
    archive: Arrival | None = None
    members: tuple[Member, ...] = ()
    """As many as there are arrivals; none for files."""

    def __len__(self) -> int:
        return len(self.arrivals)

    def one_by_one(self) -> Iterator["Chunk"]:
        """Chunks of one."""
        for number, arrival in enumerate(self.arrivals):
            yield Chunk((arrival,), self.archive, self.members[number : number + 1])

    async def read(self, tries: "Tries", root: str) -> list[Reading]:
        """A reading for each of its parts, in order; what kills workers is refused."""
        try:
            return await self._ask(tries.reader, root)
        except WorkerCrashed as crash:
            log.warning("worker_replaced", error=str(crash), files=len(self))
        found: list[Reading] = []
        for each in self.one_by_one():
            answer = await tries.until_it_answers(
                each.arrivals[0], partial(each._ask, tries.reader, root)
            )
            found += answer if isinstance(answer, list) else [Reading(answer)]
        return found

    async def _ask(self, reader: Reader, root: str) -> list[Reading]:
        archive = self.archive
        if archive is None:
            return await reader.read([f"{root}/{arrival.path}" for arrival in self.arrivals])
        return await reader.read_members(f"{root}/{archive.path}", archive.version, self.members)


def chunks_of_files(batch: Iterable[Arrival]) -> Iterator[Chunk]:
    """The batch, cut into chunks in its order."""
    return map(Chunk, _cut(batch))


def chunks_of_members(archive: Arrival, members: Sequence[Member]) -> Iterator[Chunk]:
    """An archive's members, cut into chunks in their order."""
    for some in _cut(members):
        arrivals = tuple(replace(archive, path=m.path, size_bytes=m.size_bytes) for m in some)
        yield Chunk(arrivals, archive, some)


@dataclass(frozen=True, slots=True)
class Tries:
    """Reads what kills workers alone, until it is clear whose fault that is."""

    reader: Reader
    strikes: Strikes
    moved: Callable[[], None]
    """Called after each try: a job that tries moves on."""

    async def until_it_answers[T](
        self, arrival: Arrival, ask: Callable[[], Awaitable[T]]
    ) -> T | Refused | Deferred:
        """Asks again and again; refuses what has killed three workers by now."""
        while True:
            try:
                answer = await ask()
            except WorkerCrashed as crash:
                try:
                    await self.reader.check()
                except WorkerCrashed as general:
                    return Deferred(
                        Reason.UNREADABLE,
                        Message("no worker can read anything: {general}", general=general),
                    )
                strikes = self.strikes.add(arrival)
                if strikes >= _STRIKES:
                    return refusal(
                        WorkerDied(
                            Message(
                                "reading it failed {strikes} times, last: {crash}",
                                strikes=strikes,
                                crash=crash,
                            )
                        )
                    )
            else:
                return answer
            finally:
                self.moved()


async def begin_each[T](
    group: asyncio.TaskGroup,
    slots: asyncio.Semaphore,
    parts: Iterable[T],
    act: Callable[[T], Coroutine[object, object, None]],
    *,
    halted: Callable[[], bool],
    name: str,
) -> bool:
    """Begins `act` for each part as soon as a slot is free; False: halted before the last."""

    async def acting(part: T) -> None:
        try:
            await act(part)
        finally:
            slots.release()

    for number, part in enumerate(parts):
        await slots.acquire()
        if halted():
            slots.release()
            return False
        group.create_task(acting(part), name=f"{name}-{number}")
    return True


class _Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


def _cut[T: _Sized](parts: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """At most CHUNK_FILES parts and about CHUNK_BYTES bytes each."""
    chunk: list[T] = []
    size = 0
    for part in parts:
        if chunk and (len(chunk) == CHUNK_FILES or size + part.size_bytes > CHUNK_BYTES):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(part)
        size += part.size_bytes
    if chunk:
        yield tuple(chunk)
