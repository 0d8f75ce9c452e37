"""Has the disk hold what producers wrote, before anything says that nfed has it.

cp, FTP and most ERPs close a file without fsync: its bytes are in memory for half a minute. Its row
would survive a power cut and its XML, which is the legal document, would not. One syncfs(2) for a
chunk costs a tenth of an fdatasync(2) for each of its files.

It does not help on file systems that answer syncfs without doing it (most of FUSE), and on disks
that lie.
"""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)


def flush(path: str) -> None:
    """Returns once the file system of this path has written everything out. Raises OSError."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(folder) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(folder)
