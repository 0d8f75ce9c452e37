"""Counts what was done to the daemon, over all processes that run the tests."""

import json
import os
from collections import Counter
from pathlib import Path


def count(what: str, times: int = 1) -> None:
    """So many more of these faults."""
    path = os.environ.get("FAULTS_TALLY")
    if path is not None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([what, times]) + "\n")


def counted(path: Path) -> Counter[str]:
    """All together."""
    sums: Counter[str] = Counter()
    for line in path.read_text("utf-8").splitlines():
        what, times = json.loads(line)
        sums[what] += times
    return sums
