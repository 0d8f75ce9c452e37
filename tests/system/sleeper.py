"""What test_contained.py starts and kills: goes inside, mounts something and waits there."""

import subprocess
import sys

from deploy.package.contained import contained, first_process

(place,) = contained("tests.system.sleeper")
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
print("inside", flush=True)  # noqa: T201 - what the test waits for
sys.exit(first_process(["sh", "-c", "sleep 10000 & sleep 10000"]))
