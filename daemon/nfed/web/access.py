"""Decides who may see the page: loopback without a token, beyond it a signed cookie.

The token, or a user's name and password, is entered once. What the browser keeps is neither but a
session: who, until when, and a signature. It is made with the token, so that another token ends
every session, and for a user with the hash of the password, too: another password ends the user's
sessions, as being taken out does. What a user may do is looked up each time.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Request
from structlog.typing import FilteringBoundLogger

from nfed.api.problems import Problem
from nfed.api.security import check_origin
from nfed.errors import ConfigError
from nfed.settings.users import NOBODY, Role, User, Users
from nfed.words import Message

COOKIE = "nfed_session"
SESSION_SECONDS = 12 * 3600
_LOGIN_REST_SECONDS = 0.5
_MOST_FILES = 20
_MOST_LOGINS = 8  # that wait at once; a guesser waits in line

log: FilteringBoundLogger = structlog.get_logger("nfed")


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

    def begin(self, user: User | None) -> str:
        """A cookie's value that holds for SESSION_SECONDS; None: for whoever has the token."""
        name = None if user is None else user.name
        said = json.dumps([name, int(self._clock()) + SESSION_SECONDS]).encode()
        return f"{_text(said)}.{_text(self._signature(said, user))}"

    def owner(self, cookie: str | None, users: Mapping[str, User]) -> tuple[bool, User | None]:
        """Whether the cookie is ours and holds still, and whose it is."""
        said, _, signature = (cookie or "").partition(".")
        try:
            body = _bytes(said)
            name, ends = json.loads(body)
            user = None if name is None else users[name]
            good = hmac.compare_digest(_bytes(signature), self._signature(body, user))
            return good and self._clock() < ends, user
        except (ValueError, TypeError, KeyError):
            return False, None

    def _signature(self, said: bytes, user: User | None) -> bytes:
        key = self._key if user is None else hmac.digest(self._key, user.hash.encode(), "sha256")
        return hmac.digest(key, said, hashlib.sha256)


class Door:
    """The page's access, one for the application."""

    def __init__(self, token: str | None, users: Users) -> None:
        self._token = token
        self._users = users
        self._complaint = ""
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
        holds, user = self.sessions.owner(request.cookies.get(COOKIE), self.users())
        if not holds:
            return None
        if user is None:
            return Visitor(None, may_operate=True, signed_in=True)
        return Visitor(user.name, may_operate=user.role is Role.OPERATE, signed_in=True)

    def users(self) -> Mapping[str, User]:
        """Everybody by name; nobody while the file cannot be used, which the log says."""
        try:
            return self._users.all()
        except ConfigError as error:
            if str(error) != self._complaint:
                log.warning("users_unfit", error=str(error))
            self._complaint = str(error)
            return {}

    async def admits(self, name: str, presented: str) -> tuple[bool, User | None]:
        """Whether this is the password of that user, or without a name the token; and who it is.

        One attempt at a time, each with a pause before the answer. Raises a 429 problem when too
        many wait.
        """
        if self._waiting >= _MOST_LOGINS:
            raise Problem(
                429, Message("too many attempts; wait a moment"), headers={"Retry-After": "5"}
            )
        self._waiting += 1
        try:
            async with self._turn:
                user = self.users().get(unicodedata.normalize("NFC", name), NOBODY)
                if name:
                    good = await asyncio.to_thread(user.has, presented)
                else:
                    good = self._is_token(presented)
                if not good:
                    await asyncio.sleep(_LOGIN_REST_SECONDS)
                return good, user if name else None
        finally:
            self._waiting -= 1

    def _is_token(self, presented: str) -> bool:
        given = presented.strip().encode("utf-8", "replace")
        return self._token is not None and hmac.compare_digest(given, self._token.encode())


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


def acted(who: Visitor, action: str, files: Sequence[str] = (), job_id: str = "") -> None:
    """Logs who did what on the page; of many files, the first ones and how many."""
    log.info(
        "page_acted",
        action=action,
        user=who.name,
        files=list(files[:_MOST_FILES]),
        count=len(files),
        job_id=job_id,
    )


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
