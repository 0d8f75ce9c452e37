"""The machines: one with the package installed, made once; each test gets a fresh copy of it."""

import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.generator import Note
from deploy.package import build, root
from nfed import __version__
from tests.support.harness import notes
from tests.system.machine import Machine
from tests.system.service import Service

NEXT_VERSION = f"{__version__}+next"
VERSIONS = (__version__, NEXT_VERSION)
# What systemd says when it leaves out a part of a unit and goes on.
LEFT_OUT = re.compile(
    r"proceeding without|Unknown key|Unknown section|Failed to parse|ignoring", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Installed:
    """A layer with the package installed, as it was left at the poweroff."""

    layer: Path
    said: str
    """What apt printed."""


@pytest.fixture(scope="session")
def tree() -> Path:
    """Debian 13 as it comes."""
    return root.ensure()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Room that all processes of this run have in common; in memory, gone with the mount."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Room for what this process's machines write."""
    return tmp_path_factory.mktemp("machines")


@pytest.fixture(scope="session")
def built(shared: Path) -> Path:
    """The packages and, in wheels/, what they are made of; built by one process for all."""
    folder = shared / "built"
    with root.locked(shared / "built.lock"):
        if not folder.exists():
            part = shared / "built.part"
            build.build(VERSIONS, part, part / "wheels")
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def packages(built: Path) -> dict[str, Path]:
    """The package of this version and, to upgrade to, of the next."""
    return {version: built / build.file_name(version) for version in VERSIONS}


@pytest.fixture(scope="session")
def new_machine(tree: Path, scratch: Path) -> Callable[..., Machine]:
    """Makes machines, each with room of its own."""
    numbers = itertools.count()

    def make(*layers: Path) -> Machine:
        return Machine([*layers, tree], scratch / str(next(numbers)))

    return make


@pytest.fixture(scope="session")
def installed(
    packages: dict[str, Path], new_machine: Callable[..., Machine], shared: Path
) -> Installed:
    """`apt-get install ./nfed.deb` on a running Debian 13, by one for all."""
    written = shared / "installed.json"
    with root.locked(shared / "installed.lock"):
        if not written.exists():
            with new_machine() as machine:
                machine.boot()
                said = apt_install(machine, packages[__version__])
                machine.poweroff()
            written.write_text(json.dumps([str(machine.upper), said]))
    layer, said = json.loads(written.read_text())
    return Installed(Path(layer), said)


@pytest.fixture
def service(installed: Installed, new_machine: Callable[..., Machine]) -> Iterator[Service]:
    """nfed.service on a machine that was just booted; afterwards nothing may have been left out."""
    with new_machine(installed.layer) as machine:
        machine.boot()
        yield Service(machine)
        silently = left_out(machine) if machine.is_up else []
    shutil.rmtree(machine.home)  # all of this is in memory
    assert not silently


@pytest.fixture(scope="session")
def many() -> list[Note]:
    """Enough notes to be interrupted in the middle of them."""
    return notes(1500)


def apt_install(machine: Machine, package: Path) -> str:
    """Installs or upgrades; returns what apt printed."""
    inside = "/var/cache/nfed.deb"
    shutil.copy(package, machine.path(inside))
    said = machine.said("apt-get", "install", "-y", inside)
    machine.path(inside).unlink()
    return said


def left_out(machine: Machine) -> list[str]:
    """Lines that say that a directive of our units was not obeyed."""
    # What is wrong in a unit was said before there was a journal; let it be said again.
    machine.systemctl("daemon-reload")
    of_units = machine.journal("--boot", "--unit=nfed*")
    of_files = [each for each in machine.journal("--boot", "_PID=1") if "CONFIG_FILE" in each]
    return [
        message
        for message in (
            str(each.get("MESSAGE"))
            for each in [*of_units, *of_files]
            if each.get("SYSLOG_IDENTIFIER") != "nfed"
        )
        if LEFT_OUT.search(message) and "nfed" in message
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failure is shown with the machine's journal."""
    report = yield
    made = getattr(item, "funcargs", {}).get("service")
    if report.failed and call.when == "call" and made is not None and made.machine.is_up:
        report.sections.append(("journal", made.machine.tail()))
    return report
