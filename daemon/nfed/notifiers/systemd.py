"""Speaks to systemd as sd_notify(3) has it; without a socket, says nothing."""

import os
import socket
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress

from nfed.core.escape import escaped

type Send = Callable[[str], object]

_SEND_SECONDS = 0.1  # PID 1 may be slow for a moment, but must not stop the loop


class Notifier:
    """Says READY, STATUS and the rest; `is_heard` when a supervisor listens."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._send = _sender(found.get("NOTIFY_SOCKET", ""))
        self.watchdog_seconds = _watchdog_seconds(found)
        self._status: str | None = None

    @property
    def is_heard(self) -> bool:
        """True if somebody listens."""
        return self._send is not None

    def ready(self) -> None:
        """Started, or done with reloading."""
        self._say("READY=1")

    def status(self, text: str) -> None:
        """One line, shown by `systemctl status`; what it shows already is not said again."""
        if text != self._status:
            self._status = text
            self._say(f"STATUS={escaped(' '.join(text.split()))}")

    def alive(self) -> None:
        """Feeds the watchdog."""
        self._say("WATCHDOG=1")

    def reloading(self) -> None:
        """Reading the settings again; `ready` ends it."""
        self._say(
            f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
        )

    def stopping(self) -> None:
        """On the way out."""
        self._say("STOPPING=1")

    def needs(self, seconds: float) -> None:
        """Start or stop takes so much longer from now; systemd must not lose patience."""
        self._say(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def _say(self, state: str) -> None:
        if self._send is not None:
            with suppress(OSError):  # a supervisor that does not listen changes nothing
                self._send(state)


def _sender(address: str) -> Send | None:
    if not address.startswith(("/", "@")):
        return None
    try:
        from systemd.daemon import notify  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return lambda state: _datagram(address, state)
    return notify  # type: ignore[no-any-return,unused-ignore]


def _datagram(address: str, state: str) -> None:
    name = f"\0{address[1:]}" if address.startswith("@") else address  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        sending.settimeout(_SEND_SECONDS)
        sending.sendto(state.encode(), name)


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """The interval within which the watchdog must be fed; None: this process has none."""
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
        pid = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and pid == os.getpid() else None


_FIRST_DESCRIPTOR = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def inherited_sockets(
    environment: MutableMapping[str, str] | None = None, first: int = _FIRST_DESCRIPTOR
) -> dict[str, list[socket.socket]]:
    """Listening stream sockets by FileDescriptorName=, which is the unit's name by default.

    They survive a restart, so that no request is refused. The variables are taken out of the
    environment, as no child shall take them for its own; a second call finds none. Descriptors
    that are no listening stream sockets are closed.
    """
    found = os.environ if environment is None else environment
    pid, count, names = (found.pop(name, "") for name in _VARIABLES)
    if not (pid.isdecimal() and count.isdecimal() and int(pid) == os.getpid()):
        return {}
    named = names.split(":") if names else []
    sockets: dict[str, list[socket.socket]] = {}
    for number in range(int(count)):
        descriptor = first + number
        os.set_inheritable(descriptor, False)
        name = named[number] if number < len(named) and named[number] else "unknown"
        taken = socket.socket(fileno=descriptor)
        if _listens(taken):
            taken.setblocking(False)
            sockets.setdefault(name, []).append(taken)
        else:
            taken.close()
    return sockets


def _listens(taken: socket.socket) -> bool:
    return (
        taken.type == socket.SOCK_STREAM
        and taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    )
