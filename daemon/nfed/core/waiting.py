"""Keeps the files that stay in the folder: why each waits, since when, when it is tried again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nfed.core.arrival import Arrival, Batch, Version
from nfed.core.outcome import Reason

_BUSY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Wait:
    """One file that stays, in one version of it."""

    version: Version
    reason: Reason
    since: float
    again_at: float
    """When it is looked at again; infinity: when somebody asks for it, or it changes."""


class Waiting:
    """The files that stay, by path.

    It has no clock: `now` is any monotonic time in seconds. A file that changed is new and waits no
    more. One that has not changed is tried again after a time that depends on the reason:

    | reason | tried again |
    |---|---|
    | busy, changed | after `settle_seconds` |
    | incomplete | after `incomplete_grace_seconds`, and then it is final: refused, not deferred |
    | unreadable | after `rescan_seconds` |
    | retry: its fate is on record | its move alone, after `rescan_seconds` |
    | cancelled with its job | when somebody asks for it |
    """

    def __init__(
        self, *, settle_seconds: float, incomplete_grace_seconds: float, rescan_seconds: float
    ) -> None:
        self._settle = settle_seconds
        self._grace = incomplete_grace_seconds
        self._rescan = rescan_seconds
        self._waits: dict[str, Wait] = {}
        self._final: dict[str, Version] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._waits

    def __iter__(self) -> Iterator[tuple[str, Wait]]:
        return iter(self._waits.items())

    def __len__(self) -> int:
        return len(self._waits)

    def keep(self, path: str, version: Version, reason: Reason, now: float) -> None:
        """Lets a file wait, or wait on for another reason."""
        known = self._waits.get(path)
        since = known.since if known is not None and known.version == version else now
        self._waits[path] = Wait(version, reason, since, now + self._pause(reason))

    def keep_on(self, path: str, now: float) -> None:
        """Lets a file that was tried in vain wait another `rescan_seconds`."""
        self._waits[path] = replace(self._waits[path], again_at=now + self._rescan)

    def keep_cancelled(self, batch: Batch, now: float) -> None:
        """Leaves alone what a cancelled job did not come to, unless it waits already."""
        for arrival in batch:
            if arrival.path not in self._waits:
                self.keep(arrival.path, arrival.version, Reason.CANCELLED, now)

    def lets_go(self, arrival: Arrival, now: float) -> bool:
        """Takes the file out when it changed or its time has come; False: it waits on."""
        known = self._waits.get(arrival.path)
        if known is None:
            return True
        unchanged = known.version == arrival.version
        if unchanged and (now < known.again_at or known.reason is Reason.RETRY):
            return False
        del self._waits[arrival.path]
        if unchanged and known.reason is Reason.INCOMPLETE:
            self.make_final(arrival)
        return True

    def is_stuck(self, arrival: Arrival) -> bool:
        """Only its move is missing."""
        known = self._waits.get(arrival.path)
        return (
            known is not None and known.reason is Reason.RETRY and known.version == arrival.version
        )

    def make_final(self, arrival: Arrival) -> None:
        """From now on, this version of the file is whole as it stands."""
        self._final[arrival.path] = arrival.version

    def take_final(self, batch: Batch) -> frozenset[str]:
        """The paths of a batch that are final; each counts for this batch alone."""
        return frozenset(
            each.path for each in batch if self._final.pop(each.path, None) == each.version
        )

    def forget(self, path: str) -> None:
        """The file is gone, or on its way by another door."""
        self._waits.pop(path, None)
        self._final.pop(path, None)

    def forget_cancelled(self) -> None:
        """Lets go of what cancelled jobs left."""
        self._waits = {
            path: wait for path, wait in self._waits.items() if wait.reason is not Reason.CANCELLED
        }

    def due(self, now: float) -> Iterator[str]:
        """Paths to look at again."""
        return (path for path, wait in self._waits.items() if now >= wait.again_at)

    def next_at(self) -> float:
        """The time at which `due` next has a path; infinity: not before another file waits."""
        return min((wait.again_at for wait in self._waits.values()), default=math.inf)

    def _pause(self, reason: Reason) -> float:
        match reason:
            case Reason.INCOMPLETE:
                return self._grace
            case Reason.BUSY | Reason.CHANGED:
                return max(self._settle, _BUSY_SECONDS)
            case Reason.UNREADABLE | Reason.RETRY | Reason.VANISHED:
                return self._rescan
            case Reason.CANCELLED:
                return math.inf
