"""The pool of worker processes: one pipe each, so that the death of one is heard by one.

multiprocessing's own executor breaks as a whole when a worker is killed, and libraries with a
pipe shared among workers can be left locked by a SIGKILL in the middle of a write.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType

from daemon.core.ports import Reading, WorkerCrashed
from daemon.flow.worker import WorkerSettings

_CHUNK_TIMEOUT_SECONDS = 60.0
_FILE_TIMEOUT_SECONDS = 20.0


class Workers:
    """`count` worker processes, each replaced when it dies, hangs or exhausts its memory."""

    def __init__(
        self,
        count: int,
        settings: WorkerSettings,
        *,
        chunk_timeout_seconds: float = _CHUNK_TIMEOUT_SECONDS,
        file_timeout_seconds: float = _FILE_TIMEOUT_SECONDS,
    ) -> None:
        self._settings = settings
        self._timeouts = (file_timeout_seconds, chunk_timeout_seconds)
        # A worker is started by the thread that talks to it: PR_SET_PDEATHSIG goes by thread.
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="nfed-worker")
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue(count)
        self._all = [_Worker(settings) for _ in range(count)]
        for worker in self._all:
            self._idle.put_nowait(worker)

    async def __aenter__(self) -> "Workers":
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(self._threads, worker.start) for worker in self._all)
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(wait=True)

    @property
    def pids(self) -> list[int]:
        """Of the running workers, for tests and for measuring memory."""
        return [worker.pid for worker in self._all if worker.pid is not None]

    async def read(self, paths: Sequence[str]) -> list[Reading]:
        """See ports.Reader."""
        timeout = self._timeouts[len(paths) > 1]
        worker = await self._idle.get()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, worker.ask, list(paths), timeout
            )
        finally:
            self._idle.put_nowait(worker)


class _Worker:
    """One process and the daemon's end of its pipe; used by one thread at a time."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "daemon.flow.worker",
                    str(theirs.fileno()),
                    self._settings.to_json(),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        return self._connection

    def ask(self, paths: list[str], timeout: float) -> list[Reading]:
        connection = self._connection or self.start()
        try:
            connection.send(paths)
            if not connection.poll(timeout):
                raise WorkerCrashed(f"no answer within {timeout:.0f} s")
            answer: list[Reading] = connection.recv()
        except WorkerCrashed:
            self.kill()
            raise
        except (EOFError, OSError) as error:
            code = self.kill()
            raise WorkerCrashed(f"the worker process ended ({_ending(code)})") from error
        return answer

    def kill(self) -> int | None:
        """Ends the process if there is one; returns how it had ended on its own, if it had."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # closing its pipe ends an idle one
        code = process.poll()
        process.kill()
        process.wait()
        return code


def _ending(code: int | None) -> str:
    if code is None:
        return "hung up without ending"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
