"""Reads notes from PostgreSQL by nfed_notas and nfed_nota, over its own protocol or HTTPS."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from nfed.documents.layout import tables
from nfed.documents.layout.columns import INSTANT_SUFFIX, Moment
from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.documents import Documents
from nfed.stores.lists import Row, Search
from nfed.stores.notes import Notes, Rows
from nfed.stores.postgres.connection import connected
from nfed.stores.postgres.lists import asked
from nfed.stores.postgres.project import Project

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_CONNECTIONS = 2
_STAMPS = ("created_at", "updated_at")
_MOST_TOLD = 300
_NO_ANSWER = (ValueError, TypeError, KeyError, AttributeError, InvalidOperation, RecursionError)
"""What comes of reading whatever else a gateway may answer."""


class PostgresNotes(Notes, Documents):
    """See ports.NoteReader; each question is a read-only transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turns = asyncio.Semaphore(_CONNECTIONS)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        try:
            async with (
                self._turns,
                connected(self._url) as connection,
                # One view of it all.
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield _Connected(connection)
        except ConfigError as error:
            raise StoreUnavailable(str(error)) from error


class SupabaseNotes(Notes, Documents):
    """See ports.NoteReader."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        try:
            yield _OverHttps(self._project)
        except (ConfigError, StoreRejected) as error:
            raise StoreUnavailable(str(error)) from error
        except _NO_ANSWER as error:
            raise StoreUnavailable(
                f"{self._project.url}: expected what nfed's functions return: {error!r}"[
                    :_MOST_TOLD
                ]
            ) from error


class _Source(ABC):
    """See stores.notes.Source."""

    async def page(self, search: Search) -> list[Row]:
        found = _read(await self._call(search.listing.function, "busca", asked(search)))
        table = search.listing.table
        return [_row(table, row) for row in found]

    async def note(self, chave: str) -> Rows:
        return await self._whole("nfed_nota", chave)

    async def document(self, chave: str) -> Rows:
        return await self._whole("nfed_documento", chave)

    async def related(self, chave: str) -> list[Row]:
        found = _read(await self._call("nfed_relacionados", "chave", chave))
        return [{name: value for name, value in row.items() if value is not None} for row in found]

    async def _whole(self, function: str, chave: str) -> Rows:
        found = _read(await self._call(function, "chave", chave))
        return {name: [_row(name, row) for row in rows or ()] for name, rows in found.items()}

    @abstractmethod
    async def _call(self, function: str, name: str, argument: object) -> object:
        """What the function returns for an argument of that name, JSON for one that is no text."""

    @abstractmethod
    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""

    @abstractmethod
    async def document_xml(self, chave: str) -> str | None:
        """See DocumentReader."""

    @abstractmethod
    async def check(self) -> None:
        """See ports.NoteReader."""


class _Connected(_Source):
    """Over a connection of its own."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    async def _call(self, function: str, name: str, argument: object) -> object:
        text = argument if isinstance(argument, str) else json.dumps(argument)
        found: object = await self._connection.fetchval(f"select public.{function}($1)", text)
        return found

    async def xml(self, chave: str) -> str | None:
        found: str | None = await self._connection.fetchval(
            "select xml_completo from public.notas_fiscais where chave_acesso = $1", chave
        )
        return found

    async def document_xml(self, chave: str) -> str | None:
        found: str | None = await self._connection.fetchval(
            "select xml from public.dfe_documentos "
            "where chave_acesso = $1 and especie = 'documento'",
            chave,
        )
        return found

    async def check(self) -> None:
        await self._connection.execute("select 1 from public.notas_fiscais limit 1")


class _OverHttps(_Source):
    """By way of a project's API."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def _call(self, function: str, name: str, argument: object) -> object:
        return await self._project.call(function, {name: argument})

    async def xml(self, chave: str) -> str | None:
        return await self._text("notas_fiscais", "xml_completo", {"chave_acesso": chave})

    async def document_xml(self, chave: str) -> str | None:
        wanted = {"chave_acesso": chave, "especie": "documento"}
        return await self._text("dfe_documentos", "xml", wanted)

    async def _text(self, table: str, column: str, wanted: dict[str, str]) -> str | None:
        found = await self._project.rows(table, column, wanted)
        text = found[0].get(column) if found else None
        return None if text is None else str(text)

    async def check(self) -> None:
        await self._project.rows("notas_fiscais", "id")


def _read(returned: object) -> Any:
    """What a function's JSON text says, to the last digit."""
    return json.loads(str(returned), parse_float=Decimal)


def _row(table: str, row: dict[str, Any]) -> Row:
    """A row of JSON as stores.notes takes it."""
    found = {name: value for name, value in row.items() if value is not None}
    for name in _moments(table):
        if name not in found:
            continue
        moment, instant = datetime.fromisoformat(found[name]), found.get(name + INSTANT_SUFFIX)
        found[name] = moment.isoformat(" ")
        if instant is not None:
            # The issuer's clock, with the offset that leads from it to the instant.
            offset = moment - datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None)
            found[name + INSTANT_SUFFIX] = moment.replace(tzinfo=timezone(offset)).isoformat()
    return found


def _moments(table: str) -> list[str]:
    return [*_STAMPS, *(c.name for c in tables()[table].columns if isinstance(c.kind, Moment))]
