"""The library: jobs kept by programs, folders imported by them."""

import ast
import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nfed.batch.job_manager import JobManager, JobStatus, get_job_manager
from nfed.batch.processor import BatchProcessingException, BatchProcessor
from nfed.core.job import Job
from nfed.errors import ConfigError, FolderBusy, IllegalTransition, StoreUnavailable
from nfed.intake.folder import opened
from nfed.ledger.file import is_alive, started_at
from nfed.ledger.history import SQLiteLedger
from tests.support.harness import ROOT, note, notes, truncated

STATUS_KEYS = {
    *("job_id", "status", "folder_path", "progress_percentage", "total_files", "processed_files"),
    *("successful_files", "failed_files", "errors", "created_at", "started_at", "completed_at"),
    *("duration_seconds", "metadata"),
}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A place of its own with a drop folder and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NFED_")]:
        monkeypatch.delenv(name)
    (tmp_path / "xml_nf").mkdir()
    return tmp_path


@pytest.fixture
def manager(home) -> JobManager:
    return get_job_manager()


def fill(folder: Path, count: int, start: int = 0) -> list[str]:
    made = notes(count, start)
    for each in made:
        (folder / each.name).write_bytes(each.xml)
    return [each.name for each in made]


def stored(home: Path) -> int:
    with closing(sqlite3.connect(home / "nfed.db")) as connection:
        return connection.execute("select count(*) from notas_fiscais").fetchone()[0]


EXAMPLE = """
from nfed.batch.processor import BatchProcessor
from nfed.batch.job_manager import get_job_manager

processor = BatchProcessor(max_concurrent=5)
result = await processor.process_folder("xml_nf")
processor.get_job_status(result["job_id"]); processor.list_jobs()
processor.clear_completed_jobs(max_age_seconds=3600)

manager = get_job_manager()
job = manager.create_job(folder_path="xml_nf", total_files=10)
job.start(); job.update_progress(processed=5, successful=4, failed=1)
job.add_error("file.xml", "Parse error", "XMLParseError")
job.complete()
status = manager.get_job_status(job.job_id)
manager.list_jobs(status_filter=None, limit=None); manager.list_active_jobs()
statistics = manager.get_statistics()
manager.delete_job(job.job_id)
manager.cleanup_old_jobs(max_age_seconds=3600, keep_failed=True)
"""


async def test_programs_that_were_written_for_these_names_run_as_they_are(home):
    fill(home / "xml_nf", 3)
    names: dict[str, object] = {}

    code = compile(EXAMPLE, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, names)

    result, statistics = names["result"], names["statistics"]
    assert set(result) >= {
        *("successful", "failed", "duration_seconds", "job_id", "status", "total", "processed"),
        "errors",
    }
    assert (result["status"], result["successful"], result["failed"]) == ("completed", 3, 0)
    assert (names["status"]["status"], names["status"]["failed_files"]) == ("completed", 1)
    assert statistics["total_jobs"] == 2
    assert [job["job_id"] for job in names["manager"].list_jobs()] == [result["job_id"]]


def test_the_library_prints_nothing_of_its_own(home):
    """What it has to say goes to the program's logging."""
    fill(home / "xml_nf", 2)
    script = (
        "import asyncio, logging, sys\n"
        "from nfed.batch.processor import BatchProcessor\n"
        "if sys.argv[1:]:\n    logging.basicConfig(level='INFO')\n"
        "asyncio.run(BatchProcessor().process_folder('xml_nf'))\n"
    )
    silent, talking = (
        subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=home,
            env=os.environ | {"PYTHONPATH": str(ROOT / "daemon")},
            capture_output=True,
            text=True,
        )
        for arguments in ((), ("talk",))
    )

    assert (silent.stdout, silent.stderr) == ("", "")
    assert talking.stdout == ""
    assert "event='batch_processing_completed'" in talking.stderr


# --- jobs ---------------------------------------------------------------------------------------


def test_a_job_is_told_with_all_its_keys_from_its_making_to_its_end(manager):
    job = manager.create_job(folder_path="xml_nf", total_files=10, metadata={"lote": 7})
    pending = manager.get_job_status(job.job_id)
    job.start()
    job.update_progress(processed=5, successful=4, failed=1)
    job.add_error("file.xml", "Parse error", "XMLParseError")
    running = manager.get_job_status(job.job_id)
    job.complete()
    ended = manager.get_job_status(job.job_id)

    assert set(pending) >= STATUS_KEYS
    assert (pending["status"], pending["progress_percentage"]) == ("pending", 0.0)
    assert (pending["started_at"], pending["metadata"]) == (None, {"lote": 7})
    assert (running["status"], running["progress_percentage"]) == ("running", 50.0)
    counts = ("processed_files", "successful_files", "failed_files")
    assert [running[name] for name in counts] == [5, 4, 1]
    (error,) = running["errors"]
    assert set(error) == {"file", "error", "error_type", "timestamp"}
    assert (error["file"], error["error_type"]) == ("file.xml", "XMLParseError")
    assert (ended["status"], ended["errors"]) == ("completed", [error])
    assert ended["duration_seconds"] >= 0
    assert datetime.fromisoformat(ended["completed_at"]).tzinfo is not None


MOVES = {
    JobStatus.PENDING: lambda job: None,
    JobStatus.RUNNING: lambda job: job.start(),
    JobStatus.COMPLETED: lambda job: job.complete(),
    JobStatus.FAILED: lambda job: job.fail("why"),
    JobStatus.CANCELLED: lambda job: job.cancel(),
}
ALLOWED = {
    ("pending", "running"),
    ("pending", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
}


@pytest.mark.parametrize("before", MOVES)
@pytest.mark.parametrize("after", [state for state in MOVES if state is not JobStatus.PENDING])
def test_only_the_allowed_moves_are_made(manager, before, after):
    job = manager.create_job("xml_nf", 1)
    if before in (JobStatus.COMPLETED, JobStatus.FAILED):
        job.start()
    MOVES[before](job)

    if (before, after) in ALLOWED:
        MOVES[after](job)
        assert job.status is after
    else:
        with pytest.raises(IllegalTransition, match=job.job_id):
            MOVES[after](job)
        assert job.status is before


def test_the_reason_of_a_failure_is_told(manager):
    job = manager.create_job("xml_nf", 1)
    job.start()
    job.fail("disco cheio")

    assert manager.get_job_status(job.job_id)["reason"] == "disco cheio"


def test_a_closed_record_takes_no_more_counts_and_errors(manager):
    job = manager.create_job("xml_nf", 1)
    job.cancel()

    with pytest.raises(IllegalTransition):
        job.update_progress(processed=1)
    with pytest.raises(IllegalTransition):
        job.add_error("a.xml", "late")


def test_jobs_are_listed_the_newest_first_by_status_and_up_to_a_limit(manager):
    first, second, third = (manager.create_job("xml_nf", n) for n in range(3))
    second.start()
    third.cancel()

    everything = [job["job_id"] for job in manager.list_jobs()]

    assert sorted(everything) == sorted([first.job_id, second.job_id, third.job_id])
    assert [job["created_at"] for job in manager.list_jobs()] == sorted(
        (job["created_at"] for job in manager.list_jobs()), reverse=True
    )
    assert [job["job_id"] for job in manager.list_jobs("running")] == [second.job_id]
    assert [job["job_id"] for job in manager.list_jobs(JobStatus.CANCELLED)] == [third.job_id]
    assert len(manager.list_jobs(limit=2)) == 2
    active = {job["job_id"] for job in manager.list_active_jobs()}
    assert active == {first.job_id, second.job_id}
    with pytest.raises(ValueError, match="done"):
        manager.list_jobs("done")


def test_what_is_unknown_is_none_and_what_runs_is_not_deleted(manager):
    job = manager.create_job("xml_nf", 1)
    job.start()

    assert manager.get_job_status("nope") is None
    assert manager.get_job("nope") is None
    assert manager.delete_job("nope") is False
    assert manager.delete_job(job.job_id) is False
    job.complete()
    assert manager.delete_job(job.job_id) is True
    assert manager.get_job_status(job.job_id) is None


def test_cleaning_up_goes_by_age_and_keeps_failed_ones_unless_told(manager):
    def ended(act, hours):
        job = manager.create_job("xml_nf", 1)
        job.start()
        act(job)
        age(manager, {job.job_id: hours / 24})
        return job.job_id

    new = ended(lambda job: job.complete(), 0.5)
    ended(lambda job: job.complete(), 2)
    ended(lambda job: job.cancel(), 2)
    failed = ended(lambda job: job.fail("why"), 2)
    running = manager.create_job("xml_nf", 1)
    running.start()

    removed = manager.cleanup_old_jobs(max_age_seconds=3600, keep_failed=True)

    assert removed == 2
    assert {job["job_id"] for job in manager.list_jobs()} == {new, failed, running.job_id}
    assert manager.cleanup_old_jobs(max_age_seconds=3600, keep_failed=False) == 1
    assert manager.cleanup_old_jobs(max_age_seconds=0) == 1
    assert [job["job_id"] for job in manager.list_jobs()] == [running.job_id]


def test_statistics_count_jobs_and_their_files(manager):
    for end in (lambda job: job.complete(), lambda job: job.fail("why")):
        job = manager.create_job("xml_nf", 10)
        job.start()
        job.update_progress(processed=5, successful=4, failed=1)
        end(job)
    manager.create_job("xml_nf", 3)

    assert manager.get_statistics() == {
        "total_jobs": 3,
        "active_jobs": 1,
        "status_counts": {"pending": 1, "running": 0, "completed": 1, "failed": 1, "cancelled": 0},
        "total_files_processed": 10,
        "total_successful": 8,
        "total_failed": 2,
    }


def test_jobs_outlive_the_program_that_made_them(home, manager):
    """Also a pending one: a later run of the program goes on with it."""
    script = (
        "from nfed.batch.job_manager import get_job_manager\n"
        "job = get_job_manager().create_job('xml_nf', 4, job_id='lote-7')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT / "daemon")},
    ).check_returncode()

    async def import_something() -> None:
        await BatchProcessor().process_folder("xml_nf")  # looks for what a crash left

    asyncio.run(import_something())
    job = manager.get_job("lote-7")
    job.start()
    job.complete()

    assert manager.get_job_status("lote-7")["status"] == "completed"
    assert manager.get_job_status("lote-7")["total_files"] == 4


def test_a_program_that_ended_unwaited_for_is_dead():
    """As after a kill -9 where a container's first process reaps nobody."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as program:
        began = started_at(program.pid)
        assert is_alive(program.pid, began)
        program.kill()
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)

        assert not is_alive(program.pid, began)


def test_a_job_whose_program_died_while_it_ran_is_failed_by_the_next(home, manager):
    script = (
        "import os\nfrom nfed.batch.job_manager import get_job_manager\n"
        "get_job_manager().create_job('xml_nf', 4, job_id='lote-7').start()\nos._exit(9)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT / "daemon")},
    )
    mine = manager.create_job("xml_nf", 1)
    mine.start()

    asyncio.run(BatchProcessor().process_folder("xml_nf"))

    assert manager.get_job_status("lote-7")["status"] == "failed"
    assert "give its folder again" in str(manager.get_job_status("lote-7")["reason"])
    assert mine.status is JobStatus.RUNNING


def test_the_manager_of_a_ledger_is_one(home, tmp_path):
    assert get_job_manager() is get_job_manager()
    assert get_job_manager(tmp_path / "other.db") is not get_job_manager()


def test_an_older_ledger_is_brought_up_to_date_and_keeps_its_history(home):
    with closing(sqlite3.connect("nfed-ledger.db")) as old:
        old.executescript(
            """create table jobs (
                job_id text primary key, folder_path text not null, state text not null,
                total_files integer not null, imported integer not null, updated integer not null,
                duplicate integer not null, refused integer not null, deferred integer not null,
                reason text, created_at text not null, started_at text, ended_at text,
                pid integer not null) without rowid;
            create table files (
                id integer primary key, job_id text not null, name text not null,
                size_bytes integer not null, sha256 text, chave text, outcome text not null,
                error text, error_type text, warnings text, duration_ms real, at text not null);
            insert into jobs values ('old', '/x', 'completed', 2, 1, 0, 0, 1, 0, null,
                '2026-01-01T10:00:00.000-03:00', '2026-01-01T10:00:00.000-03:00',
                '2026-01-01T10:00:02.500-03:00', 1);
            insert into files (job_id, name, size_bytes, outcome, error, error_type, at)
                values ('old', 'a.xml', 3, 'refused', 'bad', 'XMLParseError', '2026-01-01T10:00');
            """
        )

    told = get_job_manager().get_job_status("old")
    new = get_job_manager().create_job("xml_nf", 1)

    assert (told["successful_files"], told["failed_files"]) == (1, 1)
    assert told["duration_seconds"] == 2.5
    assert [error["file"] for error in told["errors"]] == ["a.xml"]
    assert new.status is JobStatus.PENDING


def test_a_newer_ledger_is_left_alone(home):
    with closing(sqlite3.connect("nfed-ledger.db")) as newer:
        newer.execute("pragma user_version = 99")

    with pytest.raises(ConfigError, match="version 99"):
        get_job_manager().create_job("xml_nf", 1)


def test_a_ledger_that_cannot_be_made_is_the_worlds_fault(home, tmp_path):
    manager = get_job_manager(tmp_path / "missing" / "ledger.db")

    with pytest.raises(StoreUnavailable, match=r"ledger\.db"):
        manager.create_job("xml_nf", 1)
    assert manager.list_jobs() == []


# --- folders ------------------------------------------------------------------------------------


async def test_a_folder_is_imported_and_left_as_it_is(home):
    names = fill(home / "xml_nf", 12)
    (home / "xml_nf" / "cut.xml").write_bytes(truncated(1))
    (home / "xml_nf" / "again.xml").write_bytes(note(0, 1).xml)
    processor = BatchProcessor(max_concurrent=5)

    result = await processor.process_folder("xml_nf")

    assert result["status"] == "completed"
    assert (result["total"], result["processed"]) == (14, 14)
    assert (result["successful"], result["duplicate"], result["failed"]) == (13, 1, 1)
    assert result["duration_seconds"] > 0
    (error,) = result["errors"]
    assert (error["file"], error["error_type"]) == ("cut.xml", "XMLParseError")
    assert stored(home) == 12
    assert sorted(os.listdir(home / "xml_nf")) == sorted([*names, "cut.xml", "again.xml"])
    status = processor.get_job_status(result["job_id"])
    assert (status["status"], status["errors"]) == ("completed", [error])
    assert [job["job_id"] for job in processor.list_jobs()] == [result["job_id"]]
    assert processor.clear_completed_jobs(max_age_seconds=3600) == 0
    assert processor.clear_completed_jobs(max_age_seconds=0) == 1


async def test_moving_puts_files_away_and_needs_the_folder_for_itself(home):
    names = fill(home / "xml_nf", 3)
    (home / "xml_nf" / "cut.xml").write_bytes(truncated(1))
    processor = BatchProcessor()

    with opened(home / "xml_nf"), pytest.raises(FolderBusy):
        await processor.process_folder("xml_nf", move=True)
    busy = processor.list_jobs()[0]
    result = await processor.process_folder("xml_nf", move=True)

    assert (busy["status"], str(os.getpid()) in busy["reason"]) == ("failed", True)
    assert (result["successful"], result["failed"]) == (3, 1)
    done = [name for _, _, found in os.walk(home / "xml_nf" / "done") for name in found]
    assert sorted(done) == sorted(names)
    assert "cut.xml" in os.listdir(home / "xml_nf" / "failed")


async def test_an_empty_folder_is_a_completed_job_of_no_files(home):
    result = await BatchProcessor().process_folder(home / "xml_nf")

    assert (result["status"], result["total"], result["errors"]) == ("completed", 0, [])


@pytest.mark.parametrize("name", ["missing", "file"])
async def test_a_folder_that_cannot_be_read_raises_with_details(home, name):
    (home / "file").touch()
    processor = BatchProcessor()

    with pytest.raises(BatchProcessingException, match=name) as raised:
        await processor.process_folder(name)

    assert raised.value.details["folder_path"] == str(home / name)
    assert processor.list_jobs() == []


async def test_a_pending_job_is_run_under_its_id_and_only_once(home, manager):
    fill(home / "xml_nf", 2)
    job = manager.create_job("xml_nf", metadata={"de": "contador"})

    result = await BatchProcessor().process_folder("xml_nf", job_id=job.job_id)

    assert result["job_id"] == job.job_id
    assert (job.status, job.total_files) == (JobStatus.COMPLETED, 2)
    assert job.metadata == {"de": "contador"}
    with pytest.raises(IllegalTransition):
        await BatchProcessor().process_folder("xml_nf", job_id=job.job_id)
    named = await BatchProcessor().process_folder("xml_nf", job_id="lote-8")
    assert named["job_id"] == "lote-8"


async def test_progress_comes_to_a_callback_and_to_a_loop(home):
    fill(home / "xml_nf", 150)
    called: list[dict[str, object]] = []
    awaited: list[dict[str, object]] = []

    async def note_down(progress):
        await asyncio.sleep(0)
        awaited.append(progress)

    async with BatchProcessor(max_concurrent=1) as processor:
        await processor.process_folder("xml_nf", on_progress=called.append)
        await processor.process_folder("xml_nf", on_progress=note_down)
        followed = [progress async for progress in processor.follow_folder("xml_nf")]

    for seen in (called, awaited, followed):
        processed = [progress["processed_files"] for progress in seen]
        assert processed == sorted(processed)
        assert len(set(processed)) > 1
        assert (seen[-1]["status"], seen[-1]["processed_files"]) == ("completed", 150)


async def test_leaving_the_loop_cancels_the_job(home, manager):
    fill(home / "xml_nf", 200)

    async with BatchProcessor(max_concurrent=1) as processor:
        follow = processor.follow_folder("xml_nf", job_id="left")
        async for progress in follow:
            if progress["processed_files"]:
                break
        await follow.aclose()

    assert manager.get_job_status("left")["status"] == "cancelled"
    assert stored(home) < 200


async def test_a_job_that_another_program_cancels_ends_and_stays_cancelled(home, manager):
    fill(home / "xml_nf", 300)

    def cancel(progress):
        if 0 < progress["processed_files"] < 300 and manager.list_active_jobs():
            script = (
                "from nfed.batch.job_manager import get_job_manager\n"
                f"get_job_manager().get_job({progress['job_id']!r}).cancel('basta')\n"
            )
            subprocess.run(
                [sys.executable, "-c", script],
                cwd=home,
                env=os.environ | {"PYTHONPATH": str(ROOT / "daemon")},
            ).check_returncode()

    result = await BatchProcessor(max_concurrent=1).process_folder("xml_nf", on_progress=cancel)

    assert (result["status"], result["reason"]) == ("cancelled", "basta")
    assert result["processed"] < 300
    assert stored(home) == result["successful"]


async def test_an_end_in_the_ledger_is_final_whatever_the_runner_says_later(home, manager):
    job = manager.create_job("xml_nf", 1)
    job.start()
    runner = Job(job.job_id, "xml_nf", 1, datetime.now(UTC))
    runner.start(datetime.now(UTC))
    ledger = SQLiteLedger(manager.ledger)
    await ledger.open()

    job.cancel("basta")
    ended = manager.get_job_status(job.job_id)
    runner.imported = 1
    runner.complete(datetime.now(UTC))
    await ledger.save_job(runner)
    await ledger.close()

    status = manager.get_job_status(job.job_id)
    assert (status["status"], status["reason"]) == ("cancelled", "basta")
    assert status["completed_at"] == ended["completed_at"]
    assert status["successful_files"] == 1


async def test_a_database_that_cannot_be_opened_fails_the_job_and_raises(home, manager):
    (home / "nfed.db").mkdir()

    with pytest.raises(StoreUnavailable):
        await BatchProcessor().process_folder("xml_nf", job_id="sem-banco")

    status = manager.get_job_status("sem-banco")
    assert status["status"] == "failed"
    assert "nfed.db" in status["reason"]


async def test_database_and_ledger_can_be_passed_in(home):
    fill(home / "xml_nf", 1)

    processor = BatchProcessor(
        database_url=f"sqlite:///{home}/other.db", ledger=home / "history.db", workers=1
    )
    await processor.process_folder("xml_nf")

    assert {"other.db", "history.db"} <= set(os.listdir(home))
    assert "nfed.db" not in os.listdir(home)


async def test_old_completed_jobs_are_forgotten_on_their_own(home, manager):
    old, failed, young = (manager.create_job("xml_nf", 0) for _ in range(3))
    for job in (old, failed, young):
        job.start()
    old.complete()
    failed.fail("why")
    young.complete()
    age(manager, {old.job_id: 31, failed.job_id: 31, young.job_id: 29})

    result = await BatchProcessor().process_folder("xml_nf")

    left = {job["job_id"] for job in manager.list_jobs()}
    assert left == {failed.job_id, young.job_id, result["job_id"]}


def age(manager: JobManager, days_by_job: dict[str, float]) -> None:
    """Makes jobs look as if they had ended so many days ago."""
    with closing(sqlite3.connect(manager.ledger, isolation_level=None)) as ledger:
        for job_id, days in days_by_job.items():
            moment = datetime.now(UTC) - timedelta(days=days)
            ledger.execute(
                "update jobs set ended_at = ? where job_id = ?", (moment.isoformat(), job_id)
            )
