"""Turns sightings of files into batches: says what has settled and when a batch is due."""

from dataclasses import dataclass

from nfed.core.archive import is_archive

type Version = tuple[int, int, int, int]
"""Of a file: inode, bytes, st_mtime_ns, st_ctime_ns."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One sighting of a file in the drop folder."""

    path: str
    """Relative to the folder; bytes that are not UTF-8 as surrogates (os.fsdecode)."""
    inode: int
    size_bytes: int
    modified_ns: int  # st_mtime_ns
    changed_ns: int  # st_ctime_ns
    being_written: bool = False
    """A process on this machine has it open for writing."""
    readable: bool = True
    """False when it was tried to be opened in vain."""
    opened_as_archive: bool | None = None
    """By its first bytes, where files are taken by these; None: its name says it."""

    @property
    def is_archive(self) -> bool:
        """Tells whether it is opened as an archive."""
        return is_archive(self.path) if self.opened_as_archive is None else self.opened_as_archive

    @property
    def version(self) -> Version:
        """Differs as soon as the file does."""
        return (self.inode, self.size_bytes, self.modified_ns, self.changed_ns)


type Batch = tuple[Arrival, ...]


@dataclass(slots=True)
class _Unsettled:
    arrival: Arrival
    still_since: float


class Window:
    """Holds arrivals until they are settled, and settled ones until a batch is due.

    It has no clock: `now` is any monotonic time in seconds. A file is settled when a sighting at
    least `settle_seconds` after an equal one shows no writer. A batch is due when nothing new came
    for `debounce_seconds`, when the first settled file waited `max_wait_seconds`, or when
    `max_files` are settled. Never holds more than `max_files`.
    """

    def __init__(
        self,
        *,
        settle_seconds: float,
        debounce_seconds: float,
        max_wait_seconds: float,
        max_files: int,
    ) -> None:
        self._settle = settle_seconds
        self._debounce = debounce_seconds
        self._max_wait = max_wait_seconds
        self._max_files = max_files
        self._waiting: dict[str, _Unsettled] = {}
        self._settled: dict[str, Arrival] = {}
        self._last_new = 0.0
        self._first_settled = 0.0

    def __contains__(self, path: object) -> bool:
        return path in self._waiting or path in self._settled

    def __len__(self) -> int:
        return len(self._waiting) + len(self._settled)

    @property
    def room(self) -> int:
        """Counts how many more paths it takes."""
        return self._max_files - len(self)

    def sight(self, arrival: Arrival, now: float) -> None:
        """Takes note of a sighting; a change restarts the settling."""
        path = arrival.path
        settled = self._settled.get(path)
        if settled is not None:
            if settled.version == arrival.version and not arrival.being_written:
                return
            del self._settled[path]
        known = self._waiting.get(path)
        if known is None:
            self._waiting[path] = _Unsettled(arrival, now)
            self._last_new = now
        elif known.arrival.version != arrival.version or arrival.being_written:
            self._waiting[path] = _Unsettled(arrival, now)
        elif now - known.still_since >= self._settle:
            del self._waiting[path]
            if not self._settled:
                self._first_settled = now
            self._settled[path] = arrival

    def forget(self, path: str) -> None:
        """The file is gone."""
        self._waiting.pop(path, None)
        self._settled.pop(path, None)

    def to_sight_again(self, now: float) -> list[str]:
        """Paths that stood still long enough, if they still do."""
        return [
            path
            for path, waiting in self._waiting.items()
            if now - waiting.still_since >= self._settle
        ]

    def take(self, now: float) -> Batch:
        """The batch that is due, or an empty one."""
        due_at = self.due_at()
        if due_at is None or now < due_at:
            return ()
        batch = tuple(self._settled.values())
        self._settled.clear()
        return batch

    def settles_at(self) -> float | None:
        """The time at which `to_sight_again` next has a path; None: not before a sighting."""
        if not self._waiting:
            return None
        return min(waiting.still_since for waiting in self._waiting.values()) + self._settle

    def due_at(self) -> float | None:
        """The time at which `take` next has a batch; None: not before something settles."""
        if not self._settled:
            return None
        if len(self._settled) >= self._max_files:
            return self._first_settled
        return min(self._last_new + self._debounce, self._first_settled + self._max_wait)
