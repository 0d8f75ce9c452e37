"""Runs nfed as its users do, in a process and a folder of its own, and reads its log."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

DATABASE = "nfed.db"
FOLDER = "xml_nf"
_LOG = "nfed.log"
_DATABASES = frozenset({"database_url", "supabase_url"})
_SAMPLE_SECONDS = 0.1
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a backlog."""

    files: int
    seconds: float
    """From the start of the first job to the end of the last, as the log has them."""
    peak_pss_bytes: int
    """Of all processes together, sampled every 100 ms; 0 when it was not asked for."""

    @property
    def files_a_second(self) -> float:
        """The rate."""
        return self.files / self.seconds


def import_backlog(home: Path, files: int, *, with_memory: bool = False, **settings: str) -> Import:
    """`nfed run --once` on the `files` files in the home's drop folder.

    `settings` are those that differ from the default; without one that names a database it is a
    SQLite file in the home. Raises RuntimeError unless every file was imported.
    """
    with _started(home, "--once", **settings) as process:
        peak = _peak_pss(process) if with_memory else 0
        code = process.wait()
    events = _events(home, "batch_processing_started", "batch_processing_completed")
    ends = [each for each in events if each["event"] == "batch_processing_completed"]
    successful = _successful(events)
    if code != 0 or successful != files:
        raise RuntimeError(f"nfed imported {successful} of {files} files and exited with {code}")
    began = next(each for each in events if each["event"] == "batch_processing_started")
    return Import(files, (_moment(ends[-1]) - _moment(began)).total_seconds(), peak)


@contextmanager
def watching(home: Path) -> Iterator[psutil.Process]:
    """`nfed run` on the home's drop folder, with default settings, started and at rest."""
    (home / FOLDER).mkdir(exist_ok=True)
    with _started(home) as process:
        deadline = time.monotonic() + _START_SECONDS
        while not any(each["event"] == "daemon_started" for each in _events(home)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nfed did not start:\n{(home / _LOG).read_text()}")
            time.sleep(0.05)
        time.sleep(3)  # its workers are up, and the first scan is over
        yield psutil.Process(process.pid)


class Backlog:
    """A backlog that a daemon with an HTTP API is importing, as its log tells it."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self._home = home
        self._process = process
        said = self._waits_for("http_listening")
        self.port = int(str(said["addresses"]).rpartition(":")[2].rstrip("']"))
        self.job_id = str(self._waits_for("batch_processing_started")["job_id"])

    def is_imported(self, files: int) -> bool:
        """Whether every file was. Raises RuntimeError when the daemon ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"nfed ended with {self._process.returncode}")
        events = _events(self._home)
        started = [each for each in events if each["event"] == "batch_processing_started"]
        self.job_id = str(started[-1]["job_id"])
        return _successful(events) == files

    def files_a_second(self, files: int) -> float:
        """From the start of the first job to the end of the last."""
        events = _events(self._home)
        began = next(each for each in events if each["event"] == "batch_processing_started")
        ended = [each for each in events if each["event"] == "batch_processing_completed"][-1]
        return files / (_moment(ended) - _moment(began)).total_seconds()

    def _waits_for(self, event: str) -> dict[str, object]:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            for each in _events(self._home):
                if each["event"] == event:
                    return each
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no {event}:\n{(self._home / _LOG).read_text()}")
            time.sleep(0.02)


@contextmanager
def serving(home: Path) -> Iterator[Backlog]:
    """`nfed run --http` on the home's backlog, with default settings, from its first job on."""
    with _started(home, "--http", "127.0.0.1:0") as process:
        yield Backlog(home, process)


@contextmanager
def served_at(home: Path, database: str) -> Iterator[str]:
    """`nfed run --http` with that database and an empty folder; the address that it answers at."""
    (home / FOLDER).mkdir(exist_ok=True)
    with _started(home, "--http", "127.0.0.1:0", database_url=database) as process:
        deadline = time.monotonic() + _START_SECONDS
        while not (heard := _events(home, "http_listening")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nfed did not start:\n{(home / _LOG).read_text()}")
            time.sleep(0.05)
        addresses = heard[0]["addresses"]
        assert isinstance(addresses, list)
        yield str(addresses[0])


def _successful(events: list[dict[str, object]]) -> int:
    ends = [each for each in events if each["event"] == "batch_processing_completed"]
    return sum(int(str(each["successful"])) for each in ends)


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and its workers."""
    return [process, *process.children(recursive=True)]


@contextmanager
def _started(home: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NFED_")}
    environment |= {f"NFED_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-P", "-m", "nfed", "run"]
    where = ["--folder", FOLDER]
    if not _DATABASES & {*settings}:
        where += ["--database", f"sqlite:///{DATABASE}"]
    with open(home / _LOG, "wb") as log:
        process = subprocess.Popen(
            [*command, *where, *options],
            cwd=home,
            env=environment | {"NFED_LOG_FORMAT": "json"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait()


def _events(home: Path, *names: str) -> list[dict[str, object]]:
    """Those of these names, or all; the log of a million files is read line by line."""
    wanted = tuple(f'"event": "{name}"' for name in names)
    with open(home / _LOG, encoding="utf-8") as log:
        said = [
            json.loads(line)
            for line in log
            if line.startswith("{") and line.endswith("\n")
            if not wanted or any(each in line for each in wanted)
        ]
    return [each | each["context"] for each in said]


def _moment(event: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(event["timestamp"]))


def _peak_pss(process: subprocess.Popen[bytes]) -> int:
    """Samples until the process ends."""
    peak = 0
    while process.poll() is None:
        sample = 0
        with suppress(psutil.NoSuchProcess):
            for each in family(psutil.Process(process.pid)):
                # A worker may end between the listing and the question.
                with suppress(psutil.NoSuchProcess):
                    sample += each.memory_full_info().pss
        peak = max(peak, sample)
        time.sleep(_SAMPLE_SECONDS)
    return peak
