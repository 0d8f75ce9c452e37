"""Watches the drop folder, and what was moved out of it.

One Watch lives as long as the daemon. Its events are hints: their only effect is "look now".
watchfiles swallows overflows, dies of file names that are not UTF-8 and goes deaf when the folder
is replaced, so nothing here says what changed: the scan does.

Writes tells which files of done/ somebody writes to. A producer that has a file open when it is
moved writes to it where it lies then, and the event names it there.
"""

import asyncio
import ctypes
import errno
import os
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger
from watchfiles import awatch

_STEP_MS = 100
_DEBOUNCE_MS = 500
_RESTART_SECONDS = 1.0
_POLL_SECONDS = 1.0
_ARMED_SECONDS = (0.2, 2.0)  # by then a watch that was started sees what comes
# File systems whose changes by other machines raise no events here.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "vboxsf", "afs", "lustre"}
)

log: FilteringBoundLogger = structlog.get_logger("nfed")


class Watch:
    """Calls `hint` for every change below the folder, and after every death of the watch."""

    def __init__(
        self, root: Path, hint: Callable[[], None], *, recursive: bool, force_polling: bool
    ) -> None:
        self._root = root
        self._hint = hint
        self._recursive = recursive
        self._polling = force_polling
        self._stop = asyncio.Event()
        self._closed = asyncio.Event()
        self.error: str | None = None
        """Why no events come, and the folder is looked at every second; None: they come."""

    async def run(self) -> None:
        """Runs until `close`; a watch that dies is started again."""
        while self._polling and not self._closed.is_set():
            # Where no events arrive, a look at the names is cheaper than watchfiles' own polling,
            # which looks at every file three times a second.
            self._hint()
            await self._pause(_POLL_SECONDS)
        while not self._closed.is_set():
            self._stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            # What came while no watch was there raised no event.
            timers = [loop.call_later(delay, self._hint) for delay in _ARMED_SECONDS]
            timers.append(loop.call_later(_ARMED_SECONDS[-1], self._is_up))
            try:
                async for _ in awatch(
                    self._root,
                    watch_filter=None,
                    recursive=self._recursive,
                    step=_STEP_MS,
                    debounce=_DEBOUNCE_MS,
                    rust_timeout=0,
                    force_polling=False,  # not by an environment variable either
                    stop_event=self._stop,
                ):
                    self._hint()
            except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic of watchfiles' Rust is no Exception
                log.debug("watch_restarted", error=f"{type(error).__name__}: {error}")
                self._is_down(error)
            finally:
                for timer in timers:
                    timer.cancel()
            if not self._closed.is_set():
                self._hint()
                await self._pause(_RESTART_SECONDS)

    def _is_up(self) -> None:
        self.error = None

    def _is_down(self, error: BaseException) -> None:
        """Logs it once, unless the folder is gone, which has its own event."""
        if self.error is None and os.path.isdir(self._root):
            self.error = str(error)
            log.info(
                "inotify_unavailable",
                error=self.error,
                advice="the folder is looked at every second instead; see `nfed check`",
            )

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    def restart(self) -> None:
        """The folder was replaced: the watch on the old one is deaf."""
        self._stop.set()

    def close(self) -> None:
        """Ends `run`."""
        self._closed.set()
        self._stop.set()


class Writes:
    """Sees who writes to files of some folders below `root`; nothing where no watch is left."""

    _MODIFY, _CLOSE_WRITE, _OVERFLOW = 0x2, 0x8, 0x4000
    _ONLYDIR_DONT_FOLLOW = 0x0300_0000
    _EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name behind it
    _MOST_FOLDERS = 16

    def __init__(self, root: str) -> None:
        self._root = root
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._folders: dict[int, str] = {}
        self._error_said = False
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        """Readable when there is something to `take`; -1: there never is."""
        if self.descriptor < 0:
            self._say(ctypes.get_errno())

    def close(self) -> None:
        """Sees nothing more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._folders.clear()

    def add(self, folder: str) -> None:
        """Watches what stands at this path now; the oldest of too many is let go of."""
        if self.descriptor < 0:
            return
        mask = self._MODIFY | self._CLOSE_WRITE | self._ONLYDIR_DONT_FOLLOW
        path = os.fsencode(f"{self._root}/{folder}")
        watch = self._libc.inotify_add_watch(self.descriptor, path, mask)
        if watch >= 0:
            self._folders[watch] = folder
        elif ctypes.get_errno() in (errno.ENOSPC, errno.ENOMEM):
            self._say(ctypes.get_errno())
        while len(self._folders) > self._MOST_FOLDERS:
            oldest = next(iter(self._folders))
            del self._folders[oldest]
            self._libc.inotify_rm_watch(self.descriptor, oldest)

    def has(self, folder: str) -> bool:
        """Whether it is watched."""
        return folder in self._folders.values()

    def take(self) -> dict[str, bool]:
        """What was seen: paths below `root`, and whether bytes were written (else only closed).

        The path "": events were lost, so it may have been any.
        """
        seen: dict[str, bool] = {}
        while self.descriptor >= 0:
            try:
                events = os.read(self.descriptor, 1 << 16)
            except OSError:  # EAGAIN: that was all
                break
            at = 0
            while at < len(events):
                watch, mask, _, length = self._EVENT.unpack_from(events, at)
                at += self._EVENT.size + length
                name = os.fsdecode(events[at - length : at].rstrip(b"\0"))
                if mask & self._OVERFLOW:
                    seen[""] = True
                elif mask & (self._MODIFY | self._CLOSE_WRITE) and watch in self._folders:
                    path = f"{self._folders[watch]}/{name}"
                    seen[path] = seen.get(path, False) or bool(mask & self._MODIFY)
        return seen

    def _say(self, code: int) -> None:
        if not self._error_said:
            self._error_said = True
            log.info(
                "inotify_unavailable",
                error=os.strerror(code),
                advice="late writes to moved files are noticed later; see `nfed check`",
            )


def needs_polling(root: Path, mounts: str | None = None) -> bool:
    """Whether the folder lies on a network or FUSE file system (proc(5), mountinfo).

    `mounts` is the text of /proc/self/mountinfo.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return False
    where = str(root.resolve())
    best, kind = "", ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        # A space in a mount point is written \\040.
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields.split(" ")[4])
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind in _REMOTE or kind.startswith("fuse")
