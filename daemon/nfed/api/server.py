"""Serves an application on given sockets, in the running event loop, until a stop."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterator, Sequence

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from nfed.errors import AddressUnavailable
from nfed.words import Message

_BACKLOG = 1024
_MOST_CONNECTIONS = 500
_KEEP_ALIVE_SECONDS = 15
_HEADER_SECONDS = 15.0
_SILENT_SECONDS = 30  # a peer that takes nothing for this long is cut off
_GRACE_SECONDS = 20
_TICK_SECONDS = 1.0


def listening(host: str, port: int) -> list[socket.socket]:
    """Bound sockets, one for each address of the host. Raises AddressUnavailable."""
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise AddressUnavailable(
            Message("http: {host}: {strerror}", host=host, strerror=error.strerror)
        ) from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            made = socket.socket(family, kind, protocol)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
            port = port or made.getsockname()[1]
    except OSError as error:
        for made in sockets:
            made.close()
        raise AddressUnavailable(
            Message(
                "http: {host}:{port}: {strerror}", host=host, port=port, strerror=error.strerror
            )
        ) from error
    return sockets


def is_local(sockets: Sequence[socket.socket]) -> bool:
    """Tells whether only this machine can reach them."""
    return all(
        each.family == socket.AF_UNIX
        or ipaddress.ip_address(each.getsockname()[0].partition("%")[0]).is_loopback
        for each in sockets
    )


async def serve(app: ASGIApp, sockets: Sequence[socket.socket], stop: asyncio.Event) -> None:
    """Serves until `stop`; then accepts nothing more, answers what is under way and returns.

    Closes the sockets. Streams must end by themselves when `stop` is set.
    """
    for each in sockets:
        if each.family != socket.AF_UNIX:
            # Inherited by what is accepted: who vanishes, or takes nothing, holds nothing for long.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * _SILENT_SECONDS)
    # What clients do wrong is answered to them; what we do wrong is logged where it is answered.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    config = Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    await _Server(config, stop).serve(list(sockets))


class _Server(Server):
    """uvicorn without its own signal handlers, which stops when it is told to."""

    def __init__(self, config: Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)  # renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stop.wait()


class _Protocol(H11Protocol):
    """Cuts off who takes too long over a request's head."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        else:
            self._head_came()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
