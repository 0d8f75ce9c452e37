"""A connection to PostgreSQL, and what its errors mean to nfed."""

import importlib
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url

from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores.postgres_faults import advice, is_about_content

if TYPE_CHECKING:
    import asyncpg

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 60.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_SETUP = "28"  # SQLSTATE class: the server refuses who we say we are


def shown(url: str) -> str:
    """The URL as it may be shown: host and database, and who we are to it."""
    made = make_url(url)
    return URL.create(
        "postgresql", made.username, None, made.host, made.port, made.database
    ).render_as_string(hide_password=True)


def driver() -> ModuleType:
    """asyncpg, which nfed does without where no PostgreSQL is fed. Raises ConfigError."""
    try:
        return importlib.import_module("asyncpg")
    except ImportError as error:
        raise ConfigError(
            "PostgreSQL needs the driver asyncpg: pip install 'nfed[postgres]'"
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
                yield connection
            finally:
                await close(connection)
    except StoreRejected as error:
        raise StoreUnavailable(f"database {shown(url)}: {error}") from error


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
    made = make_url(url)
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
            raise ConfigError(f"database {name}: {told}") from error
        raise StoreUnavailable(f"database {name}: {told}{advice(state, told)}") from error
    except ssl.SSLCertVerificationError as error:
        raise StoreUnavailable(
            f"database {name}: {error.verify_message}: name the authority's certificate with "
            "?sslrootcert=FILE, or give verification up with ?sslmode=require"
        ) from error
    except (TimeoutError, asyncpg.InterfaceError, OSError, ssl.SSLError) as error:
        if isinstance(error, ValueError):  # a value that the driver cannot send
            raise StoreRejected(str(error)) from error
        told = str(error) or "no answer in time"
        raise StoreUnavailable(f"database {name}: {told}") from error


def _told(error: "asyncpg.PostgresError") -> str:
    # `detail` quotes rows, so it stays out.
    return " ".join(str(error.args[0] if error.args else error).split())


def _dsn(url: str) -> str:
    made = make_url(url)
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
