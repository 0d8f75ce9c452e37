"""Compares nfed's CPU a note with that of the libraries alone, for the same files and rows."""

import json
import resource
from dataclasses import dataclass
from pathlib import Path

from bench.floor import STEPS
from bench.measure import Figure, Measured, RawTable, median
from bench.measure_import import printed
from bench.measure_nfed import DATABASE, FOLDER, import_backlog
from bench.measure_noise import Noise
from bench.measure_notes import Notes, home, say
from nfed.documents.checks import Policy
from nfed.settings import Settings

FILES = 4_000
FLOOR_DATABASE = "floor.db"
TARGET = 2.0
_START_SHARE = 10  # of so many files the run that shows what the start takes has one


@dataclass(frozen=True, slots=True)
class _Round:
    """Microseconds of CPU a note."""

    nfed: float
    steps: dict[str, float]
    noise: Noise

    @property
    def floor(self) -> float:
        return sum(self.steps.values())

    @property
    def ratio(self) -> float:
        return self.nfed / self.floor


def measure_floor(notes: Notes, files: int, rounds: int) -> Measured:
    """Rounds of nfed with few files, nfed with all, and the libraries with what nfed stored."""
    taken = []
    for number in range(1, rounds + 1):
        say(f"floor of {files:,} files, round {number} of {rounds}")
        taken.append(_round(notes, files))
    return _measured(files, taken)


def all_checks() -> dict[str, str]:
    """The settings that make every check: those that refuse by default do, all others warn."""
    return {
        name: "refuse" if field.default is Policy.REFUSE else "warn"
        for name, field in Settings.model_fields.items()
        if name.startswith("check_")
    }


def libraries_alone(notes: Notes, files: int, place: Path) -> dict[str, float]:
    """Runs bench.floor on what nfed stored in `place`; microseconds a note by step."""
    folder = place / "floor"
    notes.copy(files, folder)
    said = printed("bench.floor", str(folder), str(place / DATABASE), str(place / FLOOR_DATABASE))
    steps: dict[str, float] = json.loads(said)
    return steps


def _round(notes: Notes, files: int) -> _Round:
    noise = Noise()
    few = max(files // _START_SHARE, 1)
    with home() as place, noise.watched():
        start = _nfed_seconds(notes, few, place)
    with home() as place:
        with noise.watched():
            whole = _nfed_seconds(notes, files, place)
        with noise.watched():
            steps = libraries_alone(notes, files, place)
    return _Round(1e6 * (whole - start) / (files - few), steps, noise)


def _nfed_seconds(notes: Notes, files: int, place: Path) -> float:
    """CPU of the daemon and of its workers, which it has waited for when it ends."""
    notes.copy(files, place / FOLDER)
    began = _children_seconds()
    import_backlog(place, files, with_memory=False, **all_checks())
    return _children_seconds() - began


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _measured(files: int, taken: list[_Round]) -> Measured:
    ratios = [each.ratio for each in taken]
    middle = median(ratios)
    header = ("round", *STEPS, "libraries alone", "nfed", "nfed ÷ libraries")
    return Measured(
        [
            Figure(
                f"floor: {files:,} files, CPU of nfed's processes to that of the libraries alone",
                f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                f"≤ {TARGET:g}",
                middle <= TARGET,
            )
        ],
        [
            RawTable(
                f"Microseconds of CPU a note of five items, {files:,} files, start-up taken off",
                (*header, "% of the CPUs that others took: nfed's start, nfed, libraries"),
                tuple(_row(number, each) for number, each in enumerate(taken, 1)),
            )
        ],
    )


def _row(number: int, taken: _Round) -> tuple[str, ...]:
    steps = (f"{taken.steps[step]:.0f}" for step in STEPS)
    sums = (f"{taken.floor:,.0f}", f"{taken.nfed:,.0f}", f"{taken.ratio:.2f}")
    return (str(number), *steps, *sums, str(taken.noise))
