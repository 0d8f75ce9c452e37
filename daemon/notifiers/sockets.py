"""Socket activation: the listening sockets that systemd opened for us (sd_listen_fds(3))."""

import os
import socket
from collections.abc import MutableMapping

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
