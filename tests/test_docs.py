"""The documentation is true: what is generated is current, and its queries run."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.notes import generator
from tests.support.readme import EXAMPLES, QUERIES

ROOT = Path(__file__).parent.parent


def test_what_is_generated_is_current():
    finished = subprocess.run(
        [sys.executable, "-m", "tools.build", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr


def run_nfed(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "nfed", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A database with notes, duplicates and refused files, made by the command itself."""
    folder = tmp_path_factory.mktemp("readme")
    files = folder / "files"
    files.mkdir()
    for n in range(30):
        made = generator().note(n, items=3, rich=True)
        (files / made.name).write_bytes(made.xml)
    shutil.copy(next(files.iterdir()), files / "again.xml")
    (files / "lixo.xml").write_text("lixo")
    finished = run_nfed(folder, "import", "files")
    assert finished.returncode == 1, finished.stderr
    return folder


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_every_query_of_the_readme_answers(imported, number):
    query = QUERIES[number]
    database = "nfed-ledger.db" if "from files" in query else "nfed.db"
    connection = sqlite3.connect(imported / database)

    rows = connection.execute(query).fetchall()

    connection.close()
    assert rows


def test_there_are_five_queries():
    assert len(QUERIES) == 5


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_the_readme_runs_as_written(tmp_path, number):
    folder = tmp_path / "xml_nf"
    folder.mkdir()
    made = [generator().note(n, items=1, rich=False) for n in range(3)]
    for each in made:
        (folder / each.name).write_bytes(each.xml)
    (folder / "lixo.xml").write_text("lixo")
    (tmp_path / "nota.xml").write_bytes(made[0].xml)

    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLES[number]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    if "process_folder" in EXAMPLES[number]:
        assert finished.stdout.startswith("completed 3 1")
        assert "lixo.xml XMLParseError" in finished.stdout
        assert "4 of 4" in finished.stdout
    elif "create_job" in EXAMPLES[number]:
        assert finished.stdout.startswith("50.0")
    elif "import_nfe" in EXAMPLES[number]:
        assert finished.stdout == "1\n"


def test_there_are_four_examples():
    assert len(EXAMPLES) == 4
