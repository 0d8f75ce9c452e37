"""What runs in a worker process: requests in, answers out.

Started as `python -P -m daemon.flow.worker FD` with one end of a socket pair. It ends when the
other end closes, so no worker outlives its daemon.
"""

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection

from daemon.flow.members import MemberRequest, Members
from daemon.flow.reading import WorkerSettings, read_file

__all__ = ["WorkerSettings", "main", "read_file"]

_PR_SET_PDEATHSIG = 1
_EX_MEMORY = 71  # EX_OSERR, sysexits.h: out of memory


def main(descriptor: int, settings: WorkerSettings) -> None:
    """Answers requests until the daemon hangs up."""
    _confine(settings.memory_bytes)
    connection = Connection(descriptor)
    # Documents are trees without cycles: the collector would only walk them in vain.
    gc.freeze()
    gc.disable()
    members = Members(settings)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send_bytes(b"")  # ready
        while True:
            request: list[str] | MemberRequest = connection.recv()
            try:
                answer = (
                    [read_file(path, settings) for path in request]
                    if isinstance(request, list)
                    else members.answer(request)
                )
            except MemoryError:
                os._exit(_EX_MEMORY)
            connection.send(answer)
            gc.collect(0)


def _confine(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's business
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main(int(sys.argv[1]), WorkerSettings.from_json(sys.argv[2]))
