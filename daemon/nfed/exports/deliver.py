"""Gives a recipient what is new and what has changed since: once, whoever is killed meanwhile.

The package is made under a hidden name beside its place. Only when it is whole and on the disk does
the database say so (READY), and only then is it renamed to where the recipient sees it. So one who
goes on after a kill knows what to do: before READY, make it anew; after it, rename it if it is
still there under its hidden name, and never make it a second time, for the recipient may have taken
it away.

While a package is made, a document in it may change. The states of all of them are recorded before
and compared after; if any has changed, the package is made again.

A command is run when the package is in its place. It is run again, with the same path, where it
failed, or where nobody knows whether it had ended: it can tell by the number (DELIVERY).
"""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nfed.errors import FolderUnavailable
from nfed.exports.entries import (
    PackageEntry,
    Question,
    entries,
    heading,
    line,
    other_entries,
)
from nfed.exports.originals import Originals
from nfed.exports.package import MANIFEST, package
from nfed.exports.request import Tally, counted
from nfed.stores.deliveries import Deliveries, Delivery, Step, Wanted
from nfed.stores.pages import Pages, Selection
from nfed.words import Message

_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recipient's packages go, and what is run for each."""

    folder: Path
    as_zip: bool
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """One package that was handed over."""

    number: int
    path: Path
    new: int
    changed: int


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers to one recipient. Raises FolderUnavailable, StoreUnavailable or ConfigError."""

    wanted: Wanted
    place: Place
    deliveries: Deliveries
    pages: Pages
    originals: Originals
    tally: Tally
    tick: Callable[[], None]
    """Called as it goes on."""

    async def deliver(self) -> AsyncIterator[Delivered]:
        """Hands over packages until nothing is due; after an error, the next call goes on."""
        folder = self.place.folder
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            with _alone(folder, self.wanted.name):
                while (delivery := await self.deliveries.begin(self.wanted)) is not None:
                    yield await self._hand_over(delivery)
        except OSError as error:
            raise FolderUnavailable(
                Message("{path}: {strerror}", path=folder, strerror=error.strerror or str(error))
            ) from error

    async def _hand_over(self, delivery: Delivery) -> Delivered:
        place, deliveries = self.place, self.deliveries
        name = f"{delivery.name}-{delivery.number:06}{'.zip' if place.as_zip else ''}"
        target, hidden = place.folder / name, place.folder / f".{name}.being-written"
        if delivery.step is Step.BEGUN:
            await deliveries.settle(delivery)
            while True:
                await asyncio.to_thread(_remove, hidden)
                await (self._zip if place.as_zip else self._folder)(delivery, hidden)
                if not await deliveries.settle(delivery):
                    break
            await asyncio.to_thread(_sync, place.folder)
            await deliveries.advance(delivery, Step.READY)
        await asyncio.to_thread(_show, hidden, target)
        is_there = await asyncio.to_thread(os.path.lexists, target)
        if place.command and is_there:
            await _run(place.command, target, delivery)
        counts = {"nova": 0, "alterada": 0}
        async for question in self._questions(delivery):
            for situation in question.situations.values():
                counts[situation] += 1
        await deliveries.advance(delivery, Step.DONE)
        return Delivered(delivery.number, target, counts["nova"], counts["alterada"])

    async def _questions(self, delivery: Delivery) -> AsyncIterator[Question]:
        after = ""
        while page := await self.deliveries.given(delivery, after, _A_PAGE):
            keys = tuple(key for key, _ in page)
            yield Question(Selection(chaves=keys), dict(page))
            after = page[-1][0]

    def _entries(self, delivery: Delivery) -> AsyncIterator[list[PackageEntry]]:
        return counted(self._both(delivery), self.tally)

    async def _both(self, delivery: Delivery) -> AsyncIterator[list[PackageEntry]]:
        async for page in entries(self.pages, self._questions(delivery), self.originals):
            yield page
        async for question in self._questions(delivery):
            others = Selection(identificadores=tuple(question.situations))
            of_others = Question(others, question.situations)
            async for page in other_entries(self.pages, of_others, self.originals):
                yield page

    async def _zip(self, delivery: Delivery, hidden: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(hidden, flags, 0o666), "wb") as file:
            async for part in package(self._entries(delivery), with_situation=True):
                await asyncio.to_thread(file.write, part)
                self.tick()
            await asyncio.to_thread(_flush, file)

    async def _folder(self, delivery: Delivery, hidden: Path) -> None:
        await asyncio.to_thread(hidden.mkdir)
        folders = {hidden}
        lines = [heading(with_situation=True)]
        async for page in self._entries(delivery):
            lines += [line(entry.line) for entry in page]
            folders |= await asyncio.to_thread(_write_entries, hidden, page)
            self.tick()
        await asyncio.to_thread(_write_whole, hidden / MANIFEST, b"".join(lines))
        for folder in folders:
            await asyncio.to_thread(_sync, folder)


def _write_entries(root: Path, page: list[PackageEntry]) -> set[Path]:
    """Writes the files; returns the folders that they lie in."""
    folders: set[Path] = set()
    for entry in page:
        if entry.path:
            path = root / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.update(each for each in path.parents if each.is_relative_to(root))
            _write_whole(path, entry.content)
    return folders


def _write_whole(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        _flush(file)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _show(hidden: Path, target: Path) -> None:
    """Lets the recipient see it; one that is not there any more was shown before."""
    if os.path.lexists(hidden):
        os.rename(hidden, target)
        _sync(target.parent)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _run(command: tuple[str, ...], target: Path, delivery: Delivery) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        str(target),
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "DELIVERY": f"{delivery.name}-{delivery.number:06}"},
    )
    code = await process.wait()
    if code:
        raise FolderUnavailable(
            Message(
                "{package} is in its place, and {command} ended with {code}; it is run again by "
                "the next `nfed deliver`",
                package=target.name,
                command=command[0],
                code=code,
            )
        )


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Holds the recipient's lock for the block. Raises FolderUnavailable where another one does."""
    descriptor = os.open(folder / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderUnavailable(
                Message("{path}: another `nfed deliver {name}` is at it", path=folder, name=name)
            ) from None
        yield
    finally:
        os.close(descriptor)
