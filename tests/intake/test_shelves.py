"""The world fails while files are put away: a disk that syncs nothing, a folder that is gone."""

import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nfed.core.arrival import Arrival
from nfed.core.outcome import Deferred, Imported, Outcome, Reason, Refused
from nfed.core.ports import Fate, Reading
from nfed.intake import shelves as shelves_module
from nfed.intake.folder import Folder
from nfed.intake.shelves import FolderShelves
from tests.intake.test_watcher import no_descriptor_left

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD = Imported("1" * 44)
BAD = Refused("says nothing", "NotFiscalDocument", "ask for another", None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "xml_nf"
    root.mkdir()
    for shelf in ("done", "failed"):
        (root / shelf).mkdir()
    return root


@pytest.fixture
def shelves(root: Path) -> Iterator[FolderShelves]:
    shelves = FolderShelves(root, "")
    yield shelves
    shelves.close()


def fate(root: Path, name: str, outcome: Outcome = GOOD) -> Fate:
    arrival = Folder(root).sight(name)
    assert arrival is not None
    digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
    waits = Deferred(Reason.RETRY, "")
    return Fate(arrival, Reading(waits, digest, arrival.version), outcome, NOW)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


async def test_a_folder_that_cannot_be_synced_holds_up_no_move(root, shelves, monkeypatch, capsys):
    (root / "a.xml").write_bytes(b"a")
    (root / "b.xml").write_bytes(b"b")
    monkeypatch.setattr(shelves_module, "sync_folder", _fail_to_sync)

    assert await shelves.put_away([fate(root, "a.xml")], "job") == []
    assert await shelves.put_away([fate(root, "b.xml")], "job") == []

    assert names(root / "done") == ["a.xml", "b.xml"]
    assert capsys.readouterr().out.count("folder_unavailable") == 1


def _fail_to_sync(folder: str) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO), folder)


async def test_shelves_without_a_watch_put_away_and_close(root):
    (root / "a.xml").write_bytes(b"a")
    read = fate(root, "a.xml")
    with no_descriptor_left():
        shelves = FolderShelves(root, "")

    assert await shelves.put_away([read], "job") == []
    shelves.close()

    assert names(root / "done") == ["a.xml"]


@pytest.mark.parametrize("outcome", [GOOD, BAD])
@pytest.mark.parametrize("subfolders", ["", "%Y/%m"])
async def test_a_folder_that_is_unmounted_in_the_middle_of_a_job_is_not_made_anew(
    root, outcome, subfolders
):
    (root / "a.xml").write_bytes(b"a")
    shelves = FolderShelves(root, subfolders)
    read = fate(root, "a.xml", outcome)
    root.rename(root.parent / "unmounted")

    stuck = await shelves.put_away([read], "job")
    kept = await shelves.keep_member(fate_of_member(), b"<x/>", "job")
    shelves.close()

    assert stuck == [read]
    assert not kept
    assert not root.exists()


async def test_no_shelf_is_made_in_the_mount_point_that_is_left(root):
    (root / "a.xml").write_bytes(b"a")
    shelves = FolderShelves(root, "%Y/%m")
    read = fate(root, "a.xml")
    root.rename(root.parent / "unmounted")
    root.mkdir()

    stuck = await shelves.put_away([read], "job")
    shelves.close()

    assert stuck == []
    assert names(root) == []


async def test_a_shelf_that_was_removed_is_made_again(root, shelves):
    (root / "a.xml").write_bytes(b"a")
    (root / "done").rmdir()

    assert await shelves.put_away([fate(root, "a.xml")], "job") == []

    assert names(root / "done") == ["a.xml"]


def fate_of_member() -> Fate:
    return Fate(Arrival("a.zip!x.xml", 1, 1, 1, 1), Reading(BAD), BAD, NOW)
