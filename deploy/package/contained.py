"""Runs a module where nothing can escape: in a mount and process namespace of its own.

When it ends, however it ends, no container, no mount and no process of it is left.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from deploy.package import root

_NAMESPACES = (
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child=SIGKILL",
    "--mount-proc",
    "--propagation=private",
)
_INSIDE = "--inside"


def contained(module: str) -> list[str]:
    """Returns the command line's arguments, once inside; until then, goes there and starts anew."""
    arguments = sys.argv[1:]
    if arguments[:1] != [_INSIDE]:
        _go_inside(module, arguments)
    return arguments[1:]


def _go_inside(module: str, arguments: Sequence[str]) -> NoReturn:
    root.require_root()
    tried = subprocess.run([*_NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise root.Impossible(
            "this machine cannot boot a container: `unshare --mount --pid` failed: "
            f"{tried.stderr.strip()}; it needs CAP_SYS_ADMIN"
        )
    os.execvp("unshare", [*_NAMESPACES, sys.executable, "-m", module, _INSIDE, *arguments])


def first_process(command: Sequence[str]) -> int:
    """Runs it and buries who is left behind: unburied, they would keep containers from ending."""
    child = subprocess.Popen(command).pid
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)
