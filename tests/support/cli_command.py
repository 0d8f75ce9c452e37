"""Runs the command as people do: a process of its own, in a folder of its own."""

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.notes import generator

ROOT = Path(__file__).resolve().parents[2]
ANSI = "\x1b"

# No waiting for files that stand still already.
AT_ONCE = {"NFED_SETTLE_SECONDS": "0", "NFED_DEBOUNCE_SECONDS": "0", "NFED_WORKERS": "1"}


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the machine's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "daemon"),
        "NFED_WORKERS": "1",
        **more,
    }


def nfed(home: Path, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """`nfed …` in `home`, to its end, its output in pipes."""
    finished = subprocess.run(
        [sys.executable, "-m", "nfed", *map(str, arguments)],
        cwd=home,
        env=environment(home, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in finished.stderr, finished.stderr
    assert ANSI not in finished.stdout + finished.stderr
    return finished


def nfed_each(
    home: Path, *commands: Sequence[str | Path], **env: str
) -> list[subprocess.CompletedProcess[str]]:
    """The same for several commands that do not mind each other, side by side."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda command: nfed(home, *command, **env), commands))


def one_line(finished: subprocess.CompletedProcess[str]) -> str:
    """What stderr says, which is one line that begins with the command's name."""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("nfed: ")
    return line


class Terminal:
    """`nfed …` on a terminal."""

    def __init__(self, home: Path, *arguments: str, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nfed", *arguments],
            cwd=home,
            env=environment(home, TERM="xterm-256color", COLUMNS="120", **env),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.text = ""

    def reads_until(self, pattern: str) -> None:
        """Reads on until the text holds this."""
        while not re.search(pattern, self.text):
            if not self._reads():
                raise AssertionError(f"{self.ends()} without {pattern!r}: {self.text}")

    def ends(self) -> int:
        """Reads all, and returns the exit code."""
        while self._reads():
            pass
        os.close(self._ours)
        return self.process.wait(30)

    def _reads(self) -> bool:
        if not select.select([self._ours], [], [], 30)[0]:
            self.process.kill()
            raise AssertionError(f"silent for 30 s after: {self.text}")
        try:
            read = os.read(self._ours, 1 << 16)
        except OSError:  # EIO: the other side is closed
            return False
        self.text += read.decode("utf-8", "replace")
        return bool(read)


def drop(folder: Path, *numbers: int, **how: object) -> list[Path]:
    """Small valid notes by number, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n in numbers:
        made = generator().note(n, **{"items": 2, "rich": False, **how})
        path = folder / f"nota{n}.xml"
        path.write_bytes(made.xml)
        paths.append(path)
    return paths


def drop_broken(folder: Path, name: str = "broken.xml") -> Path:
    """A file that is well-formed and no fiscal document."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("<pedido/>")
    return path


def names(folder: Path) -> set[str]:
    """What lies there, the lock aside."""
    return set(os.listdir(folder)) - {".nfed.lock"}
