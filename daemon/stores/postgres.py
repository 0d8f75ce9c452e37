"""The PostgreSQL store: one transaction a chunk, COPY straight into the tables.

It keeps no state in a session and prepares no named statement, so that it works through a pooler in
transaction mode (Supavisor, pgbouncer) as well.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.outcome import Outcome
from daemon.core.ports import Incoming
from daemon.errors import ConfigError, StoreUnavailable
from daemon.stores import postgres_schema
from daemon.stores.importer import AsyncNFeImporter, NFeImporter, settings_for
from daemon.stores.postgres_connection import STATEMENT_SECONDS, close, connect, world_errors
from daemon.stores.postgres_sql import begin
from daemon.stores.postgres_write import Writer, row_id

if TYPE_CHECKING:
    import asyncpg

    from daemon.settings import Settings

    type Connection = asyncpg.Connection[asyncpg.Record]

log: FilteringBoundLogger = structlog.get_logger("nfed")


class PostgresStore:
    """Documents in a PostgreSQL database; see ports.Store. `open` migrates it.

    Any number of stores, in any number of processes, may feed one database.
    """

    def __init__(
        self,
        url: str,
        *,
        max_connections: int,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        """No answer within `statement_seconds` counts as an outage."""
        self._url = url
        self._statement_seconds = statement_seconds
        self._begin = begin(statement_seconds)
        self._turns = asyncio.Semaphore(max_connections)
        self._idle: list[Connection] = []
        self._writer = Writer()

    async def open(self) -> None:
        """Migrates. Raises StoreUnavailable, or ConfigError: a newer schema, no right to change."""
        for warning in await postgres_schema.ensure(self._url):
            log.warning("schema_warning", warning=warning)

    async def close(self) -> None:
        """Hangs up."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await close(connection)

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        try:
            with world_errors(self._url):
                async with self._turns, self._connection() as connection:
                    await connection.execute(self._begin)
                    outcomes = await self._writer.write(connection, incoming, job_id)
                    await connection.execute("commit")
                    return outcomes
        except ConfigError as error:
            # It let us in at the start; whoever changed that may change it back.
            raise StoreUnavailable(str(error)) from error

    async def store_with_ids(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        """The same, each with the id of its stored document's row."""
        outcomes = await self.store(incoming, job_id)
        with world_errors(self._url):
            async with self._turns, self._connection() as connection:
                ids = [await row_id(connection, each.document) for each in incoming]
        return list(zip(outcomes, ids, strict=True))

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Connection]":
        """One that nobody else uses. After an error, whatever it is, it is not used again."""
        connection = None
        while connection is None and self._idle:
            connection = self._idle.pop()
            if connection.is_closed():
                connection = None
        if connection is None:
            connection = await connect(self._url, self._statement_seconds)
        try:
            yield connection
        except BaseException:
            connection.terminate()
            raise
        self._idle.append(connection)


class AsyncPostgresNFeImporter(AsyncNFeImporter):
    """Imports single files into a PostgreSQL database: `url`, or the one that the settings name."""

    def __init__(self, url: str | None = None, *, settings: "Settings | None" = None) -> None:
        """Raises ConfigError."""
        found = settings_for(
            "postgresql", "postgresql://user@host/database", settings, database_url=url
        )
        super().__init__(found, PostgresStore(found.database_url, max_connections=1))


class PostgresNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(self, url: str | None = None, *, settings: "Settings | None" = None) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncPostgresNFeImporter(url, settings=settings))
