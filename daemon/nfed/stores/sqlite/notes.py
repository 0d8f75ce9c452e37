"""Reads notes from the SQLite store, each time with a connection of its own that writes nothing."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import batched
from pathlib import Path

from nfed.sqlite import connect_readonly, world_errors
from nfed.stores.documents import MOST_RELATED, Documents
from nfed.stores.lists import Row, Search
from nfed.stores.lists.listings import CONTAINS, contains
from nfed.stores.notes import PARTIES, Notes, Rows
from nfed.stores.sql import statement
from nfed.stores.sqlite.lists import question
from nfed.stores.tables import below

_THREADS = 2
_MAX_MARKS = 500


class SQLiteNotes(Notes, Documents):
    """See ports.NoteReader and core.other_documents.DocumentReader."""

    def __init__(self, path: Path) -> None:
        self._source = _Source(path)

    def close(self) -> None:
        """Waits for the reads under way."""
        self._source.close()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        yield self._source


class _Source:
    """See stores.notes.Source; each answer is one view of it all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="nfed-notes")

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    async def page(self, search: Search) -> list[Row]:
        query, values = question(search)
        return await self._run(lambda connection: _rows(connection, query, values))

    async def note(self, chave: str) -> Rows:
        return await self._run(lambda connection: _note(connection, chave))

    async def document(self, chave: str) -> Rows:
        return await self._run(lambda connection: _document(connection, chave))

    async def xml(self, chave: str) -> str | None:
        return await self._text(
            "select xml_completo from notas_fiscais where chave_acesso = ?", chave
        )

    async def document_xml(self, chave: str) -> str | None:
        return await self._text(
            "select xml from dfe_documentos where chave_acesso = ? and especie = 'documento'", chave
        )

    async def related(self, chave: str) -> list[Row]:
        query = statement("lists/relacionados.sql", public="", chave=":chave", limit=":limit")
        values = {"chave": chave, "limit": MOST_RELATED}
        return await self._run(lambda connection: _rows(connection, query, values))

    async def _text(self, query: str, chave: str) -> str | None:
        def read(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(query, (chave,)).fetchone()
            return None if row is None else row[0]

        return await self._run(read)

    async def check(self) -> None:
        await self._run(lambda connection: connection.execute("select 1 from notas_fiscais"))

    async def _run[T](self, read: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, read)

    def _read[T](self, read: Callable[[sqlite3.Connection], T]) -> T:
        with self._connected() as connection:
            connection.execute("begin")
            return read(connection)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with (
            world_errors("database", self._path),
            closing(connect_readonly(self._path)) as connection,
        ):
            connection.create_function(CONTAINS, 2, contains, deterministic=True)
            yield connection


def _note(connection: sqlite3.Connection, chave: str) -> Rows:
    found = {"notas_fiscais": _of(connection, "notas_fiscais", "chave_acesso", [chave])}
    for note in found["notas_fiscais"]:
        parties = [note[f"{papel}_id"] for papel in PARTIES if f"{papel}_id" in note]
        found["empresas"] = _of(connection, "empresas", "id", parties)
    return _with_below(connection, found, "notas_fiscais")


def _document(connection: sqlite3.Connection, chave: str) -> Rows:
    documents = [
        row
        for row in _of(connection, "dfe_documentos", "chave_acesso", [chave])
        if row.get("especie") == "documento"
    ]
    return _with_below(connection, {"dfe_documentos": documents}, "dfe_documentos")


def _with_below(connection: sqlite3.Connection, found: dict[str, list[Row]], head: str) -> Rows:
    """With the rows of every table below the head."""
    for table in below(head):
        assert table.parent is not None
        assert table.link is not None
        parents = [row["id"] for row in found[table.parent]]
        found[table.name] = _of(connection, table.name, table.link, parents)
    return found


def _of(
    connection: sqlite3.Connection, table: str, column: str, values: Iterable[object]
) -> list[Row]:
    """Rows in which a column has one of the values, in the order of their making."""
    rows: list[Row] = []
    for some in batched(values, _MAX_MARKS):
        marks = ", ".join("?" * len(some))
        query = f"select * from {table} where {column} in ({marks}) order by id"
        rows += _rows(connection, query, some)
    return rows


def _rows(
    connection: sqlite3.Connection, query: str, values: Sequence[object] | Mapping[str, object]
) -> list[Row]:
    found = connection.execute(query, values)
    names = [each[0] for each in found.description]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in found
    ]
