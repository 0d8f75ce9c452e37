"""What stands around a service: a supervisor's socket and a journal, both real sockets of ours."""

import array
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.harness import eventually


class Supervisor:
    """Hears sd_notify, as PID 1 does. A name that begins with @ is an abstract socket's."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)
        self._heard: list[tuple[float, str]] = []

    @property
    def env(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address}

    def heard(self) -> list[str]:
        """Every message so far."""
        while True:
            try:
                message = self._socket.recv(1 << 16).decode()
            except BlockingIOError:
                return [message for _, message in self._heard]
            self._heard.append((time.monotonic(), message))

    def hears(
        self, wanted: str | Callable[[str], bool], since: int = 0, seconds: float = 30
    ) -> str:
        """The first message that is this one, or of which this is true, after so many."""

        def look() -> list[str]:
            heard = self.heard()[since:]
            return [m for m in heard if (m == wanted if isinstance(wanted, str) else wanted(m))]

        return eventually(look, f"{wanted} among {self.heard()[since:]}", seconds)[0]

    def status(self) -> str:
        """The newest STATUS."""
        said = [m for m in self.heard() if m.startswith("STATUS=")]
        return said[-1].removeprefix("STATUS=") if said else ""

    def count(self, message: str) -> int:
        return self.heard().count(message)

    def close(self) -> None:
        self._socket.close()


class Journal:
    """Takes entries in journald's native protocol."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self._entries: list[dict[str, list[str]]] = []
        self.files = 0
        """Entries that came as a memory file."""

    def entries(self, event: str | None = None) -> list[dict[str, list[str]]]:
        """Fields with their values, of every entry so far; or of one kind of event."""
        while True:
            try:
                datagram, rights, _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
            except BlockingIOError:
                break
            for _, _, numbers in rights:
                (descriptor,) = array.array("i", numbers[:4])
                self.files += 1
                with open(descriptor, "rb") as file:
                    file.seek(0)
                    datagram = file.read()
            self._entries.append(_parsed(datagram))
        return [each for each in self._entries if event is None or each.get("EVENT") == [event]]

    def waits_for(self, event: str) -> dict[str, list[str]]:
        return eventually(lambda: self.entries(event), event)[0]

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


def _parsed(datagram: bytes) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        fields.setdefault(name.decode("ascii"), []).append(value.decode("utf-8"))
        datagram = rest
    return fields
