"""Reads notes from a PostgreSQL store, each time in a read-only transaction of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.documents.layout import EXACT_SUFFIX, INSTANT_SUFFIX, Kind, Moment, Number, tables
from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores.postgres_connection import connected

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_CONNECTIONS = 2
_PARTIES = ("emitente", "destinatario")
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
        try:
            moment = datetime.fromisoformat(after[0]) if after and after[0] else None
        except ValueError:
            return []
        if moment is not None and moment.tzinfo is not None:  # no position that was ever given
            return []
        async with self._reading() as connection:
            dated: list[NoteSummary] = []
            if after is None or moment is not None:
                start = None if after is None else (moment, after[1])
                dated = await _page(
                    connection, wanted, "n.data_hora_emissao is not null", start, limit
                )
            if len(dated) == limit or wanted.de is not None or wanted.ate is not None:
                return dated
            start = None if after is None or moment is not None else (None, after[1])
            undated = await _page(
                connection, wanted, "n.data_hora_emissao is null", start, limit - len(dated)
            )
            return dated + undated

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        async with self._reading() as connection:
            return await _note(connection, chave)

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
        except (ConfigError, StoreRejected) as error:
            raise StoreUnavailable(str(error)) from error


async def _page(
    connection: "Connection",
    wanted: NoteFilter,
    condition: str,
    after: tuple[datetime | None, int] | None,
    limit: int,
) -> list[NoteSummary]:
    conditions, values = [condition], list[object]()

    def mark(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    for papel, number in zip(_PARTIES, (wanted.emitente, wanted.destinatario), strict=True):
        if number is not None:
            found = f"select id from public.empresas where cpf_cnpj = {mark(number)}"
            conditions.append(f"n.{papel}_id = ({found})")
    if wanted.de is not None:
        conditions.append(f"n.data_hora_emissao >= {mark(_midnight(wanted.de))}")
    if wanted.ate is not None and wanted.ate < date.max:
        end = _midnight(wanted.ate + timedelta(days=1))
        conditions.append(f"n.data_hora_emissao < {mark(end)}")
    if after is not None and after[0] is not None:
        conditions.append(f"(n.data_hora_emissao, n.id) < ({mark(after[0])}, {mark(after[1])})")
    elif after is not None:
        conditions.append(f"n.id < {mark(after[1])}")
    query = _LIST.format(where=" and ".join(conditions), limit=limit)
    return [_summary(*row) for row in await connection.fetch(query, *values)]


def _summary(
    note_id: int,
    chave: str,
    modelo: str | None,
    serie: str | None,
    numero: int | None,
    moment: datetime | None,
    instant: datetime | None,
    emitente: str | None,
    emitente_nome: str | None,
    destinatario: str | None,
    destinatario_nome: str | None,
    total: Decimal | None,
    status: str | None,
) -> NoteSummary:
    return NoteSummary(
        chave=chave,
        modelo=modelo,
        serie=serie,
        numero=numero,
        emitida_em=None if moment is None or instant is None else _with_offset(moment, instant),
        emitente=emitente,
        emitente_nome=emitente_nome,
        destinatario=destinatario,
        destinatario_nome=destinatario_nome,
        valor_total=None
        if total is None
        else _exact(_kinds("notas_fiscais")["valor_total_nota"], total),
        status=status,
        position=("" if moment is None else moment.isoformat(" "), note_id),
    )


async def _note(connection: "Connection", chave: str) -> dict[str, object] | None:
    found = await _rows(connection, "notas_fiscais", "chave_acesso", [chave])
    if not found:
        return None
    note_id, raw = found[0]
    told = _told("notas_fiscais", raw)
    told.pop("xml_completo", None)
    for papel in _PARTIES:
        party = told.pop(f"{papel}_id", None)
        rows = [] if party is None else await _rows(connection, "empresas", "id", [party])
        if rows:
            told[papel] = _told("empresas", rows[0][1])
    by_table = {"notas_fiscais": {note_id: told}}
    for name, table in tables().items():
        if table.parent is None or table.link is None or not by_table.get(table.parent):
            continue
        parents = by_table[table.parent]
        own = by_table[name] = {}
        for row_id, raw in await _rows(connection, name, table.link, parents):
            parent = parents[int(str(raw.pop(table.link)))]
            own[row_id] = _told(name, raw)
            siblings = parent.setdefault(name, [])
            assert isinstance(siblings, list)
            siblings.append(own[row_id])
    return told


async def _rows(
    connection: "Connection", table: str, column: str, values: Iterable[object]
) -> list[tuple[int, dict[str, object]]]:
    """Each row's id and its columns that hold anything, in the order of their making."""
    found = await connection.fetch(
        f"select * from public.{table} where {column} = any($1) order by id", list(values)
    )
    rows: list[tuple[int, dict[str, object]]] = []
    for row in found:
        raw = {name: value for name, value in row.items() if value is not None}
        rows.append((raw.pop("id"), raw))
    return rows


def _told(table: str, raw: dict[str, object]) -> dict[str, object]:
    """Numbers as exact text; moments with the issuer's offset."""
    kinds = _kinds(table)
    told: dict[str, object] = {}
    for name, value in raw.items():
        instant = raw.get(name + INSTANT_SUFFIX)
        match value:
            case _ if name not in kinds and any(
                name.endswith(suffix) and name.removesuffix(suffix) in kinds
                for suffix in (EXACT_SUFFIX, INSTANT_SUFFIX)
            ):
                continue
            case datetime() if isinstance(kinds.get(name), Moment) and isinstance(
                instant, datetime
            ):
                told[name] = _with_offset(value, instant)
            case datetime():
                told[name] = value.isoformat(" ")
            case date():
                told[name] = value.isoformat()
            case Decimal():
                told[name] = _exact(kinds.get(name), value)
            case int() | str():
                told[name] = value
            case _:
                told[name] = str(value)
    return told


def _kinds(table: str) -> dict[str, Kind]:
    return {column.name: column.kind for column in tables()[table].columns}


def _exact(kind: Kind | None, value: Decimal) -> str:
    """With the places that the layout gives it, unless it was kept with those of the XML."""
    if isinstance(kind, Number) and not kind.needs_twin:
        rounded = round(value, kind.places)
        value = rounded if rounded == value else value
    return f"{value:f}"


def _with_offset(moment: datetime, instant: datetime) -> str:
    """The issuer's clock, with the offset that leads from it to the instant."""
    offset = moment - instant.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(tzinfo=timezone(offset)).isoformat()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
