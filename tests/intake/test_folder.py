"""The drop folder on a real disk: scan, lock, leases, and moves that never overwrite."""

import ctypes
import errno
import fcntl
import hashlib
import json
import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from nfed.core.arrival import Arrival
from nfed.core.outcome import Deferred, Imported, Outcome, Reason, Refused
from nfed.core.ports import Fate, Reading
from nfed.errors import FolderBusy, FolderUnavailable
from nfed.intake import rename
from nfed.intake.folder import Folder, opened
from nfed.intake.rename import move_without_replacing
from nfed.intake.shelves import FolderShelves
from nfed.intake.watcher import needs_polling
from tests.support.harness import ROOT, fill_up, may_mount, small_disk

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD = Imported("1" * 44)
BAD = Refused("says nothing", "NotFiscalDocument", "ask for another", None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "xml_nf"
    root.mkdir()
    return root


@pytest.fixture
def shelves(root: Path) -> Iterator[FolderShelves]:
    with opened(root):
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


# --- scan ---------------------------------------------------------------------------------------


class Asked:
    """Skips nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __contains__(self, path: object) -> bool:
        self.count += 1
        return False


def test_a_scan_looks_at_no_more_names_than_are_taken_from_it(root):
    """A folder of any length is scanned as a stream."""
    for n in range(2000):
        (root / f"{n}.xml").touch()
    asked = Asked()

    first = list(islice(Folder(root).scan(asked), 10))

    assert len(first) == 10
    assert asked.count == 10


def test_a_scan_skips_what_it_is_told_to_and_meets_the_rest_once(root):
    for n in range(100):
        (root / f"{n}.xml").touch()
    skip = {f"{n}.xml" for n in range(0, 100, 2)}

    found = [each.path for each in Folder(root).scan(skip)]

    assert sorted(found) == sorted(f"{n}.xml" for n in range(1, 100, 2))


def test_a_scan_outlives_files_that_vanish_while_it_runs(root):
    for n in range(500):
        (root / f"{n}.xml").touch()
    scan = Folder(root).scan(())
    next(scan)

    for path in root.glob("*.xml"):
        path.unlink()

    assert len(list(scan)) < 500


def test_a_scan_says_what_a_file_is(root):
    (root / "a.xml").write_bytes(b"12345")
    status = os.stat(root / "a.xml")

    [found] = Folder(root).scan(())

    assert found == Arrival(
        "a.xml", status.st_ino, 5, status.st_mtime_ns, status.st_ctime_ns, being_written=False
    )


def test_the_version_of_a_file_differs_when_it_was_rewritten_with_its_old_size_and_time(root):
    path = root / "a.xml"
    path.write_bytes(b"12345")
    status = os.stat(path)
    [before] = Folder(root).scan(())

    path.write_bytes(b"67890")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    [after] = Folder(root).scan(())
    assert after.modified_ns == before.modified_ns
    assert after.size_bytes == before.size_bytes
    assert after.version != before.version


def test_a_scan_of_a_folder_that_is_gone_says_so(root):
    folder = Folder(root)
    root.rmdir()

    with pytest.raises(FolderUnavailable, match="No such file") as refused:
        list(folder.scan(()))

    assert str(root) in str(refused.value)


def test_a_recursive_scan_never_enters_the_shelves_or_hidden_folders(root):
    for below in ("done", "done/2026", "failed", "a", "a/b", ".git", "a/done"):
        (root / below).mkdir(exist_ok=True)
        (root / below / "x.xml").touch()

    found = sorted(each.path for each in Folder(root, recursive=True).scan(()))

    assert found == ["a/b/x.xml", "a/done/x.xml", "a/x.xml"]


def test_sockets_and_devices_are_no_files(root):
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(os.path.relpath(root / "s.xml"))
        (root / "link.xml").symlink_to("/dev/zero")

        assert list(Folder(root).scan(())) == []
    finally:
        listening.close()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_file_whose_place_was_taken_by_something_else_is_no_arrival(root, kind):
    (root / "other").write_bytes(b"x")
    match kind:
        case "link":
            (root / "a.xml").symlink_to(root / "other")
        case "fifo":
            os.mkfifo(root / "a.xml")
        case _:
            (root / "a.xml").mkdir()

    assert Folder(root).sight("a.xml") is None


def test_a_file_that_is_gone_is_no_arrival(root):
    assert Folder(root).sight("a.xml") is None


# --- writers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
def test_a_writer_in_this_process_is_seen_until_it_closes(root, mode):
    (root / "a.xml").write_bytes(b"x")
    folder = Folder(root)

    with open(root / "a.xml", mode):
        during = folder.sight("a.xml")
    after = folder.sight("a.xml")

    assert during is not None
    assert during.being_written
    assert after is not None
    assert not after.being_written


def _hold(path: str, opened: object, close: object) -> None:
    with open(path, "ab"):
        opened.set()
        close.wait(30)


def test_a_writer_in_another_process_is_seen_until_it_closes(root):
    (root / "a.xml").write_bytes(b"x")
    folder = Folder(root)
    context = multiprocessing.get_context("spawn")
    opened_event, close = context.Event(), context.Event()
    writer = context.Process(target=_hold, args=(str(root / "a.xml"), opened_event, close))
    writer.start()
    assert opened_event.wait(30)

    during = folder.sight("a.xml")
    close.set()
    writer.join(30)
    after = folder.sight("a.xml")

    assert during is not None
    assert during.being_written
    assert after is not None
    assert not after.being_written


def test_a_reader_is_no_writer(root):
    (root / "a.xml").write_bytes(b"x")

    with open(root / "a.xml", "rb"):
        seen = Folder(root).sight("a.xml")

    assert seen is not None
    assert not seen.being_written


_LOOKING = """
import sys
from pathlib import Path
from nfed.intake.folder import Folder

folder = Folder(Path(sys.argv[1]))
print("looking", flush=True)
while True:
    folder.sight("a.xml")
"""


def test_a_writer_that_opens_the_file_while_it_is_looked_at_kills_nobody(root):
    """It sends SIGIO to whoever holds the lease; by default that ends the process."""
    path = root / "a.xml"
    path.write_bytes(b"x")
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _LOOKING,
            str(root),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon")},
        stdout=subprocess.PIPE,
    )
    with looking:
        assert looking.stdout is not None
        looking.stdout.readline()

        for _ in range(3000):
            os.close(os.open(path, os.O_WRONLY))

        assert looking.poll() is None
        looking.kill()


def test_looking_gives_the_lease_back_at_once(root):
    (root / "a.xml").write_bytes(b"x")
    Folder(root).sight("a.xml")

    descriptor = os.open(root / "a.xml", os.O_WRONLY | os.O_NONBLOCK)  # refused under a lease

    os.close(descriptor)


def test_sigio_is_ignored_before_the_first_lease(root):
    signal.signal(signal.SIGIO, signal.SIG_DFL)

    Folder(root)

    assert signal.getsignal(signal.SIGIO) is signal.SIG_IGN


# --- the lock -----------------------------------------------------------------------------------


def test_a_folder_is_owned_once_and_the_second_is_told_by_whom(root):
    with opened(root), pytest.raises(FolderBusy) as refused:
        Folder(root).open()

    assert f"process {os.getpid()} " in str(refused.value)
    assert str(root) in str(refused.value)


def test_a_folder_is_free_after_it_was_closed(root):
    with opened(root):
        pass
    with opened(root):
        pass


def test_a_lock_file_that_a_dead_process_left_locks_nobody_out(root):
    (root / ".nfed.lock").write_text(json.dumps({"pid": 1}))

    with opened(root) as folder:
        assert folder.is_still_there()

        assert json.loads((root / ".nfed.lock").read_text()) == {"pid": os.getpid()}


def test_a_lock_file_without_sense_still_says_that_somebody_holds_it(root):
    descriptor = os.open(root / ".nfed.lock", os.O_RDWR | os.O_CREAT)
    try:
        os.write(descriptor, b"garbage\xff")
        fcntl.flock(descriptor, fcntl.LOCK_EX)

        with pytest.raises(FolderBusy, match="another process"):
            Folder(root).open()
    finally:
        os.close(descriptor)


def test_a_folder_that_could_not_be_reopened_is_not_taken_for_open(tmp_path):
    """What stands there now belongs to another daemon; to be there is not to be ours."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    with opened(theirs), opened(ours) as folder:
        ours.rename(tmp_path / "old")
        ours.symlink_to(theirs)
        assert not folder.is_still_there()

        with pytest.raises(FolderBusy):
            folder.reopen()

        assert not folder.is_still_there()


def test_a_folder_whose_shelf_cannot_be_used_is_not_taken_for_open(tmp_path):
    ours = tmp_path / "ours"
    ours.mkdir()
    with opened(ours) as folder:
        ours.rename(tmp_path / "old")
        ours.mkdir()
        (ours / "done").write_text("a file in the shelf's place")

        with pytest.raises(FolderUnavailable):
            folder.reopen()

        assert not folder.is_still_there()


def test_a_lock_file_that_was_deleted_does_not_let_a_second_daemon_in(root):
    """The name is gone, the owner is not."""
    with opened(root) as folder:
        (root / ".nfed.lock").unlink()

        assert not folder.is_still_there()  # so that the owner takes the lock anew


# --- opening ------------------------------------------------------------------------------------


def test_opening_makes_the_shelves_and_leaves_nothing_of_its_trial(root):
    with opened(root):
        pass

    assert names(root) == [".nfed.lock", "done", "failed"]
    assert names(root / "done") == names(root / "failed") == []


def test_a_missing_folder_is_named_with_what_to_do(tmp_path):
    with pytest.raises(FolderUnavailable, match="create it or set xml_folder") as refused:
        Folder(tmp_path / "nowhere").open()

    assert str(tmp_path / "nowhere") in str(refused.value)


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(FolderUnavailable, match="is not a folder"):
        Folder(tmp_path / "file").open()


@pytest.mark.parametrize("shelf", ["done", "failed"])
def test_a_shelf_on_another_mount_is_refused_with_what_to_change(root, shelf):
    """EXDEV. Where mounting is not allowed a link to another file system does the same."""
    (root / shelf).mkdir()
    if may_mount(root / shelf):
        with small_disk(root / shelf, "64k"):
            _refuses_the_mount(root, shelf)
        return
    (root / shelf).rmdir()
    (root / shelf).symlink_to("/dev/shm")
    _refuses_the_mount(root, shelf)


def _refuses_the_mount(root, shelf):
    with pytest.raises(FolderUnavailable) as refused:
        Folder(root).open()

    said = str(refused.value)
    assert f"{shelf}/ must be on the folder's own mount" in said
    assert "ReadWritePaths" in said
    assert not list(root.glob(".nfed-trial*"))
    descriptor = os.open(root / ".nfed.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back
    finally:
        os.close(descriptor)


def test_a_bind_mount_of_the_same_file_system_is_refused_too(root, tmp_path):
    """Two mounts of one file system already refuse a rename between them."""
    (root / "done").mkdir()
    (tmp_path / "elsewhere").mkdir()
    if not may_mount(tmp_path / "probe"):
        pytest.skip("needs the right to mount")
    subprocess.run(["mount", "--bind", tmp_path / "elsewhere", root / "done"], check=True)
    try:
        with pytest.raises(FolderUnavailable, match="own mount"):
            Folder(root).open()
    finally:
        subprocess.run(["umount", "--lazy", root / "done"], check=True)


# --- putting away -------------------------------------------------------------------------------


async def test_a_file_is_put_away_under_its_own_name(root, shelves):
    (root / "a.xml").write_bytes(b"a")

    stuck = await shelves.put_away([fate(root, "a.xml")], "job")

    assert stuck == []
    assert (root / "done" / "a.xml").read_bytes() == b"a"
    assert not (root / "a.xml").exists()


async def test_a_file_that_waits_is_not_moved(root, shelves):
    (root / "a.xml").write_bytes(b"a")
    waits = Deferred(Reason.INCOMPLETE, "ends too early")

    stuck = await shelves.put_away([fate(root, "a.xml", waits)], "job")

    assert stuck == []
    assert (root / "a.xml").exists()


@pytest.mark.parametrize("outcome", [GOOD, BAD])
async def test_nothing_on_a_shelf_is_ever_overwritten(root, shelves, outcome):
    shelf = root / ("done" if outcome is GOOD else "failed")
    (shelf / "a.xml").write_bytes(b"first")
    (shelf / "a.2.xml").symlink_to("nowhere")
    (shelf / "a.3.xml").mkdir()
    (root / "a.xml").write_bytes(b"mine")

    stuck = await shelves.put_away([fate(root, "a.xml", outcome)], "job")

    assert stuck == []
    assert (shelf / "a.xml").read_bytes() == b"first"
    assert (shelf / "a.2.xml").is_symlink()
    assert (shelf / "a.3.xml").is_dir()
    assert (shelf / "a.4.xml").read_bytes() == b"mine"
    if outcome is BAD:
        assert json.loads((shelf / "a.4.xml.error.json").read_bytes())["file"] == "a.xml"
        assert not (shelf / "a.xml.error.json").exists()


def test_a_move_onto_a_namesake_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")

    with pytest.raises(FileExistsError):
        move_without_replacing(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "a").read_bytes() == b"a"
    assert (tmp_path / "b").read_bytes() == b"b"


class OldKernel:
    """A C library whose file system does not know RENAME_NOREPLACE (NFS, old FUSE)."""

    def __init__(self, code: int) -> None:
        self.code = code

    def renameat2(self, *_: object) -> int:
        ctypes.set_errno(self.code)
        return -1


@pytest.mark.parametrize("code", [22, 38])  # EINVAL, ENOSYS
def test_without_rename_noreplace_a_namesake_is_not_overwritten_either(tmp_path, monkeypatch, code):
    monkeypatch.setattr(rename, "_libc", OldKernel(code))
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    (tmp_path / "dangling").symlink_to("nowhere")

    for taken in ("b", "dangling"):
        with pytest.raises(FileExistsError):
            move_without_replacing(tmp_path / "a", tmp_path / taken)
    move_without_replacing(tmp_path / "a", tmp_path / "c")

    assert (tmp_path / "b").read_bytes() == b"b"
    assert (tmp_path / "dangling").is_symlink()
    assert (tmp_path / "c").read_bytes() == b"a"


def test_many_movers_to_one_name_lose_nothing(tmp_path):
    contents = [b"%d" % n for n in range(50)]
    won = []
    for n, content in enumerate(contents):
        (tmp_path / f"{n}").write_bytes(content)

    def move(n: int) -> None:
        try:
            move_without_replacing(tmp_path / f"{n}", tmp_path / "target")
        except FileExistsError:
            return
        won.append(n)

    threads = [threading.Thread(target=move, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert len(os.listdir(tmp_path)) == 50


@pytest.mark.parametrize("outcome", [GOOD, BAD])
async def test_a_file_that_was_replaced_after_it_was_read_is_not_put_away_for_it(
    root, shelves, outcome
):
    (root / "a.xml").write_bytes(b"read")
    read = fate(root, "a.xml", outcome)
    (root / "new").write_bytes(b"not read")
    (root / "new").rename(root / "a.xml")

    stuck = await shelves.put_away([read], "job")

    assert stuck == [read]
    assert (root / "a.xml").read_bytes() == b"not read"
    assert names(root / "done") == names(root / "failed") == []


async def test_a_file_that_grew_after_it_was_read_is_not_put_away(root, shelves):
    (root / "a.xml").write_bytes(b"read")
    read = fate(root, "a.xml")
    _append(root / "a.xml", b" and more")

    stuck = await shelves.put_away([read], "job")

    assert stuck == [read]
    assert (root / "a.xml").read_bytes() == b"read and more"


def _append(path: Path, more: bytes) -> None:
    with open(path, "ab") as file:
        file.write(more)


async def test_a_file_that_vanished_holds_up_nobody(root, shelves):
    (root / "a.xml").write_bytes(b"a")
    (root / "b.xml").write_bytes(b"b")
    fates = [fate(root, "a.xml"), fate(root, "b.xml"), fate(root, "a.xml", BAD)]
    (root / "a.xml").unlink()

    stuck = await shelves.put_away(fates, "job")

    assert stuck == []
    assert names(root / "done") == ["b.xml"]
    assert names(root / "failed") == []


async def test_the_reason_says_all_that_was_promised(root, shelves):
    (root / "a.xml").write_bytes(b"a")

    await shelves.put_away([fate(root, "a.xml", BAD)], "20260102-030405-abcdef")

    said = json.loads((root / "failed" / "a.xml.error.json").read_bytes())
    assert said["file"] == "a.xml"
    assert said["error"] == "says nothing"
    assert said["error_type"] == "NotFiscalDocument"
    assert said["advice"] == "ask for another"
    assert datetime.fromisoformat(said["timestamp"]) == NOW
    assert said["job_id"] == "20260102-030405-abcdef"
    assert said["sha256"] == hashlib.sha256(b"a").hexdigest()


async def test_a_reason_that_finds_no_room_leaves_the_file_and_no_litter(root, shelves):
    if not may_mount(root / "failed"):
        pytest.skip("needs the right to mount")
    (root / "a.xml").write_bytes(b"a")
    with small_disk(root / "failed", "16k"):
        fill_up(root / "failed" / "ballast")
        refused = fate(root, "a.xml", BAD)

        stuck = await shelves.put_away([refused], "job")

        assert stuck == [refused]
        assert (root / "a.xml").read_bytes() == b"a"
        assert names(root / "failed") == ["ballast"]


async def test_two_files_of_one_chunk_with_one_name_both_find_a_place(root):
    for below in ("x", "y"):
        (root / below).mkdir()
        (root / below / "a.xml").write_bytes(below.encode())
    with opened(root, recursive=True):
        shelves = FolderShelves(root, "%Y/%m")
        fates = [fate(root, "x/a.xml"), fate(root, "y/a.xml")]

        stuck = await shelves.put_away(fates, "job")
        shelves.close()

    assert stuck == []
    kept = sorted((root / "done").rglob("*.xml"))
    assert [path.name for path in kept] == ["a.2.xml", "a.xml"]
    assert {path.read_bytes() for path in kept} == {b"x", b"y"}
    assert all(stat.S_ISREG(path.stat().st_mode) for path in kept)


# --- polling ------------------------------------------------------------------------------------

_MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/share rw - nfs4 server:/x rw
31 22 0:41 / /mnt/share/local rw - ext4 /dev/vdb rw
32 22 0:42 / /mnt/with\\040space rw - fuse.sshfs host: rw
33 22 0:43 / /mnt/shared rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("folder", "polls"),
    [
        ("/var/xml", False),
        ("/mnt/share", True),
        ("/mnt/share/a/b", True),
        ("/mnt/share/local/a", False),
        ("/mnt/shared/a", False),
        ("/mnt/with space/a", True),
    ],
)
def test_folders_on_network_and_fuse_file_systems_are_polled(folder, polls):
    assert needs_polling(Path(folder), _MOUNTS) is polls


def test_a_mount_point_of_any_bytes_is_no_reason_to_fail():
    odd = (
        "40 22 0:50 / /mnt/a\\134x\udcff rw - ext4 /dev/x rw\n41 22 0:51 / /mnt/ã rw - nfs4 s rw\n"
    )

    assert needs_polling(Path("/mnt/ã/x"), _MOUNTS + odd) is True
    assert needs_polling(Path("/var/xml"), _MOUNTS + odd) is False


def test_a_chain_of_folders_of_any_depth_is_scanned_to_its_end(tmp_path):
    root = tmp_path / "xml_nf"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(1_100):  # deeper than Python calls may nest
        os.mkdir("a", dir_fd=here)
        below = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("deep.xml", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)
    (root / "top.xml").touch()

    found = [arrival.path for arrival in Folder(root, recursive=True).scan(())]
    # Python's own rmtree, with which pytest tidies up, does not go so deep.
    subprocess.run(["rm", "-rf", root / "a"], check=True)

    assert sorted(path.rpartition("/")[2] for path in found) == ["deep.xml", "top.xml"]


# --- faults of the world ------------------------------------------------------------------------


def test_a_lock_that_fails_is_a_folder_that_is_not_there(root):
    """EBADF stands for EIO and ESTALE: no call on the lock may end the daemon."""
    with opened(root) as folder:
        assert folder._lock is not None
        os.close(folder._lock)

        assert not folder.is_still_there()
        folder.reopen()

        assert folder.is_still_there()


def test_a_disk_that_fails_while_it_is_listed_makes_the_folder_unavailable(root):
    """Whichever call it is: nothing but FolderUnavailable comes out of a scan."""

    class Failing:
        def __contains__(self, path: object) -> bool:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    (root / "a.xml").touch()

    with pytest.raises(FolderUnavailable, match="Input/output error"):
        list(Folder(root).scan(Failing()))


def test_what_a_kill_at_start_left_of_the_trial_is_gone_after_the_next_start(root):
    for below in ("", "done", "failed"):
        (root / below).mkdir(exist_ok=True)
        (root / below / ".nfed-trial").touch()

    with opened(root):
        pass

    assert [path.name for path in root.rglob(".nfed-trial*")] == []


@pytest.mark.parametrize("shelf", ["done", "failed"])
def test_a_file_in_a_shelfs_place_is_named_as_such(root, shelf):
    (root / shelf).write_text("no folder")

    with pytest.raises(FolderUnavailable, match=f"{shelf} is no folder: move it away"):
        Folder(root).open()

    assert (root / shelf).read_text() == "no folder"
    assert not list(root.glob(".nfed-trial*"))
