"""What a measurement says: figures with their targets, and the raw tables they come from."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the summary."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None
    """None: the figure has no target."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """The figures of every round, as they were taken."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Measured:
    """What one measurement, or several, came to."""

    figures: list[Figure] = field(default_factory=list)
    raw: list[RawTable] = field(default_factory=list)

    def add(self, other: "Measured") -> None:
        """Appends what another measurement came to."""
        self.figures += other.figures
        self.raw += other.raw


def at_least(what: str, ratio: float, target: float) -> Figure:
    """A ratio that should be high."""
    return Figure(what, f"{ratio:.2f}", f"≥ {target:g}", ratio >= target)


def at_most(what: str, ratio: float, target: float) -> Figure:
    """A ratio that should be low."""
    return Figure(what, f"{ratio:.2f}", f"≤ {target:g}", ratio <= target)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not exceeded by `percent` of them (nearest rank)."""
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def median(values: Iterable[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    return statistics.median(values)


def summary(figures: Sequence[Figure]) -> str:
    """The figures as one Markdown table."""
    met = {None: "", True: "yes", False: "**no**"}
    return markdown(
        ("measured", "figure", "target", "met"),
        [(each.what, each.value, each.target, met[each.met]) for each in figures],
    )


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))
