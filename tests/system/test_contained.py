"""Where these tests run: nothing gets out of there, and nobody gets in without the rights."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.support.harness import ROOT, eventually
from tests.system.machine import Machine


def test_a_kill_of_the_outermost_process_leaves_no_process_and_no_mount(tmp_path: Path):
    place = tmp_path / "place"
    place.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.system.sleeper", str(place)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as outermost:
        assert outermost.stdout is not None
        assert outermost.stdout.readline() == "inside\n"
        started = psutil.Process(outermost.pid)
        inside = eventually(
            lambda: [each for each in started.children(recursive=True) if each.name() == "sleep"],
            "sleeps",
        )

        outermost.kill()

    eventually(lambda: not any(each.is_running() for each in inside), "all have ended")
    assert str(place) not in Path("/proc/self/mountinfo").read_text()


def test_two_machines_at_once_have_nothing_in_common(new_machine: Callable[..., Machine]):
    with new_machine() as one, new_machine() as other:
        for machine in (one, other):
            machine.boot()
            machine.run("systemd-run", "--quiet", "--unit=same", "sleep", "10000")

        slices = [each.path("/sys/fs/cgroup/system.slice").stat().st_ino for each in (one, other)]
        one.systemctl("stop", "same.service")

        assert slices[0] != slices[1]
        assert other.is_active("same.service")


def test_a_machine_that_cannot_boot_says_why_and_fails():
    said = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin", sys.executable, "-m", "tests.system"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert said.returncode == 1
    assert "this machine cannot boot a container" in said.stderr
    assert "it needs CAP_SYS_ADMIN" in said.stderr
