"""A man in the middle of a TCP connection, for what networks do to it."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Stands before a port of this machine, on `port`, while the block lasts."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self.sent = bytearray()
        """What clients sent."""
        self.loses_answer_to: bytes | None = None
        """The connection breaks when the server has answered what holds this."""
        self.answers_lost = 0
        self.answered = 0
        """Bytes that servers sent."""
        self.on_sending: Callable[[bytes], None] | None = None
        """Called with what a client sent, before that goes on."""
        self.breaks_answer_at: int | None = None
        """Of `answered`: what comes after it is lost, and the connection breaks."""
        self.says_instead: bytes | None = None
        """What comes in place of the next answer, before the connection breaks."""
        self.speaks = threading.Event()
        """While it is not set, no answer comes through."""
        self.speaks.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.speaks.set()
        _hang_up(self._listening)
        self.cut()

    def cut(self) -> None:
        """Breaks every connection."""
        for each in self._sockets:
            _hang_up(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                lost = threading.Event()
                for pump in (self._ask, self._answer):
                    threading.Thread(target=pump, args=(client, server, lost), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while said := client.recv(1 << 16):
                self.sent += said
                if self.loses_answer_to is not None and self.loses_answer_to in said:
                    lost.set()
                if self.on_sending is not None:
                    self.on_sending(said)
                server.sendall(said)
        _hang_up(server)

    def _answer(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(1 << 16):
                if lost.is_set():
                    self.answers_lost += 1
                    break
                if self.says_instead is not None:
                    client.sendall(self.says_instead)
                    break
                self.answered += len(said)
                if self.breaks_answer_at is not None and self.answered > self.breaks_answer_at:
                    client.sendall(said[: self.breaks_answer_at - self.answered])
                    break
                self.speaks.wait()
                client.sendall(said)
        _hang_up(client)


def _hang_up(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
