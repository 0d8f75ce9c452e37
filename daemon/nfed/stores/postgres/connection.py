"""A connection to PostgreSQL, and what its errors mean to nfed."""

import asyncio
import importlib
import os
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url

from nfed.core.escape import has_bare_at
from nfed.errors import ConfigError, NfedError, StoreRejected, StoreUnavailable
from nfed.stores.postgres.faults import (
    CANCELLED,
    StatementCancelled,
    advice,
    is_about_content,
)
from nfed.words import Message

if TYPE_CHECKING:
    import asyncpg

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 60.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_SETUP = "28"  # SQLSTATE class: the server refuses who we say we are
_TLS_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def shown(url: str) -> str:
    """The URL as it may be shown: host and database, and who we are to it. Raises ConfigError."""
    made = _parsed(url)
    return URL.create(
        "postgresql", made.username, None, made.host, made.port, made.database
    ).render_as_string(hide_password=True)


def driver() -> ModuleType:
    """asyncpg, which nfed does without where no PostgreSQL is fed. Raises ConfigError."""
    try:
        return importlib.import_module("asyncpg")
    except ImportError as error:
        raise ConfigError(
            Message("PostgreSQL needs the driver asyncpg: pip install 'nfed[postgres]'")
        ) from error


@asynccontextmanager
async def connected(
    url: str, *, statement_seconds: float = STATEMENT_SECONDS
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection for the block, in which no document is stored.

    It prepares no named statement, so that it works through a pooler in transaction mode. Raises
    StoreUnavailable or ConfigError.
    """
    try:
        with world_errors(url):
            connection = await connect(url, statement_seconds)
            try:
                with hang_ups(connection):
                    yield connection
            finally:
                await close(connection)
    except StoreRejected as error:
        raise StoreUnavailable(
            Message("database {url}: {error}", url=shown(url), error=error)
        ) from error


async def connect(url: str, statement_seconds: float) -> "asyncpg.Connection[asyncpg.Record]":
    """A new connection, which the caller closes. Raises what the driver raises."""
    return await driver().connect(  # type: ignore[no-any-return]  # imported by name
        _dsn(url),
        ssl=tls(url),
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds,
        statement_cache_size=0,
    )


@asynccontextmanager
async def reading(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection and a read-only transaction for the block.

    A query with parameters takes two round trips, which outside of a transaction a pooler may send
    to two servers.
    """
    async with connected(url) as connection, connection.transaction(readonly=True):
        yield connection


def tls(url: str) -> ssl.SSLContext | None:
    """TLS with the server's certificate and name verified, unless the URL says otherwise.

    None leaves it to the URL: to its `sslmode`, or for a server on this machine to what that has.
    """
    made = _parsed(url)
    if "sslmode" in made.query or (made.host or "localhost") in _HERE or made.host == "":
        return None
    if "host" in made.query:  # a socket's folder
        return None
    root = made.query.get("sslrootcert")
    return ssl.create_default_context(cafile=root if isinstance(root, str) else None)


@contextmanager
def world_errors(url: str) -> Iterator[None]:
    """Sorts the driver's errors by what happens next; none of them shows a password."""
    asyncpg = driver()
    name = shown(url)
    try:
        yield
    except asyncpg.PostgresError as error:
        state, told = error.sqlstate or "", _told(error)
        if is_about_content(state, told):
            raise StoreRejected(told) from error
        if state.startswith(_SETUP) or state == "3D000":
            raise ConfigError(Message("database {name}: {told}", name=name, told=told)) from error
        unavailable = StatementCancelled if state == CANCELLED else StoreUnavailable
        raise unavailable(
            Message(
                "database {name}: {told}{advised}",
                name=name,
                told=told,
                advised=advice(state, told),
            )
        ) from error
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        told = _reason(error, url)
        raise StoreUnavailable(Message("database {name}: {told}", name=name, told=told)) from error


@contextmanager
def hang_ups(connection: "asyncpg.Connection[asyncpg.Record]") -> Iterator[None]:
    """Raises ConnectionError where the connection went away, whatever the driver makes of that."""
    asyncpg = driver()
    try:
        yield
    except (asyncpg.PostgresError, NfedError, OSError):
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: it was what the driver waited for.
        raise ConnectionError("the connection was lost") from error
    except Exception as error:
        if not connection.is_closed() and not _is_of(error, asyncpg):
            raise
        raise ConnectionError(f"the connection was lost ({error})") from error


def _is_of(error: Exception, library: ModuleType) -> bool:
    """Tells whether the library itself stumbled: over what no server says that is well."""
    frames = traceback.walk_tb(error.__traceback__)
    names = [frame.f_globals.get("__name__") or "" for frame, _ in frames]
    return names[-1].startswith(f"{library.__name__}.")


def _reason(error: Exception, url: str) -> str:
    """Why there is no conversation, and what can be done about that."""
    told = str(error) or Message("no answer in time")
    unread = _unread_file(url)
    match error:
        case ssl.SSLCertVerificationError():
            return Message(
                "{told}, or give verification up with ?sslmode=require",
                told=untrusted(error, "?sslrootcert=FILE"),
            )
        # Neither Python nor the driver says which file.
        case FileNotFoundError() | PermissionError() | IsADirectoryError() | NotADirectoryError():
            socket = make_url(url).query.get("host", "its socket")
            return unread or f"{error.strerror}: {socket}"
        case ssl.SSLError() | ValueError() if unread is not None:
            return unread
        case ConnectionError() if "rejected SSL upgrade" in told:
            return Message(
                "{told}: it speaks no TLS; turn that on there, or do without in a network that you "
                "trust, with ?sslmode=disable",
                told=told,
            )
        case ssl.SSLError():
            return Message(
                "no TLS: {told}; do without in a network that you trust: ?sslmode=disable",
                told=told,
            )
    return told


def untrusted(error: ssl.SSLCertVerificationError, setting: str) -> str:
    """Why a server's certificate is refused, and what to do; `setting` names an authority."""
    told = error.verify_message.rstrip(".")
    if error.verify_code in _OTHER_NAME:
        return Message("{told}: call the host what its certificate does", told=told)
    return Message(
        "{told}: name the authority's certificate with {setting}", told=told, setting=setting
    )


def _unread_file(url: str) -> str | None:
    """The first file for TLS that is named and cannot be used, and why."""
    query = make_url(url).query
    for name in _TLS_FILES:
        path = query.get(name) or os.environ.get(f"PG{name.upper()}")
        if isinstance(path, str) and (trouble := no_pem(path)) is not None:
            return Message("{name}={path}: {trouble}", name=name, path=path, trouble=trouble)
    return None


def no_pem(path: str) -> str | None:
    """Why a file holds no certificate or key that could be read; None: it seems to."""
    try:
        with open(path, "rb") as file:
            return (
                None if b"-----BEGIN " in file.read() else Message("it holds nothing in PEM format")
            )
    except OSError as error:
        return Message(
            "{error}; check the path and the rights of the daemon's user", error=str(error.strerror)
        )


def _told(error: "asyncpg.PostgresError") -> str:
    # `detail` quotes rows, so it stays out.
    return " ".join(str(error.args[0] if error.args else error).split())


def _parsed(url: str) -> URL:
    """Raises ConfigError for one of which something would be taken for the host."""
    if has_bare_at(url):
        raise ConfigError(
            Message(
                "database_url holds an @ in its user or password that is not encoded; write it as "
                "%40"
            )
        )
    return make_url(url)


def _dsn(url: str) -> str:
    made = _parsed(url)
    query = {name: value for name, value in made.query.items() if name != "sslrootcert"}
    if "sslmode" in made.query:
        query = dict(made.query)
    return made.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


async def close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Says good-bye, or hangs up."""
    try:
        await connection.close(timeout=CONNECT_SECONDS)
    except Exception:  # it is gone already
        connection.terminate()
