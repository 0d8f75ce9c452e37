"""Reads pages of rows from PostgreSQL by nfed_pagina_…, over its own protocol or HTTPS."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timezone
from typing import TYPE_CHECKING

from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.pages import Cell, Pages, Row, Search, converted
from nfed.stores.postgres.connection import connected
from nfed.stores.postgres.functions import page_of
from nfed.stores.postgres.project import Project

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_MOST_TOLD = 300
_NO_ANSWER = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What comes of reading whatever else a gateway may answer."""


class PostgresPages(Pages):
    """See stores.pages.Pages; a connection for as long as somebody reads, a statement a page."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        try:
            async with connected(self._url) as connection:
                yield _Connected(connection)
        except ConfigError as error:
            raise StoreUnavailable(str(error)) from error

    async def close(self) -> None:
        """Nothing is held while nobody reads."""


class SupabasePages(Pages):
    """See stores.pages.Pages; a request a page."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        yield _OverHttps(self._project)

    async def close(self) -> None:
        """See stores.pages.Pages."""
        await self._project.close()


class _Source(ABC):
    """See stores.pages.Source."""

    async def page(self, search: Search) -> list[Row]:
        subject = search.subject
        asked: dict[str, object] = {
            **search.values,
            "dated": search.is_dated,
            "after": None if search.after is None else [_sent(each) for each in search.after],
            "limit": search.limit,
        }
        found = json.loads(await self._call(page_of(subject), asked), parse_float=str)
        return converted(subject, found, _moment)

    @abstractmethod
    async def _call(self, function: str, asked: dict[str, object]) -> str:
        """The JSON text that the function returns."""


class _Connected(_Source):
    """Over a connection of its own."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    async def _call(self, function: str, asked: dict[str, object]) -> str:
        async with self._connection.transaction(readonly=True):
            query = f"select public.{function}($1)"
            return str(await self._connection.fetchval(query, json.dumps(asked)))


class _OverHttps(_Source):
    """By way of a project's API."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def page(self, search: Search) -> list[Row]:
        try:
            return await super().page(search)
        except (ConfigError, StoreRejected) as error:
            raise StoreUnavailable(str(error)) from error
        except _NO_ANSWER as error:
            told = f"{self._project.url}: expected what nfed's functions return: {error!r}"
            raise StoreUnavailable(told[:_MOST_TOLD]) from error

    async def _call(self, function: str, asked: dict[str, object]) -> str:
        return str(await self._project.call(function, {"busca": asked}))


def _sent(value: Cell) -> Cell:
    """As text, since some gateways round a large number."""
    return None if value is None else str(value)


def _moment(pair: object) -> Cell:
    """The issuer's clock, with the offset that leads from it to the instant."""
    assert isinstance(pair, list)
    clock, instant = pair
    if clock is None:
        return None
    moment = datetime.fromisoformat(clock)
    if instant is not None:
        offset = moment - datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None)
        moment = moment.replace(tzinfo=timezone(offset))
    return moment.isoformat()
