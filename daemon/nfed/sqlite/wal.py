"""Tells whether a -wal belongs to a main file, and to its -shm, from the bytes of both.

https://www.sqlite.org/fileformat2.html: "The Database Header" (1.3) and "WAL File Format" (4.1);
https://www.sqlite.org/walformat.html: "The WAL-Index File Format" (2).
"""

import os
import secrets
import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_MAGIC = b"SQLite format 3\0"
_WAL_MAGICS = (0x377F0682, 0x377F0683)
HEADER_BYTES = 100
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_INDEX_HEADER_BYTES = 48


class Kinship(StrEnum):
    """What a -wal is to a main file."""

    NONE = "none"  # it holds nothing that SQLite would apply
    BELONGS = "belongs"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Header:
    """The first 100 bytes of a main file, which are those of its page 1."""

    raw: bytes

    @property
    def is_database(self) -> bool:
        """Whether it is SQLite's at all."""
        return len(self.raw) == HEADER_BYTES and self.raw.startswith(_MAGIC)

    @property
    def is_in_wal_mode(self) -> bool:
        """Whether it is written by way of a -wal; what `vacuum into` makes is not yet."""
        return self.raw[18:20] == b"\2\2"

    @property
    def page_bytes(self) -> int:
        """Of each page."""
        size: int = struct.unpack_from(">H", self.raw, 16)[0]
        return 65536 if size == 1 else size

    @property
    def changes(self) -> int:
        """The file change counter. A connection that writes alone in WAL mode counts once."""
        return self._number(24)

    @property
    def pages(self) -> int:
        """How many pages the database has."""
        return self._number(28)

    @property
    def schema(self) -> int:
        """The schema cookie; each change of the schema counts."""
        return self._number(40)

    @property
    def stamp(self) -> int:
        """The number of nfed's last transaction (user_version); 0: none wrote one."""
        return self._number(60)

    @property
    def stamp_before(self) -> int:
        """The number of the one before that (application_id)."""
        return self._number(68)

    def _number(self, offset: int) -> int:
        number: int = struct.unpack_from(">I", self.raw, offset)[0]
        return number


def read_header(descriptor: int) -> Header:
    """Of an open main file. Raises OSError."""
    return Header(os.pread(descriptor, HEADER_BYTES, 0))


def stamp(connection: sqlite3.Connection) -> None:
    """Numbers the transaction under way, in page 1."""
    [(last,)] = connection.execute("pragma user_version")
    connection.execute(f"pragma application_id = {last}")
    connection.execute(f"pragma user_version = {1 + secrets.randbelow(2**31 - 2)}")


def frame_count(descriptor: int) -> int:
    """How many frames of an open -wal count; what it held before lies behind them."""
    found = _start(descriptor)
    if found is None:
        return 0
    page_bytes, salts = found
    step = page_bytes + _FRAME_HEADER_BYTES
    most = max(os.fstat(descriptor).st_size - _WAL_HEADER_BYTES, 0) // step

    def is_old(number: int) -> bool:
        return os.pread(descriptor, 8, _WAL_HEADER_BYTES + number * step + 8) != salts

    return bisect_left(range(most), True, key=is_old)


def holds_what_is_indexed(wal: int, shm: int) -> bool:
    """Whether the open -wal still has the last frame that the open -shm tells of.

    A writer writes frames before it tells of them, so this holds at every moment, unless something
    else wrote over the -wal or cut it off. An index that is just being changed tells nothing.
    """
    raw = os.pread(shm, 2 * _INDEX_HEADER_BYTES, 0)
    index = raw[:_INDEX_HEADER_BYTES]
    if len(raw) < 2 * _INDEX_HEADER_BYTES or index != raw[_INDEX_HEADER_BYTES:]:
        return True
    frames, _, *checksum = struct.unpack_from("=IIII", index, 16)
    is_made, salts = index[12], index[32:40]
    if not is_made or not frames:
        return True
    found = _start(wal)
    if found is None or found[1] != salts:
        return False
    offset = _WAL_HEADER_BYTES + (frames - 1) * (found[0] + _FRAME_HEADER_BYTES)
    frame = os.pread(wal, _FRAME_HEADER_BYTES, offset)
    return (
        len(frame) == _FRAME_HEADER_BYTES
        and frame[8:16] == salts
        and [*struct.unpack_from(">II", frame, 16)] == checksum
    )


def kinship(main: Header, wal: int) -> Kinship:
    """What the open -wal is to the main file with this header.

    Every change of page 1 is in the -wal, so a main file that it belongs to holds page 1 either as
    it was before the -wal's first, or as a checkpoint copied it from there.
    """
    found = _start(wal)
    count = frame_count(wal)
    if found is None or not count:
        return Kinship.NONE
    if not main.is_database or found[0] != main.page_bytes:
        return Kinship.STRANGE
    first: Header | None = None
    pages: set[int] = set()
    last_size = 0
    for page, size, head in _frames(wal, found[0], count):
        pages.add(page)
        last_size = size or last_size
        if head is not None:
            if head.raw == main.raw:
                return Kinship.BELONGS
            first = first or head
    if first is None:
        # No page came and none went, and other programs than nfed wrote it.
        belongs = last_size in (0, main.pages)
    else:
        is_whole = all(page in pages for page in range(1, last_size + 1))
        belongs = _follows(first, main, is_whole=is_whole)
    return Kinship.BELONGS if belongs else Kinship.STRANGE


def _follows(first: Header, main: Header, *, is_whole: bool) -> bool:
    if (first.changes - main.changes) & 0xFFFFFFFF > 1:
        return False
    if first.stamp_before == main.stamp and first.schema == main.schema:
        return True  # nfed's transaction came next
    if (first.stamp, first.stamp_before) == (main.stamp, main.stamp_before):
        return first.schema >= main.schema  # another program's
    # `.restore` of the sqlite3 program, which writes every page, and counts the schema on.
    return is_whole and first.changes != main.changes and first.schema == main.schema + 1


def _start(wal: int) -> tuple[int, bytes] | None:
    """The bytes of a page and the salts; None: SQLite would begin the file anew."""
    head = os.pread(wal, _WAL_HEADER_BYTES, 0)
    if len(head) < _WAL_HEADER_BYTES:
        return None
    magic, _, page_bytes = struct.unpack_from(">III", head)
    if magic not in _WAL_MAGICS or page_bytes < 512 or page_bytes & (page_bytes - 1):
        return None
    return page_bytes, head[16:24]


def _frames(wal: int, page_bytes: int, count: int) -> Iterator[tuple[int, int, Header | None]]:
    """Number of the page, the database's pages after a commit or 0, and of page 1 its header."""
    step = page_bytes + _FRAME_HEADER_BYTES
    for offset in range(_WAL_HEADER_BYTES, _WAL_HEADER_BYTES + count * step, step):
        page, size = struct.unpack(">II", os.pread(wal, 8, offset))
        head = (
            Header(os.pread(wal, HEADER_BYTES, offset + _FRAME_HEADER_BYTES)) if page == 1 else None
        )
        yield page, size, head
