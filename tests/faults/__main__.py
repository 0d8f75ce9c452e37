"""`make faults`: the short form once, or with FAULTS_HOURS one round after another until then.

Every round has a seed, which it prints; FAULTS_SEED=… repeats it. Prints in the end how often each
fault was brought about, and what could not be tried on this machine and why.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.tally import counted

_AT_ONCE = 3


def main() -> int:
    """Returns the exit code: that of the first round that failed."""
    hours = float(os.environ.get("FAULTS_HOURS", "0"))
    began = time.monotonic()
    seed = os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(1 << 32))
    with tempfile.TemporaryDirectory(prefix="nfed-faults-") as home:
        tally = Path(home, "tally")
        tally.touch()
        first_failure = 0
        for rounds in range(1, 1_000_000):
            print(f"round {rounds}: FAULTS_SEED={seed}", flush=True)
            code = _round(seed, tally, long=hours > 0)
            if code and not first_failure:
                first_failure = code
                print(f"failed with FAULTS_SEED={seed}", flush=True)
            if time.monotonic() - began >= hours * 3600:
                break
            seed = str(random.SystemRandom().randrange(1 << 32))
        seconds = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_seconds = used.ru_utime + used.ru_stime
        print(f"\n{rounds} rounds in {seconds:,.0f} s, {cpu_seconds:,.0f} s of CPU")
        for what, times in sorted(counted(tally).items()):
            print(f"{times:9,}  {what}")
    return first_failure


def _round(seed: str, tally: Path, *, long: bool) -> int:
    environment = os.environ | {
        "FAULTS_SEED": seed,
        "FAULTS_TALLY": str(tally),
        "FAULTS": "long" if long else os.environ.get("FAULTS", "short"),
    }
    command = [sys.executable, "-m", "pytest", "tests/faults", "-rs", "-p", "no:cacheprovider"]
    command += [f"--numprocesses={_AT_ONCE}", "--dist=worksteal", *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
