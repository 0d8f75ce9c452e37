"""Faults that take root, loop devices or a compiler: power cuts, dead disks, injected errors.

They are no part of `make test` but of `make faults`. What this machine cannot bring about is
counted as not tried, with the reason.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disk import KINDS, Disk
from tests.faults.injected import Injected, can_build
from tests.faults.stage import Stage
from tests.faults.tally import count
from tests.support.harness import Rig, may_mount

SEED = os.environ.get("FAULTS_SEED", "1")
IS_LONG = os.environ.get("FAULTS") == "long"
FACTOR = 5 if IS_LONG else 1
"""So many times more files or faults in the long form."""


def not_tried(why: str) -> None:
    """Ends the test: this machine cannot do it."""
    count(f"not tried: {why}")
    pytest.skip(why)


def needs_root(why: str) -> None:
    """Ends the test for any other user."""
    if os.geteuid() != 0:
        not_tried(f"needs root, {why}")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The same for the same test and seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Everything on the machine's own disk."""
    with Rig(tmp_path / "home") as rig:
        yield rig


@pytest.fixture
def stage(rig: Rig, chance: random.Random) -> Stage:
    """A daemon of its own, not yet started."""
    return Stage(rig, chance)


@pytest.fixture
def new_disk(tmp_path: Path) -> Iterator[Callable[[str], Disk]]:
    """Makes disks whose power can be cut."""
    made: list[Disk] = []

    def make(kind: str) -> Disk:
        needs_root("to mount disks and to cut their power")
        if shutil.which(f"mkfs.{kind}") is None:
            not_tried(f"needs mkfs.{kind}")
        try:
            made.append(Disk(tmp_path / f"disk-{len(made)}", kind))
        except subprocess.CalledProcessError as error:
            not_tried(f"cannot mount a loop device here: {error}")
        return made[-1]

    yield make
    for disk in made:
        disk.throw_away()


@pytest.fixture(params=KINDS)
def disk(request: pytest.FixtureRequest, new_disk: Callable[[str], Disk]) -> Disk:
    """One of each kind of file system."""
    return new_disk(request.param)


@pytest.fixture
def mounts(tmp_path: Path) -> None:
    """Only for tests that mount."""
    needs_root("to mount")
    if not may_mount(tmp_path / "try"):
        not_tried("mount is refused here")


@pytest.fixture
def injected(stage: Stage) -> Injected:
    """The daemon and its workers have the library that makes calls fail."""
    why = can_build()
    if why is not None:
        not_tried(why)
    made = Injected(stage.rig.home)
    stage.env = made.env
    return made
