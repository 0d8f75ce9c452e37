"""The world's fault is not the file's fault: databases and disks that fail while files arrive."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.harness import (
    Rig,
    eventually,
    fill_up,
    may_mount,
    never,
    note,
    notes,
    small_disk,
    write_locked,
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_files_wait_while_the_database_is_locked_and_drain_afterwards(rig):
    daemon = rig.start()
    dropped = notes(300)
    with write_locked(rig.database):
        rig.drop_all(dropped)
        daemon.waits_for("database_unavailable")
        never(lambda: rig.done() or rig.failed(), seconds=2)
        assert len(rig.left()) == 300

    rig.drains(60)

    rig.assert_each_once(dropped)
    assert rig.failed() == []
    assert len(daemon.events("database_unavailable")) == 1
    assert daemon.events("database_reachable_again")
    assert daemon.noise() == []


def test_a_refused_file_waits_too_until_its_fate_is_recorded(rig):
    """A file leaves the folder only after the commit of its fate."""
    daemon = rig.start()
    with write_locked(rig.ledger):
        rig.drop(b"<a/>", "bad.xml")
        never(lambda: rig.failed() or daemon.process.poll() is not None, seconds=7)
        assert rig.left() == ["bad.xml"]

    rig.drains(60)

    assert rig.failed() == ["bad.xml", "bad.xml.error.json"]
    assert rig.history("select name, outcome from files") == [("bad.xml", "refused")]


def test_a_ledger_locked_by_another_program_does_not_end_the_daemon(rig):
    """SQLite gives up waiting for a lock after five seconds."""
    daemon = rig.start()
    with write_locked(rig.ledger):
        rig.drop(note(1))
        never(lambda: daemon.process.poll() is not None, seconds=8)

    rig.drains(60)

    assert daemon.process.poll() is None
    rig.assert_each_once([note(1)])
    assert daemon.noise() == []


def test_a_job_that_the_database_holds_up_too_long_fails_and_its_files_come_again(rig):
    daemon = rig.start(batch_timeout_seconds=2)
    dropped = notes(10)
    with write_locked(rig.database):
        rig.drop_all(dropped)
        daemon.waits_for("batch_processing_failed")
        assert len(rig.left()) == 10

    rig.drains(60)

    rig.assert_each_once(dropped)
    assert rig.failed() == []
    states = [state for (state,) in rig.history("select state from jobs order by created_at")]
    assert states[0] == "failed"
    assert states[-1] == "completed"


def test_once_exits_75_when_the_database_cannot_be_used(rig):
    rig.start().stop()
    rig.drop(note(1))
    with write_locked(rig.database):
        daemon = rig.once(batch_timeout_seconds=2)

    assert daemon.process.returncode == 75
    assert rig.left() == [note(1).name]
    assert rig.failed() == []


def test_files_wait_while_the_disk_is_full_and_drain_afterwards(rig, tmp_path):
    """A real file system without room: a tmpfs, or a limit of the process where mounting is
    not allowed."""
    disk = tmp_path / "disk"
    mountable = may_mount(disk)
    rig.database = disk / "nfed.db"
    dropped = notes(400, items=5)
    if not mountable:
        _fill_by_limit(rig, dropped)
        return
    with small_disk(disk, "6m"):
        ballast = disk / "ballast"
        daemon = rig.start(ledger=rig.ledger)
        rig.drop(note(9999, 5))
        rig.drains()
        fill_up(ballast)
        rig.drop_all(dropped)
        said = daemon.waits_for("database_unavailable")
        never(lambda: rig.failed() or daemon.process.poll() is not None, seconds=3)
        assert "full" in str(said["error"]) or "disk" in str(said["error"])
        assert len(rig.left()) + len(rig.done()) == 401
        assert rig.left()

        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        rig.drains(60)

        assert daemon.stop() == 0
        rig.assert_each_once([note(9999, 5), *dropped])
        assert rig.failed() == []


def _fill_by_limit(rig, dropped):
    rig.database.parent.mkdir(exist_ok=True)
    daemon = rig.start(ledger=rig.ledger)
    daemon.limit_file_size(600_000)
    rig.drop_all(dropped)
    daemon.waits_for("database_unavailable")
    never(lambda: rig.failed() or daemon.process.poll() is not None, seconds=3)
    daemon.limit_file_size(1 << 40)
    rig.drains(60)
    rig.assert_each_once(dropped)
    assert rig.failed() == []


def test_a_database_that_may_grow_no_further_keeps_files_waiting(rig):
    """A quota: the limit is the kernel's, on every file of the daemon, the ledger's too."""
    daemon = rig.start()
    rig.drop(note(9999))
    rig.drains()
    dropped = notes(300, items=5)

    daemon.limit_file_size(rig.database.stat().st_size)
    rig.drop_all(dropped)
    time.sleep(4)
    assert daemon.process.poll() is None, daemon.noise()
    assert rig.failed() == []
    assert len(rig.left()) + len(rig.done()) == 301
    daemon.limit_file_size(1 << 40)
    rig.drains(90)

    rig.assert_each_once([note(9999), *dropped])
    assert rig.failed() == []


def test_no_file_is_taken_for_stored_when_the_database_was_deleted(rig):
    daemon = rig.start()
    rig.drop(note(1))
    rig.drains()

    for path in rig.home.glob("nfed.db*"):
        path.unlink()
    rig.drop(note(2))
    said = daemon.waits_for("database_unavailable")
    never(lambda: not rig.left() or rig.failed(), seconds=2)

    assert str(rig.database) in str(said["error"])
    assert daemon.stop() == 0
    rig.start()
    rig.drains()
    rig.assert_each_once([note(2)])


def test_a_database_that_is_put_back_is_used_again(rig):
    daemon = rig.start()
    rig.drop(note(1))
    rig.drains()

    os.rename(rig.database, rig.home / "away.db")
    rig.drop(note(2))
    daemon.waits_for("database_unavailable")
    os.rename(rig.home / "away.db", rig.database)
    rig.drains(60)

    rig.assert_each_once([note(1), note(2)])


def test_a_ledger_that_was_deleted_costs_history_but_no_file(rig):
    daemon = rig.start()
    rig.drop(note(1))
    rig.drains()

    for path in rig.home.glob("nfed-ledger.db*"):
        path.unlink()
    rig.drop_all([note(2), note(3)])
    rig.drains()
    assert daemon.stop() == 0
    rig.start()
    rig.drop(note(4))
    rig.drains()

    rig.assert_each_once([note(n) for n in range(1, 5)])
    assert rig.failed() == []


def test_a_ledger_that_was_deleted_is_begun_anew(rig):
    """Else all history until the next start is written to a file that nobody can read."""
    rig.start()
    rig.drop(note(1))
    rig.drains()

    for path in rig.home.glob("nfed-ledger.db*"):
        path.unlink()
    rig.drop(note(2))
    rig.drains()

    eventually(
        lambda: (
            rig.ledger.exists()
            and rig.history("select name from files where outcome = 'imported'")
            == [(note(2).name,)]
        ),
        "the second file stands in a new ledger",
        10,
    )


def test_a_ledger_damaged_beyond_its_first_page_costs_history_but_no_file(rig):
    """It opens without a word, and fails at the first write."""
    daemon = rig.start()
    rig.drop_all(notes(40))
    rig.drains()
    assert daemon.stop() == 0
    damage(rig.ledger)

    daemon = rig.start()
    rig.drop_all(notes(10, start=100))
    rig.drains()

    assert daemon.waits_for("ledger_damaged")
    assert daemon.stop() == 0
    rig.assert_each_once([*notes(40), *notes(10, start=100)])
    assert rig.history("pragma integrity_check") == [("ok",)]
    assert rig.history("select count(*) from files") == [(10,)]
    [kept] = [each for each in rig.home.glob("*.damaged-*") if each.suffix.count("-") == 1]
    assert kept.read_bytes()[4096:8192] == b"x" * 4096
    assert daemon.noise() == []


def test_a_ledger_damaged_while_it_is_written_costs_history_but_no_file(rig):
    daemon = rig.start()
    rig.drop_all(notes(40))
    rig.drains()
    for path in (rig.ledger, rig.home / "nfed-ledger.db-wal"):
        damage(path)

    rig.drop_all(notes(10, start=100))
    rig.drains()
    daemon.kill()
    daemon = rig.start()
    rig.drop_all(notes(10, start=200))
    rig.drains()

    rig.assert_each_once([*notes(40), *notes(10, start=100), *notes(10, start=200)])
    assert rig.failed() == []


def test_a_ledger_with_other_tables_costs_history_but_no_file(rig):
    """A file of another program, or of another nfed's database, put in its place."""
    rig.ledger.touch()
    with closing(sqlite3.connect(rig.ledger)) as connection:
        connection.execute("create table jobs (job_id text)")
        connection.execute("pragma user_version = 1")

    rig.start()
    rig.drop(note(1))
    rig.drains()

    assert rig.history("select name from files") == [(note(1).name,)]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from facts",
        "delete from facts where name = 'id'",
        "create trigger no before insert on files begin select raise(abort, 'no'); end",
    ],
)
@pytest.mark.parametrize("is_running", [True, False])
def test_a_ledger_that_lost_its_number_is_begun_anew(rig, statement, is_running):
    daemon = rig.start()
    rig.drop(note(1))
    rig.drains()
    if not is_running:
        assert daemon.stop() == 0
    with closing(sqlite3.connect(rig.ledger)) as connection, connection:
        connection.execute(statement)

    if not is_running:
        daemon = rig.start()
    rig.drop(note(2))
    rig.drains()

    assert daemon.waits_for("ledger_damaged")
    assert daemon.stop() == 0
    rig.assert_each_once([note(1), note(2)])
    assert rig.history("select name from files") == [(note(2).name,)]
    assert daemon.noise() == []


def damage(path: Path) -> None:
    """All but its first page, in place."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"x" * max(size - 4096, 0))


def test_files_whose_done_folder_is_read_only_stay_and_are_moved_when_they_can_be(rig):
    daemon = rig.start(unprivileged=True, rescan_seconds=1, done_subfolders="")
    done = rig.folder / "done"
    dropped = notes(5)
    done.chmod(0o555)
    try:
        rig.drop_all(dropped)
        daemon.waits_for("file_move_failed")
        eventually(lambda: len(rig.chaves()) == 5, "all are stored")
        assert len(rig.left()) == 5
    finally:
        done.chmod(0o755)
    rig.drains()

    rig.assert_each_once(dropped)
    assert rig.done() == sorted(each.name for each in dropped)
    assert rig.failed() == []


def test_a_refused_file_whose_reason_finds_no_room_stays_until_it_does(rig):
    """The reason is written before the move, so no refused file is without one."""
    daemon = rig.start(rescan_seconds=1, unprivileged=True)
    failed = rig.folder / "failed"
    with _without_room(failed):
        rig.drop(b"<a/>", "bad.xml")
        said = daemon.waits_for("file_move_failed")
        assert said["file"] == "bad.xml"
        assert rig.left() == ["bad.xml"]
        assert list(failed.glob("bad.xml*")) == []
    rig.drains()

    assert rig.failed() == ["bad.xml", "bad.xml.error.json"]
    assert rig.reason("bad.xml")["error_type"] == "NotFiscalDocument"
    assert not list(failed.glob(".nfed*"))


@contextmanager
def _without_room(folder: Path) -> Iterator[None]:
    """A full file system in the folder's place; where mounting is not allowed, a mode without
    the right to write."""
    if may_mount(folder):
        with small_disk(folder, "16k"):
            fill_up(folder / "ballast")
            yield
        return
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def test_a_note_that_the_database_rejects_is_refused_and_its_neighbours_are_stored(rig):
    """A real constraint of a real database: one bad file costs only itself."""
    rig.start().stop()
    bad = note(17)
    connection = sqlite3.connect(rig.database)
    connection.execute(
        "create trigger picky before insert on notas_fiscais "
        f"when new.chave_acesso = '{bad.chave}' begin select raise(abort, 'not this one'); end"
    )
    connection.close()
    dropped = [note(n) for n in range(40)]
    rig.drop_all(dropped)

    daemon = rig.once()

    rig.assert_each_once([each for each in dropped if each.chave != bad.chave])
    assert rig.failed() == [bad.name, f"{bad.name}.error.json"]
    said = rig.reason(bad.name)
    assert said["error_type"] == "RejectedByDatabase"
    assert "not this one" in str(said["error"])
    assert said["chave"] == bad.chave
    [event] = daemon.events("file_processing_failed")
    assert event["file"] == bad.name
