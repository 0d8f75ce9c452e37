"""A look at the main database that changes nothing."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.core.verdict import Stored
from daemon.documents.document import Document
from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.settings import Settings, StoreKind
from daemon.stores import migrations, postgres_reader, supabase_reader
from daemon.stores.ledger import connect_readonly
from daemon.stores.migrations import SchemaState
from daemon.stores.sqlite_write import stored_as


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """How the database stands."""

    exists: bool
    error: str | None = None
    """Why it cannot be read; None: it can."""
    schema: SchemaState | None = None
    notes: int | None = None
    """How many notes it holds; None: it has no tables yet, or cannot be read."""


def view(settings: Settings) -> DatabaseView:
    """Looks; never raises for what a database can be."""
    path = settings.sqlite_path
    if path is not None:
        return view_sqlite(path)
    try:
        if settings.store_kind is StoreKind.SUPABASE:
            seen = asyncio.run(supabase_reader.seen(*settings.supabase))
        else:
            seen = asyncio.run(postgres_reader.seen(settings.database_url))
    except (StoreUnavailable, StoreRejected, ConfigError) as error:
        return DatabaseView(True, str(error))
    return DatabaseView(True, None, seen.state, seen.notes)


def view_sqlite(path: Path) -> DatabaseView:
    """The same for a file."""
    try:
        if not path.exists():
            return DatabaseView(False, f"{path} does not exist yet; the first import makes it")
        with readonly(path) as connection:
            schema = schema_of(connection)
            notes = None
            if schema.current is not None:
                notes = connection.execute("select count(*) from notas_fiscais").fetchone()[0]
            return DatabaseView(True, None, schema, notes)
    except StoreUnavailable as error:
        return DatabaseView(True, str(error))
    except OSError as error:
        return DatabaseView(True, f"database {path}: {error.strerror}")


def schema_of(connection: sqlite3.Connection) -> SchemaState:
    """Where the schema stands."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as handle:
        return migrations.state(handle)


def stored(settings: Settings, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    path = settings.sqlite_path
    if settings.store_kind is StoreKind.SUPABASE:
        return asyncio.run(supabase_reader.stored(*settings.supabase, document))
    if path is None:
        return asyncio.run(postgres_reader.stored(settings.database_url, document))
    if not os.path.lexists(path):
        return None
    with readonly(path) as connection:
        if schema_of(connection).current is None:
            return None
        return stored_as(connection, document)


@contextmanager
def readonly(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for the block. Raises StoreUnavailable, whatever is wrong."""
    try:
        connection = connect_readonly(path)
        try:
            yield connection
        finally:
            connection.close()
    except DBAPIError as error:
        raise StoreUnavailable(f"database {path}: {error.orig}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"database {path}: {error}") from error
