"""The kernel's limits for watching folders (inotify(7)), and whether a watch is to be had."""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

_LIMITS = Path("/proc/sys/fs/inotify")
_IN_CREATE = 0x100


@dataclass(frozen=True, slots=True)
class Inotify:
    """The limits for one user; None where the kernel does not tell."""

    max_user_watches: int | None
    max_user_instances: int | None

    @classmethod
    def read(cls) -> "Inotify":
        """As they are now."""
        return cls(_limit("max_user_watches"), _limit("max_user_instances"))

    @property
    def described(self) -> str:
        """Both, by the names that sysctl knows."""
        return (
            f"fs.inotify.max_user_watches={self.max_user_watches}, "
            f"fs.inotify.max_user_instances={self.max_user_instances}"
        )

    @staticmethod
    def try_to_watch(folder: Path) -> None:
        """Raises OSError when the folder cannot be watched now."""
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.inotify_init1(os.O_CLOEXEC)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            if libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_CREATE) < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)


def _limit(name: str) -> int | None:
    try:
        return int((_LIMITS / name).read_text("ascii"))
    except (OSError, ValueError):
        return None
