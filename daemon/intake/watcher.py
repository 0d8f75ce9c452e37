"""One watch for the life of the daemon. Its events are hints: their only effect is "look now".

watchfiles swallows overflows, dies of file names that are not UTF-8 and goes deaf when the folder
is replaced, so nothing here says what changed: the scan does.
"""

import asyncio
import re
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

    async def run(self) -> None:
        """Runs until `close`; a watch that dies is started again."""
        while self._polling and not self._closed.is_set():
            # Where no events arrive, a look at the names is cheaper than watchfiles' own polling,
            # which looks at every file three times a second.
            self._hint()
            await self._pause(_POLL_SECONDS)
        while not self._closed.is_set():
            self._stop = asyncio.Event()
            for delay in _ARMED_SECONDS:
                # What came while no watch was there raised no event.
                asyncio.get_running_loop().call_later(delay, self._hint)
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
            except Exception as error:  # whatever ends a watch, the answer is the same
                log.debug("watch_restarted", error=f"{type(error).__name__}: {error}")
            if not self._closed.is_set():
                self._hint()
                await self._pause(_RESTART_SECONDS)

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
