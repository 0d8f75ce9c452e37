"""What a PostgreSQL database's rows say, as ports.NoteReader tells it, however they are read."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, time, timezone
from decimal import Decimal

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.documents.layout import EXACT_SUFFIX, INSTANT_SUFFIX, Kind, Moment, Number, tables

type FoundRows = list[tuple[int, dict[str, object]]]
"""Each row's id and its columns that hold anything, in the order of their making."""
type RowsOf = Callable[[str, str, Iterable[object]], Awaitable[FoundRows]]
"""The rows of a table in which a column has one of the values."""
type Start = tuple[datetime | None, int] | None
"""After which note a page begins: its moment of issue and its id."""
type Page = Callable[[bool, Start, int], Awaitable[list[NoteSummary]]]
"""So many notes, either those with a moment of issue or those without one."""

PARTIES = ("emitente", "destinatario")


async def listed(
    wanted: NoteFilter, after: NotePosition | None, limit: int, page: Page
) -> list[NoteSummary]:
    """See ports.NoteReader.notes. Notes without a moment of issue come last."""
    try:
        moment = datetime.fromisoformat(after[0]) if after and after[0] else None
    except ValueError:
        return []
    if moment is not None and moment.tzinfo is not None:  # no position that was ever given
        return []
    dated: list[NoteSummary] = []
    if after is None or moment is not None:
        start = None if after is None else (moment, after[1])
        dated = await page(True, start, limit)
    if len(dated) == limit or wanted.de is not None or wanted.ate is not None:
        return dated
    start = None if after is None or moment is not None else (None, after[1])
    return dated + await page(False, start, limit - len(dated))


async def whole_note(chave: str, rows_of: RowsOf) -> dict[str, object] | None:
    """See ports.NoteReader.note."""
    found = await rows_of("notas_fiscais", "chave_acesso", [chave])
    if not found:
        return None
    note_id, raw = found[0]
    told = _told("notas_fiscais", raw)
    told.pop("xml_completo", None)
    for papel in PARTIES:
        party = told.pop(f"{papel}_id", None)
        rows = [] if party is None else await rows_of("empresas", "id", [party])
        if rows:
            told[papel] = _told("empresas", rows[0][1])
    by_table = {"notas_fiscais": {note_id: told}}
    for name, table in tables().items():
        if table.parent is None or table.link is None or not by_table.get(table.parent):
            continue
        parents = by_table[table.parent]
        own = by_table[name] = {}
        for row_id, raw in await rows_of(name, table.link, parents):
            parent = parents[int(str(raw.pop(table.link)))]
            own[row_id] = _told(name, raw)
            siblings = parent.setdefault(name, [])
            assert isinstance(siblings, list)
            siblings.append(own[row_id])
    return told


def summary_of(
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
    """Of the row that a listing selects, in its order."""
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


def midnight(day: date) -> datetime:
    """When it begins, by the issuer's own clock."""
    return datetime.combine(day, time.min)
