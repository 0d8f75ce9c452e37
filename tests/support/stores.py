"""All stores behind one face, for tests that hold whatever the store."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from nfed.core.outcome import Outcome
from nfed.core.ports import Incoming, Store
from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.stores.deliveries import Deliveries
from nfed.stores.pages import Pages
from nfed.stores.postgres.deliveries import PostgresDeliveries, SupabaseDeliveries
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.notes import PostgresNotes, SupabaseNotes
from nfed.stores.postgres.pages import PostgresPages, SupabasePages
from nfed.stores.postgres.project import Project as Connection
from nfed.stores.postgres.refill import PostgresRefill, SupabaseRefill
from nfed.stores.postgres.store import PostgresStore
from nfed.stores.postgres.summaries import PostgresSummaries
from nfed.stores.refill import Refillable
from nfed.stores.sqlite.deliveries import SQLiteDeliveries
from nfed.stores.sqlite.notes import SQLiteNotes
from nfed.stores.sqlite.pages import SQLitePages
from nfed.stores.sqlite.refill import SQLiteRefill
from nfed.stores.sqlite.store import SQLiteStore
from nfed.stores.sqlite.summaries import SQLiteSummaries
from nfed.stores.summaries import Summaries
from tests.support.postgres_server import Server
from tests.support.supabase_server import Project

type Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Shelf:
    """An open store on a database of its own, and a look into that."""

    store: Store
    rows: Callable[[str], Rows]
    run: Callable[[str], None]
    """Statements of the database's owner."""
    pages: Pages
    """Reads what is stored."""
    refillable: Refillable
    """Fills what was stored before it had tables."""
    deliveries: Deliveries
    """Remembers who was given what."""
    notes: SQLiteNotes | PostgresNotes | SupabaseNotes
    """Lists notes and other documents, and tells one."""
    summaries: Summaries | None = None
    """Sums up what is stored; None: nothing can."""

    async def put(self, *contents: str | bytes) -> list[Outcome]:
        """One chunk of files; an outcome for each document."""
        return await self.store.store(incoming(*contents), "job-1")

    def one(self, query: str) -> tuple[Any, ...]:
        rows = self.rows(query)
        assert len(rows) == 1, rows
        return rows[0]

    def count(self, table: str = "notas_fiscais") -> int:
        found: int = self.one(f"select count(*) from {table}")[0]
        return found


def incoming(*contents: str | bytes) -> list[Incoming]:
    """The documents of files that are named 0.xml, 1.xml, …"""
    found = []
    for number, content in enumerate(contents):
        content = content.encode() if isinstance(content, str) else content
        for document in documents_from(content, Checks.none()):
            assert isinstance(document, Document), document
            found.append(Incoming(document, f"{number}.xml"))
    return found


def ask_postgres(url: str, query: str) -> Rows:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def ask_sqlite(path: Path, query: str) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def run_in_postgres(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def run_in_sqlite(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)


class Shelves:
    """Makes shelves of one kind; each is gone after the test.

    The next one empties the one before it where the store is Supabase, which has one database.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        server: Server,
        template: str,
        project: Project | None,
        stack: AsyncExitStack,
    ) -> None:
        self.kind = kind
        self._folder = folder
        self._server = server
        self._template = template
        self._project = project
        self._stack = stack
        self._number = 0

    async def new(self) -> Shelf:
        self._number += 1
        store: SQLiteStore | PostgresStore | SupabaseStore
        refill: SQLiteRefill | PostgresRefill | SupabaseRefill
        match self.kind:
            case "sqlite":
                path = self._folder / f"{self._number}.db"
                store = SQLiteStore(path)
                refill = SQLiteRefill(path)
                shelf = Shelf(
                    store,
                    partial(ask_sqlite, path),
                    partial(run_in_sqlite, path),
                    SQLitePages(path),
                    refill,
                    SQLiteDeliveries(path),
                    SQLiteNotes(path),
                    SQLiteSummaries(path),
                )
            case "postgresql":
                made: AbstractContextManager[str] = self._server.database(template=self._template)
                url = self._server.url(self._stack.enter_context(made))
                store = PostgresStore(url, max_connections=3)
                refill = PostgresRefill(url)
                shelf = Shelf(
                    store,
                    partial(ask_postgres, url),
                    partial(run_in_postgres, url),
                    PostgresPages(url),
                    refill,
                    PostgresDeliveries(url),
                    PostgresNotes(url),
                    PostgresSummaries(url),
                )
            case _:
                project = self._project
                assert project is not None
                project.empty()
                store = SupabaseStore(project.url, project.service_key, max_connections=3)
                refill = SupabaseRefill(project.url, project.service_key)
                url = project.database_url
                connection = Connection(project.url, project.service_key, max_connections=2)
                self._stack.push_async_callback(connection.close)
                shelf = Shelf(
                    store,
                    partial(ask_postgres, url),
                    partial(run_in_postgres, url),
                    SupabasePages(connection),
                    refill,
                    SupabaseDeliveries(connection),
                    SupabaseNotes(connection),
                )
        self._stack.push_async_callback(store.close)
        self._stack.push_async_callback(refill.close)
        await store.open()
        await refill.open()
        return shelf


@asynccontextmanager
async def shelves(
    kind: str, folder: Path, server: Server, template: str, project: Project | None = None
) -> AsyncIterator[Shelves]:
    """For the block; Supabase needs its project."""
    async with AsyncExitStack() as stack:
        yield Shelves(kind, folder, server, template, project, stack)
