"""What a command says of itself: its database, its folder, its instance, the time."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nfed.cli import output
from nfed.cli.loading import INSTANCES, take_chosen
from nfed.errors import ConfigError
from tests.support.cli_command import environment, nfed
from tests.support.notes import generator


def with_notes(home: Path, *names: str) -> Path:
    folder = home / "xml_nf"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names, 1):
        (folder / name).write_bytes(generator().note(number, items=1, rich=False).xml)
    return folder


def test_an_import_says_which_database_it_fills(tmp_path):
    with_notes(tmp_path, "a.xml")

    said = nfed(tmp_path, "import", "xml_nf")

    assert said.stdout.endswith(f"0 left; database {tmp_path}/nfed.db\n")


@pytest.mark.parametrize("how", [["--folder", "nenhuma"], []])
def test_a_named_folder_that_does_not_exist_is_an_error(tmp_path, how):
    env = {} if how else {"NFED_XML_FOLDER": "nenhuma"}

    said = nfed(tmp_path, "run", "--once", *how, **env)
    looked = nfed(tmp_path, "status", *how, **env)
    made = nfed(tmp_path, "run", "--once", "--create", *how, **env)

    assert said.returncode == 78
    assert f"drop folder {tmp_path}/nenhuma does not exist" in said.stderr
    assert looked.returncode == 75
    assert made.returncode == 0
    assert (tmp_path / "nenhuma" / "done").is_dir()


def test_the_default_folder_is_made_as_before(tmp_path):
    said = nfed(tmp_path, "run", "--once")

    assert said.returncode == 0
    assert (tmp_path / "xml_nf").is_dir()


@pytest.mark.parametrize("which", ["database", "ledger"])
def test_status_says_75_when_database_or_ledger_cannot_be_read(tmp_path, which):
    with_notes(tmp_path, "a.xml")
    nfed(tmp_path, "import", "xml_nf")
    whole = nfed(tmp_path, "status")
    path = tmp_path / ("nfed.db" if which == "database" else "nfed-ledger.db")
    path.write_bytes(b"no database at all" * 1000)

    broken = nfed(tmp_path, "status")

    assert whole.returncode == 0
    assert broken.returncode == 75


def test_a_config_file_is_used_from_any_directory_as_in_its_own(tmp_path):
    home, elsewhere = tmp_path / "loja", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "nfed.toml").write_text('xml_folder = "caixa"\n')
    (home / ".env").write_text("NFED_LANGUAGE=pt-BR\n")
    (home / "caixa").mkdir()
    (home / "caixa" / "a.xml").write_bytes(generator().note(1, items=1, rich=False).xml)
    config = home / "nfed.toml"

    ran = nfed(elsewhere, "run", "--once", "--config", config)
    said = nfed(elsewhere, "--config", config, "status")
    told = json.loads(nfed(elsewhere, "status", f"--config={config}", "--json").stdout)

    assert ran.returncode == 0, ran.stderr
    assert "1 nota" in said.stdout
    assert told["folder"]["path"] == str(home / "caixa")
    assert told["database"]["url"] == f"sqlite:///{home}/nfed.db"
    assert told["database"]["notes"] == 1
    assert list(elsewhere.iterdir()) == []


def test_an_instance_is_that_of_the_service(tmp_path):
    said = nfed(tmp_path, "status", "--instance", "nenhuma-loja")
    wrong = nfed(tmp_path, "status", "--instance", "../etc")

    assert said.returncode == 78
    assert f"{INSTANCES}/nenhuma-loja/nfed.toml" in said.stderr
    assert wrong.returncode == 78
    assert "expected the NAME of nfed@NAME" in wrong.stderr


def test_what_stands_after_two_dashes_is_no_option():
    assert take_chosen(["retry", "--", "--instance"]) == ["retry", "--", "--instance"]
    with pytest.raises(ConfigError):
        take_chosen(["status", "--config"])


def test_jobs_are_sorted_by_the_moment_and_told_with_the_zone(tmp_path):
    """Text order of local times put the older job first."""
    with_notes(tmp_path, "a.xml", "b.xml")
    nfed(tmp_path, "import", "xml_nf/a.xml", TZ="UTC")
    nfed(tmp_path, "import", "xml_nf/b.xml", TZ="America/Sao_Paulo")

    told = json.loads(nfed(tmp_path, "jobs", "--json", TZ="America/Sao_Paulo").stdout)
    said = nfed(tmp_path, "jobs", TZ="America/Sao_Paulo")

    assert [each["created_at"] for each in told] == sorted(
        (each["created_at"] for each in told), reverse=True
    )
    assert all(each["created_at"].endswith("+00:00") for each in told)
    assert said.stdout.splitlines()[1].startswith(told[0]["job_id"])
    assert " -03" in said.stdout


def test_the_library_prints_nothing_unless_it_is_asked(tmp_path):
    """A damaged ledger is set aside with a warning, which goes where the program's logging goes."""
    program = (
        "from contextlib import suppress\n"
        "from nfed.batch import JobManager\n"
        "from nfed.errors import StoreUnavailable\n"
        "open('l.db', 'wb').write(b'damage' * 1000)\n"
        "with suppress(StoreUnavailable): JobManager('l.db').create_job('x')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    assert list(tmp_path.glob("l.db.damaged-*"))
    assert finished.stdout + finished.stderr == ""


def read_until(terminal: int, text: str) -> str:
    seen = ""
    end = time.monotonic() + 60
    while text not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65_536).decode("utf-8", "replace").replace("\r\n", "\n")
    return seen


def test_a_terminal_is_told_what_to_do_next_in_sentences(tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "nfed", "run"],
        cwd=tmp_path,
        env=environment(tmp_path, TERM="xterm", COLUMNS="200"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        seen = read_until(ours, "storing in")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        os.close(ours)

    assert "Copy XML files, or zips of them, into ./xml_nf" in seen
    assert "Ctrl-C stops." in seen
    assert "In another terminal: " in seen
    assert f"watching {tmp_path}/xml_nf, storing in nfed.db" in seen
    assert "folder_path=" not in seen


def test_on_a_narrow_terminal_what_one_copies_stays_whole(tmp_path, capfd, monkeypatch):
    """Folded cells would break a job's id and a file's name."""
    name = "uma-nota-com-um-nome-bem-comprido-que-nao-cabe-na-coluna.xml"
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    made = output.table("job", "status", "file")
    made.add_row("20261130-204628-da0c40", "completed", name)

    output.say_table(made)

    said = capfd.readouterr().out
    assert "20261130-204628-da0c40" in said
    assert name in said
