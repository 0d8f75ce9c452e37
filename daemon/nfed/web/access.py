"""Decides who may see the page: loopback without a token, beyond it a signed cookie.

The token is entered once. What the browser keeps is not the token but a session: who, until when,
and a signature made with the token, so that another token ends every session.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from nfed.api.problems import Problem
from nfed.api.security import check_origin
from nfed.words import Message

COOKIE = "nfed_session"
SESSION_SECONDS = 12 * 3600
_LOGIN_REST_SECONDS = 0.5
_MOST_LOGINS = 8  # that wait at once; a guesser waits in line


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page."""

    name: str | None
    """None: whoever has the token, or sits at this machine."""
    may_operate: bool
    """Send files, put them back, set them aside, cancel jobs."""
    signed_in: bool
    """There is a session to end."""


class SignInNeeded(Exception):
    """No session, or one that has ended."""


class Sessions:
    """Signs and reads the cookie."""

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(token.encode(), b"nfed session cookie", "sha256")
        self._clock = clock

    def begin(self, name: str | None) -> str:
        """A cookie's value that holds for SESSION_SECONDS."""
        said = json.dumps([name, int(self._clock()) + SESSION_SECONDS]).encode()
        return f"{_text(said)}.{_text(self._signature(said))}"

    def name_in(self, cookie: str | None) -> tuple[bool, str | None]:
        """Whether the cookie is ours and holds still, and whose it is."""
        said, _, signature = (cookie or "").partition(".")
        try:
            body = _bytes(said)
            if not hmac.compare_digest(_bytes(signature), self._signature(body)):
                return False, None
            name, ends = json.loads(body)
        except ValueError:
            return False, None
        return self._clock() < ends, name

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)


class Door:
    """The page's access, one for the application."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self.sessions = None if token is None else Sessions(token)
        self._waiting = 0
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """No token is set: only this machine can ask."""
        return self._token is None

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None: nobody that may see anything."""
        if self.sessions is None:
            return Visitor(None, may_operate=True, signed_in=False)
        holds, name = self.sessions.name_in(request.cookies.get(COOKIE))
        return Visitor(name, may_operate=True, signed_in=True) if holds else None

    async def admits(self, presented: str) -> bool:
        """Whether this is the token; one attempt at a time, each with a pause before the answer.

        Raises a 429 problem when too many wait.
        """
        if self._waiting >= _MOST_LOGINS:
            raise Problem(
                429, Message("too many attempts; wait a moment"), headers={"Retry-After": "5"}
            )
        self._waiting += 1
        try:
            async with self._turn:
                good = hmac.compare_digest(
                    presented.strip().encode("utf-8", "replace"), (self._token or "").encode()
                )
                if not good:
                    await asyncio.sleep(_LOGIN_REST_SECONDS)
                return good and self._token is not None
        finally:
            self._waiting -= 1


def door_of(request: Request) -> Door:
    """The application's."""
    door: Door = request.app.state.nfed_door
    return door


def visitor(request: Request) -> Visitor:
    """Admits whoever may look. Raises SignInNeeded, or a 403 problem for another site's form."""
    check_origin(request.headers, request.method, None)
    found = door_of(request).visitor(request)
    if found is None:
        raise SignInNeeded
    request.state.visitor = found
    return found


def operator(request: Request) -> Visitor:
    """Admits whoever may change something. Raises as `visitor`, and a 403 problem."""
    found = visitor(request)
    if not found.may_operate:
        raise Problem(403, Message("your role is to look; ask somebody who may operate"))
    return found


Looking = Annotated[Visitor, Depends(visitor)]
Operating = Annotated[Visitor, Depends(operator)]


def way_back(address: str) -> str:
    """Where to go after the login: an address of the page itself, or its start."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/")
    return address if own and not address.startswith(("//", "/\\")) else "/"


def is_behind_tls(request: Request) -> bool:
    """Whether the browser speaks HTTPS to a proxy, so that its cookie can be Secure."""
    return request.url.scheme == "https" or (
        urlsplit(request.headers.get("origin", "")).scheme == "https"
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
