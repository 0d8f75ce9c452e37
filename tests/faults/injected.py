"""A library for the daemon's process that makes its calls fail: inject.c, built with cc."""

import errno
import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntFlag
from pathlib import Path

_PAGE = struct.Struct("qiiii")


class Calls(IntFlag):
    """Groups of calls that can be made to fail."""

    OPEN = 1
    READ = 2
    WRITE = 4
    SYNC = 8
    MAP = 16
    STAT = 32


class Injected:
    """The page that the tests share with all processes that have the library."""

    def __init__(self, home: Path) -> None:
        library = home / "inject.so"
        source = Path(__file__).with_name("inject.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        page = home / "faults"
        page.write_bytes(bytes(mmap.PAGESIZE))
        with open(page, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(library), "FAULTS_PAGE": str(page)}

    def write(
        self,
        *,
        seconds: int = 0,
        number: int = 0,
        calls: int = 0,
        one_in: int = 0,
        no_sync: bool = False,
    ) -> None:
        """From now on: the clock is `seconds` wrong, one in so many of these calls fails with this
        errno, and nothing is synced."""
        self._page[: _PAGE.size] = _PAGE.pack(seconds, number, calls, one_in, no_sync)

    @contextmanager
    def failing(self, number: int, calls: Calls, one_in: int) -> Iterator[None]:
        """Inside the block."""
        self.write(number=number, calls=calls, one_in=one_in)
        try:
            yield
        finally:
            self.write()


def can_build() -> str | None:
    """Why there is no such library here; None: there can be."""
    return None if shutil.which("cc") else "needs cc, to build what makes calls fail"


ERRORS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EMFILE", "ENFILE", "ENOMEM")}
