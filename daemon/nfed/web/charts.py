"""Lays out bars, month beside month, for the macro that draws them (charts.html)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 760, 200
_TOP, _LEFT = 24, 8
_GAP, _MOST_BAR = 8, 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the drawing's units; y goes down."""

    x: int
    y: int
    width: int
    height: int
    series: int
    """0 is the first."""
    value: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """All bars, with their labels below."""

    bars: Sequence[Bar]
    labels: Sequence[tuple[int, str]]
    """Where the middle of each is, and what it says."""
    greatest: Decimal
    """The value at `top`."""
    top: int = _TOP
    floor: int = _TOP + HEIGHT
    width: int = WIDTH
    height: int = _TOP + HEIGHT + 24


def bars(labels: Sequence[str], series: Sequence[Sequence[Decimal]]) -> Chart:
    """Groups of bars: a value for each label in each of the series, none below zero."""
    greatest = max((value for values in series for value in values), default=Decimal(0))
    step = (WIDTH - 2 * _LEFT) // max(len(labels), 1)
    width = min(_MOST_BAR, (step - _GAP) // max(len(series), 1))
    made = []
    for number, values in enumerate(series):
        for at, value in enumerate(values):
            height = int((HEIGHT * value / greatest).to_integral_value()) if greatest else 0
            height = max(height, 1) if value else 0  # what there is can be seen
            left = _LEFT + at * step + (step - width * len(series)) // 2 + number * width
            made.append(Bar(left, _TOP + HEIGHT - height, width, height, number, value))
    middles = [_LEFT + at * step + step // 2 for at in range(len(labels))]
    return Chart(made, list(zip(middles, labels, strict=True)), greatest)
