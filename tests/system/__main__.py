"""`make test-system`: makes what is missing, then runs these tests where nothing can escape."""

import os
import subprocess
import sys
import tempfile

from deploy.package import root
from deploy.package.contained import contained, first_process

# Machines mostly wait: for a boot, a watchdog, a retry.
_AT_ONCE = 4


def main() -> int:
    """Returns the exit code."""
    arguments = contained("tests.system")
    root.host_commands()
    root.ensure()
    os.environ.pop("NOTIFY_SOCKET", None)
    with tempfile.TemporaryDirectory(prefix="nfed-system-") as memory:
        size = "size=8g,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", memory], check=True)
        try:
            return first_process(
                [
                    *(sys.executable, "-m", "pytest", "tests/system", f"--basetemp={memory}/run"),
                    *(f"--numprocesses={_AT_ONCE}", "--dist=worksteal", *arguments),
                ]
            )
        finally:
            subprocess.run(["umount", "--lazy", memory], check=True)


if __name__ == "__main__":
    sys.exit(main())
