"""The collector of the daemon's own process."""

import subprocess
import sys

SCRIPT = """
import gc, weakref
from nfed.service.process import calm_collector

class Cyclic: ...

calm_collector()
frozen = gc.get_freeze_count()
calm_collector()
again = gc.get_freeze_count()

lost = Cyclic()
lost.itself = lost
seen = weakref.ref(lost)
del lost
kept = [[] for _ in range(5_000)]
early = seen() is not None
kept += [[] for _ in range(20_000)]
print(frozen > 0, again == frozen, early, seen() is None)
"""


def test_cycles_are_still_collected_but_seldom_and_what_was_set_up_is_left_alone():
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    ).stdout

    assert said.split() == ["True"] * 4
