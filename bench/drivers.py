"""Other ways than the store's to send a chunk to PostgreSQL: psycopg, and COPY's binary form.

They stand behind the face of asyncpg's connection that the store's writer speaks to, so that every
way runs the same statements for the same rows.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import repeat
from typing import Any

import psycopg
from psycopg.rows import dict_row

from daemon.documents.extract import Row, Value
from daemon.documents.layout import Table
from daemon.stores.postgres_write import Writer

_TYPES = """
select c.relname, a.attname, format_type(a.atttypid, null)
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
"""
_READERS: dict[str, Callable[[str], object]] = {
    "bigint": int,
    "integer": int,
    "smallint": int,
    "numeric": Decimal,
    "text": str,
    "date": date.fromisoformat,
    "timestamp without time zone": datetime.fromisoformat,
    "timestamp with time zone": datetime.fromisoformat,
}

type Types = dict[str, dict[str, str]]
"""By table and column: the name of the type."""


def types(url: str) -> Types:
    """The columns of a database."""
    found: Types = {}
    with psycopg.connect(url) as connection:
        for table, column, kind in connection.execute(_TYPES).fetchall():
            found.setdefault(table, {})[column] = kind
    return found


class Psycopg:
    """A connection of psycopg's that answers as one of asyncpg's; it commits by itself."""

    def __init__(self, raw: "psycopg.AsyncConnection[tuple[Any, ...]]") -> None:
        self.raw = raw

    @classmethod
    async def to(cls, url: str) -> "Psycopg":
        """Prepares no statement, as the store does not."""
        return cls(
            await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None)
        )

    async def execute(self, sql: str, *arguments: object) -> None:
        """One statement, or several without arguments."""
        await psycopg.AsyncRawCursor(self.raw).execute(sql.encode(), arguments or None)

    async def fetch(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        """All rows."""
        cursor = psycopg.AsyncRawCursor(self.raw)
        return await (await cursor.execute(sql.encode(), arguments or None)).fetchall()

    async def fetchrow(self, sql: str, *arguments: object) -> dict[str, Any] | None:
        """The first row by column."""
        cursor = psycopg.AsyncRawCursor(self.raw, row_factory=dict_row)
        return await (await cursor.execute(sql.encode(), arguments or None)).fetchone()

    async def fetchval(self, sql: str, *arguments: object) -> object:
        """The first value of the first row."""
        rows = await self.fetch(sql, *arguments)
        return rows[0][0] if rows else None

    async def copy_to_table(self, table: str, *, source: BytesIO, columns: Sequence[str]) -> None:
        """COPY of text."""
        into = f"copy {table} ({', '.join(columns)}) from stdin"
        async with psycopg.AsyncCursor(self.raw).copy(into.encode()) as copy:
            await copy.write(source.getvalue())

    async def copy_records_to_table(
        self, table: str, *, records: Sequence[tuple[object, ...]], columns: dict[str, str]
    ) -> None:
        """COPY in its binary form; `columns` with their types."""
        into = f"copy {table} ({', '.join(columns)}) from stdin (format binary)"
        async with psycopg.AsyncCursor(self.raw).copy(into.encode()) as copy:
            copy.set_types(list(columns.values()))
            for record in records:
                await copy.write_row(record)

    async def close(self) -> None:
        """Hangs up."""
        await self.raw.close()


class BinaryWriter(Writer):
    """Writes chunks by COPY's binary form, which takes each value as its column's type."""

    def __init__(self, known: Types) -> None:
        super().__init__()
        self._types = known

    async def _copy(
        self,
        connection: Any,
        table: Table,
        named: dict[str, Sequence[Value]],
        rows: Sequence[Row],
    ) -> None:
        columnwise = list(zip(*rows, strict=True))
        for name, position in self._columns[table.name].items():
            values = columnwise[position]
            if values.count(None) < len(values):
                named[name] = values
        kinds = {name: self._types[table.name][name] for name in named}
        typed = [list(map(_typed, repeat(kinds[name]), held)) for name, held in named.items()]
        await connection.copy_records_to_table(
            table.name,
            records=list(zip(*typed, strict=True)),
            columns=kinds if isinstance(connection, Psycopg) else list(kinds),
        )


def _typed(kind: str, value: Value) -> object:
    return None if value is None else _READERS[kind](str(value))
