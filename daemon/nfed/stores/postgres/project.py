"""A Supabase project over HTTPS, and what its answers mean to nfed.

An answer's status decides, and in it the `code` of PostgREST (PGRST…) or PostgreSQL (five
characters): https://docs.postgrest.org/en/stable/references/errors.html
"""

import importlib
import json
import math
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.postgres.connection import STATEMENT_SECONDS, no_pem, untrusted
from nfed.stores.postgres.faults import (
    CANCELLED,
    RequestTooLarge,
    StatementCancelled,
    advice,
    is_about_content,
)
from nfed.stores.postgres.functions import OTHER_FORM
from nfed.words import Message

if TYPE_CHECKING:
    import httpx
    import supabase

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = STATEMENT_SECONDS + 15.0
"""The server gives up first, so that nobody works on what nobody waits for."""
_LONGEST_WAIT_SECONDS = 300.0
_MOST_TOLD = 300
_MOST_COUNTED = 1_000_000
_FORBIDDEN = "42501"
# No such function, no such table: to PostgREST, and to PostgreSQL.
_MISSING = ("PGRST202", "PGRST205", "42883", "42P01")
SCHEMA_ADVICE = Message(
    "run `nfed db migrate --database postgresql://…`, or what `nfed db sql --for postgresql` "
    "prints in Supabase's SQL editor"
)


class Project:
    """The API of a project, for the role that its secret key stands for."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        max_connections: int,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.url = url
        self._key = key
        self._max_connections = max_connections
        self._answer_seconds = answer_seconds
        self._open_again = 0.0
        self._http: httpx.AsyncClient | None = None
        self._client: supabase.AsyncClient | None = None

    async def call(self, function: str, arguments: Mapping[str, object]) -> object:
        """What the function returns, as JSON text or what PostgREST makes of it.

        Raises StoreUnavailable (StatementCancelled), StoreRejected (RequestTooLarge), or
        ConfigError: the key, or no such function.
        """
        with self._world_errors():
            return (await self._connected().rpc(function, dict(arguments)).execute()).data

    async def rows(
        self, table: str, columns: str, equal: Mapping[str, str] | None = None
    ) -> list[Mapping[str, object]]:
        """At most one of the rows whose columns have the values of `equal`. Raises as `call`."""
        with self._world_errors():
            query = self._connected().table(table).select(columns).limit(1)
            for name, value in (equal or {}).items():
                # In quotes: some gateways take digits alone for a number, and round it.
                escaped = value.replace("\\", "\\\\").replace('"', '\\"')
                query = query.filter(name, "in", f'("{escaped}")')
            data = (await query.execute()).data
        names = {name.strip() for name in columns.split(",")}
        told = data if isinstance(data, list) else [data]
        rows: list[Mapping[str, object]] = [
            row for row in told if isinstance(row, Mapping) and names <= row.keys()
        ]
        if len(rows) < len(told):
            raise StoreUnavailable(
                Message("{url}: expected a list of rows of {table}", url=self.url, table=table)
            )
        return rows

    async def count(self, table: str) -> int | None:
        """How many rows, as the planner believes where they are many. Raises as `call`."""
        methods = importlib.import_module("postgrest").CountMethod
        with self._world_errors():
            query = self._connected().table(table)
            found = (await query.select("id", count=methods.planned, head=True).execute()).count
            if found is None or found <= _MOST_COUNTED:
                found = (await query.select("id", count=methods.exact, head=True).execute()).count
            return found

    async def close(self) -> None:
        """Hangs up."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.aclose()

    def _connected(self) -> "supabase.AsyncClient":
        waits_seconds = self._open_again - time.monotonic()
        if waits_seconds > 0:
            raise StoreUnavailable(
                Message(
                    "{url} asked for {waits_seconds:.0f} s of rest",
                    url=self.url,
                    waits_seconds=waits_seconds,
                ),
                waits_seconds,
            )
        if self._client is not None:
            return self._client
        library, httpx = _libraries()
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(self._answer_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=self._max_connections,
                max_keepalive_connections=self._max_connections,
            ),
            # A key is sent to nobody else.
            follow_redirects=False,
            event_hooks={"response": [self._judged]},
        )
        self._client = library.AsyncClient(
            self.url,
            self._key,
            library.AsyncClientOptions(
                auto_refresh_token=False,
                persist_session=False,
                postgrest_client_retry=False,
                httpx_client=self._http,
            ),
        )
        return self._client

    async def _judged(self, response: "httpx.Response") -> None:
        """Raises what an answer other than a success means."""
        if response.is_success:
            return
        await response.aread()
        status = response.status_code
        code, message = self._told(response)
        text = Message("{url}: {message}", url=self.url, message=message)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            size = len(response.request.content)
            raise RequestTooLarge(
                Message(
                    "{url} takes no request of {size} bytes; raise the limit of the gateway",
                    url=self.url,
                    size=size,
                ),
                size,
            )
        if code in _MISSING:
            raise ConfigError(
                Message("{text}; {schema_advice}", text=text, schema_advice=SCHEMA_ADVICE)
            )
        if code == OTHER_FORM:
            raise ConfigError(
                Message(
                    "{text}; nfed and the database's schema are of two versions: "
                    "upgrade nfed, or {schema_advice}",
                    text=text,
                    schema_advice=SCHEMA_ADVICE,
                )
            )
        if status == HTTPStatus.UNAUTHORIZED or code == _FORBIDDEN:
            raise ConfigError(
                Message("{text}; check supabase_service_key: nfed needs the secret key", text=text)
            )
        if is_about_content(code, message):
            raise StoreRejected(message)
        if code == CANCELLED:
            raise StatementCancelled(text)
        self._rest(response, advice(code, message))

    def _rest(self, response: "httpx.Response", advised: str = "") -> NoReturn:
        """Whatever else: the world's fault."""
        _, message = self._told(response)
        asked_seconds = _retry_after_seconds(response.headers.get("retry-after"))
        if asked_seconds is not None:
            self._open_again = time.monotonic() + asked_seconds
        raise StoreUnavailable(
            Message("{url}: {message}{advised}", url=self.url, message=message, advised=advised),
            asked_seconds,
        )

    def _told(self, response: "httpx.Response") -> tuple[str, str]:
        """Code and text of an answer; `details` quotes rows, so it stays out."""
        try:
            body = json.loads(response.content)
            code, message = str(body.get("code") or ""), str(body.get("message") or "")
        except (ValueError, AttributeError):
            code, message = "", ""
        reason = f"{response.status_code} {response.reason_phrase}".strip()
        message = " ".join(message.split())
        return code, self._masked(f"{reason}: {message}" if message else reason)[:_MOST_TOLD]

    def _masked(self, text: str) -> str:
        """Without the key, which some gateways quote."""
        return text.replace(self._key, "***")

    @contextmanager
    def _world_errors(self) -> Iterator[None]:
        library, httpx = _libraries()
        try:
            yield
        except httpx.HTTPError as error:
            cause = error.__cause__ or error
            while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
                cause = cause.__context__ if cause.__cause__ is None else cause.__cause__
            if cause is not None:
                raise StoreUnavailable(
                    Message(
                        "{url}: {told}",
                        url=self.url,
                        told=untrusted(cause, "SSL_CERT_FILE in the environment"),
                    )
                ) from error
            told = self._masked(str(error)) or Message(
                "no answer within {timeout:.0f} s", timeout=self._answer_seconds
            )
            raise StoreUnavailable(Message("{url}: {told}", url=self.url, told=told)) from error
        except OSError as error:  # it opens the environment's certificates, and names none
            named = os.environ.get("SSL_CERT_FILE")
            told = str(error)
            if named is not None and (trouble := no_pem(named)) is not None:
                told = Message("SSL_CERT_FILE={path}: {trouble}", path=named, trouble=trouble)
            raise StoreUnavailable(Message("{url}: {told}", url=self.url, told=told)) from error
        except UnicodeEncodeError as error:
            raise StoreRejected(str(error)) from error
        except (library.PostgrestAPIError, ValueError, RecursionError) as error:
            # A success whose body is none.
            raise StoreUnavailable(Message("{url}: the answer is no JSON", url=self.url)) from error


def _retry_after_seconds(header: str | None) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _libraries() -> tuple[ModuleType, ModuleType]:
    """supabase and httpx, which nfed does without where no project is fed. Raises ConfigError."""
    try:
        return importlib.import_module("supabase"), importlib.import_module("httpx")
    except ImportError as error:
        raise ConfigError(
            Message("Supabase over HTTPS needs its client: pip install 'nfed[supabase]'")
        ) from error
