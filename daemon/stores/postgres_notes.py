"""Reads notes from a PostgreSQL store, each time in a read-only transaction of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.errors import ConfigError, StoreUnavailable
from daemon.stores.postgres_connection import connected
from daemon.stores.postgres_told import (
    PARTIES,
    FoundRows,
    Start,
    listed,
    midnight,
    summary_of,
    whole_note,
)

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_CONNECTIONS = 2
# The order is that of an index read backwards, which `nulls last` would not be.
_LIST = """
select n.id, n.chave_acesso, n.modelo, n.serie, n.numero_nf, n.data_hora_emissao,
       n.data_hora_emissao_tz, e.cpf_cnpj, e.razao_social, d.cpf_cnpj, d.razao_social,
       n.valor_total_nota, n.status
  from public.notas_fiscais n
  left join public.empresas e on e.id = n.emitente_id
  left join public.empresas d on d.id = n.destinatario_id
 where {where} order by n.data_hora_emissao desc, n.id desc limit {limit}
"""


class PostgresNotes:
    """See ports.NoteReader."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turns = asyncio.Semaphore(_CONNECTIONS)

    async def notes(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> list[NoteSummary]:
        """See ports.NoteReader."""
        async with self._reading() as connection:
            return await listed(wanted, after, limit, partial(_page, connection, wanted))

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        async with self._reading() as connection:
            return await whole_note(chave, partial(_rows, connection))

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""
        async with self._reading() as connection:
            found: str | None = await connection.fetchval(
                "select xml_completo from public.notas_fiscais where chave_acesso = $1", chave
            )
            return found

    async def check(self) -> None:
        """See ports.NoteReader."""
        async with self._reading() as connection:
            await connection.execute("select 1 from public.notas_fiscais limit 1")

    @asynccontextmanager
    async def _reading(self) -> "AsyncIterator[Connection]":
        """One view of it all."""
        try:
            async with (
                self._turns,
                connected(self._url) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection
        except ConfigError as error:
            raise StoreUnavailable(str(error)) from error


async def _page(
    connection: "Connection",
    wanted: NoteFilter,
    dated: bool,
    after: Start,
    limit: int,
) -> list[NoteSummary]:
    state = "not null" if dated else "null"
    conditions, values = [f"n.data_hora_emissao is {state}"], list[object]()

    def mark(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    for papel, number in zip(PARTIES, (wanted.emitente, wanted.destinatario), strict=True):
        if number is not None:
            found = f"select id from public.empresas where cpf_cnpj = {mark(number)}"
            conditions.append(f"n.{papel}_id = ({found})")
    if wanted.de is not None:
        conditions.append(f"n.data_hora_emissao >= {mark(midnight(wanted.de))}")
    if wanted.ate is not None and wanted.ate < date.max:
        end = midnight(wanted.ate + timedelta(days=1))
        conditions.append(f"n.data_hora_emissao < {mark(end)}")
    if after is not None and after[0] is not None:
        conditions.append(f"(n.data_hora_emissao, n.id) < ({mark(after[0])}, {mark(after[1])})")
    elif after is not None:
        conditions.append(f"n.id < {mark(after[1])}")
    query = _LIST.format(where=" and ".join(conditions), limit=limit)
    return [summary_of(*row) for row in await connection.fetch(query, *values)]


async def _rows(
    connection: "Connection", table: str, column: str, values: Iterable[object]
) -> FoundRows:
    found = await connection.fetch(
        f"select * from public.{table} where {column} = any($1) order by id", list(values)
    )
    rows: FoundRows = []
    for row in found:
        raw = {name: value for name, value in row.items() if value is not None}
        rows.append((raw.pop("id"), raw))
    return rows
