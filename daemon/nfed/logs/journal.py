"""Speaks journald's native protocol: each field of an entry by its name.

See https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ and systemd.journal-fields(7).
"""

import array
import errno
import fcntl
import json
import os
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from nfed.core.escape import escaped_lines
from nfed.errors import ConfigError
from nfed.logs.entry import Entry
from nfed.logs.events import EVENTS
from nfed.logs.outbox import Item
from nfed.words import Message

type Send = Callable[[Item], None]

_SOCKET = Path("/run/systemd/journal/socket")
_SEND_SECONDS = 1.0
_MOST_OF_A_NAME = 64
_RESERVED = frozenset({"MESSAGE", "PRIORITY", "MESSAGE_ID", "SYSLOG_IDENTIFIER", "LOGGER", "EVENT"})
_NO_NAME = re.compile(r"[^A-Z0-9_]")
_SEALS = 0x0001 | 0x0002 | 0x0004 | 0x0008  # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE
_F_ADD_SEALS = 1033


def stderr_is_journal(out: TextIO) -> bool:
    """Tells whether the stream leads to the journal: JOURNAL_STREAM names its device and inode.

    That the variable is set says nothing: a child that writes elsewhere inherits it too.
    """
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(out.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def journal_sender(path: Path = _SOCKET) -> Send | None:
    """The way to this machine's journal; None where systemd-python, the extra, is missing.

    That package says that fields are wanted, and no more: its sendv holds the interpreter's lock
    while journald is stopped, and with it every thread, so the protocol is spoken here.
    """
    if find_spec("systemd") is None or not path.exists():
        return None
    return SocketSender(path)


def try_socket(path: Path) -> None:
    """Sends nothing. Raises ConfigError for a path at which nobody takes entries."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as trial:
        try:
            trial.connect(str(path))
        except OSError as error:
            raise ConfigError(
                Message(
                    "journal_socket {path}: {strerror}", path=path, strerror=error.strerror or error
                )
            ) from error


def journal_item(entry: Entry) -> Item:
    """The entry's fields, names in capitals; of what has no shape, line breaks alone stay."""
    return tuple(f"{name}={escaped_lines(str(value))}".encode() for name, value in _fields(entry))


def _fields(entry: Entry) -> Iterator[tuple[str, object]]:
    known = EVENTS.get(entry.event)
    yield "MESSAGE", entry.event if known is None else known.message(entry.fields)
    yield "PRIORITY", entry.priority
    yield "SYSLOG_IDENTIFIER", "nfed"
    yield "LOGGER", entry.logger
    if known is not None:
        yield "MESSAGE_ID", known.message_id
        yield "EVENT", entry.event
    if entry.place is not None:
        yield "CODE_FILE", entry.place.file
        yield "CODE_LINE", entry.place.line
        yield "CODE_FUNC", entry.place.function
    for name, value in entry.fields.items():
        field = _name(name)
        if field:
            for each in value if isinstance(value, list) else [value]:
                yield field, each if not isinstance(each, dict) else json.dumps(each, default=str)


def _name(name: str) -> str:
    """A name that journald takes; empty: none can be made of it."""
    made = _NO_NAME.sub("_", name.upper()).lstrip("_0123456789")[:_MOST_OF_A_NAME]
    return f"{made}_" if made in _RESERVED or made.startswith("CODE_") else made


class SocketSender:
    """Speaks the protocol itself, to the socket at a path."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(_SEND_SECONDS)

    def __call__(self, item: Item) -> None:
        """Raises OSError when nobody takes it now."""
        datagram = b"".join(_serialised(item))
        try:
            self._socket.sendto(datagram, self._path)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_as_file(datagram)

    def _send_as_file(self, datagram: bytes) -> None:
        """Sends what no datagram holds as a sealed memory file."""
        descriptor = os.memfd_create("nfed-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(datagram)
            fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEALS)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            self._socket.sendmsg([b""], rights, 0, self._path)
        finally:
            os.close(descriptor)


def _serialised(item: Iterable[bytes]) -> Iterator[bytes]:
    for field in item:
        name, _, value = field.partition(b"=")
        if b"\n" in value:
            yield name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        else:
            yield field + b"\n"
