"""The disk loses its power, fills up, turns read-only or dies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import FACTOR
from tests.faults.disk import Disk
from tests.faults.injected import Injected
from tests.faults.stage import Stage, random_moment
from tests.faults.tally import count
from tests.support.harness import eventually, fill_up, small_disk

type NewDisk = Callable[[str], Disk]


@pytest.fixture(params=["database here", "database elsewhere"])
def on_disk(request: pytest.FixtureRequest, disk: Disk, stage: Stage) -> Stage:
    """The drop folder lies on the disk."""
    _put_on(disk, stage, with_database=request.param == "database here")
    return stage


def _put_on(disk: Disk, stage: Stage, *, with_database: bool) -> None:
    stage.rig.folder = disk.where / "xml_nf"
    stage.rig.folder.mkdir()
    if with_database:
        stage.rig.database = disk.where / "nfed.db"
        stage.rig.ledger = disk.where / "nfed-ledger.db"


def _power_cut(disk: Disk, stage: Stage) -> None:
    assert stage.daemon is not None
    count("power cut")
    disk.power_cut(stage.daemon.kill)
    _forget_what_the_producers_own_disk_lost(stage)


def _forget_what_the_producers_own_disk_lost(stage: Stage) -> None:
    """A file that nfed had not yet taken may be empty or gone: its producer did not fsync."""
    folder = stage.rig.folder
    put_away = stage.rig.done() + stage.rig.failed()
    stored = {chave for chave, _ in stage._stored()} if stage.rig.database.exists() else set()
    for name, sent in list(stage.sent.items()):
        path = folder / name
        whole = path.exists() and path.read_bytes() == sent.content
        is_twin = name.startswith("again-")  # whose note is stored, but of another file
        is_stored = not is_twin and any(one.chave in stored for one in sent.notes)
        if not whole and name not in put_away and not is_stored:
            path.unlink(missing_ok=True)
            del stage.sent[name]


@pytest.mark.parametrize("fsync", [False, True])
def test_a_power_cut_loses_nothing_that_nfed_has_taken(on_disk: Stage, disk: Disk, fsync: bool):
    stage = on_disk
    for _ in range(2 * FACTOR):
        before = len(stage.rig.done())
        stage.send(80, fsync=fsync)
        stage.launch()
        stage.waits_until_done(before + stage.chance.randint(1, 60))
        _power_cut(disk, stage)

    stage.ends()


def test_the_checker_sees_what_a_disk_without_sync_loses(
    stage: Stage, disk: Disk, injected: Injected
):
    """The mutant: nothing that nfed asks the disk for gets there. The checker must say so."""
    _put_on(disk, stage, with_database=True)
    injected.write(no_sync=True)
    stage.send(80)
    stage.launch()
    stage.waits_until_done(60)
    assert stage.daemon is not None
    disk.power_cut(stage.daemon.kill)
    count("power cut of the mutant")
    injected.write()

    with pytest.raises(AssertionError):
        stage.ends(20)


def test_a_disk_that_dies_and_comes_back_costs_no_file(stage: Stage, disk: Disk):
    """EIO from every call; when the disk is back nfed goes on by itself."""
    _put_on(disk, stage, with_database=False)
    daemon = stage.start()
    stage.send(100, fsync=True)
    stage.waits_until_done(stage.chance.randint(1, 60))

    disk.cut()
    count("dead disk")
    signs = ("folder_unavailable", "file_move_failed", "file_deferred")
    imported = "batch_processing_completed"
    # One who has nothing to do with the disk any more may not notice.
    eventually(lambda: any(map(daemon.events, (*signs, imported))), "the daemon notices", 60)
    disk.replug()

    stage.send(20)
    stage.ends()


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("size", ["bytes", "inodes"])
@pytest.mark.parametrize("where", ["folder", "database"])
def test_a_full_disk_costs_no_file(stage: Stage, tmp_path: Path, size: str, where: str):
    place = tmp_path / "small"
    place.mkdir()
    with small_disk(place, "16m,nr_inodes=400" if where == "folder" else "8m,nr_inodes=20"):
        if where == "folder":
            stage.rig.folder = place / "xml_nf"
            stage.rig.folder.mkdir()
        else:
            stage.rig.database = place / "nfed.db"
        stage.start()
        stage.send(60)
        for _ in range(2 * FACTOR):
            random_moment(stage.chance, 2)
            ballast = _fill(place, size)
            count(f"no {size} left")
            random_moment(stage.chance, 4)
            for each in ballast:
                each.unlink()
            stage.send(20)

        stage.ends()


def _fill(place: Path, size: str) -> list[Path]:
    if size == "bytes":
        fill_up(place / ".ballast")
        return [place / ".ballast"]
    made: list[Path] = []
    try:
        while True:
            each = place / f".ballast-{len(made)}"
            each.touch()
            made.append(each)
    except OSError:
        return made


def test_a_disk_that_turns_read_only_costs_no_file(stage: Stage, new_disk: NewDisk):
    """As ext4 does by itself after an error, whoever has files open."""
    disk = new_disk("ext4")
    _put_on(disk, stage, with_database=False)
    stage.start()
    stage.send(100, fsync=True)
    stage.waits_until_done(10)

    disk.turn_read_only()
    count("disk turned read-only")
    random_moment(stage.chance, 5)
    disk.replug()

    stage.send(20)
    stage.ends()
