"""Renames a file and never overwrites another: renameat2(2), and names that are still free."""

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_MAX_NAME_BYTES = 255
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1

_libc = ctypes.CDLL(None, use_errno=True)


def move_without_replacing(source: str | Path, target: str | Path) -> None:
    """Renames, and raises FileExistsError rather than overwrite (renameat2(2)).

    Where the file system knows no RENAME_NOREPLACE it checks and renames, which is enough for
    the only writer of the target folder.
    """
    # os.fsencode: a name is bytes, and need not be UTF-8
    result = _libc.renameat2(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE
    )
    if result == 0:
        return
    code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(code, os.strerror(code), str(source), None, str(target))
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)


def free_names(name: str, room: int = 0) -> Iterator[str]:
    """The name, then `name.2.xml`, `name.3.xml` …, each short enough for `room` more bytes."""
    stem, dot, suffix = name.rpartition(".")
    is_short = 4 * len(name) + room <= _MAX_NAME_BYTES  # so many bytes has a letter at most
    yield name if is_short else _fitting(stem, f"{dot}{suffix}", room)
    for number in range(2, 1_000_000):
        yield _fitting(stem, f".{number}{dot}{suffix}", room)


def _fitting(stem: str, suffix: str, room: int) -> str:
    raw = os.fsencode(stem)
    limit = _MAX_NAME_BYTES - room - len(os.fsencode(suffix))
    end = min(limit, len(raw))
    # Cut whole characters: at most three bytes 10xxxxxx go on with the one before.
    while limit - end < 3 and end < len(raw) and raw[end] & 0xC0 == 0x80:
        end -= 1
    return os.fsdecode(raw[:end]) + suffix
