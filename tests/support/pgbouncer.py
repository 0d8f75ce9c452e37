"""PgBouncer in transaction mode before the tests' PostgreSQL: many clients, few connections.

Debian's package, unpacked beside the build where it is not installed; Debian 12's version does not
look after prepared statements, so that a named one fails.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.harness import eventually
from tests.support.postgres_server import Server, free_port

_CACHE = Path(__file__).parents[2] / "build" / "pgbouncer"
_PACKAGES = ("pgbouncer", "libc-ares2", "libevent-2.1-7")
_CONFIG = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
"""
# Reads nothing: the pipe ends when its other end is closed or dies.
_GUARD = """
trap '' HUP INT TERM
"$@" > "$0/log" 2>&1 < /dev/null &
cat > /dev/null
kill -KILL $!
rm -rf "$0"
"""


@contextmanager
def pooling(server: Server, connections: int) -> Iterator[int]:
    """The port of a PgBouncer that holds so many connections to each database of the server."""
    program, libraries = _program()
    folder = Path(tempfile.mkdtemp(prefix="nfed-pgbouncer-"))
    port = free_port()
    config = folder / "pgbouncer.ini"
    config.write_text(_CONFIG.format(server=server.port, port=port, connections=connections))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        folder.chmod(0o755)
        program = Path(shutil.copy(program, folder))
        for each in libraries.glob("*.so*") if libraries else ():
            shutil.copy(each, folder)
        libraries = folder
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(folder), str(program), str(config)],
        stdin=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(libraries or "")},
        cwd=folder,
        start_new_session=True,
        **({} if account is None else {"user": account.pw_uid, "group": account.pw_gid}),
    )
    assert guard.stdin is not None
    try:
        eventually(lambda: _is_up(folder / "log"), "PgBouncer listens")
        yield port
    finally:
        guard.stdin.close()
        guard.wait(30)


def _is_up(log: Path) -> bool:
    return log.exists() and "process up" in log.read_text()


def _program() -> tuple[Path, Path | None]:
    """PgBouncer, and the folder of its libraries where it is not installed."""
    installed = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if installed is not None:
        return Path(installed), None
    program = _CACHE / "usr" / "sbin" / "pgbouncer"
    if not program.exists():
        _unpack()
    return program, next(iter((_CACHE / "usr" / "lib").glob("*-linux-gnu*")))


def _unpack() -> None:
    assert shutil.which("apt-get"), "the tests need PgBouncer: install it"
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE.parent) as name:
        folder = Path(name)
        download = ["apt-get", "download", "-q", *_PACKAGES]
        if subprocess.run(download, cwd=folder, capture_output=True).returncode != 0:
            subprocess.run(["apt-get", "update", "-q"], cwd=folder, capture_output=True)
            tried = subprocess.run(download, cwd=folder, capture_output=True, text=True)
            assert tried.returncode == 0, (
                "the tests need PgBouncer: install it, or run `apt-get update` as root; "
                f"`apt-get download pgbouncer` said: {tried.stderr[-500:]}"
            )
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(folder / "out")], check=True)
        try:
            (folder / "out").rename(_CACHE)
        except OSError:  # another process was faster
            assert (_CACHE / "usr" / "sbin" / "pgbouncer").exists()
