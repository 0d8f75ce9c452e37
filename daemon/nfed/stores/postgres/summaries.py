"""Reads summaries from PostgreSQL over its own protocol."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nfed.core.ports import NoteFilter
from nfed.errors import ConfigError, StoreUnavailable
from nfed.stores.postgres.connection import connected
from nfed.stores.summaries import Company, Summary, Totals
from nfed.stores.summaries.questions import Asking, Questions, marked
from nfed.stores.tables import Backend

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_QUESTIONS = Questions(Backend.POSTGRES)


class PostgresSummaries:
    """See summaries.Summaries; one summary is read at a time, whoever asks."""

    def __init__(self, url: str) -> None:
        self._url = url
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
        try:
            async with (
                self._turn,
                connected(self._url) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await _answered(connection, ask())
        except ConfigError as error:
            raise StoreUnavailable(str(error)) from error


async def _answered[T](connection: "Connection", asking: Asking[T]) -> T:
    try:
        query, values = next(asking)
        while True:
            text, names = marked(query)
            rows = await connection.fetch(text, *(_text(values[name]) for name in names))
            query, values = asking.send([tuple(row) for row in rows])
    except StopIteration as done:
        answer: T = done.value
        return answer


def _text(value: object) -> str | None:
    return None if value is None else str(value)
