"""Decides who may ask: checks the token, and what a browser must not be talked into."""

import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from nfed.api.problems import Problem, response_to

TICKET_SECONDS = 60
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = frozenset({"cross-site", "same-site"})


def check_token(request: Request, token: str | None) -> None:
    """Raises a 401 problem unless the request bears the token; None: open."""
    if token is None:
        return
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    given = presented.strip().encode("utf-8", "replace")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given, token.encode()):
        raise Problem(
            401,
            "expected the header Authorization: Bearer and the api_token of this nfed",
            headers={"WWW-Authenticate": "Bearer"},
        )


def ticket_for(token: str | None, now: float) -> str:
    """A ticket for the stream of events; `now` in seconds since 1970."""
    until = f"{int(now) + TICKET_SECONDS}.{secrets.token_urlsafe(9)}"
    return f"{until}.{_signature(until, token)}"


def is_ticket(ticket: str, token: str | None, now: float) -> bool:
    """Tells whether it was made with this token, not more than TICKET_SECONDS ago."""
    until, _, signature = ticket.rpartition(".")
    expires = until.partition(".")[0]
    given = signature.encode("utf-8", "replace")
    if not hmac.compare_digest(given, _signature(until, token).encode()):
        return False
    return expires.isascii() and expires.isdigit() and now <= int(expires)


def _signature(until: str, token: str | None) -> str:
    said = f"nfed /batch/events {until}".encode("utf-8", "replace")
    return hmac.new((token or "").encode(), said, sha256).hexdigest()


def check_origin(
    headers: Headers, method: str, token: str | None, allowed: Sequence[str] = ()
) -> None:
    """Raises a 403 problem for what a page of another site makes a browser send.

    A form on any page can post to a server on loopback, with no leave from it (CSRF). Browsers say
    where such a request comes from; programs do not send these headers. With a token no page can
    ask anything.
    """
    if method in _SAFE or token is not None:
        return
    origin = headers.get("origin")
    if origin in allowed:
        return
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if foreign or headers.get("sec-fetch-site") in _FOREIGN:
        raise Problem(403, "a page of another site may not do this")


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address, as in a Host header without port, is this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback


class LoopbackHosts:
    """Lets only requests through whose Host header means this machine.

    A name that an attacker owns may be made to resolve to 127.0.0.1 (DNS rebinding), and then the
    attacker's page is of the same origin as this server; only the Host header tells.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or hands on."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            name = host.rpartition(":")[0] if _has_port(host) else host
            if not is_loopback(name):
                refused = Problem(421, "without api_token this server answers to localhost only")
                await response_to(Request(scope), refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (not host.startswith("[") or "]:" in host)
