"""`nfed run`, `status`, `jobs`, `retry` and `check` on a folder that is worked on."""

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

from nfed.intake.folder import holder, opened
from nfed.stores import migrations
from tests.support.cli_command import (
    AT_ONCE,
    Terminal,
    drop,
    drop_broken,
    names,
    nfed,
    nfed_each,
    one_line,
)
from tests.support.notes import generator, note, with_value

NEWEST = migrations.NEWEST
JOB_KEYS = [
    "job_id",
    "status",
    "folder_path",
    "total_files",
    "processed_files",
    "successful_files",
    "failed_files",
    "duplicate_files",
    "deferred_files",
    "progress_percentage",
    "created_at",
    "started_at",
    "completed_at",
    "duration_seconds",
    "reason",
    "errors",
    "metadata",
]


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A home after a first run: three notes imported, two files refused, one waiting. Read only."""
    home = tmp_path_factory.mktemp("used")
    folder = home / "xml_nf"
    drop(folder, 1, 2, 3)
    drop_broken(folder)
    drop_broken(folder, os.fsdecode(b"caf\xe9.xml"))
    said = nfed(home, "run", "--once", **AT_ONCE)
    assert said.returncode == 0, said.stderr
    drop(folder, 4)
    return home


def refused_home(home, *refused):
    """A home with files in failed/ as the daemon leaves them."""
    failed = home / "xml_nf" / "failed"
    for name in refused:
        drop_broken(failed, name)
        (failed / f"{name}.error.json").write_text('{"error": "why", "error_type": "T"}')
    return failed


def test_run_once_imports_what_is_there_and_exits_0_even_when_files_were_refused(tmp_path):
    folder = tmp_path / "in"
    (whole,) = drop(folder, 1)
    drop_broken(folder)
    (folder / "cut.xml").write_bytes(whole.read_bytes()[:2000])

    said = nfed(
        tmp_path,
        *("run", "--once", "--folder", "in", "--database", "sqlite:///n.db"),
        NFED_DONE_SUBFOLDERS="",
        **AT_ONCE,
    )

    events = [json.loads(line) for line in said.stderr.splitlines()]
    deferred = [event["context"]["file"] for event in events if event["event"] == "file_deferred"]
    assert said.returncode == 0
    assert names(folder) == {"cut.xml", "done", "failed"}
    assert names(folder / "done") == {"nota1.xml"}
    assert names(folder / "failed") == {"broken.xml", "broken.xml.error.json"}
    assert deferred == ["cut.xml"]
    assert names(tmp_path) == {"in", "n.db", "nfed-ledger.db"}


def test_run_makes_the_folder_and_ctrl_c_ends_it_with_0(tmp_path):
    terminal = Terminal(tmp_path, "run", "--create", "--folder", "new/xml_nf")
    terminal.reads_until("watching ")

    terminal.process.send_signal(signal.SIGINT)

    assert terminal.ends() == 0
    assert "stopped; " in terminal.text
    assert (tmp_path / "new" / "xml_nf" / "failed").is_dir()


def test_run_refuses_a_folder_that_is_none_a_folder_in_use_and_a_database_out_of_reach(tmp_path):
    """Without --once it would come up and wait for the database."""
    (tmp_path / "file").touch()
    (tmp_path / "in").mkdir()

    with opened(tmp_path / "in"):
        no_folder, busy, no_database = nfed_each(
            tmp_path,
            ["run", "--folder", "file"],
            ["run", "--folder", "in"],
            ["run", "--once", "--create", "--folder", "new", "--database", "sqlite:///no/x.db"],
        )

    assert no_folder.returncode == 78
    assert "file: File exists" in one_line(no_folder)
    assert busy.returncode == 75
    assert f"process {os.getpid()} " in one_line(busy)
    assert no_database.returncode == 75
    assert "no/x.db" in one_line(no_database)


def test_status_tells_backlog_database_jobs_and_refused_files(used):
    said = nfed(used, "status")

    assert said.returncode == 0
    assert "1 file waiting, 2 refused" in said.stdout
    assert "daemon    not running" in said.stdout
    assert f"reachable, 3 notes, schema {NEWEST}" in said.stdout
    assert "completed" in said.stdout
    assert "caf\\xe9.xml   root element <pedido> is no fiscal document" in said.stdout
    assert said.stderr == ""


def test_status_tells_programs_the_same(used):
    told = json.loads(nfed(used, "status", "--json").stdout)

    assert told["folder"] == {
        "path": str(used / "xml_nf"),
        "error": None,
        "events_error": None,
        "backlog": 1,
        "refused": 2,
        "left_alone": {"files": [], "total": 0},
    }
    assert told["daemon"] == {"running": False, "pid": None}
    assert told["database"]["reachable"] is True
    assert told["database"]["notes"] == 3
    assert told["database"]["schema"] == told["database"]["newest_schema"]
    assert [list(job) for job in told["jobs"]] == [JOB_KEYS]
    assert told["running_jobs"] == []
    assert {each["file"] for each in told["refused"]} == {"broken.xml", "caf\\xe9.xml"}
    assert {each["error_type"] for each in told["refused"]} == {"NotFiscalDocument"}


def test_no_question_makes_anything(tmp_path):
    answers = nfed_each(
        tmp_path, ["status"], ["jobs"], ["jobs", "--json"], ["retry", "--all"], ["check"]
    )

    assert [said.returncode for said in answers] == [0] * 5
    assert names(tmp_path) == set()


def test_looking_leaves_no_file_behind(used):
    before = names(used)

    nfed_each(used, ["status"], ["jobs"], ["check", "xml_nf/nota4.xml"])

    assert names(used) == before


def test_status_names_the_process_that_owns_the_folder_and_leaves_it_its_lock(tmp_path):
    folder = tmp_path / "xml_nf"
    folder.mkdir()

    with opened(folder):
        said, checked = nfed_each(tmp_path, ["status", "--json"], ["check"])
        still = holder(folder)

    told = json.loads(said.stdout)
    assert told["daemon"] == {"running": True, "pid": os.getpid()}
    assert checked.returncode == 0
    assert f"is being worked on by process {os.getpid()} " in checked.stdout
    assert still is not None
    assert still.pid == os.getpid()
    assert holder(folder) is None


def test_status_shows_the_running_job_with_its_progress_while_the_daemon_writes(used, tmp_path):
    shutil.copy(used / "nfed-ledger.db", tmp_path)
    ledger = sqlite3.connect(tmp_path / "nfed-ledger.db", isolation_level=None)
    ledger.execute(
        "update jobs set state = 'running', total_files = 20, ended_at = null, pid = ?, "
        "pid_started = null",
        (os.getpid(),),
    )
    ledger.execute("begin immediate")
    ledger.execute("update jobs set refused = 3")

    said, for_programs = nfed_each(tmp_path, ["status"], ["status", "--json"])

    ledger.close()
    (job,) = json.loads(for_programs.stdout)["running_jobs"]
    assert (job["progress_percentage"], job["completed_at"]) == (25.0, None)
    assert f"{job['job_id']} 25 %, 5 of 20 files, 2 refused" in said.stdout


def test_status_does_not_call_a_job_running_whose_process_is_gone(used, tmp_path):
    shutil.copy(used / "nfed-ledger.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "nfed-ledger.db", isolation_level=None)) as ledger:
        ledger.execute("update jobs set state = 'running'")  # of the process that has just ended

    told = json.loads(nfed(tmp_path, "status", "--json").stdout)

    assert told["running_jobs"] == []


def test_a_database_out_of_reach_is_said_by_status_and_check(tmp_path):
    (tmp_path / "nfed.db").write_text("this is no database, however long one looks at it" * 50)

    for_programs, said, checked = nfed_each(tmp_path, ["status", "--json"], ["status"], ["check"])

    told = json.loads(for_programs.stdout)
    assert told["database"]["reachable"] is False
    assert "file is not a database" in told["database"]["error"]
    assert "not reachable: database nfed.db: file is not a database" in said.stdout
    assert checked.returncode == 1
    assert "FAIL database nfed.db: file is not a database; " in checked.stdout


def test_jobs_lists_the_history_and_tells_one_job_with_its_errors(used):
    (job,) = json.loads(nfed(used, "jobs", "--json").stdout)
    listed, one, for_programs = nfed_each(
        used, ["jobs"], ["jobs", job["job_id"][:10]], ["jobs", job["job_id"], "--json"]
    )

    assert list(job) == JOB_KEYS
    assert job["job_id"] in listed.stdout
    assert json.loads(for_programs.stdout) == job
    assert (job["status"], job["folder_path"]) == ("completed", str(used / "xml_nf"))
    assert (job["total_files"], job["successful_files"], job["failed_files"]) == (5, 3, 2)
    assert job["progress_percentage"] == 100.0
    assert [list(error) for error in job["errors"]] == [
        ["file", "error", "error_type", "timestamp"]
    ] * 2
    assert "caf\\xe9.xml" in one.stdout
    assert "NotFiscalDocument" in one.stdout


def test_jobs_answers_only_to_a_beginning_that_one_job_has(tmp_path):
    drop_broken(tmp_path / "one")
    drop_broken(tmp_path / "other")
    nfed(tmp_path, "import", "one", "other")

    unknown, several, one = nfed_each(
        tmp_path, ["jobs", "nope"], ["jobs", "2"], ["jobs", "--limit", "1", "--json"]
    )

    newest = json.loads(one.stdout)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "nope" in one_line(unknown)
    assert several.returncode == 1
    assert newest[0]["job_id"] in one_line(several)
    assert len(newest) == 1


def test_retry_puts_named_files_back_and_takes_their_reasons_away(tmp_path):
    failed = refused_home(tmp_path, "a.xml", "b.xml", "c.xml", "d.xml")

    said = nfed(
        tmp_path,
        *("retry", "a.xml", "xml_nf/failed/b.xml", failed / "c.xml.error.json", failed / "c.xml"),
    )

    assert (said.returncode, said.stdout) == (0, "3 files put back into xml_nf\n")
    assert names(tmp_path / "xml_nf") == {"a.xml", "b.xml", "c.xml", "failed"}
    assert names(failed) == {"d.xml", "d.xml.error.json"}


def test_retry_all_puts_everything_back_never_over_a_namesake(tmp_path):
    failed = refused_home(tmp_path, "a.xml", os.fsdecode(b"caf\xe9.xml"), "foto.jpg")
    (tmp_path / "xml_nf" / "a.xml").write_text("newer")
    (failed / "without-reason.xml").touch()

    said = nfed(tmp_path, "retry", "--all", "--folder", tmp_path / "xml_nf")

    assert said.returncode == 0
    assert said.stdout == f"4 files put back into {tmp_path}/xml_nf\n"
    assert "foto.jpg does not end in .xml" in one_line(said)
    assert names(failed) == set()
    assert (tmp_path / "xml_nf" / "a.xml").read_text() == "newer"
    assert (tmp_path / "xml_nf" / "a.2.xml").read_text() == "<pedido/>"
    assert os.fsdecode(b"caf\xe9.xml") in names(tmp_path / "xml_nf")


def test_retry_is_not_led_out_of_failed(tmp_path):
    failed = refused_home(tmp_path, "a.xml")
    secret = drop_broken(tmp_path, "secret.xml")
    (failed / "link.xml").symlink_to(secret)
    (failed / "folder.xml").mkdir()
    foreign = [
        "../../secret.xml",
        "secret.xml",
        str(secret),
        "link.xml",
        "folder.xml",
        "..",
        "missing.xml",
        "xml_nf/failed/../../secret.xml",
    ]

    said = nfed(tmp_path, "retry", *foreign, "a.xml")

    assert said.returncode == 1
    lines = said.stderr.splitlines()
    assert len(lines) == len(foreign)
    assert all(name in line for name, line in zip(foreign, lines, strict=True))
    assert said.stdout == "1 file put back into xml_nf\n"
    assert secret.exists()
    assert names(tmp_path / "xml_nf") == {"a.xml", "failed"}
    assert names(failed) == {"link.xml", "folder.xml"}


def test_retry_wants_names_or_all_but_not_both(tmp_path):
    for said in nfed_each(tmp_path, ["retry"], ["retry", "a.xml", "--all"]):
        assert said.returncode == 2
        assert "expected either FILE... or --all" in said.stderr


def test_check_says_ok_to_everything_in_a_home_that_works(used):
    said = nfed(used, "check")

    assert said.returncode == 0
    assert {line[:5] for line in said.stdout.splitlines()} == {"ok   "}
    for subject in (
        "configuration: set by environment",
        "files can be moved to done/ and failed/",
        "space for the folder: ",
        "fs.inotify.max_user_watches=",
        "fs.inotify.max_user_instances=",
        "database: nfed.db can be read and written; 3 notes",
        f"schema: {NEWEST}, the newest",
        "ledger: nfed-ledger.db can be written",
    ):
        assert subject in said.stdout


def test_check_says_what_to_do_about_what_does_not_work(tmp_path):
    (tmp_path / "file").touch()
    database = sqlite3.connect(tmp_path / "n.db")
    database.execute("create table nfed_schema_version (version_num text)")
    database.execute("create table notas_fiscais (id integer)")
    database.execute("insert into nfed_schema_version values ('9999')")
    database.commit()
    database.close()

    newer, nowhere = nfed_each(
        tmp_path,
        ["check", "--folder", "file", "--database", "sqlite:///n.db"],
        ["check", "--database", "sqlite:///no/x.db"],
    )

    assert newer.returncode == 1
    assert "FAIL folder: " in newer.stdout
    assert "FAIL schema: 9999 is newer than this nfed knows" in newer.stdout
    assert "upgrade nfed" in newer.stdout
    assert nowhere.returncode == 1
    assert f"FAIL database: no/x.db cannot be made; create the folder {tmp_path}/no" in (
        nowhere.stdout
    )


def test_check_says_when_another_program_holds_the_database(used):
    other = sqlite3.connect(used / "nfed.db", isolation_level=None)
    other.execute("begin immediate")

    said = nfed(used, "check")

    other.close()
    assert said.returncode == 1
    assert "FAIL database: nfed.db cannot be written: database is locked" in said.stdout


def test_check_of_files_says_what_an_import_would_do_and_does_nothing(tmp_path):
    (plain,) = drop(tmp_path, 1, items=3)
    drop_broken(tmp_path)
    (tmp_path / "cut.xml").write_bytes(plain.read_bytes()[:2000])
    (tmp_path / "again.xml").write_bytes(plain.read_bytes() + b"\n")
    chave = generator().note(1, items=3, rich=False).chave
    before = names(tmp_path)

    fine, said = nfed_each(
        tmp_path,
        ["check", "nota1.xml"],
        ["check", "nota1.xml", "again.xml", "broken.xml", "cut.xml"],
    )

    lines = [line for line in said.stdout.splitlines() if not line.startswith("     ")]
    assert fine.returncode == 0
    assert fine.stdout == (
        f"ok   nota1.xml: NF-e {chave}, autorizada, 3 items: new, would be imported\n"
        "     warning AUT-HOMOLOG: issued in the test environment (tpAmb 2): no fiscal value\n"
    )
    assert said.returncode == 1
    assert lines[1].endswith("duplicate, already stored from nota1.xml")
    assert lines[2].startswith("FAIL broken.xml: would be refused: NotFiscalDocument: ")
    assert lines[3].startswith("FAIL cut.xml: would be refused: XMLParseError: ends too early")
    assert names(tmp_path) == before


def test_check_of_files_asks_the_database(tmp_path):
    bare = tmp_path / "bare.xml"
    bare.write_bytes(note(5, authorised=False))
    drop(tmp_path, 4)
    assert nfed(tmp_path, "import", "bare.xml", "nota4.xml").returncode == 0
    (tmp_path / "proc.xml").write_bytes(note(5))
    (tmp_path / "other.xml").write_bytes(with_value(note(4), "natOp", "OUTRA"))

    said = nfed(tmp_path, "check", "bare.xml", "proc.xml", "other.xml")

    duplicate, update, conflict = (
        line for line in said.stdout.splitlines() if not line.startswith("     ")
    )
    assert said.returncode == 1
    assert duplicate.startswith("ok   bare.xml: NF-e ")
    assert duplicate.endswith(", emitida, 2 items: duplicate, already stored from bare.xml")
    assert update.endswith(", autorizada, 2 items: would bring the stored note its protocol")
    assert conflict.startswith("FAIL other.xml: ")
    assert "would be refused: ConflictingDocument: " in conflict
    assert "'nota4.xml'" in conflict


def test_check_names_the_warnings_of_a_file_that_would_be_imported(tmp_path):
    (tmp_path / "n.xml").write_bytes(with_value(note(1), "natOp", ""))

    said = nfed(tmp_path, "check", "n.xml")

    assert said.returncode == 0
    assert "would be imported\n     warning XSD: " in said.stdout


def test_check_names_the_code_and_all_that_was_found_of_a_file_that_would_be_refused(tmp_path):
    (tmp_path / "n.xml").write_bytes(with_value(note(1), "vNF", "0.01"))

    said = nfed(tmp_path, "check", "n.xml", NFED_CHECK_TOTALS="refuse")

    assert said.returncode == 1
    lines = said.stdout.splitlines()
    assert lines[0].startswith("FAIL n.xml: would be refused: WrongTotals: TOT-610: <vNF> is 0.01")
    assert [line.split(":")[0].strip() for line in lines[1:5]] == [
        "found TOT-610",
        "found TOT-866",
        "found SIG-DIGEST",
        "found AUT-HOMOLOG",
    ]
    assert "check_totals=warn" in lines[-1]


def test_a_refusal_by_a_check_has_its_code_in_error_json_and_in_the_ledger(tmp_path):
    folder = tmp_path / "notas"
    folder.mkdir()
    (folder / "n.xml").write_bytes(with_value(note(1), "vNF", "0.01"))
    (folder / "fine.xml").write_bytes(note(2))

    said = nfed(tmp_path, "import", "--move", "notas", NFED_CHECK_SIGNATURE="refuse")

    assert said.returncode == 1
    reason = json.loads((folder / "failed" / "n.xml.error.json").read_bytes())
    assert reason["error_type"] == "InvalidSignature"
    assert reason["code"] == "SIG-DIGEST"
    found = ["SIG-DIGEST", "AUT-HOMOLOG", "TOT-610", "TOT-866"]
    assert [each["code"] for each in reason["warnings"]] == found
    assert reason["chave"] == generator().note(1, items=2, rich=False).chave
    with closing(sqlite3.connect(tmp_path / "nfed-ledger.db")) as ledger:
        told = dict(ledger.execute("select outcome, warnings from files"))
    assert [code for code, _ in json.loads(told["refused"])] == found
    assert [code for code, _ in json.loads(told["imported"])] == ["AUT-HOMOLOG"]


def test_a_refusal_that_no_check_made_has_no_code(tmp_path):
    folder = tmp_path / "notas"
    folder.mkdir()
    (folder / "cut.xml").write_text("<NFe></NFf>")

    nfed(tmp_path, "import", "--move", "notas")

    (reason,) = (folder / "failed").glob("*.error.json")
    assert json.loads(reason.read_bytes())["code"] is None


def test_check_of_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    said = nfed(tmp_path, "check", "missing.xml")

    assert said.returncode == 2
    assert "missing.xml" in said.stderr
