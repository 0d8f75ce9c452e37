"""A file's bytes are on the disk before its row is in the database."""

import ctypes
import fcntl
import os
import struct

import pytest

from nfed.documents.checks import Checks
from nfed.workers.durable import flush
from nfed.workers.pool import Workers
from nfed.workers.read import WorkerSettings
from tests.support.notes import note

_FIEMAP = 0xC020660B  # FS_IOC_FIEMAP, linux/fiemap.h
_DELAYED = 0x4  # FIEMAP_EXTENT_DELALLOC: no place on the disk yet


def is_only_in_memory(path) -> bool:
    """Whether the file system has not given the file's first bytes a place on the disk."""
    request = bytearray(struct.pack("=QQIIII", 0, 2**64 - 1, 0, 0, 1, 0) + bytes(56))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _FIEMAP, request)
    finally:
        os.close(descriptor)
    (flags,) = struct.unpack_from("=I", request, 32 + 40)
    return bool(flags & _DELAYED)


async def test_a_file_that_nobody_synced_is_on_the_disk_once_it_was_read(tmp_path):
    path = tmp_path / "nota.xml"
    path.write_bytes(note(1))
    before = is_only_in_memory(path)
    settings = WorkerSettings(Checks(), max_file_bytes=1 << 20, memory_bytes=1 << 30)

    async with Workers(1, settings) as workers:
        path.write_bytes(note(2))
        await workers.read([str(path)])

    assert before
    assert not is_only_in_memory(path)


def test_a_folder_that_is_gone_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        flush(str(tmp_path / "gone" / "nota.xml"))


def test_the_library_has_the_call():
    assert ctypes.CDLL(None).syncfs
