"""Reads refused files again without moving any, to see what a setting or a newer nfed does."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path

from nfed.core.outcome import Deferred, Refused
from nfed.core.ports import Reading, WorkerCrashed
from nfed.documents.checks import Policy
from nfed.errors import WorkersUnavailable
from nfed.intake.folder import FAILED
from nfed.settings import Settings
from nfed.wiring import worker_settings_of
from nfed.workers.pool import Workers

CURES = (
    "check_schema",
    "check_key",
    "check_signature",
    "check_authorisation",
    "check_totals",
    "check_format",
)
_CHUNK = 50
_EXAMPLES = 5


@dataclass(slots=True)
class Trial:
    """One group of files, read as they would be with other settings."""

    cause: str
    changed: Mapping[str, str]
    """Settings other than those in force; empty: only read again."""
    total: int
    done: int = 0
    accepted: int = 0
    warned: int = 0
    """Of the accepted ones, those that get warnings."""
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By error type and code."""
    waiting: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    """Some of the refused: name, error."""
    accepted_names: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """All are read, or none can be."""
        return self.done >= self.total or bool(self.error)


class Trials:
    """The trial of each group; one runs at a time, in a worker process of its own.

    It says what reading and checks make of the files. Whether another document is stored under the
    same key is seen at the import alone.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._failed = folder / FAILED
        self._settings = settings
        self._trials: dict[str, Trial] = {}
        self._task: asyncio.Task[None] | None = None

    def of(self, cause: str) -> Trial | None:
        """The last trial of a group."""
        return self._trials.get(cause)

    @property
    def is_busy(self) -> bool:
        """One is under way."""
        return self._task is not None and not self._task.done()

    def begin(self, cause: str, names: Sequence[str], changed: Mapping[str, str]) -> None:
        """Begins a trial; whoever asks while one is under way gets that one."""
        if self.is_busy:
            return
        trial = self._trials[cause] = Trial(cause, changed, len(names))
        self._task = asyncio.create_task(self._run(trial, names), name="trial")

    async def _run(self, trial: Trial, names: Sequence[str]) -> None:
        policies = {name: Policy(value) for name, value in trial.changed.items()}
        settings = self._settings.model_copy(update={**policies, "keep_xml": False})
        try:
            async with Workers(1, worker_settings_of(settings)) as workers:
                for some in batched(names, _CHUNK):
                    for name, reading in zip(some, await self._read(workers, some), strict=True):
                        _count(trial, name, reading)
        except (WorkersUnavailable, WorkerCrashed) as error:
            trial.error = str(error)

    async def _read(self, workers: Workers, names: Sequence[str]) -> list[Reading | None]:
        try:
            return list(await workers.read([f"{self._failed}/{name}" for name in names]))
        except WorkerCrashed:
            if len(names) == 1:
                return [None]
            return [(await self._read(workers, [name]))[0] for name in names]


def _count(trial: Trial, name: str, reading: Reading | None) -> None:
    trial.done += 1
    if reading is None:
        trial.refused["WorkerDied", ""] += 1
        return
    result = reading.result
    if isinstance(result, Deferred):
        trial.waiting += 1
        return
    parts = (result,) if isinstance(result, Refused) else result
    refused = next((part for part in parts if isinstance(part, Refused)), None)
    if refused is not None:
        trial.refused[refused.error_type, refused.code or ""] += 1
        if len(trial.examples) < _EXAMPLES:
            trial.examples.append((name, refused.error))
        return
    trial.accepted += 1
    trial.accepted_names.append(name)
    trial.warned += any(not isinstance(part, Refused) and part.findings for part in parts)
