"""How much of the machine the service could reach, by systemd's own measure."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.system.conftest import Installed
from tests.system.machine import Machine

OF_ALL = ("nfed.service", "nfed@.service", "nfed.socket", "nfed.target")


@pytest.fixture(scope="module")
def machine(installed: Installed, new_machine: Callable[..., Machine]) -> Iterator[Machine]:
    with new_machine(installed.layer) as booted:
        booted.boot()
        yield booted


def exposure(machine: Machine, unit: str, dropin: str | None) -> float:
    """The overall figure, from 0 (safe) to 10."""
    folder = f"/etc/systemd/system/{unit}.d"
    machine.run("rm", "-rf", folder)
    if dropin is not None:
        machine.run("install", "-Dm644", "-t", folder, f"/usr/share/nfed/{dropin}")
    said = machine.said("systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
    machine.run("rm", "-rf", folder)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize(
    ("dropin", "most"), [(None, 1.1), ("local-postgres.conf", 0.9), ("sqlite-only.conf", 0.3)]
)
@pytest.mark.parametrize("unit", ["nfed.service", "nfed@.service"])
def test_the_service_is_exposed_no_more_than_this(
    machine: Machine, unit: str, dropin: str | None, most: float
):
    assert exposure(machine, unit, dropin) <= most


def test_systemd_has_nothing_to_say_about_the_units(machine: Machine):
    paths = [f"/usr/lib/systemd/system/{name}" for name in OF_ALL]

    said = machine.run("systemd-analyze", "verify", "--man=yes", *paths)

    assert said.stdout + said.stderr == ""
