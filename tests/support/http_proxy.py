"""A hostile HTTP server before a friendly one: what gateways and networks do to a request."""

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, assert_never

import httpx

_HOP_BY_HOP = {"connection", "host", "transfer-encoding", "content-length", "keep-alive"}
_OURS = {*_HOP_BY_HOP, "content-encoding", "accept-encoding", "date", "server"}


@dataclass(frozen=True)
class Answer:
    """Said in the server's place, which hears nothing of the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Fault(Enum):
    """What happens to the connection."""

    CUT_BEFORE = auto()
    """It breaks before the request reaches the server."""
    CUT_AFTER = auto()
    """It breaks when the server has answered: done, and nobody knows."""
    CUT_WITHIN = auto()
    """It breaks in the middle of the answer."""
    SILENT = auto()
    """Nothing ever comes, and the server hears nothing."""
    HELD = auto()
    """The server's answer comes when `released` is set."""


type Trouble = Answer | Fault


def page(status: int, **headers: str) -> Answer:
    """An HTML page, as gateways write them."""
    body = f"<html><head><title>{status}</title></head><body>cloud <b>trouble</b></body></html>"
    return Answer(status, body.encode(), {"content-type": "text/html", **headers})


def postgrest(status: int, code: str, message: str, **headers: str) -> Answer:
    """An error in PostgREST's words."""
    said = {"code": code, "details": None, "hint": None, "message": message}
    return Answer(
        status,
        json.dumps(said).encode(),
        {"content-type": "application/json; charset=utf-8", **headers},
    )


@dataclass(frozen=True)
class Request:
    """A request that came, without what is secret in it."""

    method: str
    path: str
    header_names: frozenset[str]
    size_bytes: int
    trouble: Trouble | None
    """What it met; None: the server answered it."""


class HttpProxy:
    """Stands before `target` while the block lasts, at `url`."""

    def __init__(self, target: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.target = target
        """May change."""
        self.seen: list[Request] = []
        self.max_body_bytes: int | None = None
        """Beyond this, requests are answered with 413."""
        self.everywhere = False
        """Whether other requests than rpc calls meet trouble too."""
        self.released = threading.Event()
        self._troubles: deque[Trouble] = deque()
        self._always: Trouble | None = None
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._client = httpx.Client(timeout=60, trust_env=False)
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = _Server(("127.0.0.1", port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        for each in list(self._sockets):
            _hang_up(each)
        self._server.server_close()
        self._client.close()

    def next(self, *troubles: Trouble) -> None:
        """What the next rpc calls meet, in order."""
        with self._lock:
            self._troubles.extend(troubles)

    def always(self, trouble: Trouble | None) -> None:
        """What every rpc call meets from now on; None: all is well again."""
        with self._lock:
            self._always = trouble
            self._troubles.clear()

    def calls(self, function: str) -> list[Request]:
        """The rpc calls of a function so far."""
        return [each for each in self.seen if each.path == f"/rest/v1/rpc/{function}"]

    def _trouble(self, path: str, size_bytes: int) -> Trouble | None:
        with self._lock:
            if not self.everywhere and "/rpc/" not in path:
                return None
            if self._troubles:
                return self._troubles.popleft()
            if self.max_body_bytes is not None and size_bytes > self.max_body_bytes:
                return page(413)
            return self._always


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes is no news."""


class _Handler(BaseHTTPRequestHandler):
    owner: HttpProxy
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.owner._sockets.add(self.connection)

    def finish(self) -> None:
        self.owner._sockets.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        trouble = self.owner._trouble(path, len(body))
        names = frozenset(name.lower() for name in self.headers)
        self.owner.seen.append(Request(self.command, path, names, len(body), trouble))
        match trouble:
            case Answer():
                self._say(trouble)
            case Fault.CUT_BEFORE:
                self._cut()
            case Fault.SILENT:
                self.owner.released.wait()
                self._cut()
            case Fault.CUT_AFTER:
                self._ask(body)
                self._cut()
            case Fault.CUT_WITHIN:
                self._say(self._ask(body), cut=True)
            case Fault.HELD:
                answer = self._ask(body)
                self.owner.released.wait()
                self._say(answer)
            case None:
                self._say(self._ask(body))
            case _ as unreachable:
                assert_never(unreachable)

    do_GET = do_POST = do_HEAD = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

    def _ask(self, body: bytes) -> Answer:
        sent = {name: text for name, text in self.headers.items() if name.lower() not in _OURS}
        try:
            heard = self.owner._client.request(
                self.command, self.owner.target + self.path, content=body, headers=sent
            )
        except httpx.HTTPError:
            return page(502)
        kept = {name: text for name, text in heard.headers.items() if name.lower() not in _OURS}
        return Answer(heard.status_code, heard.content, kept)

    def _say(self, answer: Answer, cut: bool = False) -> None:
        self.send_response(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        if cut:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        _hang_up(self.connection)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _hang_up(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
