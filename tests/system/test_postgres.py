"""PostgreSQL on the same machine, under local-postgres.conf: lost, and found again."""

import re

import pytest

from bench.generator import Note
from tests.support.harness import eventually, notes
from tests.system.postgres import UNIT, PostgresService
from tests.system.service import Service


@pytest.fixture
def on_postgres(service: Service) -> PostgresService:
    return PostgresService(service.machine)


def test_notes_are_kept_in_postgresql_and_its_password_nowhere_else(on_postgres: PostgresService):
    machine = on_postgres.machine
    dropped = notes(5)

    on_postgres.drop(dropped)

    on_postgres.finishes(dropped)
    assert sorted(on_postgres.stored()) == sorted(each.chave for each in dropped)
    assert Service(machine).stored() == [], "some went to SQLite"
    environment = machine.path(f"/proc/{on_postgres.main_pid()}/environ").read_text()
    said = machine.said("journalctl", "--boot", "--output=json", "--all", "--unit=nfed.service")
    assert "geheim" not in environment + said + machine.systemctl("show", "nfed.service")


def test_postgresql_goes_away_in_the_middle_of_a_batch_and_comes_back(
    on_postgres: PostgresService, many: list[Note]
):
    machine = on_postgres.machine
    late = notes(20, start=5000)
    on_postgres.drop(many)
    on_postgres.begins(many)

    machine.systemctl("stop", UNIT)
    on_postgres.drop(late)

    eventually(lambda: "database unreachable since" in on_postgres.status(), "the status says so")
    waiting = f"{len(on_postgres.waiting()):,} files wait"
    eventually(lambda: waiting in on_postgres.status(), waiting)
    assert re.fullmatch(
        r"database unreachable since \d\d:\d\d, [\d,]+ files wait", on_postgres.status()
    )
    assert {each.name for each in late} <= on_postgres.waiting()
    machine.systemctl("start", UNIT)
    on_postgres.finishes([*many, *late])
    assert len(on_postgres.stored()) == len(many) + len(late)
    assert not machine.path(f"{on_postgres.folder}/failed").exists() or not on_postgres.failed()
    assert on_postgres.restarts() == 0
    events = [each.get("EVENT") for each in machine.journal("--boot", "-unfed")]
    assert events.count("database_unavailable") == 1
    assert events.count("database_reachable_again") == 1


def test_the_machine_comes_up_with_postgresql_late(on_postgres: PostgresService):
    """nfed.service is started first: an outage of the database is no fault of the service."""
    machine = on_postgres.machine
    dropped = notes(3)
    machine.systemctl("stop", "nfed.service", UNIT)
    on_postgres.drop(dropped)

    machine.systemctl("start", "nfed.service")

    eventually(lambda: "3 files wait" in on_postgres.status(), "the status says so")
    machine.systemctl("start", UNIT)
    on_postgres.finishes(dropped)
    assert on_postgres.restarts() == 0
