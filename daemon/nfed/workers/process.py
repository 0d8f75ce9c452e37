"""Runs in a worker process: takes requests, answers them.

Started as `python -P -m nfed.workers.process FD worker 2 of 4`, FD being one end of a socket pair;
the rest is for whoever looks at processes. The settings come first over the socket. It ends when
the other end closes, so no worker outlives its daemon.
"""

import contextlib
import ctypes
import gc
import os
import pickle
import resource
import signal
import sys
from multiprocessing.connection import Connection

from nfed.core.outcome import Deferred, Reason
from nfed.core.ports import Reading
from nfed.documents.checks import canonical, signature
from nfed.words import Message
from nfed.workers.durable import flush
from nfed.workers.members import CheckYourself, MemberRequest, Members
from nfed.workers.read import WorkerSettings, check_yourself, read_files

__all__ = ["WorkerSettings", "main", "read_files"]

# Loaded before the worker says that it is ready: later, the machine may be short of memory or of
# descriptors, and a file must not pay for that.
_NEEDED = (canonical, signature)

_PR_SET_PDEATHSIG = 1
_EX_MEMORY = 71  # EX_OSERR, sysexits.h: out of memory


def main(descriptor: int) -> None:
    """Answers requests until the daemon hangs up."""
    connection = Connection(descriptor)
    try:
        settings = WorkerSettings.from_json(connection.recv_bytes().decode())
    except (EOFError, OSError):
        return
    _confine(settings.memory_bytes)
    # Documents are trees without cycles: the collector would only walk them in vain.
    gc.freeze()
    gc.disable()
    members = Members(settings)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send_bytes(b"")  # ready
        while True:
            request: list[str] | CheckYourself | MemberRequest = connection.recv()
            try:
                answer = _answer(request, members, settings)
            except MemoryError:
                os._exit(_EX_MEMORY)
            # Not Connection.send: its pickler, which knows how to hand over sockets, too, takes
            # half as long again, 1 % of a note.
            connection.send_bytes(pickle.dumps(answer))
            del answer  # or the collector would walk through all of it, for 2 % of a note
            gc.collect(0)


def _answer(
    request: list[str] | CheckYourself | MemberRequest, members: Members, settings: WorkerSettings
) -> object:
    match request:
        case list():
            return _read_durably(request, settings)
        case CheckYourself():
            check_yourself(settings)
            return None
        case _:
            return members.answer(request)


def _read_durably(paths: list[str], settings: WorkerSettings) -> list[Reading]:
    """Reads files whose bytes survive a power cut; where the disk will not have them, they wait."""
    try:
        flush(paths[0])
    except FileNotFoundError:
        pass  # its folder is gone, and reading says so
    except OSError as error:
        waits = Deferred(
            Reason.UNREADABLE, Message("its bytes cannot be put on the disk: {error}", error=error)
        )
        return [Reading(waits)] * len(paths)
    return read_files(paths, settings)


def _confine(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's business
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main(int(sys.argv[1]))
