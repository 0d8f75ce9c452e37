"""nfed from pipx and `nfed install-service`, on a machine that has never seen the package.

Nor systemd-python: notifications are plain datagrams and the log is JSON lines.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from bench.generator import Note
from tests.support.harness import eventually, notes
from tests.system.conftest import LEFT_OUT, left_out
from tests.system.machine import Machine
from tests.system.service import Service

WHEELS = "/var/cache/wheels"
# As from an index, but that there is no network; Debian's own pip is the newest there.
PIP_ARGS = f"--no-index --find-links={WHEELS} --find-links=/usr/share/python-wheels"
USER, HOME = "ana", "/home/ana"


@pytest.fixture
def machine(new_machine: Callable[..., Machine], built: Path) -> Iterator[Machine]:
    with new_machine() as machine:
        machine.boot()
        shutil.copytree(built / "wheels", machine.path(WHEELS))
        yield machine
    shutil.rmtree(machine.home)


def priorities(machine: Machine, event: str, *matches: str) -> list[str]:
    """Of the JSON lines about this event, as the journal has them."""
    entries = machine.journal("--boot", "SYSLOG_IDENTIFIER=nfed", *matches)
    lines = [each for each in entries if each["MESSAGE"].startswith("{")]
    return [each["PRIORITY"] for each in lines if json.loads(each["MESSAGE"])["event"] == event]


def test_pipx_and_install_service_give_the_packages_service(machine: Machine):
    machine.run("pipx", "install", "--global", f"--pip-args={PIP_ARGS}", "nfed")
    service = Service(machine)
    dropped = notes(3)

    said = machine.said("/usr/local/bin/nfed", "install-service", "--system")
    machine.systemctl("enable", "--now", "nfed.service")

    assert "systemctl enable --now nfed" in said
    service.drop(dropped)
    service.finishes(dropped)
    eventually(lambda: "3 in the database" in service.status(), "the status says so")
    assert service.show("Type") == "notify-reload"
    assert service.show("User") == "nfed"
    assert service.show("MemoryDenyWriteExecute") == "yes"
    assert machine.said("stat", "-c", "%U:%G %a", service.folder) == "nfed:nfe-drop 2770"
    service.configure(workers=-1)
    reloaded = machine.run("systemctl", "reload", "nfed.service", check=False)
    assert reloaded.returncode != 0
    assert priorities(machine, "settings_refused", "--unit=nfed") == ["3"]
    assert priorities(machine, "batch_processing_completed", "--unit=nfed") == ["6"]
    assert left_out(machine) == []
    service.configure()
    machine.poweroff()
    machine.boot()
    more = notes(2, start=10)
    service.drop(more)
    service.finishes(more)


class UsersService(Service):
    """nfed.service of a user's own manager."""

    def __init__(self, machine: Machine) -> None:
        database = f"{HOME}/.local/state/nfed/nfed.db"
        super().__init__(machine, folder=f"{HOME}/xml_nf", database=database)
        self.uid = machine.said("id", "-u", USER)

    def run(self, *command: str) -> str:
        """Runs a command as the user, as in a session of his; returns what it prints."""
        own = {"HOME": HOME, "XDG_RUNTIME_DIR": f"/run/user/{self.uid}"}
        return self.machine.said(
            "runuser", "-u", USER, "--", "env", "--chdir", HOME, *command, environment=own
        )

    def drop(self, notes: Iterable[Note]) -> None:
        """The user puts files into his folder."""
        folder = self.machine.path(self.folder)
        for note in notes:
            hidden = folder / f".{note.name}.part"
            hidden.write_bytes(note.xml)
            os.chown(hidden, int(self.uid), int(self.uid))
            hidden.rename(folder / note.name)

    def show(self, name: str) -> str:
        return self.run("systemctl", "--user", "show", self.unit, f"--property={name}", "--value")


def test_a_user_has_a_service_of_his_own_that_needs_no_root(machine: Machine):
    machine.run("useradd", "--create-home", USER)
    # logind wants to know who asks: somebody in a control group of the machine's.
    machine.run("systemd-run", "--quiet", "--wait", "loginctl", "enable-linger", USER)
    service = UsersService(machine)
    machine.becomes(f"user@{service.uid}.service", "active")
    service.run("pipx", "install", f"--pip-args={PIP_ARGS}", "nfed")
    dropped = notes(3)

    said = service.run(f"{HOME}/.local/bin/nfed", "install-service", "--user")
    service.run("systemctl", "--user", "enable", "--now", "nfed.service")

    assert "systemctl --user enable --now nfed" in said
    service.drop(dropped)
    service.finishes(dropped)
    eventually(lambda: "3 in the database" in service.status(), "the status says so")
    assert service.show("ActiveState") == "active"
    assert service.show("Type") == "notify-reload"
    assert machine.said("stat", "-c", "%U", service.database) == USER
    assert not machine.path(f"{HOME}/.config/nfed/nfed.db").exists()
    pid = service.main_pid()
    service.run("sh", "-c", "echo workers = 0 >>.config/nfed/nfed.toml")
    reloaded = service.run("sh", "-c", "systemctl --user reload nfed.service || echo failed")
    assert reloaded.splitlines()[-1:] == ["failed"]
    assert service.main_pid() == pid
    of_unit = f"_SYSTEMD_USER_UNIT={service.unit}"
    assert priorities(machine, "settings_refused", of_unit) == ["3"]
    about = [each["MESSAGE"] for each in machine.journal("--boot", f"USER_UNIT={service.unit}")]
    assert any("Started nfed.service" in each for each in about)
    assert [each for each in about if LEFT_OUT.search(each) or "symlink" in each] == []
    service.run("sed", "-i", "/workers/d", ".config/nfed/nfed.toml")
    # Nobody logs in: lingering starts it with the machine.
    machine.poweroff()
    machine.boot()
    more = notes(2, start=10)
    service.drop(more)
    service.finishes(more)
