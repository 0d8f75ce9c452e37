"""Looks at the main database and changes nothing."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nfed.core.outcome import Stored
from nfed.documents.document import Document
from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.settings import Settings, StoreKind
from nfed.sqlite import connect_readonly
from nfed.stores.migrations import SchemaState
from nfed.stores.postgres import http as supabase
from nfed.stores.postgres import store as postgres
from nfed.stores.sqlite import schema as sqlite_schema
from nfed.stores.sqlite.write import stored_as
from nfed.words import Message


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """The state of the database."""

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
            seen = asyncio.run(supabase.look(*settings.supabase))
        else:
            seen = asyncio.run(postgres.look(settings.database_url))
    except (StoreUnavailable, StoreRejected, ConfigError) as error:
        return DatabaseView(True, str(error))
    return DatabaseView(True, None, seen.state, seen.notes)


def view_sqlite(path: Path) -> DatabaseView:
    """The same for a file."""
    try:
        if not path.exists():
            return DatabaseView(
                False, Message("{path} does not exist yet; the first import makes it", path=path)
            )
        with readonly(path) as connection:
            schema = sqlite_schema.state(connection)
            notes = None
            if schema.current is not None:
                notes = connection.execute("select count(*) from notas_fiscais").fetchone()[0]
            return DatabaseView(True, None, schema, notes)
    except StoreUnavailable as error:
        return DatabaseView(True, str(error))
    except OSError as error:
        return DatabaseView(
            True, Message("database {path}: {strerror}", path=path, strerror=error.strerror)
        )


def stored(settings: Settings, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    path = settings.sqlite_path
    if settings.store_kind is StoreKind.SUPABASE:
        return asyncio.run(supabase.stored(*settings.supabase, document))
    if path is None:
        return asyncio.run(postgres.stored(settings.database_url, document))
    if not os.path.lexists(path):
        return None
    with readonly(path) as connection:
        state = sqlite_schema.state(connection)
        if state.current is None:
            return None
        return stored_as(connection, document, is_newest=state.is_newest)


@contextmanager
def readonly(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for the block. Raises StoreUnavailable, whatever is wrong."""
    try:
        connection = connect_readonly(path)
        try:
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(
            Message("database {path}: {error}", path=path, error=error)
        ) from error
