"""`.ci/run` runs its parts in order, stops at the first that fails and prints what each took."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.harness import ROOT

PARTS = [
    "set-up",
    "set-up from Debian",
    "format",
    "ruff",
    "types",
    "floors",
    "tests",
    "spreadsheets in LibreOffice",
    "faults",
    "tests on a booted Debian",
]
# Stands for make and for all that lies in .venv/bin: writes down how it was called.
COMMAND = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
! echo "${0##*/} $*" | grep -Eqx "$FAILS" || exit 3
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy2(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for name in ("make", "ruff", "mypy", "lint-imports", "python", "apt-get"):
        command = tmp_path / ".venv" / "bin" / name
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(COMMAND)
        command.chmod(0o755)
    return tmp_path


def run(checkout: Path, fails: str = "nothing") -> tuple[int, list[str], list[str]]:
    """The exit code, the lines with times, and the commands that were called."""
    calls = checkout / "calls"
    finished = subprocess.run(
        [checkout / ".ci" / "run"],
        env={
            "PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}",
            "CALLS": str(calls),
            "FAILS": fails,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    times = re.findall(r"^ *\d+ s  (.+)$", finished.stdout, re.MULTILINE)
    return finished.returncode, times, calls.read_text().splitlines()


def test_each_part_and_the_whole_have_their_time(checkout):
    code, times, _ = run(checkout)

    assert code == 0
    assert times == [*PARTS, "in all"]


def test_a_part_that_fails_ends_the_run_and_is_named(checkout):
    code, times, calls = run(checkout, fails="mypy ")

    assert code == 3
    assert times == [*PARTS[:4], "types: failed", "in all"]
    assert calls[-1] == "mypy "


def test_tests_that_failed_are_tried_once_more(checkout):
    code, times, calls = run(checkout, fails="make test")

    assert code == 0
    assert times == [*PARTS, "in all"]
    assert sum(call.startswith("python -m pytest --last-failed") for call in calls) == 1


def test_tests_that_fail_again_fail_the_run(checkout):
    code, times, calls = run(checkout, fails="make test|python .*")

    assert code == 3
    assert times[-2:] == ["tests: failed", "in all"]
    assert not any("system" in call for call in calls)
