"""`nfed install-service`: the unit for those who have nfed from uv or pipx, without the package."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import typer

from daemon.cli import output
from daemon.cli.exits import ExitCode, complain
from daemon.errors import ConfigError
from daemon.logs.catalog import catalog

_MARK = "# Made by `nfed install-service`, which makes it anew; changes belong into a drop-in.\n"
_OF_THE_PACKAGE = Path("/usr/lib/systemd/system/nfed.service")
_HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/")  # ProtectHome=, PrivateTmp=
# What a user's manager can do without rights of its own; the rest needs mounts or another user.
_FOR_USERS = """
Description Documentation StartLimitIntervalSec StartLimitBurst
Type NotifyAccess ExecStart Restart RestartPreventExitStatus RestartSec RestartSteps
RestartMaxDelaySec WatchdogSec TimeoutStartSec TimeoutStopSec TimeoutStopFailureMode
TimeoutAbortSec KillMode OOMPolicy MemoryMax TasksMax LimitCORE LimitNOFILE
LogRateLimitIntervalSec LogRateLimitBurst UMask NoNewPrivileges
RestrictNamespaces RestrictRealtime RestrictSUIDSGID
RestrictAddressFamilies LockPersonality MemoryDenyWriteExecute SystemCallArchitectures
SystemCallFilter SystemCallErrorNumber
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, and said to systemd."""

    files: dict[Path, str]
    kept: dict[Path, str]
    """Written only where nothing is: an administrator's."""
    commands: tuple[tuple[str, ...], ...]
    next_step: str
    folders: tuple[Path, ...] = ()
    """To be there before systemd looks for them."""


def install_service(*, user: bool, dry_run: bool) -> int:
    """Writes the unit and what belongs to it; returns the exit code."""
    plan = _for_user() if user else _for_system()
    if dry_run:
        for path, text in (plan.files | plan.kept).items():
            typer.echo(f"# --- {path}\n{text}")
        for folder in plan.folders:
            typer.echo(f"# --- {folder}/\n")
        for command in plan.commands:
            typer.echo(f"$ {' '.join(command)}")
        return ExitCode.OK
    for path in plan.files:
        _check_ours(path)
    for path, text in plan.files.items():
        _write(path, text)
    for path, text in plan.kept.items():
        if not path.exists():
            _write(path, text)
    for folder in plan.folders:
        _make(folder)
    done = [_run(command) for command in plan.commands]
    output.say(plan.next_step)
    return ExitCode.OK if all(done) else ExitCode.SOME_REFUSED


def _for_system() -> Plan:
    interpreter = Path(sys.executable).resolve().parent.parent
    unit = system_unit(_executable(), sorted({sys.prefix, sys.base_prefix, str(interpreter)}))
    return Plan(
        {
            Path("/etc/systemd/system/nfed.service"): _MARK + unit,
            Path("/etc/sysusers.d/nfed.conf"): _MARK + _template("nfed.sysusers"),
            Path("/etc/tmpfiles.d/nfed.conf"): _MARK + _template("nfed.tmpfiles"),
            Path("/etc/systemd/catalog/nfed.catalog"): _MARK + catalog("en"),
            Path("/etc/systemd/catalog/nfed.pt_BR.catalog"): _MARK + catalog("pt_BR"),
        },
        {Path("/etc/nfed/nfed.toml"): _template("service.toml")},
        (
            ("systemd-sysusers", "nfed.conf"),
            ("systemd-tmpfiles", "--create", "nfed.conf"),
            ("journalctl", "--update-catalog"),
            ("systemctl", "daemon-reload"),
        ),
        "Next: look at /etc/nfed/nfed.toml, then say `systemctl enable --now nfed`.",
    )


def system_unit(executable: str, roots: Sequence[str]) -> str:
    """The package's unit for an nfed elsewhere; `roots` hold its code and its interpreter.

    Raises ConfigError for a root that the service's sandbox hides.
    """
    for root in roots:
        if f"{root}/".startswith(_HIDDEN):
            raise ConfigError(
                f"nfed is installed in {root}, which the service's user cannot see; install it "
                "with `pipx install --global nfed`, or say `nfed install-service --user`"
            )
    unit = _template("nfed.service")
    unit = _with_line(unit, "ExecStart=/usr/bin/nfed run", f"ExecStart={executable} run")
    outside = [root for root in roots if not f"{root}/".startswith("/usr/")]
    return _with_line(unit, "ExecPaths=/usr", " ".join(["ExecPaths=/usr", *outside]))


def _for_user() -> Plan:
    home = Path.home()
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    folder, database = home / "xml_nf", state / "nfed" / "nfed.db"
    return Plan(
        {settings / "systemd" / "user" / "nfed.service": _MARK + _user_unit(_executable())},
        {
            settings / "nfed" / "nfed.toml": (
                "# Every setting: `nfed config`, run in this folder.\n"
                f"xml_folder = '{_plain(folder)}'\ndatabase_url = 'sqlite:///{_plain(database)}'\n"
            )
        },
        (("systemctl", "--user", "daemon-reload"),),
        f"Next: look at {settings / 'nfed' / 'nfed.toml'}, then say `systemctl --user enable --now "
        "nfed`, and `loginctl enable-linger` for it to run while nobody is logged in.",
        # Were the settings' folder there and this not, systemd would take the database to be
        # among the settings, as it was up to version 253, and link the one to the other.
        folders=(state / "nfed",),
    )


def _user_unit(executable: str) -> str:
    """The system's unit without what a user's manager cannot do."""
    lines = list(_kept_for_users(_template("nfed.service")))
    unit = "\n".join(lines) + "\n"
    unit = _with_line(unit, "ExecStart=/usr/bin/nfed run", f"ExecStart={executable} run")
    return unit.replace(
        "[Install]\n",
        "ConfigurationDirectory=nfed\nStateDirectory=nfed\n"
        "WorkingDirectory=%E/nfed\n\n[Install]\nWantedBy=default.target\n",
    )


def _kept_for_users(unit: str) -> Iterator[str]:
    kept = frozenset(_FOR_USERS.split())
    for line in unit.splitlines():
        name = line.partition("=")[0]
        if line.startswith("["):
            yield line if line == "[Unit]" else f"{'' if line == '[Install]' else chr(10)}{line}"
        elif name in kept:
            yield line


def _executable() -> str:
    path = Path(sys.executable).parent / "nfed"
    if not path.exists():
        raise ConfigError(f"{path} is not there: install nfed with uv or pipx first")
    return _plain(path)


def _plain(path: Path) -> str:
    """A path that needs no quoting in a unit or in nfed.toml."""
    if not re.fullmatch(r"[\w/.+@-]+", str(path)):
        raise ConfigError(f"{path} holds characters that a unit cannot; move nfed elsewhere")
    return str(path)


def _with_line(unit: str, old: str, new: str) -> str:
    assert unit.count(f"{old}\n") == 1, old
    return unit.replace(f"{old}\n", f"{new}\n")


def _template(name: str) -> str:
    return files("daemon.units").joinpath(name).read_text("utf-8")


def _check_ours(path: Path) -> None:
    if _OF_THE_PACKAGE.exists() and path.is_relative_to("/etc"):
        raise ConfigError(f"the package has brought {_OF_THE_PACKAGE} already")
    if path.exists() and not path.read_text("utf-8").startswith(_MARK):
        raise ConfigError(f"{path} is there and was not made by nfed; move it away first")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        hint = "run it as root, or with --user" if isinstance(error, PermissionError) else ""
        raise ConfigError(f"cannot write {path}: {error.strerror}; {hint}".rstrip("; ")) from error
    output.say(f"wrote {path}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {folder}: {error.strerror}") from error


def _run(command: tuple[str, ...]) -> bool:
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        complain(f"{command[0]}: {error.strerror}")
        return False
    if finished.returncode:
        complain(f"`{' '.join(command)}` failed: {finished.stderr.strip()}")
    return finished.returncode == 0
