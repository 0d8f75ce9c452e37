"""How much of the machine others took while something was measured."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


class Noise:
    """The shares of all cores that others took, in percent, one for each thing watched."""

    def __init__(self) -> None:
        self.percents: list[float] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watches one thing; its processes must have ended when the block does."""
        began, busy, own = time.monotonic(), _busy_seconds(), _own_seconds()
        yield
        others = (_busy_seconds() - busy) - (_own_seconds() - own)
        offered = (time.monotonic() - began) * (os.cpu_count() or 1)
        self.percents.append(max(0.0, 100 * others / offered))

    def __str__(self) -> str:
        return ", ".join(f"{percent:.0f}" for percent in self.percents)


def _busy_seconds() -> float:
    """Of all cores since boot; what a hypervisor took away counts as busy."""
    times = psutil.cpu_times()
    kernel = times.system + times.irq + times.softirq
    return float(times.user + times.nice + kernel + times.steal)


def _own_seconds() -> float:
    """Of this process and of all below it that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
