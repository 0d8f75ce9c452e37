"""Packs files into a zip as they come, and seeks nothing in what was written.

The zip's directory, which stands at its end, and the manifest wait in temporary files.

The same files give the same bytes: no clock goes in, and the order is that of the question.
"""

import asyncio
import pickle
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import IO

from nfed.exports.entries import PackageEntry, heading, line

MANIFEST = "MANIFESTO.csv"
_SPOOLED_BYTES = 4 << 20
_SLICE_BYTES = 1 << 20
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier moment
_UNIX = 3
_MODE = 0o644 << 16


async def package(
    entries: AsyncIterator[list[PackageEntry]], *, with_situation: bool = False
) -> AsyncIterator[bytes]:
    """A zip (ZIP64 where it needs that) of the entries, with the manifest as its last member."""
    sink = _Sink()
    with (
        tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as manifest,
        tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as directory,
        # The last, so that the first to be closed: it reads its directory then.
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.filelist = _Directory(directory)
        archive.NameToInfo = _Forgetful()

        def add(page: list[PackageEntry]) -> None:
            for entry in page:
                if entry.path:
                    archive.writestr(_member(entry.path), entry.content)
                manifest.write(line(entry.line))

        manifest.write(heading(with_situation=with_situation))
        async for page in entries:
            await asyncio.to_thread(add, page)
            yield sink.taken()
        manifest.seek(0)
        with archive.open(_member(MANIFEST), "w", force_zip64=True) as member:
            while part := manifest.read(_SLICE_BYTES):
                member.write(part)
                yield sink.taken()
        yield sink.taken()
        with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as end:
            sink.redirect(end)
            await asyncio.to_thread(archive.close)
            end.seek(0)
            while part := end.read(_SLICE_BYTES):
                yield part


def _member(path: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(path, _LONG_AGO)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = _UNIX
    made.external_attr = _MODE
    return made


class _Directory(list[zipfile.ZipInfo]):
    """What a ZipFile knows of its members, in a file: it adds to it, and reads it at its end."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._count = 0

    def append(self, member: zipfile.ZipInfo, /) -> None:
        pickle.dump(member, self._file)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)


class _Forgetful(dict[str, zipfile.ZipInfo]):
    """Where a ZipFile would look a name up."""

    def __setitem__(self, name: str, member: zipfile.ZipInfo, /) -> None:
        pass


class _Sink:
    """Where a ZipFile writes, and what it wrote is taken from. It has no `seek`, nor a `tell`, so
    that a file and a connection get the same bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, part: bytes, /) -> int:
        """Takes a copy."""
        if self._file is not None:
            return self._file.write(part)
        self._held += part
        return len(part)

    def redirect(self, file: IO[bytes]) -> None:
        """What is written from now on goes there."""
        self._file = file

    def flush(self) -> None:
        """Nothing waits anywhere."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> bytes:
        """All that was written since it was asked last."""
        taken = bytes(self._held)
        self._held.clear()
        return taken
