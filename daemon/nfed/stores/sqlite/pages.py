"""Reads pages of rows from the SQLite store, each with a connection that writes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from nfed.sqlite import connect_readonly, world_errors
from nfed.stores.pages import Cell, Pages, Row, Search, converted
from nfed.stores.pages.conditions import conditions
from nfed.stores.sql import statement
from nfed.stores.tables import Backend


class SQLitePages(Pages):
    """See stores.pages.Pages."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["_Source"]:
        yield _Source(self._path)

    async def close(self) -> None:
        """Nothing is held between pages."""


class _Source:
    """See stores.pages.Source; each page is one view of it all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def page(self, search: Search) -> list[Row]:
        return await asyncio.to_thread(self._page, search)

    def _page(self, search: Search) -> list[Row]:
        query, values = question(search)
        with (
            world_errors("database", self._path),
            closing(connect_readonly(self._path)) as connection,
        ):
            return converted(search.subject, connection.execute(query, values), _moment)


def question(search: Search) -> tuple[str, dict[str, object]]:
    """The query for a page, and its values."""
    subject = search.subject
    known = conditions(subject, Backend.SQLITE)
    where = [known[name].format(public="", value=f":{name}") for name in search.values]
    values: dict[str, object] = {
        name: json.dumps(value) if isinstance(value, list) else value
        for name, value in search.values.items()
    }
    order = subject.order
    if search.is_dated is not None:
        where.append(f"{order[0]} is {'not ' if search.is_dated else ''}null")
    if search.after is not None:
        skipped = 1 if search.is_dated is False else 0
        names = [f"after_{at}" for at in range(skipped, len(order))]
        values |= dict(zip(names, search.after[skipped:], strict=True))
        marks = ", ".join(f":{name}" for name in names)
        where.append(f"({', '.join(order[skipped:])}) > ({marks})")
        if search.is_dated:
            # Of a row value that spans two tables, SQLite looks nothing up in an index.
            where.append(f"{order[0]} >= :{names[0]}")
    query = statement(
        subject.file,
        public="",
        fields=", ".join([*order, *(field.selected(Backend.SQLITE) for field in subject.fields)]),
        where=" and ".join(where) or "true",
        order=", ".join(order),
        limit=":limit",
    )
    return query, values | {"limit": search.limit}


def _moment(value: object) -> Cell:
    """Without an offset it is the clock's text, which has a blank where ISO 8601 has a T."""
    return str(value).replace(" ", "T")
