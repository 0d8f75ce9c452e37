"""Brings an SQLite database to the newest schema: tables, columns, indexes, views and triggers.

Only adds: what a database already has of these names goes on working.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import ClauseElement, Column
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from nfed.errors import ConfigError
from nfed.sqlite import WatchedDatabase, check_wal, connect_readonly, world_errors
from nfed.stores.migrations import NEWEST, VERSION_TABLE, SchemaState, newer, state_of
from nfed.stores.tables import (
    REPLACED_VIEWS,
    UPDATED,
    VIEWS,
    Backend,
    metadata,
    view,
    view_until_0003,
)

_DIALECT = sqlite.dialect()
_VERSION = (
    f"create table if not exists {VERSION_TABLE} (version_num varchar(32) not null primary key)"
)


def state(connection: sqlite3.Connection) -> SchemaState:
    """Reads the schema's version."""
    if VERSION_TABLE not in _names(connection):
        return state_of(None)
    row = connection.execute(f"select version_num from {VERSION_TABLE}").fetchone()
    return state_of(None if row is None else row[0])


def ensure(database: WatchedDatabase) -> None:
    """Brings an older schema to the newest version in one transaction, or changes nothing.

    Raises ConfigError for a newer schema.
    """
    if not _known(database.connection, database.path).is_newest:
        database.stamp()
        with database.transaction() as connection:
            for statement in _lacking(connection, database.path):
                connection.execute(statement)


def migrate(path: Path) -> None:
    """The same for a file; makes it where there is none. Raises StoreUnavailable, too."""
    with world_errors("database", path), closing(WatchedDatabase(path)) as database:
        database.stamp()
        ensure(database)


def pending(path: Path) -> list[str]:
    """The statements that `migrate` would run, without running any. Raises what it raises."""
    with world_errors("database", path):
        if path.exists():
            check_wal(path)
        found = connect_readonly(path) if path.exists() else sqlite3.connect(":memory:")
        with closing(found) as connection:
            return _lacking(connection, path)


def script() -> str:
    """Everything, for an empty database or one of this version; may be run again and again."""
    with closing(sqlite3.connect(":memory:")) as empty:
        statements = _lacking(empty, Path())
    return "\n".join(["begin immediate;", *(f"{each};" for each in statements), "commit;\n"])


def _known(connection: sqlite3.Connection, path: Path) -> SchemaState:
    found = state(connection)
    if not found.known:
        raise ConfigError(newer(str(path), found))
    return found


def _lacking(connection: sqlite3.Connection, path: Path) -> list[str]:
    """What brings it to the newest version; each does nothing where its object is."""
    if _known(connection, path).is_newest:
        return []
    replaced = set(_replaced(connection))
    held = _names(connection) - replaced
    return [
        *_columns(connection, held),
        *(f"drop view {name}" for name in sorted(replaced)),
        *(statement for name, statement in _objects() if name.lower() not in held),
        _VERSION,
        f"delete from {VERSION_TABLE}",
        f"insert into {VERSION_TABLE} values ('{NEWEST}')",
    ]


def _replaced(connection: sqlite3.Connection) -> Iterator[str]:
    """The views that are as an older nfed made them, and are another now.

    One that somebody wrote himself, or hung triggers on, goes on as it is.
    """
    for name in REPLACED_VIEWS:
        made = connection.execute(
            "select sql from sqlite_master where type = 'view' and name = ? "
            "and not exists (select 1 from sqlite_master where type = 'trigger' and tbl_name = ?)",
            (name, name),
        ).fetchone()
        if made is not None and _plain(made[0]).endswith(f" as {_plain(view_until_0003(name))}"):
            yield name


def _plain(sql: str) -> str:
    return " ".join(sql.split()).lower()


def _names(connection: sqlite3.Connection) -> set[str]:
    return {row[0].lower() for row in connection.execute("select name from sqlite_master")}


def _columns(connection: sqlite3.Connection, held: set[str]) -> Iterator[str]:
    """Adds to tables that are there the columns that they have not."""
    for table in metadata(Backend.SQLITE).sorted_tables:
        if table.name.lower() in held:
            has = {row[1].lower() for row in connection.execute(f"pragma table_info({table.name})")}
            for column in table.columns:
                if column.name.lower() not in has:
                    yield f"alter table {table.name} add column {_definition(column)}"


def _definition(column: Column[object]) -> str:
    keys = (f" references {key.column.table.name} (id)" for key in column.foreign_keys)
    return f"{_compiled(CreateColumn(column))}{''.join(keys)}"


def _objects() -> Iterator[tuple[str, str]]:
    """The name of each table, index, view and trigger, and what makes it."""
    for table in metadata(Backend.SQLITE).sorted_tables:
        yield table.name, _compiled(CreateTable(table, if_not_exists=True)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(index.name), _compiled(CreateIndex(index, if_not_exists=True))
    for name in VIEWS:
        yield name, f"create view if not exists {name} as {view(name)}"
    for updated in UPDATED:
        trigger = f"tg_{updated}_updated_at"
        made = (
            f"create trigger if not exists {trigger} after update on {updated} "
            "when new.updated_at is old.updated_at begin "
            f"update {updated} set updated_at = current_timestamp where id = new.id; end"
        )
        yield trigger, made


def _compiled(element: ClauseElement) -> str:
    return str(element.compile(dialect=_DIALECT))
