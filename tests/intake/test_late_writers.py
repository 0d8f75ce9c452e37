"""Somebody writes to a note in place while it is read, moved, or lies in done/: no byte is lost."""

import asyncio
import ctypes
import hashlib
import json
import mmap
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import pytest

from nfed.core.outcome import Deferred, Imported, Outcome, Reason, Refused
from nfed.core.ports import Fate, Reading
from nfed.intake.folder import Folder, opened
from nfed.intake.moved import JOURNAL_NAME, LINGER, FileChanged, LastMoved
from nfed.intake.shelves import FolderShelves
from nfed.intake.watcher import Writes
from tests.support.harness import eventually

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD = Imported("1" * 44)
BAD = Refused("says nothing", "NotFiscalDocument", "ask for another", None)
NOBODY = 65534
_SYS_SETRESUID = {"x86_64": 117, "aarch64": 147}.get(os.uname().machine)


@pytest.fixture
def root() -> Iterator[Path]:
    """Where other users get to, as they do not below pytest's own folder."""
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        root = Path(home) / "xml_nf"
        root.mkdir()
        with opened(root):
            yield root


@pytest.fixture
async def shelves(root: Path) -> AsyncIterator[FolderShelves]:
    shelves = FolderShelves(root, "")
    yield shelves
    shelves.close()


@pytest.fixture(params=["own", "another user's"])
def writer(request, root: Path, shelves: FolderShelves) -> str:
    """Whose the files are; another user's are refused every lease."""
    if request.param != "own":
        if os.geteuid() != 0 or _SYS_SETRESUID is None:
            pytest.skip("needs root, to work as a user without capabilities")
        for folder in (root, root / "done", root / "failed"):
            os.chmod(folder, 0o777)
        assert shelves._thread.submit(_become_nobody).result() == NOBODY
    return str(request.param)


def _become_nobody() -> int:
    """This thread alone: the system call knows nothing of processes."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(_SYS_SETRESUID, NOBODY, NOBODY, NOBODY) == 0
    return int(libc.syscall({"x86_64": 107, "aarch64": 175}[os.uname().machine]))  # geteuid


def drop(root: Path, name: str = "a.xml", content: bytes = b"<read/>") -> Fate:
    """A file that was read, with the fate to be put into done/."""
    path = root / name
    path.write_bytes(content)
    os.chmod(path, 0o664)
    os.utime(path, (time.time() - 60,) * 2)
    return fate(root, name)


def fate(root: Path, name: str, outcome: Outcome = GOOD) -> Fate:
    arrival = Folder(root).sight(name)
    assert arrival is not None
    digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
    waits = Deferred(Reason.RETRY, "")
    return Fate(arrival, Reading(waits, digest, arrival.version), outcome, NOW)


def write_in_place(path: Path, content: bytes, *, set_back: bool = True) -> None:
    """Same size, and the old mtime: what `cp -p` and many sync programs leave."""
    status = os.stat(path)
    with open(path, "r+b") as file:
        file.write(content)
    if set_back:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def files(root: Path) -> dict[str, bytes]:
    """Every document below the folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.xml"))}


def last_moved(root: Path, *, linger: int = LINGER) -> LastMoved:
    """As after a start."""
    last = LastMoved(str(root), Writes(str(root)), linger=linger)
    last.resume()
    return last


def move(last: LastMoved, read: Fate, target: str) -> None:
    """As the shelves have it moved."""
    last.expect([read], os.path.dirname(target))
    last.move(read, target)


async def comes_back(root: Path, *names: str) -> None:
    """While the loop turns, as only that hears of late writes."""
    await asyncio.to_thread(
        eventually, lambda: all((root / name).exists() for name in names), f"{names} are back", 10
    )


def held(path: Path) -> FileIO:
    """Open to write in place."""
    return FileIO(path, "r+")


# --- before the move ----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [GOOD, BAD])
async def test_a_note_written_in_place_with_its_old_size_and_time_is_not_put_away(
    root, shelves, writer, outcome
):
    drop(root)
    read = fate(root, "a.xml", outcome)
    write_in_place(root / "a.xml", b"<NEW!/>")

    stuck = await shelves.put_away([read], "job")

    assert stuck == [read]
    assert files(root) == {"a.xml": b"<NEW!/>"}
    assert os.listdir(root / "failed") == []


# --- during the move ----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [GOOD, BAD])
async def test_a_note_that_somebody_has_open_to_write_is_not_put_away(root, shelves, outcome):
    drop(root)
    read = fate(root, "a.xml", outcome)
    with held(root / "a.xml") as file:
        stuck = await shelves.put_away([read], "job")
        file.write(b"<NEW!/>")

    assert stuck == [read]
    assert files(root) == {"a.xml": b"<NEW!/>"}
    assert os.listdir(root / "failed") == []


async def test_a_namesake_that_came_meanwhile_is_kept_when_a_note_is_taken_back(root, shelves):
    last = shelves._last
    read = drop(root)
    with held(root / "a.xml"):
        os.link(root / "a.xml", root / "kept")
        read = fate(root, "a.xml")
        original = last._look

        def another_comes(moved):
            (root / "a.xml").write_bytes(b"<other/>")
            return original(moved)

        last._look = another_comes
        with pytest.raises(FileChanged):
            last.move(read, "done/a.xml")

    assert files(root) == {"a.2.xml": b"<read/>", "a.xml": b"<other/>"}


# --- after the move -----------------------------------------------------------------------------


async def test_a_note_written_to_after_its_move_comes_back(root, shelves, writer):
    """Opened before the move; where a lease can tell, the move does not even happen."""
    read = drop(root)
    with held(root / "a.xml") as file:
        stuck = await shelves.put_away([read], "job")
        assert stuck == ([read] if writer == "own" else [])

        file.write(b"<NEW!/>")
        await comes_back(root, "a.xml")

    assert files(root) == {"a.xml": b"<NEW!/>"}


async def test_a_note_written_to_through_a_mapping_comes_back(root, shelves, writer):
    """No event tells of such a write, but one tells of its end."""
    read = drop(root)
    with held(root / "a.xml") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    await shelves.put_away([read], "job")

    mapped[1:5] = b"NEW!"
    mapped.close()
    await comes_back(root, "a.xml")

    assert files(root) == {"a.xml": b"<NEW!/>"}


async def test_a_note_that_is_opened_to_write_but_left_as_it_is_stays_in_done(root, shelves):
    """What file servers do when somebody looks at a file there."""
    await shelves.put_away([drop(root)], "job")

    with held(root / "done/a.xml"):
        pass
    write_in_place(root / "done/a.xml", b"<read/>", set_back=False)
    await shelves.put_away([drop(root, "b.xml")], "job")

    assert set(files(root)) == {"done/a.xml", "done/b.xml"}


async def test_a_late_write_to_an_archive_brings_it_back(root, shelves, writer):
    read = drop(root, "a.zip")
    read = Fate(read.arrival, Reading(()), GOOD, NOW)
    with held(root / "a.zip") as file:
        await shelves.put_away([read], "job")
        file.write(b"<NEW!/>")
        with suppress(FileNotFoundError):
            os.utime(root / "done/a.zip", ns=(0, read.arrival.modified_ns))
        await comes_back(root, "a.zip")

    assert (root / "a.zip").read_bytes() == b"<NEW!/>"


async def test_a_note_comes_back_to_the_folder_that_it_came_from(root, shelves):
    (root / "filial").mkdir()
    read = drop(root, "filial/a.xml")
    await shelves.put_away([read], "job")

    write_in_place(root / "done/a.xml", b"<NEW!/>")
    await comes_back(root, "filial/a.xml")

    assert files(root) == {"filial/a.xml": b"<NEW!/>"}


async def test_many_notes_written_to_at_any_time_hold_in_done_what_was_read(root, shelves, writer):
    """Every note either lies in done/ with the bytes that were read, or in the folder."""
    reads = [drop(root, f"{n}.xml") for n in range(300)]
    names = [f"{n}.xml" for n in range(0, 300, 3)]
    opened_files = [held(root / name) for name in names]

    def write_all() -> None:
        for file in opened_files:
            file.write(b"<NEW!/>")
            os.utime(file.fileno(), (0, 0))
            file.close()

    writing = asyncio.create_task(asyncio.to_thread(write_all))
    for start in range(0, 300, 30):
        await shelves.put_away(reads[start : start + 30], "job")
    await writing
    await comes_back(root, *names)

    found = files(root)
    assert len(found) == 300
    assert {name for name, content in found.items() if content == b"<NEW!/>"} == set(names)


# --- when nobody watches ------------------------------------------------------------------------


def test_without_watches_a_late_write_is_seen_when_the_note_is_no_longer_among_the_last(root):
    """As on a file system of which no event comes."""
    last = last_moved(root, linger=2)
    last._watches.close()
    for n in range(3):
        if n == 2:
            write_in_place(root / "done/0.xml", b"<NEW!/>")
        move(last, drop(root, f"{n}.xml"), f"done/{n}.xml")

    assert set(files(root)) == {"0.xml", "done/1.xml", "done/2.xml"}


def test_no_more_notes_are_remembered_than_the_last(root):
    last = last_moved(root, linger=3)
    for n in range(10):
        move(last, drop(root, f"{n}.xml"), f"done/{n}.xml")

    assert len(last._moved) == 3


def test_no_more_folders_are_watched_than_the_last(root):
    writes = Writes(str(root))
    for n in range(40):
        (root / f"done/{n}").mkdir(parents=True)
        writes.add(f"done/{n}")

    said = Path(f"/proc/self/fdinfo/{writes.descriptor}").read_text()
    assert said.count("inotify wd:") == 16
    assert writes.has("done/39")
    writes.close()


def test_events_that_were_lost_may_have_been_of_any_note(root):
    last = last_moved(root)
    for n in range(3):
        move(last, drop(root, f"{n}.xml"), f"done/{n}.xml")
    write_in_place(root / "done/1.xml", b"<NEW!/>")

    last.look_at({"": True})

    assert set(files(root)) == {"1.xml", "done/0.xml", "done/2.xml"}


# --- the next start -----------------------------------------------------------------------------


def test_a_note_written_to_after_a_kill_comes_back_at_the_next_start(root):
    killed = last_moved(root)
    move(killed, drop(root), "done/a.xml")
    move(killed, drop(root, "b.xml"), "done/b.xml")
    write_in_place(root / "done/a.xml", b"<NEW!/>")
    os.utime(root / "done/b.xml")  # no reason to read it again

    last_moved(root).close()

    assert files(root) == {"a.xml": b"<NEW!/>", "done/b.xml": b"<read/>"}


async def test_a_note_still_open_at_an_orderly_end_comes_back_at_the_next_start(
    root, shelves, writer
):
    """A note that a lease says nobody has open needs no line in the journal."""
    read = drop(root)
    with held(root / "a.xml") as file:
        await shelves.put_away([read], "job")
        shelves._thread.submit(shelves._last.close).result()
        assert (root / JOURNAL_NAME).exists() is (writer != "own")
        file.write(b"<NEW!/>")

    FolderShelves(root, "").close()

    assert files(root) == {"a.xml": b"<NEW!/>"}


async def test_an_orderly_end_leaves_no_journal_of_files_that_nobody_has_open(root):
    shelves = FolderShelves(root, "")
    await shelves.put_away([drop(root)], "job")
    shelves.close()

    assert not (root / JOURNAL_NAME).exists()


@pytest.mark.parametrize("name", ["a.xml", "a.2.xml"])
@pytest.mark.parametrize("outcome", [GOOD, BAD])
def test_a_kill_between_move_and_take_back_leaves_nothing_unread(root, name, outcome):
    drop(root)
    read = fate(root, "a.xml", outcome)
    shelf = "done" if outcome is GOOD else "failed"
    killed = last_moved(root)
    killed.expect([read], shelf)
    (root / "a.xml").rename(root / shelf / name)
    (root / shelf / f"{name}.error.json").write_text("{}")
    write_in_place(root / shelf / name, b"<NEW!/>")

    last_moved(root).close()

    assert files(root) == {"a.xml": b"<NEW!/>"}
    assert (root / shelf / f"{name}.error.json").exists() is (shelf == "done")


def test_a_note_that_is_open_to_write_when_nfed_starts_again_comes_back(root):
    read = drop(root)
    killed = last_moved(root)
    killed.expect([read], "done")
    with held(root / "a.xml"):
        (root / "a.xml").rename(root / "done/a.xml")

        last_moved(root).close()

    assert set(files(root)) == {"a.xml"}


def test_a_kill_that_nobody_used_moves_nothing(root):
    reads = [drop(root, f"{n}.xml") for n in range(3)]
    killed = last_moved(root)
    killed.expect(reads, "done")
    killed.move(reads[0], "done/0.xml")

    last_moved(root).close()

    assert set(files(root)) == {"done/0.xml", "1.xml", "2.xml"}


async def test_a_daemon_that_has_moved_nothing_yet_hears_of_late_writes_too(root):
    move(last_moved(root), drop(root), "done/a.xml")
    shelves = FolderShelves(root, "")
    await asyncio.to_thread(shelves._thread.submit(int).result)  # it has looked

    write_in_place(root / "done/a.xml", b"<NEW!/>")
    await comes_back(root, "a.xml")

    shelves.close()


async def test_a_folder_that_comes_back_later_is_looked_at_then(root):
    """As one that was not mounted at the start."""
    move(last_moved(root), drop(root), "done/a.xml")
    write_in_place(root / "done/a.xml", b"<NEW!/>")
    root.rename(root.parent / "away")
    shelves = FolderShelves(root, "")
    await asyncio.to_thread(shelves._thread.submit(int).result)
    (root.parent / "away").rename(root)

    shelves.take_over()
    shelves.close()

    assert files(root) == {"a.xml": b"<NEW!/>"}


@pytest.mark.parametrize(
    "line",
    [
        b"\0\0\0\0",
        b"{}",
        b'["a", "done/a.xml", 1]',
        b'["../../a.xml", "done/a.xml", INODE, 0, 0, null]',
        b'["a.xml", "done/../a.xml", INODE, 0, 0, null]',
        b'["a.xml", "/done/a.xml", INODE, 0, 0, null]',
        b'["a.xml", "xml/a.xml", INODE, 0, 0, null]',
        b'["a.xml", "done/a.xml", "1", 0, 0, null]',
        b'["a.xml", "done/a.xml", 1, 0, 0, 7]',
        b'["a.xml", ["done/a.xml"], INODE, 0, 0, null]',
    ],
)
def test_a_journal_that_somebody_else_wrote_leads_nfed_nowhere(root, line):
    (root / "done/a.xml").write_bytes(b"<read/>")
    inode = str(os.stat(root / "done/a.xml").st_ino).encode()
    (root / JOURNAL_NAME).write_bytes(line.replace(b"INODE", inode) + b"\n")

    last_moved(root).close()

    assert files(root) == {"done/a.xml": b"<read/>"}
    assert not (root / JOURNAL_NAME).exists()


def test_a_journal_that_names_a_link_leads_nfed_nowhere(root):
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (root / "sub").symlink_to(elsewhere)
    (root / "done/a.xml").write_bytes(b"<read/>")
    inode = os.stat(root / "done/a.xml").st_ino
    line = json.dumps(["sub/a.xml", "done/a.xml", inode, 0, 0, None])
    (root / JOURNAL_NAME).write_text(line + "\n")

    last_moved(root).close()

    assert os.listdir(elsewhere) == []
    assert (root / "a.xml").read_bytes() == b"<read/>"


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
async def test_a_journal_that_cannot_be_written_stops_no_move(root, kind):
    match kind:
        case "link":
            (root / JOURNAL_NAME).symlink_to(root.parent / "elsewhere")
        case "folder":
            (root / JOURNAL_NAME).mkdir()
        case _:
            os.mkfifo(root / JOURNAL_NAME)
    shelves = FolderShelves(root, "")

    stuck = await shelves.put_away([drop(root)], "job")
    shelves.close()

    assert stuck == []
    assert set(files(root)) == {"done/a.xml"}
    assert not (root.parent / "elsewhere").exists()


def test_the_journal_stays_short(root):
    last = last_moved(root, linger=2)
    for n in range(40):
        move(last, drop(root, f"{n}.xml"), f"done/{n}.xml")

    lines = (root / JOURNAL_NAME).read_bytes().splitlines()
    assert len(lines) <= 8 + 2
    assert json.loads(lines[-1])[:2] == ["39.xml", "done/39.xml"]
