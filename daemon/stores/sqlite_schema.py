"""The schema of an SQLite database: how it stands, and how it is brought to the newest version."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.errors import ConfigError, StoreUnavailable
from daemon.stores import migrations
from daemon.stores.migrations import VERSION_TABLE, newer

_BUSY_SECONDS = 5.0
_CHANGES = ("create ", "alter ", "insert ", "update ", "delete ", "drop ")


def script() -> str:
    """Everything, for an empty database or one of this version; may be run again and again."""
    newest = migrations.versions()[-1]
    table = (
        f"create table if not exists {VERSION_TABLE} (version_num varchar(32) not null primary key)"
    )
    return "\n".join(
        [
            "begin immediate;",
            *migrations.sql_of_each("sqlite"),
            f"{table};",
            f"delete from {VERSION_TABLE};",
            f"insert into {VERSION_TABLE} values ('{newest}');",
            "commit;\n",
        ]
    )


def migrate(path: Path) -> None:
    """Brings it to the newest version, or changes nothing; makes the file where there is none.

    Raises ConfigError for a newer schema, or StoreUnavailable.
    """
    with _opened(path, str(path)) as (connection, handle):
        connection.execute("pragma journal_mode = wal")
        connection.execute("begin immediate")
        _upgrade(handle, path)
        connection.execute("commit")


def pending(path: Path) -> list[str]:
    """What `migrate` would run; found out by doing it and taking it back."""
    seen: list[str] = []
    with _opened(path, str(path) if path.exists() else ":memory:") as (connection, handle):
        connection.execute("begin immediate")
        connection.set_trace_callback(seen.append)
        try:
            _upgrade(handle, path)
        finally:
            connection.set_trace_callback(None)
            connection.execute("rollback")
    return [
        statement
        for statement in (each.strip() for each in seen)
        if statement.lower().startswith(_CHANGES)
    ]


def _upgrade(handle: Connection, path: Path) -> None:
    state = migrations.state(handle)
    if not state.known:
        raise ConfigError(newer(str(path), state))
    if not state.is_newest:
        migrations.upgrade(handle)


@contextmanager
def _opened(path: Path, file: str) -> Iterator[tuple[sqlite3.Connection, Connection]]:
    try:
        connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
        engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        try:
            with engine.connect() as handle:
                yield connection, handle
        finally:
            with suppress(sqlite3.Error):
                connection.close()
    except DBAPIError as error:
        raise StoreUnavailable(f"database {path}: {error.orig}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"database {path}: {error}") from error
