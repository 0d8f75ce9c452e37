"""Reads notes from a Supabase project; `postgres_reading` has the functions that it calls."""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.documents.layout import INSTANT_SUFFIX, Date, Day, Kind, Moment, Number, tables
from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores.postgres_told import FoundRows, Start, listed, midnight, summary_of, whole_note
from daemon.stores.supabase_project import Project

_STAMPS = ("created_at", "updated_at")


class SupabaseNotes:
    """See ports.NoteReader."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def notes(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> list[NoteSummary]:
        """See ports.NoteReader."""
        return await listed(wanted, after, limit, partial(self._page, wanted))

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        found = await self._called("nfed_nota", {"chave": chave})

        async def rows_of(table: str, column: str, values: Iterable[object]) -> FoundRows:
            wanted = set(values)
            rows = [_read(table, row) for row in found.get(table) or ()]
            return [(int(row.pop("id")), row) for row in rows if row.get(column) in wanted]

        try:
            return await whole_note(chave, rows_of)
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
            raise StoreUnavailable(f"nfed_nota returned what is no note: {error}") from error

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""
        found = await self._rows("xml_completo", {"chave_acesso": chave})
        text = found[0].get("xml_completo") if found else None
        return None if text is None else str(text)

    async def check(self) -> None:
        """See ports.NoteReader."""
        await self._rows("id")

    async def _page(
        self, wanted: NoteFilter, dated: bool, after: Start, limit: int
    ) -> list[NoteSummary]:
        ends = wanted.ate is not None and wanted.ate < date.max
        search = {
            "dated": dated,
            "emitente": wanted.emitente,
            "destinatario": wanted.destinatario,
            "from": None if wanted.de is None else midnight(wanted.de).isoformat(),
            "until": midnight(wanted.ate + timedelta(days=1)).isoformat()
            if ends and wanted.ate is not None
            else None,
            "after_moment": None if after is None or after[0] is None else after[0].isoformat(),
            "after_id": None if after is None else str(after[1]),
            "limit": limit,
        }
        found = await self._called("nfed_notas", {"busca": search})
        try:
            rows = [_read("notas_fiscais", row) for row in found]
            return [summary_of(*(row[name] for name in _COLUMNS)) for row in rows]
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
            raise StoreUnavailable(f"nfed_notas returned what is no list: {error}") from error

    async def _called(self, function: str, arguments: dict[str, object]) -> Any:
        """What its JSON text says, to the last digit."""
        try:
            returned = await self._project.call(function, arguments)
            return json.loads(str(returned), parse_float=Decimal)
        except (ConfigError, StoreRejected) as error:
            raise StoreUnavailable(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise StoreUnavailable(f"{function} returned no JSON") from error

    async def _rows(self, columns: str, equal: dict[str, str] | None = None) -> list[Any]:
        try:
            return list(await self._project.rows("notas_fiscais", columns, equal))
        except (ConfigError, StoreRejected) as error:
            raise StoreUnavailable(str(error)) from error


_COLUMNS = (
    "id",
    "chave_acesso",
    "modelo",
    "serie",
    "numero_nf",
    "data_hora_emissao",
    "data_hora_emissao_tz",
    "emitente",
    "emitente_nome",
    "destinatario",
    "destinatario_nome",
    "valor_total_nota",
    "status",
)


def _read(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row's values as a driver gives them; JSON has neither moments nor decimals."""
    kinds = {column.name: column.kind for column in tables()[table].columns}
    return {name: _value(name, kinds, value) for name, value in row.items()}


def _value(name: str, kinds: dict[str, Kind], value: Any) -> Any:
    if value is None:
        return None
    kind = kinds.get(name) or kinds.get(name.removesuffix(INSTANT_SUFFIX))
    match kind:
        case Moment():
            return datetime.fromisoformat(value)
        case Date() | Day():
            return date.fromisoformat(value)
        case Number():
            return Decimal(str(value))
        case None if name in _STAMPS:
            return datetime.fromisoformat(value)
        case _:
            return value
