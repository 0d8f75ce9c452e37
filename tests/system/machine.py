"""A Debian 13 under systemd, booted in a container on an overlay, driven from outside."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.support.harness import eventually
from tests.system.cgroup import own_groups

# The units need a network namespace of their own and a packet filter; without these flags systemd
# would leave them out without a word.
_NSPAWN = (
    "systemd-nspawn",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--capability=CAP_BPF,CAP_SYS_ADMIN,CAP_PERFMON",
    "--system-call-filter=bpf",
    "--notify-ready=yes",
    "--console=pipe",
)
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
_BOOT_SECONDS = 60.0
_COMMAND_SECONDS = 120.0


class CannotBoot(AssertionError):
    """The machine did not come up; its console says why."""


class Machine:
    """`layers` are read-only trees, the topmost first; what the machine writes goes to `home`."""

    def __init__(self, layers: Sequence[Path], home: Path) -> None:
        self.layers = layers
        self.home = home
        self.tree = home / "tree"
        self.upper = home / "upper"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        # Unlike that of any machine of any other process.
        self._name = f"nfed-{uuid.uuid4().hex[:12]}"
        self._groups = ExitStack()
        self._join_groups: Callable[[], None] = lambda: None

    def __enter__(self) -> "Machine":
        for each in (self.tree, self.upper, self.home / "work"):
            each.mkdir(parents=True)
        lower = ":".join(map(str, self.layers))
        options = f"lowerdir={lower},upperdir={self.upper},workdir={self.home / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", self.tree], check=True)
        self._join_groups = self._groups.enter_context(own_groups(self._name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._nspawn is not None:
            self.cut_power()
        self._groups.close()
        subprocess.run(["umount", self.tree], check=True)
        shutil.rmtree(self.tree)

    def boot(self) -> None:
        """Returns when PID 1 has started everything."""
        address = str(self.home / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            Path(address).unlink(missing_ok=True)
            ready.bind(address)
            ready.settimeout(1.0)
            with open(self.home / "console", "ab") as console:
                self._nspawn = subprocess.Popen(
                    [*_NSPAWN, f"--directory={self.tree}", f"--machine={self._name}"],
                    env={
                        **os.environ,
                        "NOTIFY_SOCKET": address,
                        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    preexec_fn=self._join_groups,
                )
            self._await_boot(ready)

    def _await_boot(self, ready: socket.socket) -> None:
        assert self._nspawn is not None
        deadline = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < deadline:
            try:
                lines = ready.recv(4096).decode().splitlines()
            except TimeoutError:
                if self._nspawn.poll() is not None:
                    break
                continue
            for line in lines:
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self._leader = int(line.partition("=")[2])
            if "READY=1" in lines:
                return
        code = self._nspawn.poll()
        raise CannotBoot(
            f"systemd-nspawn {'is still booting' if code is None else f'ended with {code}'}; its "
            f"console says:\n{self.console()}"
        )

    @property
    def is_up(self) -> bool:
        """Whether it was booted and not stopped."""
        return self._nspawn is not None

    def tail(self) -> str:
        """The journal's last lines, for people."""
        return self.run("journalctl", "--no-pager", "--lines=150", check=False).stdout

    def console(self) -> str:
        """The last that was written to the console."""
        return (self.home / "console").read_text("utf-8", "replace")[-4000:]

    def poweroff(self) -> None:
        """Shuts down as an administrator does."""
        assert self._nspawn is not None
        self.run("systemctl", "poweroff")
        assert self._nspawn.wait(_BOOT_SECONDS * 3) == 0, self.console()
        self._nspawn = None

    def cut_power(self) -> None:
        """Ends every process at once."""
        assert self._nspawn is not None
        if self._leader:
            os.kill(self._leader, signal.SIGKILL)
        else:
            self._nspawn.kill()
        self._nspawn.wait(_BOOT_SECONDS)
        self._nspawn = None

    def path(self, inside: str) -> Path:
        """A path of the running machine, as seen from here."""
        return Path(f"/proc/{self._leader}/root{inside}")

    def run(
        self,
        *command: str,
        check: bool = True,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
        seconds: float = _COMMAND_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as root inside; with `check`, it must succeed."""
        assert self._nspawn is not None, "not booted"
        done = subprocess.run(
            ["/usr/bin/nsenter", "-t", str(self._leader), "-a", "--wdns=/", *command],
            env={**_ENVIRONMENT, **(environment or {})},
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done

    def said(self, *command: str, **options: object) -> str:
        """What a command that must succeed prints."""
        return self.run(*command, **options).stdout.strip()  # type: ignore[arg-type]  # passed on

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        """`systemctl …`."""
        return self.run("systemctl", *arguments, check=check).stdout.strip()

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.systemctl("show", unit, f"--property={name}", "--value")

    def is_active(self, unit: str = "nfed.service") -> bool:
        """Whether the unit runs now."""
        return self.run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0

    def becomes(self, unit: str, state: str, seconds: float = 60.0) -> None:
        """Waits until the unit's ActiveState is this."""
        eventually(
            lambda: self.show(unit, "ActiveState") == state, f"{unit} becomes {state}", seconds
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of root's, with the folders that lead there."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        target.chmod(mode)

    def journal(self, *matches: str) -> list[dict[str, str]]:
        """Entries as journalctl gives them to programs, the oldest first."""
        self.run("journalctl", "--sync")
        said = self.run("journalctl", "--no-pager", "--all", "-o", "json", *matches).stdout
        return [json.loads(line) for line in said.splitlines()]

    def messages(self, unit: str = "nfed.service") -> list[str]:
        """What the unit, and systemd about it, wrote to the journal."""
        return [str(each.get("MESSAGE")) for each in self.journal(f"--unit={unit}")]
