"""SIGHUP: a real process reads its settings again, and no file is lost by it."""

import os
import pty
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Daemon, Rig, eventually, note, notes, write_locked
from tests.support.supervisor import Journal, Supervisor


class Configured(Rig):
    """A rig whose settings stand in nfed.toml."""

    def configure(self, **settings: object) -> None:
        known = {
            "xml_folder": str(self.folder),
            "database_url": f"sqlite:///{self.database}",
            "ledger": str(self.ledger),
            **settings,
        }
        lines = [f"{name} = {_toml(value)}\n" for name, value in known.items() if value is not None]
        whole = self.home / "nfed.toml.new"
        whole.write_text("".join(lines))
        whole.rename(self.home / "nfed.toml")  # the daemon may be reading it

    def begin(self, **how) -> Daemon:
        return self.start(xml_folder=None, database_url=None, **how)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int | float) else f"'{value}'"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Configured]:
    with Configured(tmp_path) as rig:
        rig.configure()
        yield rig


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(str(tmp_path / "notify"))
    yield supervisor
    supervisor.close()


def reload(daemon: Daemon, event: str = "settings_reloaded") -> dict[str, object]:
    """Sends SIGHUP; returns the event that answers it."""
    before = len(daemon.events(event))
    daemon.send(signal.SIGHUP)
    return eventually(lambda: daemon.events(event)[before:], event)[0]


def test_new_settings_are_in_force_and_the_supervisor_hears_when(rig, supervisor):
    daemon = rig.begin(env=supervisor.env)
    before = len(supervisor.heard())
    rig.configure(max_concurrent_uploads=2, check_schema="off")

    said = reload(daemon)

    assert said["changed"] == ["max_concurrent_uploads", "check_schema"]
    reloading = supervisor.hears(lambda m: m.startswith("RELOADING=1"), before)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)
    supervisor.hears("READY=1", supervisor.heard().index(reloading))
    assert "STOPPING=1" not in supervisor.heard()
    rig.drop(note(1))
    rig.drains()
    rig.assert_each_once([note(1)])
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"max_concurrent_uploads": 0}, "max_concurrent_uploads"),
        ({"no_such_setting": 1}, "no_such_setting"),
        ({"database_url": "mongodb://host/nfed"}, "database_url"),
        ({"xml_folder": "/proc/nfed"}, "/proc/nfed"),
    ],
)
def test_bad_settings_are_refused_with_one_line_and_the_old_ones_stay(
    rig, supervisor, wrong, named
):
    daemon = rig.begin(env=supervisor.env)
    before = len(supervisor.heard())
    rig.configure(**wrong)

    said = reload(daemon, "settings_refused")

    assert named in str(said["error"])
    assert "\n" not in str(said["error"])
    assert said["level"] == "error"
    supervisor.hears("READY=1", before)
    rig.drop(note(1))
    rig.drains()
    rig.assert_each_once([note(1)])
    assert daemon.events("settings_reloaded") == []


@pytest.mark.parametrize("setting", ["database_url", "ledger"])
@pytest.mark.parametrize("wrong", ["missing/x.db", "a_folder", "closed/x.db", "read_only.db"])
def test_a_local_file_that_cannot_be_written_to_is_refused(rig, setting, wrong):
    rig.begin().stop()
    (rig.home / "a_folder").mkdir()
    (rig.home / "closed").mkdir(mode=0o500)
    present = rig.ledger if setting == "ledger" else rig.database
    shutil.copy(present, rig.home / "read_only.db")
    (rig.home / "read_only.db").chmod(0o400)
    path = rig.home / wrong
    daemon = rig.begin(unprivileged=True)
    rig.configure(**{setting: path if setting == "ledger" else f"sqlite:///{path}"})

    said = reload(daemon, "settings_refused")

    assert re.fullmatch(rf"(database|ledger) {path}: [^\n]+", str(said["error"]))
    rig.drop(note(1))
    rig.drains()
    rig.assert_each_once([note(1)])
    assert daemon.events("settings_reloaded") == []


def test_a_file_that_is_no_ledger_is_refused_and_left_as_it_is(rig):
    mistyped = rig.home / "letter.txt"
    mistyped.write_text("Dear accountant, " * 100)
    daemon = rig.begin()
    rig.configure(ledger=mistyped)

    said = reload(daemon, "settings_refused")

    assert said["error"] == f"ledger {mistyped}: file is not a database"
    assert mistyped.read_text() == "Dear accountant, " * 100
    rig.drop(note(1))
    rig.drains()


def test_a_journal_socket_that_nobody_listens_at_is_refused(rig):
    daemon = rig.begin(log_format=None)
    rig.configure(journal_socket="/nope")

    said = reload(daemon, "settings_refused")

    assert said["error"] == "journal_socket /nope: No such file or directory"
    rig.drop(note(1))
    daemon.waits_for("batch_processing_completed")  # said where it was said before


def test_another_journal_socket_takes_the_log_from_then_on(rig, tmp_path):
    journal = Journal(tmp_path / "journal")
    daemon = rig.begin(log_format=None)
    rig.configure(journal_socket=journal.path)
    daemon.send(signal.SIGHUP)

    assert journal.waits_for("settings_reloaded")["MESSAGE"]
    assert daemon.stop() == 0
    journal.close()


def test_another_ledger_takes_the_history_from_then_on(rig):
    daemon = rig.begin()
    rig.ledger = rig.home / "history.db"
    rig.configure()

    assert reload(daemon)["changed"] == ["ledger"]
    rig.drop(note(1))
    rig.drains()

    assert rig.history("select outcome from files") == [("imported",)]


def test_a_server_that_is_away_is_waited_for(rig):
    daemon = rig.begin()
    rig.configure(database_url="postgresql://nobody@127.0.0.1:1/nfed")

    assert reload(daemon)["changed"] == ["database_url"]
    rig.drop(note(1))
    daemon.waits_for("database_unavailable")
    rig.configure()
    reload(daemon)
    rig.drains()

    rig.assert_each_once([note(1)])


def test_another_supabase_project_is_tried_as_any_database_is(rig):
    """Also where database_url says the same before and after: nothing."""
    key = "sb_secret_of_nobody"
    (rig.home / "nfed.db").mkdir()
    away = {"supabase_url": "http://127.0.0.1:1", "supabase_service_key": key}
    rig.configure(database_url=None, **away)
    daemon = rig.begin()
    rig.configure(database_url=None)

    said = reload(daemon, "settings_refused")

    assert said["error"] == f"database {rig.home / 'nfed.db'}: Is a directory"
    rig.configure(database_url=None, **(away | {"supabase_service_key": f"{key}_else"}))
    assert reload(daemon)["changed"] == ["supabase_service_key"]


def test_a_reload_in_the_middle_of_a_batch_loses_nothing(rig):
    dropped = notes(900)
    rig.drop_all(dropped)
    daemon = rig.begin(workers=1)
    daemon.waits_for("batch_processing_started")

    rig.configure(max_concurrent_uploads=1)
    reload(daemon)
    rig.configure(max_concurrent_uploads=3)
    reload(daemon)
    rig.drains(120)

    rig.assert_each_once(dropped)
    assert rig.failed() == []
    assert daemon.noise() == []


def test_another_folder_is_watched_and_the_old_one_left_alone(rig):
    daemon = rig.begin()
    old, rig.folder = rig.folder, rig.home / "other"
    rig.configure()

    reload(daemon)
    (old / "late.xml").write_bytes(note(2).xml)
    rig.drop(note(1))
    rig.drains()

    rig.assert_each_once([note(1)])
    assert (old / "late.xml").exists()
    second = Rig(rig.home / "second")
    second.folder = old
    second.once()
    second.assert_each_once([note(2)])  # the old folder's lock is free


def test_a_folder_that_another_daemon_owns_is_refused(rig, tmp_path):
    with Rig(tmp_path / "second") as second:
        second.start()
        daemon = rig.begin()
        rig.configure(xml_folder=str(second.folder))

        said = reload(daemon, "settings_refused")

        assert "belongs to process" in str(said["error"])
        rig.drop(note(1))
        rig.drains()


def test_another_database_takes_what_comes_from_then_on(rig):
    daemon = rig.begin()
    rig.drop(note(1))
    rig.drains()
    first, rig.database = rig.database, rig.home / "new.db"
    rig.configure()

    reload(daemon)
    rig.drop(note(2))
    rig.drains()

    rig.assert_each_once([note(2)])
    rig.database = first
    rig.assert_each_once([note(1)])


def test_a_reload_brings_a_database_that_can_be_used(rig):
    """What a wrong database_url wants: mend it, reload, and the files that waited are stored."""
    good, rig.database = rig.database, rig.home / "missing" / "nfed.db"
    rig.configure()
    rig.drop(note(1))
    daemon = rig.begin()
    daemon.waits_for("database_unavailable")
    rig.database = good
    rig.configure()

    reload(daemon)
    rig.drains()

    rig.assert_each_once([note(1)])


def test_the_level_changes_without_ending_a_job(rig):
    rig.begin().stop()
    daemon = rig.begin(batch_timeout_seconds=60)
    with write_locked(rig.database):
        rig.drop(note(1))
        daemon.waits_for("database_unavailable")
        rig.configure(log_level="DEBUG")
        assert reload(daemon)["changed"] == ["log_level"]
    rig.drains(60)

    assert len(daemon.events("batch_processing_started")) == 1
    daemon.waits_for("batch_processing_completed")


def test_a_level_that_was_raised_is_in_force_when_the_reload_is_done(rig, supervisor):
    daemon = rig.begin(env=supervisor.env)
    before = len(supervisor.heard())
    rig.configure(log_level="WARNING")
    daemon.send(signal.SIGHUP)
    supervisor.hears("READY=1", before)

    rig.drop(note(1))
    rig.drains()

    assert daemon.stop() == 0
    assert [each["event"] for each in daemon.events()] == ["daemon_started"]


def test_lines_that_an_old_log_could_not_send_are_counted_by_the_new(rig, supervisor):
    daemon = rig.begin(env=supervisor.env, log_format="auto", log_files="always")
    supervisor.hears("READY=1")
    before = len(supervisor.heard())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(rig.home / "journal"))
        rig.configure(journal_socket=rig.home / "journal")
        daemon.send(signal.SIGHUP)
        supervisor.hears("READY=1", before)
    rig.drop_all(notes(60))
    rig.drains(60)
    rig.configure()

    reload(daemon)

    def dropped() -> int:
        return sum(each["lines"] for each in daemon.events("log_lines_dropped"))

    eventually(lambda: dropped() > 60, "60 files' lines and the job's own")
    assert daemon.events("file_processed_successfully") == []
    assert daemon.stop() == 0


def test_a_stop_during_a_reload_is_a_stop(rig):
    rig.drop_all(notes(300))
    daemon = rig.begin()
    rig.configure(workers=1)
    daemon.send(signal.SIGHUP)

    assert daemon.stop() == 0

    assert daemon.noise() == []
    assert len(rig.left()) + len(rig.chaves()) == 300


def test_a_terminal_that_is_closed_ends_the_daemon(rig, tmp_path):
    """A hang-up is no wish for other settings."""
    (rig.home / "log").touch()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(rig.home)
        os.environ |= {
            "NFED_LOG_FORMAT": "json",
            "PYTHONPATH": str(Path(__file__).parents[2] / "daemon"),
        }
        log = os.open("log", os.O_WRONLY)
        os.dup2(log, 2)
        os.execv(sys.executable, [sys.executable, "-m", "nfed", "run"])
    eventually(lambda: "daemon_started" in (rig.home / "log").read_text())

    os.close(terminal)

    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "daemon_stopped" in (rig.home / "log").read_text()
