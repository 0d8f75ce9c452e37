"""The Debian 13 tree in which the package is built and tried; made once, then cached.

`python -m deploy.package.root` makes it and prints its path.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
# What the build and the tests need beyond the package's own dependencies: a C compiler, PostgreSQL
# to lose and find again, a locale to read the catalog in, mandoc to read the man pages, the shells
# that are completed, PAM's part for managers of users, pipx.
PACKAGES = (
    "bash-completion",
    "ca-certificates",
    "dbus",
    "fish",
    "gcc",
    "libc6-dev",
    "libpam-systemd",
    "locales",
    "mandoc",
    "pipx",
    "postgresql",
    "python3",
    "python3-dev",
    "python3-systemd",
    "python3-venv",
    "systemd",
    "systemd-sysv",
    "zsh",
)
# Run in the finished tree. Services are started by the tests that want them.
FINISH = (
    "localedef -i pt_BR -f UTF-8 pt_BR.UTF-8",
    "systemctl disable postgresql.service",
    "mkdir -p /var/log/journal",
    "rm -f /etc/machine-id /var/lib/dbus/machine-id && touch /etc/machine-id",
)
HOST_COMMANDS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container"}
TRIES = 4


class Impossible(SystemExit):
    """This machine cannot do it; the message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)


def cache() -> Path:
    """Where trees and wheels are kept: $BUILD_CACHE, by default ~/.cache/nfed."""
    named = os.environ.get("BUILD_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(named) if named else Path(base) / "nfed"
    path.mkdir(parents=True, exist_ok=True)
    return path


def ensure() -> Path:
    """The tree's path; builds it where it is not there yet."""
    recipe = "\n".join([SUITE, *PACKAGES, *FINISH])
    name = f"debian-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    tree = cache() / name
    with locked(cache() / f"{name}.lock"):
        if not tree.is_dir():
            require_root()
            host_commands()
            _build(tree)
    return tree


def require_root() -> None:
    """Says so where this user cannot make such a tree."""
    if os.geteuid() != 0:
        raise Impossible("this needs root, for mounts and for other users' files: try sudo")


def host_commands() -> None:
    """Installs what the tree is made and booted with, where it is missing and this is Debian."""
    missing = {
        package for command, package in HOST_COMMANDS.items() if shutil.which(command) is None
    }
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Impossible(f"missing: {', '.join(sorted(missing))}; install them by hand")
    require_root()
    say(f"installing {', '.join(sorted(missing))}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ("apt-get", "-q", "-o", "Acquire::Retries=5")
    retried([*apt, "update"], environment)
    retried([*apt, "install", "-y", "--no-install-recommends", *sorted(missing)], environment)


def retried(
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Runs it until it succeeds, after `before` each time; a mirror's hiccup is no failure."""
    for attempt in range(1, TRIES + 1):
        before()
        finished = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if finished.returncode == 0:
            return
        tail = "\n".join(finished.stdout.splitlines()[-15:])
        say(f"{command[0]} ended with {finished.returncode} (try {attempt} of {TRIES}):\n{tail}")
        if attempt < TRIES:
            time.sleep(5 * attempt**2)
    raise Impossible(f"gave up after {TRIES} tries: {' '.join(command)}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One at a time, over all processes."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def _build(tree: Path) -> None:
    say(f"building {tree} (once, about a minute)")
    part = tree.with_suffix(".part")
    hooks = [f"--customize-hook=chroot \"$1\" sh -c '{line}'" for line in FINISH]

    retried(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--format=directory",
            f"--include={','.join(PACKAGES)}",
            '--aptopt=Acquire::Retries "5"',
            '--aptopt=Acquire::Check-Valid-Until "false"',
            *hooks,
            SUITE,
            str(part),
        ],
        before=lambda: shutil.rmtree(part, ignore_errors=True),
    )
    part.rename(tree)


if __name__ == "__main__":
    print(ensure())
