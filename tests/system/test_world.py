"""A database that is locked, a disk that is full, a second daemon: files wait, none is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.generator import Note
from tests.support.harness import eventually, notes
from tests.system.machine import Machine
from tests.system.service import DATABASE, FOLDER, Service

_LOCK = f"""
import sqlite3, time
connection = sqlite3.connect({DATABASE!r}, isolation_level=None, timeout=30)
connection.execute("begin exclusive")
time.sleep(10_000)
"""


_ATTEMPT = f"""
import sqlite3
sqlite3.connect({DATABASE!r}, timeout=0).execute("begin immediate")
"""


@contextmanager
def locked(machine: Machine) -> Iterator[None]:
    """Somebody else holds the database for himself."""
    machine.run(
        *("systemd-run", "--quiet", "--unit=lock", "--uid=nfed", "/usr/bin/python3", "-c", _LOCK)
    )
    eventually(lambda: not _can_be_written(machine), "the database is locked")
    yield
    machine.systemctl("stop", "lock.service")


def _can_be_written(machine: Machine) -> bool:
    return machine.run("python3", "-c", _ATTEMPT, check=False).returncode == 0


def test_files_wait_while_the_database_is_away(service: Service):
    dropped = notes(20)
    with locked(service.machine):
        service.drop(dropped)

        eventually(lambda: "database unreachable since" in service.status(), "the status says so")

        assert "20 files wait" in service.status()
        assert len(service.waiting()) == 20
    service.finishes(dropped)
    assert service.restarts() == 0
    events = [each.get("EVENT") for each in service.machine.journal("--boot", "-unfed")]
    assert events.count("database_unavailable") == 1
    assert "database_reachable_again" in events


def test_it_starts_without_a_database_and_waits_for_it(service: Service):
    """READY all the same: an outage of the database is no fault of the service."""
    dropped = notes(3)
    machine = service.machine
    machine.systemctl("stop", "nfed.service")
    with locked(machine):
        service.drop(dropped)

        machine.systemctl("start", "nfed.service")

        eventually(lambda: "database unreachable since" in service.status(), "the status says so")
        assert service.waiting()
    service.finishes(dropped)


def test_a_full_disk_loses_nothing(service: Service, many: list[Note]):
    machine = service.machine
    machine.systemctl("stop", "nfed.service")
    machine.run("mount", "-t", "tmpfs", "-o", "size=4m,uid=nfed,gid=nfed", "x", "/var/lib/nfed")
    machine.systemctl("start", "nfed.service")

    service.drop(many)

    eventually(lambda: "database unreachable since" in service.status(), "the status says so")
    assert service.waiting()
    machine.run("mount", "-o", "remount,size=200m", "/var/lib/nfed")
    service.finishes(many)
    assert not service.machine.path(f"{FOLDER}/failed").exists() or not service.failed()
    assert service.restarts() == 0


def test_a_second_daemon_on_the_folder_is_turned_away(service: Service):
    machine = service.machine
    command = ["runuser", "-u", "nfed", "--", "sh", "-c", "cd /etc/nfed && exec nfed run"]

    second = machine.run(*command, check=False)

    assert second.returncode == 75
    assert service.main_pid() in second.stderr
    dropped = notes(2)
    service.drop(dropped)
    service.finishes(dropped)
