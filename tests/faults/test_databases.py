"""Database and ledger are deleted, replaced, truncated, overwritten or locked under the daemon."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import FACTOR
from tests.faults.stage import Stage, random_moment
from tests.faults.tally import count
from tests.support.harness import eventually, write_locked

SIDES = ("", "-wal", "-shm")


def _hurt(path: Path, how: str, stage: Stage) -> None:
    count(f"{path.stem} {how}")
    size = path.stat().st_size
    match how:
        case "deleted":
            for side in SIDES:
                Path(f"{path}{side}").unlink(missing_ok=True)
        case "truncated":
            os.truncate(path, stage.chance.randrange(size))
        case "overwritten":
            with open(path, "r+b") as file:
                file.seek(stage.chance.randrange(max(size - 4096, 1)))
                file.write(stage.chance.randbytes(4096))
        case "replaced":
            other = path.with_name("other.db")
            with closing(sqlite3.connect(other)) as connection:
                connection.execute("create table other (x)")
            os.replace(other, path)


@pytest.mark.parametrize("how", ["deleted", "replaced", "truncated", "overwritten"])
@pytest.mark.parametrize("moment", ["running", "after a kill"])
def test_whatever_becomes_of_the_ledger_costs_no_file(stage: Stage, how: str, moment: str):
    stage.start()
    stage.send(60)
    stage.waits_until_done(20)
    if moment == "after a kill":
        stage.kill()
    _hurt(stage.rig.ledger, how, stage)
    stage.send(20)

    if not stage.is_running():
        stage.start()
    stage.ends()


@pytest.mark.parametrize("how", ["deleted", "replaced", "truncated", "overwritten"])
@pytest.mark.parametrize("moment", ["running", "stopped"])
def test_a_database_that_was_hurt_and_restored_has_every_row_since(
    stage: Stage, tmp_path: Path, how: str, moment: str
):
    """Restored as the README says: nfed stopped, a backup of before in the file's place."""
    daemon = stage.start()
    stage.send(40)
    stage.rig.drains(60)
    assert daemon.stop() == 0
    backup = tmp_path / "backup.db"
    shutil.copy2(stage.rig.database, backup)

    if moment == "running":
        stage.start()
    _hurt(stage.rig.database, how, stage)
    before = set(stage.sent)
    stage.send(20)
    if moment == "running":
        random_moment(stage.chance, 3)
        stage.kill()
    # What was imported into the hurt database is its owner's loss: it is put back.
    for side in SIDES:
        Path(f"{stage.rig.database}{side}").unlink(missing_ok=True)
    shutil.copy2(backup, stage.rig.database)
    for place in ("done", "failed"):
        for path in (stage.rig.folder / place).rglob("*"):
            if path.name in stage.sent and path.name not in before:
                path.rename(stage.rig.folder / path.name)
                Path(f"{path}.error.json").unlink(missing_ok=True)
    stage.start()

    stage.ends()


@pytest.mark.parametrize("which", ["database", "ledger"])
def test_a_lock_of_another_program_costs_no_file(stage: Stage, which: str):
    stage.start()
    path = stage.rig.database if which == "database" else stage.rig.ledger
    for _ in range(2 * FACTOR):
        stage.send(40)
        random_moment(stage.chance, 1)
        with write_locked(path):
            count(f"{which} locked")
            random_moment(stage.chance, 4)

    stage.ends()


def test_a_wal_that_is_removed_under_the_daemon_costs_no_row(stage: Stage):
    stage.start()
    for _ in range(2 * FACTOR):
        stage.send(40)
        stage.rig.drains(60)
        for side in SIDES[1:]:
            Path(f"{stage.rig.database}{side}").unlink(missing_ok=True)
        count("-wal removed")
        assert stage.daemon is not None
        eventually(lambda: stage.daemon and stage.daemon.events("database_wal_removed"), "", 30)
        stage.kill()
        stage.start()

    stage.ends()
