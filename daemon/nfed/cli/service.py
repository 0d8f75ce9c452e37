"""`nfed install-service`: writes the unit for an nfed from uv or pipx, without the package."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import typer

from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.errors import ConfigError
from nfed.words import Message

_OURS = ("ExecStart=/usr/bin/nfed run --create", "ExecReload=/usr/bin/nfed config --check")
_MARK = "# Made by `nfed install-service`, which makes it anew; changes belong into a drop-in.\n"
_OF_THE_PACKAGE = Path("/usr/lib/systemd/system/nfed.service")
_HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/")  # ProtectHome=, PrivateTmp=
# What a user's manager can do without rights of its own; the rest needs mounts or another user.
_FOR_USERS = """
Description Documentation StartLimitIntervalSec StartLimitBurst
Type NotifyAccess ExecStart ExecReload Restart RestartPreventExitStatus RestartSec RestartSteps
RestartMaxDelaySec WatchdogSec TimeoutStartSec TimeoutStopSec TimeoutStopFailureMode
TimeoutAbortSec KillMode OOMPolicy MemoryMax TasksMax LimitCORE LimitNOFILE
LogRateLimitIntervalSec LogRateLimitBurst UMask NoNewPrivileges
RestrictNamespaces RestrictRealtime RestrictSUIDSGID
RestrictAddressFamilies LockPersonality MemoryDenyWriteExecute SystemCallArchitectures
SystemCallFilter SystemCallErrorNumber
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write, and the commands to systemd."""

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
            Path("/etc/systemd/catalog/nfed.catalog"): _MARK + _template("nfed.catalog"),
            Path("/etc/systemd/catalog/nfed.pt_BR.catalog"): _MARK
            + _template("nfed.pt_BR.catalog"),
        },
        {Path("/etc/nfed/nfed.toml"): _template("service.toml")},
        (
            ("systemd-sysusers", "nfed.conf"),
            ("systemd-tmpfiles", "--create", "nfed.conf"),
            ("journalctl", "--update-catalog"),
            ("systemctl", "daemon-reload"),
        ),
        Message("Next: look at /etc/nfed/nfed.toml, then say `systemctl enable --now nfed`."),
    )


def system_unit(executable: str, roots: Sequence[str]) -> str:
    """The package's unit for an nfed elsewhere; `roots` hold its code and its interpreter.

    Raises ConfigError for a root that the service's sandbox hides.
    """
    for root in roots:
        if f"{root}/".startswith(_HIDDEN):
            raise ConfigError(
                Message(
                    "nfed is installed in {root}, which the service's user "
                    "cannot see; install it with `pipx install --global nfed`, "
                    "or say `nfed install-service --user`",
                    root=root,
                )
            )
    unit = _template("nfed.service")
    unit = _with_executable(unit, executable)
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
        Message(
            "Next: look at {settings}, then say `systemctl --user enable "
            "--now nfed`, and `loginctl enable-linger` for it to run "
            "while nobody is logged in.",
            settings=settings / "nfed" / "nfed.toml",
        ),
        # Were the settings' folder there and this not, systemd would take the database to be
        # among the settings, as it was up to version 253, and link the one to the other.
        folders=(state / "nfed",),
    )


def _user_unit(executable: str) -> str:
    """The system's unit without what a user's manager cannot do."""
    lines = list(_kept_for_users(_template("nfed.service")))
    unit = "\n".join(lines) + "\n"
    unit = _with_executable(unit, _executable())
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
        raise ConfigError(
            Message("{path} is not there: install nfed with uv or pipx first", path=path)
        )
    return _plain(path)


def _plain(path: Path) -> str:
    """A path that needs no quoting in a unit or in nfed.toml."""
    if not re.fullmatch(r"[\w/.+@-]+", str(path)):
        raise ConfigError(
            Message("{path} holds characters that a unit cannot; move nfed elsewhere", path=path)
        )
    return str(path)


def _with_executable(unit: str, executable: str) -> str:
    for line in _OURS:
        unit = _with_line(unit, line, line.replace("/usr/bin/nfed", executable))
    return unit


def _with_line(unit: str, old: str, new: str) -> str:
    assert unit.count(f"{old}\n") == 1, old
    return unit.replace(f"{old}\n", f"{new}\n")


def _template(name: str) -> str:
    return files("nfed.service.units").joinpath(name).read_text("utf-8")


def _check_ours(path: Path) -> None:
    if _OF_THE_PACKAGE.exists() and path.is_relative_to("/etc"):
        raise ConfigError(
            Message(
                "the package has brought {of_the_package} already", of_the_package=_OF_THE_PACKAGE
            )
        )
    if path.exists() and not path.read_text("utf-8").startswith(_MARK):
        raise ConfigError(
            Message("{path} is there and was not made by nfed; move it away first", path=path)
        )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        hint = (
            Message("run it as root, or with --user") if isinstance(error, PermissionError) else ""
        )
        raise ConfigError(
            Message(
                "cannot write {path}: {strerror}; {hint}",
                path=path,
                strerror=error.strerror,
                hint=hint,
            ).rstrip("; ")
        ) from error
    output.say(Message("wrote {path}", path=path))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            Message("cannot make {folder}: {strerror}", folder=folder, strerror=error.strerror)
        ) from error


def _run(command: tuple[str, ...]) -> bool:
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        complain(f"{command[0]}: {error.strerror}")
        return False
    if finished.returncode:
        complain(
            Message(
                "`{command}` failed: {stderr}",
                command=" ".join(command),
                stderr=finished.stderr.strip(),
            )
        )
    return finished.returncode == 0
