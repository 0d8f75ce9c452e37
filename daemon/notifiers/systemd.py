"""What a service says to systemd, as sd_notify(3) has it; without a socket, nothing at all."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

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
        """Whether there is anyone to say anything to."""
        return self._send is not None

    def ready(self) -> None:
        """Started, or done with reloading."""
        self._say("READY=1")

    def status(self, text: str) -> None:
        """One line, shown by `systemctl status`; what it shows already is not said again."""
        if text != self._status:
            self._status = text
            self._say(f"STATUS={' '.join(text.split())}")

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
    """How often at least the watchdog wants to be fed; None: there is none for this process."""
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", "0"))
        pid = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and pid == os.getpid() else None
