"""Names who may read a PostgreSQL database past row level security, and closes it to them.

Tables that nfed made are closed from the start. Those that were there before keep the access that
they had, as dashboards may rely on it, until somebody says `nfed db secure`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import nfed.stores.postgres.connection as postgres
from nfed.documents.layout import tables
from nfed.errors import ConfigError
from nfed.stores.migrations import VERSION_TABLE
from nfed.stores.sql import statement
from nfed.stores.tables import DELIVERED, DELIVERIES
from nfed.words import Message

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_ACCESS = statement("postgres/sql/access.sql")


@dataclass(frozen=True, slots=True)
class Opening:
    """A role that sees a table or view past row level security."""

    role: str
    """`public` is everyone."""
    relation: str
    loses: str
    """What closing takes from it."""


async def openings(url: str) -> list[Opening]:
    """Who sees what. Raises StoreUnavailable or ConfigError."""
    async with postgres.reading(url) as connection:
        found = await _found(connection)
    return [Opening(role, name, text) for step, role, name, text in found if step == 0]


async def closing(url: str) -> list[str]:
    """The statements that would close everything, without running any."""
    async with postgres.reading(url) as connection:
        return await _closing(connection)


async def close(url: str) -> None:
    """Closes everything in one transaction. Raises StoreUnavailable or ConfigError."""
    asyncpg = postgres.driver()
    async with postgres.connected(url) as connection, connection.transaction():
        await connection.execute("set local lock_timeout = '10s'")
        for statement in await _closing(connection):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError as error:
                raise ConfigError(
                    Message(
                        "database {shown}: {error}; let the owner run what `nfed db "
                        "secure --dry-run` prints",
                        shown=postgres.shown(url),
                        error=error,
                    )
                ) from error


async def _closing(connection: "Connection") -> list[str]:
    return [text for step, _, _, text in await _found(connection) if step > 0]


async def _found(connection: "Connection") -> list[tuple[int, str, str, str]]:
    names = [*tables(), VERSION_TABLE, DELIVERIES, DELIVERED]
    return [tuple(row) for row in await connection.fetch(_ACCESS, names)]
