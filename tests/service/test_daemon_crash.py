"""The daemon and its workers die at any moment; every note is there once nevertheless."""

import asyncio
import os
import random
import signal
import socket
import sqlite3
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from nfed.core.ports import Reading, WorkerCrashed
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.workers.pool import Workers, _receive
from nfed.workers.process import WorkerSettings
from tests.support.harness import Rig, eventually, note, notes

KILLS = 32
FILES_A_ROUND = 70
SETTINGS = WorkerSettings(Checks(), max_file_bytes=10_000_000, memory_bytes=2 << 30)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_a_daemon_killed_again_and_again_imports_every_note_once(rig):
    """Half of the kills hit the middle of a batch, the others any moment since the start."""
    chance = random.Random(20260131)
    dropped = notes(KILLS * FILES_A_ROUND, items=2)
    workers: list[psutil.Process] = []

    for turn in range(KILLS):
        rig.drop_all(dropped[turn * FILES_A_ROUND : (turn + 1) * FILES_A_ROUND])
        daemon = rig.launch(settle_seconds=0.05, debounce_seconds=0.05)
        if turn % 2:
            daemon.waits_for("batch_processing_started")
            time.sleep(chance.uniform(0, 0.12))
        else:
            time.sleep(chance.uniform(0.3, 1.8))
        workers += daemon.workers()
        daemon.kill()
    rig.start()
    rig.drains(120)

    eventually(lambda: not rig.history("select 1 from jobs where state = 'running'"), "job ended")
    rig.assert_each_once(dropped)
    assert rig.failed() == []
    assert sorted(rig.done()) == sorted(each.name for each in dropped)
    assert [each.pid for each in workers if _lives(each)] == []
    states = Counter(state for (state,) in rig.history("select state from jobs"))
    assert set(states) <= {"completed", "failed"}


def test_no_worker_survives_a_killed_daemon(rig):
    daemon = rig.start(workers=3)
    eventually(lambda: len(daemon.workers()) == 3, "three workers")
    workers = daemon.workers()

    daemon.kill()

    eventually(lambda: not [each for each in workers if _lives(each)], "all workers ended", 10)


def test_a_worker_that_is_at_work_does_not_survive_a_killed_daemon(rig):
    """It does not look at its pipe while it reads, so the end of the pipe alone is not enough."""
    rig.drop_all(notes(1500))
    daemon = rig.start(workers=2)
    daemon.waits_for("batch_processing_started")
    workers = daemon.workers()
    for each in workers:
        each.suspend()

    daemon.kill()

    eventually(lambda: not [each for each in workers if _lives(each)], "all workers ended", 10)


def test_workers_killed_again_and_again_cost_no_file(rig):
    chance = random.Random(7)
    dropped = notes(2500)
    rig.drop_all(dropped)
    daemon = rig.start(workers=2)

    kills = 0
    deadline = time.monotonic() + 60
    while rig.left() and kills < 40 and time.monotonic() < deadline:
        for worker in daemon.workers()[:1]:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
                kills += 1
        time.sleep(chance.uniform(0.05, 0.5))
    rig.drains(180)

    assert kills >= 5
    assert daemon.stop() == 0
    assert rig.failed() == []
    rig.assert_each_once(dropped)


def test_workers_killed_faster_than_they_start_cost_no_file(rig):
    """An administrator or the kernel that kills processes is the world's fault, not the file's."""
    dropped = notes(30)
    daemon = rig.start(workers=1)
    rig.drop_all(dropped)
    daemon.waits_for("batch_processing_started")

    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        for worker in daemon.workers():
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        time.sleep(0.05)
    rig.drains(60)

    assert rig.failed() == []
    rig.assert_each_once(dropped)


def test_the_database_of_a_killed_daemon_holds_whole_notes_at_every_moment(rig):
    """Looked at from outside while it is written: never a note without its items."""
    dropped = notes(1000, items=3)
    rig.drop_all(dropped)
    daemon = rig.start()
    daemon.waits_for("batch_processing_started")

    seen = set()
    while not rig.is_drained():
        seen |= set(
            rig.rows(
                "select count(i.id) from notas_fiscais n "
                "left join nf_itens i on i.nota_fiscal_id = n.id group by n.id"
            )
        )
    rig.drains()

    assert seen <= {(3,)}
    rig.assert_each_once(dropped)


def test_a_file_in_done_is_in_the_database_at_every_moment(rig):
    """Commit first, move second."""
    dropped = notes(1200)
    by_name = {each.name: each.chave for each in dropped}
    rig.drop_all(dropped)
    rig.start()

    while not rig.is_drained():
        moved = {by_name[name] for name in rig.done()}
        if moved:
            assert moved <= set(rig.chaves())
        gone = by_name.keys() - rig.left()
        assert {by_name[name] for name in gone} <= set(rig.chaves())

    rig.assert_each_once(dropped)


def test_a_crash_after_the_commit_costs_one_duplicate_check(rig):
    """The note is stored, its file was never moved: the next start finds a duplicate."""
    rig.drop(note(1), "nota.xml")
    rig.once()
    [folder] = (rig.folder / "done").iterdir()
    (folder / "nota.xml").rename(rig.folder / "nota.xml")

    rig.once()

    rig.assert_each_once([note(1)])
    assert rig.done() == ["nota.xml"]
    outcomes = rig.history("select outcome from files order by id")
    assert outcomes == [("imported",), ("duplicate",)]


def test_a_crash_between_reason_and_move_leaves_one_refused_file_with_one_reason(rig):
    """The reason is written first, so a crash leaves a reason without a file."""
    (rig.folder / "failed").mkdir()
    (rig.folder / "failed" / "bad.xml.error.json").write_text("half")
    rig.drop(b"<a/>", "bad.xml")

    rig.once()

    assert rig.failed() == ["bad.xml", "bad.xml.error.json"]
    assert rig.reason("bad.xml")["error_type"] == "NotFiscalDocument"


def test_a_job_found_running_after_a_crash_is_failed_and_its_files_come_again(rig):
    dropped = notes(2000)
    rig.drop_all(dropped)
    daemon = rig.start(workers=1)
    daemon.waits_for("batch_processing_started")
    daemon.kill()
    [(job_id, state)] = rig.history("select job_id, state from jobs")
    assert state == "running"

    second = rig.start()
    rig.drains(60)

    assert rig.history("select state from jobs where job_id = ?", job_id) == [("failed",)]
    assert [each["jobs"] for each in second.events("jobs_interrupted")] == [1]
    rig.assert_each_once(dropped)


def test_a_job_found_running_is_failed_even_when_its_pid_now_is_another_programs(rig):
    """After a restart of the machine numbers of processes come again."""
    rig.once()
    now = datetime.now().astimezone().isoformat()
    with closing(sqlite3.connect(rig.ledger)) as connection, connection:
        connection.execute(
            "insert into jobs (job_id, folder_path, state, total_files, imported, updated, "
            "duplicate, refused, deferred, reason, created_at, started_at, ended_at, pid) "
            "values ('old', ?, 'running', 5, 0, 0, 0, 0, 0, null, ?, ?, null, ?)",
            (str(rig.folder), now, now, os.getpid()),
        )

    rig.once()

    assert rig.history("select state from jobs where job_id = 'old'") == [("failed",)]


# --- the pool of workers ------------------------------------------------------------------------


def _write(folder: Path, count: int, items: int = 1, start: int = 0) -> list[str]:
    paths = []
    for each in notes(count, start, items):
        path = folder / each.name
        path.write_bytes(each.xml)
        paths.append(str(path))
    return paths


def parts_of(reading: Reading) -> list[Document]:
    """The documents of a file, none for one that was refused."""
    result = reading.result if isinstance(reading.result, tuple) else ()
    return [part for part in result if isinstance(part, Document)]


def _keys(readings: list[Reading]) -> list[str]:
    return [part.chave for each in readings for part in parts_of(each)]


async def test_a_worker_that_hangs_is_replaced_within_its_time(tmp_path):
    [path] = _write(tmp_path, 1)
    async with Workers(1, SETTINGS, file_timeout_seconds=5) as workers:
        [hung] = workers.pids
        os.kill(hung, signal.SIGSTOP)

        with pytest.raises(WorkerCrashed, match="no answer within 5 s"):
            await workers.read([path])
        readings = await workers.read([path])

        assert _keys(readings) == [note(0, 1).chave]
        assert not psutil.pid_exists(hung)


def test_an_answer_that_stops_in_its_middle_is_given_up_within_its_time():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack("!i", 100) + b"only a part")
        began = time.monotonic()

        with pytest.raises(TimeoutError):
            _receive(ours, began + 0.3)

        assert time.monotonic() - began < 10


async def test_a_killed_worker_is_replaced_and_says_by_which_signal_it_ended(tmp_path):
    [path] = _write(tmp_path, 1)
    async with Workers(1, SETTINGS) as workers:
        os.kill(workers.pids[0], signal.SIGKILL)

        with pytest.raises(WorkerCrashed, match="signal 9"):
            await workers.read([path])

        assert _keys(await workers.read([path])) == [note(0, 1).chave]


async def test_a_cancelled_reading_never_answers_for_another(tmp_path):
    """A job whose time is up gives up its chunks while their workers are still reading."""
    (tmp_path / "big.xml").write_bytes(b"<a>" + b" " * 200 + b"</a>")
    small = WorkerSettings(Checks(), max_file_bytes=100_000, memory_bytes=2 << 30)
    (tmp_path / "huge.xml").write_bytes(b"<a>" + b" " * 200_000 + b"</a>")
    huge = [str(tmp_path / "huge.xml")]
    paths = _write(tmp_path, 12)
    async with Workers(2, small) as workers:
        for _ in range(10):
            stopped = workers.pids
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            given_up = [asyncio.create_task(workers.read(huge)) for _ in stopped[:1]]
            await asyncio.sleep(0.05)
            for task in given_up:
                task.cancel()
            await asyncio.gather(*given_up, return_exceptions=True)
            reads = [asyncio.create_task(workers.read([path])) for path in paths]
            await asyncio.sleep(0.05)
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

            readings = [(await read)[0] for read in reads]

            assert all(parts_of(each) for each in readings)
            assert _keys(readings) == [each.chave for each in notes(12)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
