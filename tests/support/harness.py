"""Drives the real daemon: its process, its folder, its databases, its log."""

import ctypes
import errno
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psutil

from bench.generator import Generator, Note

ROOT = Path(__file__).resolve().parents[2]
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_LEASE = 1, 2, 28
_generator = Generator(7)

# Fast enough for tests, slow enough that nothing is taken before a writer has begun.
_DEFAULTS = {
    "debounce_seconds": "0.1",
    "settle_seconds": "0.1",
    "rescan_seconds": "2",
    "log_format": "json",
}


def note(n: int, items: int = 2) -> Note:
    """The note number `n`, small, always the same."""
    return _generator.note(n, items=items, rich=False)


def notes(count: int, start: int = 0, items: int = 1) -> list[Note]:
    """`count` different notes."""
    return [note(n, items) for n in range(start, start + count)]


def truncated(n: int) -> bytes:
    """A note that ends too early."""
    xml = note(n).xml
    return xml[: len(xml) // 2]


def eventually[T](look: Callable[[], T], what: str = "", seconds: float = 30.0) -> T:
    """What `look` returns as soon as it is true of something."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or look}; last seen: {seen!r}")
        time.sleep(0.02)


def never[T](look: Callable[[], T], seconds: float) -> None:
    """Fails as soon as `look` is true of something within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = look()
        assert not seen, f"seen: {seen!r}"
        time.sleep(0.02)


def flat(line: dict[str, object]) -> dict[str, object]:
    """A log line with its fields beside its event."""
    context = line.pop("context")
    assert isinstance(context, dict)
    return context | line


class Daemon:
    """One `nfed run`."""

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.process = process
        self.log_path = log_path

    @property
    def pid(self) -> int:
        return self.process.pid

    def lines(self) -> list[str]:
        """Whole lines that it has written so far."""
        text = self.log_path.read_bytes().decode("utf-8", "replace")
        return text.split("\n")[:-1]

    def events(self, name: str | None = None) -> list[dict[str, object]]:
        """What it has logged so far; with a name, those events only."""
        said = [flat(json.loads(line)) for line in self.lines() if line.startswith("{")]
        return [each for each in said if name is None or each["event"] == name]

    def noise(self) -> list[str]:
        """Lines that are no event: tracebacks, warnings of libraries."""
        return [line for line in self.lines() if not line.startswith("{")]

    def waits_for(self, event: str, seconds: float = 30.0) -> dict[str, object]:
        """The first event of this name."""

        def look() -> list[dict[str, object]]:
            assert self.process.poll() is None or self.events(event), (
                f"ended with {self.process.returncode}: {self.lines()[-20:]}"
            )
            return self.events(event)

        return eventually(look, event, seconds)[0]

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self, seconds: float = 30.0) -> int:
        """Its exit code."""
        return self.process.wait(seconds)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Asks it to stop; returns its exit code."""
        self.send(number)
        return self.ends(seconds)

    def kill(self) -> None:
        """As a power cut would, as far as a process can tell."""
        self.process.kill()
        self.process.wait()

    def limit_file_size(self, size_bytes: int) -> None:
        """No file of the daemon's may grow beyond this: how a full disk or quota looks to it."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


class Rig:
    """A home with a drop folder, and whatever daemons are started on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "xml_nf"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = home / "nfed.db"
        self.ledger = home / "nfed-ledger.db"
        self.daemons: list[Daemon] = []

    def __enter__(self) -> "Rig":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.kill()
            if kind is not None:
                print("\n".join(daemon.lines()[-40:]))  # noqa: T201 - shown with the failure

    def launch(
        self,
        *arguments: str,
        unprivileged: bool = False,
        env: Mapping[str, str] | None = None,
        stderr: int | None = None,
        through: Sequence[str] = (),
        **settings: object,
    ) -> Daemon:
        """Starts `nfed run` and does not wait.

        `unprivileged`: root's right to pass over file modes and owners is taken away. `env` is
        added to the environment; `stderr` is a descriptor that takes the log in place of a file.
        `through` is a command that runs the daemon. A setting that is None is left to nfed.toml.
        """
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "daemon"),
            "PYTHONFAULTHANDLER": "1",
            "NFED_XML_FOLDER": str(self.folder),
            "NFED_DATABASE_URL": f"sqlite:///{self.database}",
        }
        for name, value in (_DEFAULTS | settings).items():
            environment[f"NFED_{name.upper()}"] = str(value)
            if value is None:
                del environment[f"NFED_{name.upper()}"]
        environment |= env or {}
        log_path = self.home / f"log-{len(self.daemons)}"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                [*through, sys.executable, "-m", "nfed", "run", *arguments],
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if stderr is None else stderr,
                preexec_fn=_obey_file_modes if unprivileged and os.geteuid() == 0 else None,
            )
        daemon = Daemon(process, log_path)
        self.daemons.append(daemon)
        return daemon

    def start(
        self,
        *arguments: str,
        unprivileged: bool = False,
        env: Mapping[str, str] | None = None,
        **settings: object,
    ) -> Daemon:
        """Starts `nfed run` and waits until it watches."""
        daemon = self.launch(*arguments, unprivileged=unprivileged, env=env, **settings)
        daemon.waits_for("daemon_started")
        return daemon

    def once(self, **settings: object) -> Daemon:
        """`nfed run --once`, to its end."""
        daemon = self.launch("--once", **settings)
        daemon.ends(60)
        return daemon

    def drop(self, content: bytes | Note, name: str | bytes | None = None) -> str:
        """Renames a file into the folder, as careful producers do; returns its name."""
        if isinstance(content, Note):
            name = name or content.name
            content = content.xml
        assert name is not None
        name = os.fsdecode(name)
        hidden = self.folder / ".being-dropped"
        hidden.write_bytes(content)
        hidden.rename(self.folder / name)
        return name

    def drop_all(self, contents: Sequence[Note]) -> None:
        for each in contents:
            self.drop(each)

    def left(self) -> list[str]:
        """What still lies in the folder."""
        return sorted(
            name
            for name in os.listdir(self.folder)
            if name not in ("done", "failed") and not name.startswith(".")
        )

    def done(self) -> list[str]:
        """Names below done/, in any of its folders."""
        return _names_below(self.folder / "done")

    def failed(self) -> list[str]:
        """Names in failed/."""
        return _names_below(self.folder / "failed")

    def reason(self, name: str) -> dict[str, object]:
        """The error.json of a refused file."""
        reason = self.folder / "failed" / f"{name}.error.json"
        said: dict[str, object] = json.loads(reason.read_bytes())
        return said

    def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        """Read from the database while the daemon may be writing it."""
        return _rows(self.database, query, *parameters)

    def history(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        """Read from the ledger."""
        return _rows(self.ledger, query, *parameters)

    def chaves(self) -> list[str]:
        """The key of every stored note, sorted; one that is stored twice is there twice."""
        if not self.database.exists():
            return []
        return [
            str(row[0])
            for row in self.rows("select chave_acesso from notas_fiscais order by chave_acesso")
        ]

    def is_drained(self) -> bool:
        """Nothing waits in the folder."""
        return not self.left()

    def drains(self, seconds: float = 30.0) -> None:
        eventually(self.is_drained, f"{self.folder} is empty", seconds)

    def assert_each_once(self, dropped: Sequence[Note]) -> None:
        """Every note is stored once with all its items, in a database without a scratch."""
        assert self.chaves() == sorted(each.chave for each in dropped)
        stored = dict(
            self.rows(
                "select n.chave_acesso, count(i.id) from notas_fiscais n "
                "left join nf_itens i on i.nota_fiscal_id = n.id group by n.id"
            )
        )
        assert stored == {each.chave: each.itens for each in dropped}
        assert self.rows("pragma integrity_check") == [("ok",)]
        assert self.rows("pragma foreign_key_check") == []


def _names_below(folder: Path) -> list[str]:
    return sorted(name for _, _, names in os.walk(folder) for name in names)


def _rows(path: Path, query: str, *parameters: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, timeout=30)
    try:
        return connection.execute(query, parameters).fetchall()
    finally:
        connection.close()


def _obey_file_modes() -> None:
    """Between fork and exec: from now on root, too, needs the rights that a file's mode gives, and
    gets leases of its own files only."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_LEASE):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            os._exit(99)


@contextmanager
def write_locked(path: Path) -> Iterator[None]:
    """Another program holds the database's write lock."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        connection.execute("begin immediate")
        yield
        connection.execute("rollback")
    finally:
        connection.close()


@contextmanager
def small_disk(where: Path, size: str) -> Iterator[None]:
    """A file system of its own, of this size, mounted there; needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", where], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)


def may_mount(where: Path) -> bool:
    """Whether this user can mount file systems."""
    where.mkdir(exist_ok=True)
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", where], capture_output=True
    )
    if tried.returncode == 0:
        subprocess.run(["umount", "--lazy", where], check=True)
    return tried.returncode == 0


def fill_up(ballast: Path) -> None:
    """Leaves no byte free on the file system."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while os.write(descriptor, b"\0" * 4096):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)
