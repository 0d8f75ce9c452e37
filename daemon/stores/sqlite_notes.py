"""Reads notes from the SQLite store, each time with a connection of its own that writes nothing."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.documents.layout import EXACT_SUFFIX, INSTANT_SUFFIX, Kind, Moment, Number, tables
from daemon.errors import StoreUnavailable
from daemon.stores.ledger_file import connect_readonly

_THREADS = 2
_PARTIES = ("emitente", "destinatario")
_MAX_MARKS = 500
_LIST = (
    "select n.id, n.chave_acesso, n.modelo, n.serie, n.numero_nf, n.data_hora_emissao, "
    "n.data_hora_emissao_tz, e.cpf_cnpj, e.razao_social, d.cpf_cnpj, d.razao_social, "
    "n.valor_total_nota, n.status from notas_fiscais n "
    "left join empresas e on e.id = n.emitente_id left join empresas d on d.id = n.destinatario_id "
    "where {where} order by n.data_hora_emissao desc, n.id desc limit ?"
)


class SQLiteNotes:
    """See ports.NoteReader."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="nfed-notes")

    def close(self) -> None:
        """Waits for the reads under way."""
        self._threads.shutdown(wait=True)

    async def notes(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> list[NoteSummary]:
        """See ports.NoteReader."""
        return await self._run(lambda connection: _notes(connection, wanted, after, limit))

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        return await self._run(lambda connection: _note(connection, chave))

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""

        def read(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "select xml_completo from notas_fiscais where chave_acesso = ?", (chave,)
            ).fetchone()
            return None if row is None else row[0]

        return await self._run(read)

    async def check(self) -> None:
        """See ports.NoteReader."""
        await self._run(lambda connection: connection.execute("select 1 from notas_fiscais"))

    async def _run[T](self, read: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, read)

    def _read[T](self, read: Callable[[sqlite3.Connection], T]) -> T:
        with self._connected() as connection:
            connection.execute("begin")  # one view of it all
            return read(connection)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(connect_readonly(self._path)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreUnavailable(f"database {self._path}: {error}") from error
        except OSError as error:
            raise StoreUnavailable(f"database {self._path}: {error.strerror}") from error


def _notes(
    connection: sqlite3.Connection, wanted: NoteFilter, after: NotePosition | None, limit: int
) -> list[NoteSummary]:
    conditions, values = ["1"], list[object]()
    for papel, number in zip(_PARTIES, (wanted.emitente, wanted.destinatario), strict=True):
        if number is not None:
            conditions.append(f"n.{papel}_id = (select id from empresas where cpf_cnpj = ?)")
            values.append(number)
    if wanted.de is not None:
        conditions.append("n.data_hora_emissao >= ?")
        values.append(wanted.de.isoformat())
    if wanted.ate is not None and wanted.ate.toordinal() < wanted.ate.max.toordinal():
        conditions.append("n.data_hora_emissao < ?")
        values.append((wanted.ate + timedelta(days=1)).isoformat())
    if after is not None and after[0]:
        conditions.append("((n.data_hora_emissao, n.id) < (?, ?) or n.data_hora_emissao is null)")
        values += after
    elif after is not None:
        conditions.append("n.data_hora_emissao is null and n.id < ?")
        values.append(after[1])
    found = connection.execute(_LIST.format(where=" and ".join(conditions)), (*values, limit))
    money = _kinds("notas_fiscais")["valor_total_nota"]
    return [
        NoteSummary(
            chave=chave,
            modelo=modelo,
            serie=serie,
            numero=numero,
            emitida_em=instant,
            emitente=emitente,
            emitente_nome=emitente_nome,
            destinatario=destinatario,
            destinatario_nome=destinatario_nome,
            valor_total=_exact(money, total),
            status=status,
            position=(moment or "", note_id),
        )
        for (
            note_id,
            chave,
            modelo,
            serie,
            numero,
            moment,
            instant,
            emitente,
            emitente_nome,
            destinatario,
            destinatario_nome,
            total,
            status,
        ) in found
    ]


def _note(connection: sqlite3.Connection, chave: str) -> dict[str, object] | None:
    found = _rows(connection, "notas_fiscais", "chave_acesso", [chave])
    if not found:
        return None
    note_id, raw = found[0]
    told = _told("notas_fiscais", raw)
    told.pop("xml_completo", None)
    for papel in _PARTIES:
        party = _rows(connection, "empresas", "id", [told.pop(f"{papel}_id", None)])
        if party:
            told[papel] = _told("empresas", party[0][1])
    by_table = {"notas_fiscais": {note_id: told}}
    for name, table in tables().items():
        if table.parent is None or table.link is None or not by_table.get(table.parent):
            continue
        parents = by_table[table.parent]
        own = by_table[name] = {}
        for row_id, raw in _rows(connection, name, table.link, parents):
            parent = parents[int(str(raw.pop(table.link)))]
            own[row_id] = _told(name, raw)
            rows = parent.setdefault(name, [])
            assert isinstance(rows, list)
            rows.append(own[row_id])
    return told


def _rows(
    connection: sqlite3.Connection, table: str, column: str, values: Iterable[object]
) -> list[tuple[int, dict[str, object]]]:
    """Each row's id and its columns that hold anything, in the order of their making."""
    wanted = list(values)
    rows: list[tuple[int, dict[str, object]]] = []
    for start in range(0, len(wanted), _MAX_MARKS):
        part = wanted[start : start + _MAX_MARKS]
        found = connection.execute(
            f"select * from {table} where {column} in ({', '.join('?' * len(part))}) order by id",
            part,
        )
        names = [each[0] for each in found.description]
        for row in found:
            raw = {name: value for name, value in zip(names, row, strict=True) if value is not None}
            rows.append((raw.pop("id"), raw))
    return rows


def _told(table: str, raw: dict[str, object]) -> dict[str, object]:
    """Numbers as exact text, by their twin where a double may lose digits; moments with offset."""
    kinds = _kinds(table)
    told: dict[str, object] = {}
    for name, value in raw.items():
        kind = kinds.get(name)
        match kind:
            case Number():
                told[name] = raw.get(name + EXACT_SUFFIX) if kind.needs_twin else None
                told[name] = told[name] or _exact(kind, value)
            case Moment():
                told[name] = raw.get(name + INSTANT_SUFFIX, value)
            case None if _is_twin(name, kinds):
                continue
            case _:
                told[name] = value
    return told


def _is_twin(name: str, kinds: dict[str, Kind]) -> bool:
    return any(
        name.endswith(suffix) and name.removesuffix(suffix) in kinds
        for suffix in (EXACT_SUFFIX, INSTANT_SUFFIX)
    )


def _kinds(table: str) -> dict[str, Kind]:
    return {column.name: column.kind for column in tables()[table].columns}


def _exact(kind: Kind, value: object) -> str | None:
    """The shortest decimal that is this double, with the places that the layout gives it."""
    if value is None:
        return None
    exact = Decimal(repr(value)) if isinstance(value, int | float) else Decimal(str(value))
    if isinstance(kind, Number) and exact == (rounded := round(exact, kind.places)):
        exact = rounded
    return f"{exact:f}"
