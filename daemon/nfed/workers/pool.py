"""Keeps a pool of worker processes, one pipe each, so that the death of one is heard by one.

Each worker has a socket pair to the daemon. A pipe that workers share can be left locked by a
SIGKILL in the middle of a write, and multiprocessing's executor breaks as a whole with one worker.
"""

import asyncio
import contextlib
import pickle
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

from nfed.core.archive import Listing, Member
from nfed.core.arrival import Version
from nfed.core.outcome import Deferred, Refused
from nfed.core.ports import Reading, WorkerCrashed
from nfed.errors import WorkersUnavailable
from nfed.words import Message
from nfed.workers.members import (
    CheckYourself,
    ListArchive,
    MemberBytes,
    MemberRequest,
    ReadMembers,
)
from nfed.workers.read import WorkerSettings

_CHUNK_TIMEOUT_SECONDS = 60.0
_FILE_TIMEOUT_SECONDS = 20.0
_ARCHIVE_TIMEOUT_SECONDS = 45.0  # less than the patience of whoever watches the daemon
_START_TIMEOUT_SECONDS = 60.0


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
        self._all = [_Worker(settings, f"{n} of {count}") for n in range(1, count + 1)]
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
        await asyncio.gather(*(asyncio.to_thread(worker.kill) for worker in self._all))
        self._threads.shutdown(wait=True)

    @property
    def pids(self) -> list[int]:
        """Of the running workers, for tests and for measuring memory."""
        return [worker.pid for worker in self._all if worker.pid is not None]

    async def read(self, paths: Sequence[str]) -> list[Reading]:
        """See ports.Reader."""
        readings: list[Reading] = await self._ask(list(paths), self._timeouts[len(paths) > 1])
        return readings

    async def check(self) -> None:
        """See ports.Reader."""
        await self._ask(CheckYourself(), self._timeouts[0])

    async def list_archive(self, path: str, version: Version) -> Listing | Refused | Deferred:
        """See ports.Reader."""
        listing: Listing | Refused | Deferred = await self._ask(
            ListArchive(path, version), _ARCHIVE_TIMEOUT_SECONDS
        )
        return listing

    async def read_members(
        self, path: str, version: Version, members: Sequence[Member]
    ) -> list[Reading]:
        """See ports.Reader."""
        # A zip inside the archive may have to be unpacked first.
        readings: list[Reading] = await self._ask(
            ReadMembers(path, version, tuple(members)), _ARCHIVE_TIMEOUT_SECONDS
        )
        return readings

    async def member_bytes(self, path: str, version: Version, member: Member) -> bytes | None:
        """See ports.Reader."""
        content: bytes | None = await self._ask(
            MemberBytes(path, version, member), _ARCHIVE_TIMEOUT_SECONDS
        )
        return content

    async def _ask(self, request: list[str] | CheckYourself | MemberRequest, timeout: float) -> Any:
        """Asks an idle worker; the type of the answer follows from the request."""
        worker = await self._idle.get()
        loop = asyncio.get_running_loop()
        asked = self._threads.submit(worker.ask, request, timeout)
        # Idle again when no thread is at it any more: neither before a reader that was cancelled
        # has its answer, nor never where it was cancelled before a thread had begun.
        asked.add_done_callback(lambda _: loop.call_soon_threadsafe(self._idle.put_nowait, worker))
        return await asyncio.wrap_future(asked)


class _Worker:
    """One process and the daemon's end of its pipe; used by one thread at a time."""

    def __init__(self, settings: WorkerSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> socket.socket:
        """Raises WorkersUnavailable."""
        try:
            ours = self._connection = self._spawned()
        except OSError as error:  # no descriptor, no memory or no process is left
            raise WorkersUnavailable(
                Message("a worker process cannot begin: {strerror}", strerror=error.strerror)
            ) from error
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        try:
            _send(ours, self._settings.to_json().encode(), deadline)
            _receive(ours, deadline)  # it is ready
        except OSError as error:
            code = self.kill()
            raise WorkersUnavailable(
                Message("a worker process ended before it began ({code})", code=_ending(code))
            ) from error
        return ours

    def _spawned(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack, theirs:
            stack.callback(ours.close)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "nfed.workers.process",
                    *(str(theirs.fileno()), "worker", *self._name.split()),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
            stack.pop_all()
        return ours

    def ask(self, request: list[str] | CheckYourself | MemberRequest, timeout: float) -> object:
        ours = self._connection or self.start()
        deadline = time.monotonic() + timeout
        try:
            _send(ours, pickle.dumps(request), deadline)
            answer: object = pickle.loads(_receive(ours, deadline))
        except TimeoutError:
            self.kill()
            raise WorkerCrashed(
                Message("no answer within {timeout:.0f} s", timeout=timeout)
            ) from None
        except OSError:
            code = self.kill()
            raise WorkerCrashed(
                Message("the worker process ended ({code})", code=_ending(code))
            ) from None
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


def _ending(code: int | None) -> Message:
    if code is None:
        return Message("hung up without ending")
    if code < 0:
        return Message("signal {signal}", signal=-code)
    return Message("exit code {code}", code=code)


def _send(ours: socket.socket, message: bytes, deadline: float) -> None:
    # multiprocessing's Connection.send keeps a view of a BytesIO, which crashes the interpreter
    # when its traceback is collected as part of a cycle; and its recv has no timeout once begun.
    ours.settimeout(max(deadline - time.monotonic(), 0.001))
    ours.sendall(struct.pack("!i", len(message)) + message)


def _receive(ours: socket.socket, deadline: float) -> bytearray:
    (size,) = struct.unpack("!i", _receive_exactly(ours, 4, deadline))
    return _receive_exactly(ours, size, deadline)


def _receive_exactly(ours: socket.socket, size: int, deadline: float) -> bytearray:
    message = bytearray(size)
    left = memoryview(message)
    while left:
        ours.settimeout(max(deadline - time.monotonic(), 0.001))
        received_bytes = ours.recv_into(left)
        if not received_bytes:
            raise ConnectionResetError
        left = left[received_bytes:]
    return message
