"""`make test-system`: makes what is missing, then runs these tests where nothing can escape.

Everything runs in a mount and process namespace of its own: when this ends, however it ends, no
container, no mount and no process is left.
"""

import os
import subprocess
import sys
from pathlib import Path

from deploy.package import root

_PROJECT = Path(__file__).parent.parent.parent
_INSIDE = "--inside"
_NAMESPACES = (
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child=SIGKILL",
    "--mount-proc",
    "--propagation=private",
)


def main() -> int:
    """Returns the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] != [_INSIDE]:
        root.require_root()
        root.host_commands()
        _check_namespaces()
        return subprocess.run(
            [*_NAMESPACES, sys.executable, "-m", "tests.system", _INSIDE, *arguments],
            cwd=_PROJECT,
            check=False,
        ).returncode
    os.environ.pop("NOTIFY_SOCKET", None)
    return _first_process([sys.executable, "-m", "pytest", "tests/system", *arguments[1:]])


def _check_namespaces() -> None:
    tried = subprocess.run([*_NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise root.Impossible(
            "this machine cannot boot a container: `unshare --mount --pid` failed: "
            f"{tried.stderr.strip()}; it needs CAP_SYS_ADMIN"
        )


def _first_process(command: list[str]) -> int:
    """Runs it and buries who is left behind: unburied, they would keep containers from ending."""
    child = subprocess.Popen(command).pid
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
