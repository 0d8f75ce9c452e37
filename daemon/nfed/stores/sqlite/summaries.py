"""Reads summaries from the SQLite store, each with a connection that writes nothing."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from nfed.core.ports import NoteFilter
from nfed.sqlite import connect_readonly, world_errors
from nfed.stores.lists.listings import CONTAINS, contains
from nfed.stores.summaries import Company, Summary, Totals
from nfed.stores.summaries.questions import Asking, Questions
from nfed.stores.tables import Backend

_QUESTIONS = Questions(Backend.SQLITE)


class SQLiteSummaries:
    """See summaries.Summaries; one summary is read at a time, whoever asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()

    async def lately(self) -> list[Company]:
        """See summaries.Summaries."""
        return await self._answer(_QUESTIONS.lately)

    async def totals(self, wanted: NoteFilter) -> Totals | None:
        """See summaries.Summaries."""
        return await self._answer(lambda: _QUESTIONS.totals(wanted))

    async def month(self, cpf_cnpj: str, mes: str | None, ambiente: str) -> Summary | None:
        """See summaries.Summaries."""
        return await self._answer(lambda: _QUESTIONS.month(cpf_cnpj, mes, ambiente))

    async def _answer[T](self, ask: Callable[[], Asking[T]]) -> T:
        async with self._turn:
            return await asyncio.to_thread(self._read, ask())

    def _read[T](self, asking: Asking[T]) -> T:
        with (
            world_errors("database", self._path),
            closing(connect_readonly(self._path)) as connection,
        ):
            connection.create_function(CONTAINS, 2, contains, deterministic=True)
            connection.execute("begin")
            return _answered(connection, asking)


def _answered[T](connection: sqlite3.Connection, asking: Asking[T]) -> T:
    try:
        query, values = next(asking)
        while True:
            query, values = asking.send(connection.execute(query, values).fetchall())
    except StopIteration as done:
        answer: T = done.value
        return answer
