"""What the daemon says to its supervisor: a real process and a real NOTIFY_SOCKET."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Rig, eventually, never, note, notes, write_locked
from tests.support.supervisor import Supervisor

# As systemd-python's: the way in which the daemon calls it is what is tried.
_SYSTEMD_PYTHON = """
import os, socket

def notify(status, unset_environment=False, pid=0, fds=None):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"by systemd-python\\n" + status.encode(), os.environ["NOTIFY_SOCKET"])
    return True
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(str(tmp_path / "notify"))
    yield supervisor
    supervisor.close()


def test_the_supervisor_hears_start_work_and_stop(rig, supervisor):
    rig.drop_all(notes(3))
    daemon = rig.launch(env=supervisor.env)
    supervisor.hears("READY=1")
    rig.drains()
    supervisor.hears("STATUS=waiting for files, 3 in the database since the start")

    assert daemon.stop() == 0

    heard = supervisor.heard()
    assert heard.index("READY=1") < heard.index("STOPPING=1")
    assert heard.count("READY=1") == heard.count("STOPPING=1") == 1
    assert not [each for each in heard if each.startswith("WATCHDOG")]  # nobody asked for it
    assert daemon.noise() == []


def test_an_abstract_socket_is_spoken_to(rig):
    supervisor = Supervisor(f"@nfed-test-{os.getpid()}")

    rig.launch(env=supervisor.env)

    supervisor.hears("READY=1")
    supervisor.close()


def test_systemd_python_is_used_where_it_is_there(rig, supervisor, tmp_path):
    package = tmp_path / "site" / "systemd"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "daemon.py").write_text(_SYSTEMD_PYTHON)
    path = f"{package.parent}:{Path(__file__).parents[2]}"

    rig.launch(env={**supervisor.env, "PYTHONPATH": path})

    supervisor.hears("by systemd-python\nREADY=1")


def test_a_socket_that_nobody_reads_does_not_keep_files_waiting(rig, tmp_path):
    supervisor = Supervisor(str(tmp_path / "gone"))
    supervisor.close()

    rig.start(env=supervisor.env)
    rig.drop(note(1))
    rig.drains()

    rig.assert_each_once([note(1)])


def test_ready_comes_after_the_first_scan_and_the_database_answered(rig, supervisor):
    daemon = rig.launch(env=supervisor.env)
    supervisor.hears("READY=1")

    assert daemon.events("daemon_started")
    assert rig.rows("select count(*) from notas_fiscais") == [(0,)]


def test_a_database_that_is_away_at_the_start_is_waited_for(rig, supervisor):
    rig.database = rig.home / "mount" / "nfed.db"
    rig.drop_all(notes(3))
    daemon = rig.launch(env=supervisor.env, ledger=rig.ledger)

    supervisor.hears("READY=1")
    said = supervisor.hears(lambda m: m.startswith("STATUS=database unreachable"))
    assert re.fullmatch(r"STATUS=database unreachable since \d\d:\d\d, 3 files wait", said)
    assert len(daemon.events("database_unavailable")) == 1
    never(lambda: rig.failed() or len(rig.left()) != 3, seconds=1)
    rig.database.parent.mkdir()
    rig.drains(60)

    rig.assert_each_once(notes(3))
    supervisor.hears("STATUS=waiting for files, 3 in the database since the start")
    assert daemon.events("database_reachable_again")
    assert daemon.stop() == 0


def test_a_ledger_that_is_away_at_the_start_is_waited_for(rig, supervisor):
    rig.ledger = rig.home / "mount" / "ledger.db"
    rig.drop_all(notes(3))
    daemon = rig.launch(env=supervisor.env, ledger=rig.ledger)

    said = supervisor.hears(lambda m: m.startswith("STATUS=ledger unusable"))
    assert re.fullmatch(r"STATUS=ledger unusable since \d\d:\d\d, 3 files wait", said)
    rig.ledger.parent.mkdir()
    rig.drains(60)

    rig.assert_each_once(notes(3))
    supervisor.hears("STATUS=waiting for files, 3 in the database since the start")
    assert daemon.stop() == 0


def test_status_tells_of_a_ledger_that_went_away(rig, supervisor):
    rig.ledger = rig.home / "mount" / "ledger.db"
    rig.ledger.parent.mkdir()
    rig.start(env=supervisor.env, ledger=rig.ledger)
    rig.ledger.parent.rename(rig.home / "away")
    rig.drop_all(notes(3))

    supervisor.hears(lambda m: m.startswith("STATUS=ledger unusable since"))
    (rig.home / "away").rename(rig.ledger.parent)
    rig.drains(60)

    supervisor.hears("STATUS=waiting for files, 3 in the database since the start")
    rig.assert_each_once(notes(3))


def test_a_database_of_a_newer_nfed_that_comes_back_ends_the_daemon_with_78(rig, tmp_path):
    rig.start().stop()
    connection = sqlite3.connect(rig.database)
    connection.execute("update nfed_schema_version set version_num = '9999_of_the_future'")
    connection.commit()
    connection.close()
    away = tmp_path / "away"
    away.mkdir()
    rig.database.rename(away / "nfed.db")
    rig.database = tmp_path / "mount" / "nfed.db"
    daemon = rig.launch(ledger=rig.ledger)
    daemon.waits_for("database_unavailable")

    away.rename(rig.database.parent)

    assert daemon.ends(60) == 78


def test_status_tells_what_a_job_is_at(rig, supervisor):
    rig.drop_all(notes(1500))
    rig.drop(b"<a/>", "bad.xml")

    rig.launch(env=supervisor.env, workers=1, max_concurrent_uploads=1, debounce_seconds=2)

    said = supervisor.hears(lambda m: " in job " in m)
    assert re.fullmatch(
        r"STATUS=[\d,]+/1,501 in job [0-9a-f]{6}, \d+ refused, backlog [\d,]+", said
    )


def test_a_watchdog_is_fed_while_there_is_nothing_to_do(rig, supervisor):
    rig.launch(env={**supervisor.env, "WATCHDOG_USEC": "2000000"})
    supervisor.hears("READY=1")
    fed = supervisor.count("WATCHDOG=1")

    eventually(lambda: supervisor.count("WATCHDOG=1") >= fed + 4)


def test_a_watchdog_of_another_process_is_not_fed(rig, supervisor):
    rig.launch(env={**supervisor.env, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    supervisor.hears("READY=1")

    never(lambda: supervisor.count("WATCHDOG=1"), seconds=1.5)


def test_a_job_that_hangs_starves_the_watchdog_though_the_loop_turns(rig, supervisor):
    daemon = rig.launch(env={**supervisor.env, "WATCHDOG_USEC": "1000000"})
    supervisor.hears("READY=1")
    for worker in daemon.workers():
        worker.send_signal(signal.SIGSTOP)

    rig.drop(note(1))
    supervisor.hears(lambda m: m.startswith("STATUS=0/1 in job"))
    eventually(lambda: _is_quiet(supervisor, 2.0), "the watchdog starves")

    assert daemon.process.poll() is None
    for worker in daemon.workers():
        worker.send_signal(signal.SIGCONT)
    rig.drains()
    fed = supervisor.count("WATCHDOG=1")
    eventually(lambda: supervisor.count("WATCHDOG=1") > fed)


def _is_quiet(supervisor: Supervisor, seconds: float) -> bool:
    before = supervisor.count("WATCHDOG=1")
    time.sleep(seconds)
    return supervisor.count("WATCHDOG=1") == before


def test_waiting_for_a_locked_database_feeds_the_watchdog(rig, supervisor):
    rig.start().stop()
    daemon = rig.launch(env={**supervisor.env, "WATCHDOG_USEC": "1000000"})
    supervisor.hears("READY=1")
    with write_locked(rig.database):
        rig.drop(note(1))
        daemon.waits_for("database_unavailable")
        fed = supervisor.count("WATCHDOG=1")
        eventually(lambda: supervisor.count("WATCHDOG=1") >= fed + 12, "for three seconds")
        assert "1 file waits" in supervisor.status()
    rig.drains(60)


def test_a_blocked_loop_starves_the_watchdog_and_abort_leaves_a_traceback(rig, supervisor):
    daemon = rig.launch(env={**supervisor.env, "WATCHDOG_USEC": "1000000"})
    supervisor.hears("READY=1")

    daemon.send(signal.SIGSTOP)
    assert eventually(lambda: _is_quiet(supervisor, 2.0))
    # In a process that is stopped, any thread may take the next signal; in one that runs, the main
    # thread does, which is the loop's.
    before = len(supervisor.heard())
    daemon.send(signal.SIGCONT)
    supervisor.hears("WATCHDOG=1", since=before)
    daemon.send(signal.SIGABRT)

    assert daemon.ends() == -signal.SIGABRT
    said = "\n".join(daemon.noise())
    assert "Fatal Python error: Aborted" in said
    assert "asyncio" in said
    assert "\nThread 0x" not in said  # to read the others' frames may crash the process


def test_a_stop_that_gets_on_asks_for_more_time(rig, supervisor):
    rig.drop_all(notes(1500))
    daemon = rig.launch(env=supervisor.env, workers=1, max_concurrent_uploads=1, debounce_seconds=2)
    supervisor.hears(lambda m: " in job " in m)
    worker = daemon.workers()[0]
    worker.send_signal(signal.SIGSTOP)
    time.sleep(1)  # whatever chunk was being stored, the next one waits for the worker now
    daemon.send(signal.SIGTERM)

    supervisor.hears("STOPPING=1")
    supervisor.hears(lambda m: m.startswith("STATUS=stopping: "))
    asked = supervisor.hears(lambda m: m.startswith("EXTEND_TIMEOUT_USEC="))
    worker.send_signal(signal.SIGCONT)

    assert int(asked.partition("=")[2]) > 1_000_000
    assert daemon.ends() == 0
    assert rig.left()
