"""The end of a zip file: whether it is there, and how large a directory it promises.

zipfile reads a directory whole, and takes the end of a zip that lies inside a truncated one for the
end of the outer (APPNOTE.TXT 4.3.14 to 4.3.16 tell the records).
"""

import os
import struct
from typing import BinaryIO

from daemon.errors import ArchiveError, ArchiveTooLarge, ArchiveTruncated

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\x06\x06"
_LOCATOR_BYTES = 20
_MAX_COMMENT = 0xFFFF
_MEMBER = b"PK\x03\x04"
_ENTRY_BYTES = 512  # of the directory, for one member with a long name
_LEAST_BYTES = 1 << 16


def check_end(file: BinaryIO, size: int, max_members: int) -> None:
    """Raises ArchiveTruncated when the end is missing, ArchiveTooLarge for a directory that cannot
    be one of so few members, ArchiveError for what is no zip."""
    file.seek(0)
    start = file.read(len(_MEMBER))
    is_begun = bool(start) and _MEMBER.startswith(start)
    begin = max(size - _END.size - _MAX_COMMENT, 0)
    file.seek(begin)
    tail = file.read(size - begin)
    found = tail.rfind(_END_SIGNATURE)
    if found < 0 or len(tail) - found < _END.size:
        if is_begun or not size:
            raise ArchiveTruncated(f"{size:,} bytes without the directory that ends a zip")
        raise ArchiveError("it is no zip: neither its beginning nor its end is there")
    end = begin + found
    directory_bytes, directory_at = _END.unpack_from(tail, found)[5:7]
    file.seek(max(end - _LOCATOR_BYTES - _END64.size, 0))
    record = file.read(_END64.size)
    if record.startswith(_END64_SIGNATURE) and len(record) == _END64.size:
        directory_bytes, directory_at = _END64.unpack(record)[8:10]
        end -= _LOCATOR_BYTES + _END64.size
    if is_begun and directory_at + directory_bytes < end:
        raise ArchiveTruncated("the directory at its end is that of a zip inside it")
    if directory_bytes > max(max_members * _ENTRY_BYTES, _LEAST_BYTES):
        raise ArchiveTooLarge(
            f"a directory of {directory_bytes:,} bytes; max_archive_members allows {max_members:,} "
            "members"
        )
    file.seek(0, os.SEEK_SET)
