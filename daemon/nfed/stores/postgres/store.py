"""The PostgreSQL store: a chunk is one call of nfed_store, in one transaction.

`CallingStore` is what both callers share, this one and the one over HTTPS (`http`); they differ in
how they call, never in what is stored. This one keeps no state in a session and prepares no named
statement, so that it works through a pooler in transaction mode (Supavisor, PgBouncer) as well.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from structlog.typing import FilteringBoundLogger

from nfed.core.outcome import Outcome, Stored
from nfed.core.ports import Incoming
from nfed.documents.document import Document
from nfed.documents.layout import tables
from nfed.errors import ConfigError, StoreUnavailable
from nfed.stores.chunk import Known, look_up
from nfed.stores.migrations import SchemaState
from nfed.stores.postgres import schema
from nfed.stores.postgres.chunk import Object, json_of, outcomes, request, waves
from nfed.stores.postgres.connection import (
    STATEMENT_SECONDS,
    close,
    connect,
    hang_ups,
    reading,
    shown,
    world_errors,
)
from nfed.stores.postgres.faults import RequestTooLarge, StatementCancelled
from nfed.stores.sql import statement
from nfed.words import Message

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_MOST_DOCUMENTS = 1000
_SUCCESSES_TO_GROW = 20
_SMALL_BYTES = 1 << 20
"""A server that takes less than this in one request takes no documents at all."""
_PATIENCE = 1.25
"""The server gives up first, so that nobody works on what nobody waits for."""

log: FilteringBoundLogger = structlog.get_logger("nfed")


class CallingStore(ABC):
    """Documents in a database that has nfed_store; see ports.Store.

    What the server finds too much at once goes in several transactions.
    """

    def __init__(self) -> None:
        self._most = _MOST_DOCUMENTS
        self._successes = 0
        """Since `_most` changed."""

    @abstractmethod
    async def _call(self, chunk: Object) -> object:
        """Calls nfed_store in a transaction of its own, and returns after its commit.

        Raises StoreUnavailable (StatementCancelled), StoreRejected (RequestTooLarge) or
        ConfigError.
        """

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        return [one for one, _ in await self.store_with_ids(incoming, job_id)]

    async def store_with_ids(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        """The same, each with the id of its stored document's row."""
        found: list[tuple[Outcome, int | None]] = []
        while len(found) < len(incoming):
            part = incoming[len(found) : len(found) + self._most]
            try:
                found += await self._store(part, job_id)
            except RequestTooLarge as error:
                if len(part) > 1:
                    self._at_most(len(part) // 2)
                elif error.size_bytes > _SMALL_BYTES:
                    raise
                else:  # the gateway is at fault, not the document
                    raise StoreUnavailable(str(error)) from error
            except StatementCancelled:
                self._at_most(len(part) // 2)
                raise
            except ConfigError as error:
                # It let us in at the start; whoever changed that may change it back.
                raise StoreUnavailable(str(error)) from error
            else:
                self._successes += 1
                if self._successes == _SUCCESSES_TO_GROW:
                    self._at_most(self._most * 2)
        return found

    def _at_most(self, documents: int) -> None:
        """In one call, until a call is too much or enough of them were not."""
        self._most = min(max(documents, 1), _MOST_DOCUMENTS)
        self._successes = 0

    async def _store(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        groups = waves(incoming, job_id)
        found = outcomes(groups, await self._call(request(groups)))
        return [found[id(each.document)] for each in incoming]


class PostgresStore(CallingStore):
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
        super().__init__()
        self._url = url
        self._patience_seconds = statement_seconds * _PATIENCE
        self._begin = statement(
            "postgres/sql/begin.sql", milliseconds=str(round(statement_seconds * 1000))
        )
        self._turns = asyncio.Semaphore(max_connections)
        self._idle: list[Connection] = []

    async def open(self) -> None:
        """Migrates. Raises StoreUnavailable, or ConfigError: a newer schema, no right to change."""
        for warning in await schema.ensure(self._url):
            log.warning("schema_warning", warning=warning)

    async def close(self) -> None:
        """Hangs up."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await close(connection)

    async def _call(self, chunk: Object) -> object:
        with world_errors(self._url):
            async with self._turns, self._connection() as connection:
                await connection.execute(self._begin)
                query = "select public.nfed_store($1::jsonb)"
                returned: object = await connection.fetchval(query, json_of(chunk))
                ended = await connection.execute("commit")
                if ended != "COMMIT":  # of what has failed, it makes ROLLBACK without a word
                    raise StoreUnavailable(
                        Message("database {name}: nothing was committed", name=shown(self._url))
                    )
                return returned

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Connection]":
        """One that nobody else uses. After an error, whatever it is, it is not used again."""
        connection = None
        while connection is None and self._idle:
            connection = self._idle.pop()
            if connection.is_closed():
                connection = None
        if connection is None:
            connection = await connect(self._url, self._patience_seconds)
        try:
            with hang_ups(connection):
                yield connection
        except BaseException:
            connection.terminate()
            raise
        self._idle.append(connection)


@dataclass(frozen=True, slots=True)
class Look:
    """How a database stands."""

    state: SchemaState
    notes: int | None
    """How many it holds, as the planner believes where they are many; None: it has no schema."""


async def look(url: str) -> Look:
    """Looks, and changes nothing. Raises StoreUnavailable or ConfigError."""
    async with reading(url) as connection:
        state = await schema.state_in(connection)
        if state.current is None:
            return Look(state, None)
        return Look(state, await connection.fetchval(statement("postgres/sql/count.sql")))


async def stored(url: str, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    head = tables()[document.head]
    async with reading(url) as connection:
        state = await schema.state_in(connection)
        if state.current is None:
            return None
        query = look_up(head, "(select $1::text as key)", "public.", is_newest=state.is_newest)
        row = await connection.fetchrow(query, document.key)
    return None if row is None else Known(*row).stored
