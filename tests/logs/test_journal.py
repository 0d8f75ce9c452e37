"""The log in the journal's own protocol: a real process, a real datagram socket."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from nfed.logs.events import EVENTS
from tests.support.harness import ROOT, Rig, eventually, note, notes
from tests.support.supervisor import Journal


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def journal_stream(descriptor: int) -> dict[str, str]:
    status = os.fstat(descriptor)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


# --- fields -------------------------------------------------------------------------------------


def test_an_entry_has_its_facts_as_fields_and_a_sentence_as_message(rig, journal):
    rig.drop(note(1), "nota.xml")
    rig.drop(b"<a/>", "bad.xml")
    daemon = rig.launch(log_format="auto", journal_socket=journal.path)
    rig.drains()
    done = journal.waits_for("file_processed_successfully")
    bad = journal.waits_for("file_processing_failed")

    assert daemon.stop() == 0

    [(job_id,)] = set(rig.history("select job_id from jobs"))
    assert done["MESSAGE"] == [f"nota.xml: imported, chave {note(1).chave}"]
    assert done["CHAVE"] == [note(1).chave]
    assert (done["FILE"], done["OUTCOME"], done["JOB_ID"]) == (["nota.xml"], ["imported"], [job_id])
    assert (done["PRIORITY"], done["SYSLOG_IDENTIFIER"]) == (["6"], ["nfed"])
    assert (done["LOGGER"], done["EVENT"]) == (["nfed"], ["file_processed_successfully"])
    assert done["MESSAGE_ID"] == [EVENTS["file_processed_successfully"].message_id]
    assert done["CODE_FILE"][0].endswith("nfed/flow/report.py")
    assert done["CODE_FUNC"] == ["progressed"]
    assert int(done["CODE_LINE"][0]) > 0
    assert (bad["PRIORITY"], bad["ERROR_TYPE"]) == (["4"], ["NotFiscalDocument"])
    assert bad["MESSAGE"][0].startswith("bad.xml refused: NotFiscalDocument: ")
    assert daemon.lines() == []  # nothing is said twice


def test_what_no_datagram_holds_comes_as_a_memory_file(journal, tmp_path):
    said = in_process(
        tmp_path,
        journal,
        "log.error('batch_processing_broke', job_id='j', error=['x' * 2000] * 500)",
    )

    assert said.returncode == 0, said.stderr
    [entry] = journal.entries("batch_processing_broke")
    assert journal.files == 1
    assert entry["ERROR"] == ["x" * 2000] * 500


def test_a_line_break_stays_one_and_an_exception_keeps_its_lines(journal, tmp_path):
    in_process(
        tmp_path,
        journal,
        "try: 1 / 0\n"
        "except ZeroDivisionError: log.exception('batch_processing_broke', error='one\\ntwo')",
    )

    [entry] = journal.entries("batch_processing_broke")
    assert entry["ERROR"] == ["one\ntwo"]
    assert entry["EXCEPTION"][0].splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert len(entry["EXCEPTION"][0].splitlines()) >= 3
    assert "\n" not in entry["MESSAGE"][0]


def test_a_library_comes_through_with_the_same_fields(journal, tmp_path):
    in_process(
        tmp_path,
        journal,
        "import logging\n"
        "structlog.contextvars.bind_contextvars(job_id='7f3a')\n"
        "logging.getLogger('watchfiles').warning('too %s', 'many', extra={'chave': 'k', "
        "'bad-key': 1, '_trusted': 2, 'priority': 0})",
    )

    [entry] = journal.entries()
    assert entry["MESSAGE"] == ["too many"]
    assert (entry["LOGGER"], entry["PRIORITY"]) == (["watchfiles"], ["4"])
    assert (entry["JOB_ID"], entry["CHAVE"], entry["BAD_KEY"]) == (["7f3a"], ["k"], ["1"])
    assert (entry["TRUSTED"], entry["PRIORITY_"]) == (["2"], ["0"])
    assert entry["CODE_FUNC"] == ["<module>"]
    assert "MESSAGE_ID" not in entry


def in_process(home: Path, journal: Journal, code: str) -> subprocess.CompletedProcess[str]:
    prelude = (
        "import structlog, sys\nfrom pathlib import Path\nfrom nfed import logs\n"
        f"logs.configure('INFO', 'auto', journal_socket=Path({str(journal.path)!r}))\n"
        "log = structlog.get_logger('nfed')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", prelude + code],
        cwd=home,
        env={"PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- where the log goes -------------------------------------------------------------------------


@pytest.mark.parametrize("with_systemd_python", [True, False])
def test_fields_go_to_the_journal_where_systemd_python_is_there(
    journal, tmp_path, with_systemd_python
):
    if with_systemd_python:
        (tmp_path / "systemd").mkdir()
        (tmp_path / "systemd" / "__init__.py").touch()
    code = (
        "from pathlib import Path\nfrom nfed.logs.journal import journal_sender\n"
        f"send = journal_sender(Path({str(journal.path)!r}))\n"
        "print(send is not None)\n"
        "if send: send((b'EVENT=said', b'MESSAGE=hello'))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}/daemon"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == f"{with_systemd_python}\n"
    assert [each["MESSAGE"] for each in journal.entries("said")] == (
        [["hello"]] if with_systemd_python else []
    )


def test_without_systemd_python_the_journal_gets_json_lines_with_a_priority(rig):
    rig.drop(b"<a/>", "bad.xml")
    said = _stderr_of(rig, lambda descriptor: journal_stream(descriptor))

    levels = {re.match(r"(<\d>)\{.*\"event\": \"(\w+)\"", line).groups()[::-1] for line in said}
    assert ("file_processing_failed", "<4>") in levels
    assert ("daemon_stopped", "<6>") in levels


def test_a_journal_stream_that_is_not_stderr_changes_nothing(rig, tmp_path):
    """A child that writes elsewhere inherits the variable."""
    said = _stderr_of(rig, lambda _: {"JOURNAL_STREAM": "8:42"})

    assert all(line.startswith('{"timestamp": ') for line in said)


def _stderr_of(rig: Rig, env) -> list[str]:
    ours, theirs = os.pipe()
    daemon = rig.launch("--once", env=env(theirs), stderr=theirs, log_format="auto")
    os.close(theirs)
    with open(ours, encoding="utf-8") as stream:
        said = stream.read().splitlines()
    daemon.ends()
    assert said
    return said


def test_a_bad_setting_is_an_error_in_the_journal(rig):
    ours, theirs = os.pipe()

    daemon = rig.launch(env=journal_stream(theirs), stderr=theirs, workers="many")

    os.close(theirs)
    with open(ours, encoding="utf-8") as stream:
        said = stream.read()
    assert daemon.ends() == 78
    assert re.fullmatch(r"<3>nfed: workers \(from environment\): .+\n", said)


# --- a journal that does not answer -------------------------------------------------------------


def test_a_journal_that_is_stopped_does_not_stop_the_import(rig, journal):
    """Nobody reads the socket: its buffer is full after a few entries, and sends block."""
    rig.launch(log_format="auto", journal_socket=journal.path)
    dropped = notes(300)

    rig.drop_all(dropped[:150])
    rig.drains(60)
    rig.drop_all(dropped[150:])
    rig.drains(60)

    rig.assert_each_once(dropped)
    eventually(lambda: len(journal.entries("batch_processing_completed")) >= 2)  # nothing is lost


def test_a_journal_that_is_away_is_waited_for(rig, journal, tmp_path):
    daemon = rig.launch(log_format="auto", journal_socket=journal.path)
    journal.waits_for("daemon_started")
    journal.close()
    rig.drop(note(1))
    rig.drains()

    again = Journal(journal.path)
    again.waits_for("file_processed_successfully")

    assert daemon.stop() == 0
    assert again.entries("daemon_stopped")
    again.close()


def test_a_journal_that_never_answers_does_not_keep_the_daemon_from_ending(rig, journal):
    daemon = rig.launch(log_format="auto", journal_socket=journal.path)
    rig.drop_all(notes(60))
    rig.drains()

    assert daemon.stop(signal.SIGTERM, seconds=20) == 0


# --- the table of events, and the catalogs ------------------------------------------------------

HEADINGS = {
    "nfed.catalog": ("What it means", "What to do"),
    "nfed.pt_BR.catalog": ("O que significa", "O que fazer"),
}


def _logged() -> dict[str, set[str]]:
    """Every event name that the code logs, with its fields, found in its syntax trees."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "daemon").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            match call.func:
                case ast.Attribute(
                    ast.Name("log"), "debug" | "info" | "warning" | "error" | "exception"
                ):
                    names = call.args[:1]
                case ast.Name("say") if path.name == "report.py":
                    names = call.args[:1]
                case ast.Name("Guard"):
                    names = call.args[1:3]
                case ast.Name("Entry"):
                    names = call.args[2:3]
                case _:
                    continue
            for name in names:
                if isinstance(name, ast.Constant):
                    fields = {each.arg for each in call.keywords if each.arg is not None}
                    found.setdefault(str(name.value), set()).update(fields)
                else:  # only an outage's, which are found where it is made, and a library's
                    assert path.name in ("guard.py", "entry.py"), f"{path}: {ast.unparse(call)}"
    return found


def _catalog(file: str) -> list[tuple[str, str, str]]:
    """Name, message id and text of each entry; the name is a comment above it (catalog(7))."""
    entries = re.split(r"^# (?=\w+\n-- )", (ROOT / "deploy" / file).read_text("utf-8"), flags=re.M)
    assert entries.pop(0) == ""
    found = []
    for entry in entries:
        name, key, text = entry.split("\n", 2)
        found.append((name, key.removeprefix("-- "), text))
    return found


def test_every_event_that_is_logged_stands_in_the_table_and_no_other():
    assert set(_logged()) == set(EVENTS)


def test_message_ids_are_uuids_and_differ():
    ids = [each.message_id for each in EVENTS.values()]

    assert len(set(ids)) == len(ids)
    assert [each for each in ids if not re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{19}", each)] == []


@pytest.mark.parametrize("file", HEADINGS)
def test_a_catalog_has_an_entry_for_each_event_and_no_other(file: str):
    entries = [(name, message_id) for name, message_id, _ in _catalog(file)]

    assert sorted(entries) == sorted((name, each.message_id) for name, each in EVENTS.items())


@pytest.mark.parametrize("file", HEADINGS)
def test_an_entry_says_what_it_means_and_what_to_do(file: str):
    meaning, action = HEADINGS[file]
    form = re.compile(
        r"Subject: \S.*[^.]\nDefined-By: nfed\nDocumentation: man:nfed\(1\)\n\n"
        rf"{meaning}: (\S.*\n)+(?<=\.\n)\n{action}: (\S.*\n)+(?<=\.\n)\n?"
    )

    texts = {name: text for name, _, text in _catalog(file)}

    assert [name for name, text in texts.items() if not form.fullmatch(text)] == []
    assert max(len(line) for text in texts.values() for line in text.splitlines()) <= 100


@pytest.mark.parametrize("file", HEADINGS)
def test_every_field_that_an_entry_shows_is_one_of_its_event(file: str):
    """journalctl puts nothing in the place of @FIELD@ where the entry has no such field."""
    logged = _logged()
    for name, _, text in _catalog(file):
        shown = {each.lower() for each in re.findall(r"@(\w+)@", text)}
        in_sentence = {field for _, field, _, _ in Formatter().parse(EVENTS[name].sentence)}

        assert shown - in_sentence - logged[name] == set(), name


def test_the_two_languages_show_the_same_fields():
    english, portuguese = (
        {name: set(re.findall(r"@\w+@", text)) for name, _, text in _catalog(file)}
        for file in HEADINGS
    )

    assert english == portuguese
