"""Keeps the daemon's HTTP sockets: they outlive a reload, or were opened by systemd."""

import socket
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nfed.errors import ConfigError
from nfed.notifiers.systemd import inherited_sockets
from nfed.settings import Settings
from nfed.words import Message

if TYPE_CHECKING:
    from fastapi import FastAPI

    from nfed.api.inside import HttpService  # its packages are an extra


class HttpPort:
    """Bound once for each address; a session answers on duplicates, so that clients that come
    between two sessions wait in the socket's own queue."""

    def __init__(self) -> None:
        self._inherited = inherited_sockets().get("http", [])
        self._address: str | None = None
        self._bound: list[socket.socket] = []

    def service(self, settings: Settings) -> "HttpService | None":
        """The API on its sockets, not yet answering; None: it is not asked for.

        Raises ConfigError, or AddressUnavailable.
        """
        if not self._inherited and settings.http is None:
            self._close_bound()
            return None
        try:
            from nfed.api.inside import HttpService
        except ModuleNotFoundError as error:
            raise ConfigError(
                Message("http needs the extra nfed[api]: {error} is missing", error=error.name)
            ) from error
        self._bind(settings.http)
        sockets = [each.dup() for each in self._inherited or self._bound]
        return HttpService(settings, sockets, _page())

    def try_out(self, settings: Settings) -> None:
        """Raises what `service` would raise with these settings, changing nothing."""
        if not self._inherited and settings.http not in (None, self._address):
            _close(_listening(str(settings.http)))
        service = self.service(settings) if settings.http == self._address else None
        if service is not None:
            service.close()

    def close(self) -> None:
        """Closes all of them."""
        _close(self._inherited)
        self._close_bound()

    def _bind(self, address: str | None) -> None:
        if self._inherited or address is None or address == self._address:
            return
        self._close_bound()
        self._bound = _listening(address)
        self._address = address

    def _close_bound(self) -> None:
        _close(self._bound)
        self._bound, self._address = [], None


def _listening(address: str) -> list[socket.socket]:
    from nfed.api.server import listening

    host, _, port = address.rpartition(":")
    return listening(host, int(port))


def _page() -> "Callable[[FastAPI, Settings], None] | None":
    """Adds the page to the API; None: its packages, an extra of their own, are not installed."""
    if find_spec("jinja2") is None:
        return None
    from nfed.web import install

    return install


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()
