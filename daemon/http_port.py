"""The daemon's HTTP port: sockets that outlive a reload, or that systemd opened for us."""

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from daemon.errors import ConfigError
from daemon.notifiers.sockets import inherited_sockets
from daemon.settings import Settings

if TYPE_CHECKING:
    from daemon.api.inside import HttpService  # its packages are an extra


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
            from daemon.api.inside import HttpService
        except ModuleNotFoundError as error:
            raise ConfigError(f"http needs the extra nfed[api]: {error.name} is missing") from error
        self._bind(settings.http)
        return HttpService(settings, [each.dup() for each in self._inherited or self._bound])

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
    from daemon.api.server import listening

    host, _, port = address.rpartition(":")
    return listening(host, int(port))


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()
