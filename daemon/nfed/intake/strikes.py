"""Remembers, in the drop folder, which files killed a worker: a file beside the lock.

One line a file: its path and version as JSON, and the count. It is rewritten whole and renamed into
place, so that a crash leaves the old or the new one, and removed when it would be empty, which is
nearly always so. It decides nothing: losing it costs such a file some more tries.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nfed.core.arrival import Arrival

NAME = ".nfed.strikes"

type _Key = tuple[str, tuple[int, ...]]


class FolderStrikes:
    """See ports.Strikes; only for the owner of the folder."""

    def __init__(self, root: Path) -> None:
        self._path = root / NAME
        self._counts = self._read()

    def add(self, arrival: Arrival) -> int:
        """See ports.Strikes. What cannot be written is remembered until the daemon ends."""
        key = (arrival.path, arrival.version)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._write()
        return self._counts[key]

    def forget(self, arrivals: Iterable[Arrival]) -> None:
        """See ports.Strikes."""
        if not self._counts:
            return
        known = len(self._counts)
        for arrival in arrivals:
            self._counts.pop((arrival.path, arrival.version), None)
        if len(self._counts) < known:
            self._write()

    def _read(self) -> dict[_Key, int]:
        counts: dict[_Key, int] = {}
        with suppress(OSError, ValueError, TypeError):
            for line in self._path.read_text("utf-8", "surrogateescape").splitlines():
                path, version, count = json.loads(line)
                counts[str(path), tuple(map(int, version))] = int(count)
        return counts

    def _write(self) -> None:
        lines = [json.dumps([path, version, n]) for (path, version), n in self._counts.items()]
        with suppress(OSError):
            if not lines:
                self._path.unlink(missing_ok=True)
                return
            new = f"{self._path}.new"
            with open(new, "w", encoding="ascii") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self._path)
