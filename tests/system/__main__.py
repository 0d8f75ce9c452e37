"""`make test-system`: makes what is missing, then runs these tests where nothing can escape."""

import os
import sys

from deploy.package import root
from deploy.package.contained import contained, first_process


def main() -> int:
    """Returns the exit code."""
    arguments = contained("tests.system")
    root.host_commands()
    os.environ.pop("NOTIFY_SOCKET", None)
    return first_process([sys.executable, "-m", "pytest", "tests/system", *arguments])


if __name__ == "__main__":
    sys.exit(main())
