"""A control group of its own for each machine.

systemd-nspawn with --keep-unit uses the group that it was started in: two machines that were
started in one would share their slices, and what one stops would be killed in the other.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.package import root


@contextmanager
def own_groups(name: str) -> Iterator[Callable[[], None]]:
    """Groups below this process's, gone after the block; gives what a child does to join them."""
    made = [each / name for each in _groups_of_this_process()]
    for each in made:
        each.mkdir()
    try:
        yield lambda: _join(made)
    finally:
        for each in made:
            _remove(each)


def _join(groups: list[Path]) -> None:
    for each in groups:
        (each / "cgroup.procs").write_text(str(os.getpid()))


def _groups_of_this_process() -> list[Path]:
    """In the trees that systemd uses: cgroup2's and, where both kinds are mounted, its own."""
    places: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        options = kind.split()
        if options[0] == "cgroup2":
            places[""] = Path(mount.split()[4])
        elif options[0] == "cgroup" and "name=systemd" in options[2].split(","):
            places["name=systemd"] = Path(mount.split()[4])
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, tree, path = line.split(":", 2)
        if tree in places:
            found.append(places[tree] / path.lstrip("/"))
    if not found:
        raise root.Impossible("this machine cannot boot a container: no cgroup2 is mounted")
    return found


def _remove(group: Path) -> None:
    """With the groups inside it; what still has processes stays."""
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)
