"""The ledger holds what nfed did not write: it is shown as it is, and breaks no reader."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli_command import nfed
from tests.support.harness import Rig, note
from tests.support.served import Served, served

ODD_JOB = (
    "update jobs set state = 'weird', total_files = 'x', created_at = 'garbage', "
    "started_at = '2026-01-01T00:00:00', ended_at = 'never', metadata = '[oops', origin = '?'"
)
JOB_OF_BLOBS = (
    "update jobs set state = x'ff', folder_path = x'ff00', reason = x'fe', imported = 9e999, "
    "metadata = x'ff'"
)
RUNNING_JOB = (
    "update jobs set state = 'running', started_at = 'noon', origin = 'library', "
    "pid = (select min(pid) from jobs), created_at = '0001-01-01T00:00:00+14:00'"
)
TEXT_WITHOUT_UTF_8 = "update jobs set folder_path = cast(x'616263ff' as text), state = 'completed'"
ODD_FILES = (
    "update files set error = x'ff', error_type = x'fe', message = '{not json', warnings = 'zz', "
    "at = 'nope', size_bytes = 'x', duration_ms = 'slow', outcome = iif(name <> 'bad.xml', "
    "'imported', 'refused')"
)
FILES_OF_BLOBS = (
    "update files set name = x'ff00', message = '{\"warnings\": [1]}', warnings = '[1]', "
    "outcome = 'strange', sha256 = x'00', at = x'ff', duration_ms = x'00'"
)
DEEP = f"update files set message = '{'[' * 200_000}', warnings = '{'[' * 200_000}'"
ODD = [
    ODD_JOB, JOB_OF_BLOBS, RUNNING_JOB, TEXT_WITHOUT_UTF_8, ODD_FILES, FILES_OF_BLOBS, DEEP
]  # fmt: skip


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        rig.start()
        rig.drop(note(1))
        rig.drop(b"<x/>", "bad.xml")
        rig.drains()
        assert rig.daemons[0].stop() == 0
        yield rig


def write(rig: Rig, statement: str) -> str:
    """Changes the ledger; the id of its newest job."""
    with closing(sqlite3.connect(rig.ledger)) as connection, connection:
        connection.execute(statement)
        return str(connection.execute("select max(job_id) from jobs").fetchone()[0])


def test_odd_values_break_neither_status_nor_jobs(rig):
    for statement in ODD:
        job_id = write(rig, statement)
        for command in (["status"], ["jobs"], ["jobs", job_id]):
            for form in ([], ["--json"]):
                said = nfed(rig.home, *command, *form)
                assert (said.returncode, said.stderr) == (0, ""), (statement, command)
                assert not form or json.loads(said.stdout)


def test_an_odd_value_is_shown_as_it_is(rig):
    job_id = write(rig, ODD_JOB)
    write(rig, ODD_FILES)

    assert "weird" in nfed(rig.home, "jobs").stdout
    told = json.loads(nfed(rig.home, "jobs", job_id, "--json").stdout)

    assert (told["status"], told["completed_at"]) == ("weird", "never")
    assert [(each["error"], each["timestamp"]) for each in told["errors"]] == [("\\xff", "nope")]


@pytest.fixture
def server(rig) -> Iterator[Served]:
    with served(rig) as server:
        yield server


def test_odd_values_break_no_route_and_no_screen(server):
    for statement in ODD:
        job_id = write(server.rig, statement)
        for path in (
            "/batch/jobs",
            f"/batch/jobs/{job_id}/files",
            f"/batch/status/{job_id}",
            "/batch/statistics",
            "/metrics",
            "/painel/agora",
            "/painel/trabalhos",
            f"/painel/trabalhos/{job_id}",
        ):
            answer = server.get(path)
            assert answer.status_code == 200, (statement, path, answer.text)
    assert server.daemon.noise() == []


@pytest.mark.parametrize(
    "statement", [ODD_JOB, JOB_OF_BLOBS, RUNNING_JOB, TEXT_WITHOUT_UTF_8, FILES_OF_BLOBS]
)
def test_a_daemon_starts_on_odd_values_and_goes_on(rig, statement):
    write(rig, statement)

    with served(rig) as server:
        rig.drop(note(2))
        rig.drains()

        assert server.get("/metrics").status_code == 200
        rig.assert_each_once([note(1), note(2)])
        assert server.daemon.noise() == []
