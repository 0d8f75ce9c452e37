"""A machine, a container or a unit that gives too little memory to start."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli_command import environment


@pytest.mark.parametrize("megabytes", [30, 50, 70, 90, 130])
def test_too_little_memory_to_start_is_said_in_one_line(tmp_path: Path, megabytes: int):
    """Whichever module, library, thread or table it is that finds no room."""
    limit = megabytes << 20

    finished = subprocess.run(
        [sys.executable, "-m", "nfed", "run", "--once"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )

    said = [line for line in finished.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1
    assert said[0].startswith("nfed: not enough memory")
    assert "MemoryMax=" in said[0]
    assert finished.returncode == 75


def test_too_few_descriptors_for_the_workers_end_a_run_with_one_line(tmp_path):
    (tmp_path / "xml_nf").mkdir()

    said = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -n 20; exec "$0" -m nfed run --once', sys.executable],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (said.returncode, "Traceback" in said.stderr) == (75, False), said.stderr
    assert "a worker process cannot begin: Too many open files" in said.stderr
