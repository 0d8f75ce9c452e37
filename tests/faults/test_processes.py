"""The daemon and its workers are killed, stopped and starved of memory and descriptors."""

import os
import resource
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import FACTOR, not_tried
from tests.faults.injected import ERRORS, Calls, Injected
from tests.faults.stage import Stage, random_moment
from tests.faults.tally import count
from tests.support.harness import eventually


def test_kills_at_random_lose_and_double_nothing(stage: Stage):
    for _ in range(4 * FACTOR):
        stage.send(60)
        stage.launch()
        random_moment(stage.chance, 6)
        stage.kill()

    stage.ends()


# Each with the most that a short run makes of it in one thread.
_CALLS = {
    "renameat2": 20,
    "fsync": 10,
    "fdatasync": 10,
    "pwrite64": 300,
    "unlink": 10,
    "openat": 3000,
    "newfstatat": 3000,  # what lstat becomes
}


@pytest.mark.parametrize("call", _CALLS)
def test_a_kill_at_any_one_call_loses_and_doubles_nothing(stage: Stage, tmp_path: Path, call: str):
    """The K-th of the daemon or of a worker; where it does not come to that, an earlier one."""
    strace = shutil.which("strace")
    if strace is None:
        not_tried("needs strace, to kill at the K-th call")
    for _ in range(FACTOR):
        at = stage.chance.randint(1, _CALLS[call])
        while not _is_killed_at(stage, call, at, strace, tmp_path / "strace"):
            assert at > 1, f"it made not one {call}"
            at //= 2
        count(f"kill -9 at a {call}")

    stage.ends()


def _is_killed_at(stage: Stage, call: str, at: int, strace: str, said: Path) -> bool:
    """Whether a process came to its `at`-th call while 40 files were imported."""
    stage.send(40)
    through = [strace, "-f", "--seccomp-bpf", "-qq", "-o", str(said), "-e", f"trace={call}"]
    through += ["-e", f"inject={call}:signal=KILL:when={at}"]
    daemon = stage.launch(through=through)

    def is_killed() -> bool:
        return said.exists() and "killed by SIGKILL" in said.read_text("utf-8", "replace")

    eventually(
        lambda: is_killed() or not stage.is_running() or stage.rig.is_drained(),
        f"a {call} is made, or all is imported",
        120,
    )
    # strace writes what it saw when all that it follows has ended.
    for process in daemon.workers()[:1]:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    daemon.ends(60)
    return is_killed()


def test_stopped_and_let_go_on_it_goes_on(stage: Stage):
    daemon = stage.start()
    stage.send(150)
    for _ in range(3 * FACTOR):
        random_moment(stage.chance, 1)
        daemon.send(signal.SIGSTOP)
        count("SIGSTOP of the daemon")
        stage.send(10)
        random_moment(stage.chance, 1)
        daemon.send(signal.SIGCONT)

    stage.ends()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_that_die_or_stop_cost_no_file(stage: Stage, number: signal.Signals):
    daemon = stage.start(workers=2, batch_timeout_seconds=120)
    stage.send(200)
    for _ in range(5 * FACTOR):
        random_moment(stage.chance, 0.7)
        workers = daemon.workers()
        if workers:
            victim = stage.chance.choice(workers)
            victim.send_signal(number)
            count(f"{number.name} of a worker")
            if number is signal.SIGSTOP:
                random_moment(stage.chance, 2)
                victim.send_signal(signal.SIGCONT)

    stage.ends()


def test_no_descriptor_left_refuses_no_file(stage: Stage):
    """EMFILE for the daemon and its workers, by their limits."""
    daemon = stage.start()
    stage.send(60)
    for _ in range(3 * FACTOR):
        pids = [daemon.pid, *(each.pid for each in daemon.workers())]
        limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
        for pid, (_, hard) in limits.items():
            open_now = len(os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now, hard))
        count("no descriptor left")
        stage.send(20)
        random_moment(stage.chance, 3)
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    stage.ends()


@pytest.mark.parametrize("error", ERRORS)
def test_calls_that_fail_now_and_then_cost_no_file(stage: Stage, injected: Injected, error: str):
    """In the daemon and its workers; with luck the daemon ends, and is started again."""
    calls = Calls.MAP if error == "ENOMEM" else ~Calls.MAP
    for _ in range(2 * FACTOR):
        if not stage.is_running():
            stage.start()
        stage.send(60)
        random_moment(stage.chance, 1)
        with injected.failing(ERRORS[error], calls, stage.chance.choice([3, 20, 100])):
            count(f"a while of {error}")
            random_moment(stage.chance, 4)

    stage.ends(may_die=True)


@pytest.mark.parametrize("seconds", [86_400, -86_400, 400 * 86_400])
def test_a_clock_that_jumps_costs_no_file(stage: Stage, injected: Injected, seconds: int):
    stage.start()
    stage.send(60)
    for _ in range(3 * FACTOR):
        random_moment(stage.chance, 1)
        injected.write(seconds=seconds)
        count("a clock that jumps")
        stage.send(30)
        random_moment(stage.chance, 1)
        injected.write()

    stage.ends()
