"""The database's files are replaced, moved and removed under a daemon, or after a kill."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.harness import ROOT, Rig, eventually, note, notes

SIDES = ("", "-wal", "-shm")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def backup(rig: Rig) -> Path:
    """An older copy of the database: 20 notes, as it lay there after a stop."""
    daemon = rig.start()
    rig.drop_all(notes(20))
    rig.drains()
    assert daemon.stop() == 0
    return Path(shutil.copy2(rig.database, rig.home / "copy.db"))


def mv(source: Path, target: Path) -> None:
    shutil.copy2(source, f"{target}.new")
    os.replace(f"{target}.new", target)


def cp(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def aside(rig: Rig) -> list[Path]:
    return list(rig.home.glob("nfed.db-wal.aside-*"))


def killed_with_a_wal(rig: Rig, first: int, count: int) -> None:
    """Kills a daemon that has just stored these notes; they are in the -wal alone."""
    daemon = rig.start()
    rig.drop_all(notes(count, start=first))
    rig.drains()
    daemon.kill()
    assert os.stat(f"{rig.database}-wal").st_size


@pytest.mark.parametrize("replace", [mv, cp])
def test_a_backup_put_in_place_under_the_daemon_is_used_and_whole(
    rig: Rig, backup: Path, replace: Callable[[Path, Path], None]
):
    daemon = rig.start()
    rig.drop_all(notes(30, start=100))
    rig.drains()

    replace(backup, rig.database)
    rig.drop_all(notes(10, start=200))
    rig.drains(60)

    rig.assert_each_once([*notes(20), *notes(10, start=200)])
    [said] = daemon.events("database_wal_set_aside")
    assert [said["kept_as"]] == [str(each) for each in aside(rig)]
    assert daemon.stop() == 0
    rig.assert_each_once([*notes(20), *notes(10, start=200)])
    assert rig.failed() == []
    assert daemon.noise() == []


@pytest.mark.parametrize("replace", [mv, cp])
def test_a_backup_restored_after_a_kill_is_used_and_whole(
    rig: Rig, backup: Path, replace: Callable[[Path, Path], None]
):
    killed_with_a_wal(rig, 100, 30)

    replace(backup, rig.database)
    daemon = rig.start()
    rig.drop(note(200, 1))
    rig.drains(60)

    rig.assert_each_once([*notes(20), note(200, 1)])
    assert daemon.events("database_wal_set_aside")
    assert len(aside(rig)) == 1


def test_the_way_of_the_readme_restores_a_backup(rig: Rig, backup: Path):
    killed_with_a_wal(rig, 100, 30)
    [block] = re.findall(
        r"```sh\n((?:  .*\n)*?.*copy\.db nfed\.db\n)", (ROOT / "README.md").read_text("utf-8")
    )

    subprocess.run(["sh", "-ec", block], cwd=rig.home, check=True)
    daemon = rig.start()
    for path in (rig.folder / "done").rglob("*.xml"):
        path.rename(rig.folder / path.name)
    rig.drains(60)

    rig.assert_each_once([*notes(20), *notes(30, start=100)])
    assert daemon.events("database_wal_set_aside") == []
    assert sorted(each.name for each in (rig.home / "away").iterdir())[:2] == [
        "nfed.db",
        "nfed.db-shm",
    ]


def test_a_snapshot_of_a_running_database_is_restored_with_its_wal(rig: Rig, backup: Path):
    """As a volume's snapshot holds it: nobody writes in that moment."""
    daemon = rig.start()
    rig.drop_all(notes(30, start=100))
    rig.drains()
    daemon.send(signal.SIGSTOP)
    for side in SIDES:
        shutil.copy2(f"{rig.database}{side}", f"{rig.home}/snapshot{side}")
    daemon.send(signal.SIGCONT)
    rig.drop_all(notes(10, start=200))
    rig.drains()
    daemon.kill()

    for side in SIDES:
        os.replace(f"{rig.home}/snapshot{side}", f"{rig.database}{side}")
    rig.start()
    rig.drop(note(300, 1))
    rig.drains()

    rig.assert_each_once([*notes(20), *notes(30, start=100), note(300, 1)])
    assert aside(rig) == []


@pytest.mark.parametrize("sides", [("-wal",), ("-wal", "-shm")])
def test_notes_that_come_after_their_wal_was_removed_outlive_a_kill(rig: Rig, sides):
    daemon = rig.start()
    rig.drop_all(notes(50))
    rig.drains()

    for side in sides:
        os.unlink(f"{rig.database}{side}")
    rig.drop_all(notes(250, start=100))
    rig.drains(60)
    daemon.kill()
    assert daemon.events("database_wal_removed")
    rig.start()
    rig.drop(note(999, 1))
    rig.drains()

    rig.assert_each_once([*notes(50), *notes(250, start=100), note(999, 1)])
    assert aside(rig) == []


def _copied_over(rig: Rig, snapshot: Path) -> None:
    """Main and -wal of before, by cp, without the -shm."""
    for side in ("", "-wal"):
        cp(Path(f"{snapshot}{side}"), Path(f"{rig.database}{side}"))


def _wal_copied_over(rig: Rig, snapshot: Path) -> None:
    cp(Path(f"{snapshot}-wal"), Path(f"{rig.database}-wal"))


def _wal_cut_off(rig: Rig, snapshot: Path) -> None:
    os.truncate(f"{rig.database}-wal", 0)


def _wal_cut_in_half(rig: Rig, snapshot: Path) -> None:
    wal = Path(f"{rig.database}-wal")
    os.truncate(wal, wal.stat().st_size // 2)


@pytest.mark.parametrize("how", [_copied_over, _wal_copied_over, _wal_cut_off, _wal_cut_in_half])
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_notes_that_come_after_the_wal_was_written_over_are_kept(
    rig: Rig, how: Callable[[Rig, Path], None], end: str
):
    """What was only in the -wal is its owner's loss, and named; what comes then is safe."""
    daemon = rig.start()
    rig.drop_all(notes(30))
    rig.drains()
    for side in SIDES:
        shutil.copy2(f"{rig.database}{side}", f"{rig.home}/snapshot{side}")
    rig.drop_all(notes(30, start=100))
    rig.drains()

    how(rig, rig.home / "snapshot")
    rig.drop_all(notes(30, start=200))
    rig.drains(60)
    if end == "kill":
        daemon.kill()
    else:
        assert daemon.stop() == 0
    assert daemon.events("database_wal_overwritten")
    rig.start()
    rig.drop(note(999, 1))
    rig.drains()

    assert rig.rows("pragma integrity_check") == [("ok",)]
    stored = set(rig.chaves())
    assert {each.chave for each in [*notes(30, start=200), note(999, 1)]} <= stored
    if how is _copied_over:
        assert {each.chave for each in notes(30)} <= stored


def test_what_lies_in_the_wal_is_in_the_main_file_soon_after_the_last_note(rig: Rig):
    """Who deletes the -wal of an idle daemon, and then kills it, loses nothing."""

    def is_moved() -> bool:
        alone = Rig(rig.home / "alone")
        shutil.copyfile(rig.database, alone.database)
        return alone.chaves() == sorted(each.chave for each in notes(20))

    rig.start().stop()  # so that the main file alone has its tables
    daemon = rig.start()
    rig.drop_all(notes(20))
    rig.drains()
    eventually(is_moved, "all rows are in the main file", 10)
    daemon.send(signal.SIGSTOP)
    os.unlink(f"{rig.database}-wal")
    daemon.kill()

    rig.start()
    rig.assert_each_once(notes(20))
