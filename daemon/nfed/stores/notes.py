"""Reads stored notes: lists them, and tells one with all its rows; the same way for every store.

A store gives a `Source` for the length of one question. It gives rows as SQLite holds them: text,
whole numbers and doubles by column; a moment is the issuer's wall clock and, in its `_tz` twin,
ISO 8601 with the issuer's offset. `lists` says how notes are listed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from functools import cache
from typing import Protocol

from nfed.core.ports import ListOrder, NoteFilter, NotePage, NotePosition, NoteSummary
from nfed.documents.layout import head_of, tables
from nfed.documents.layout.columns import EXACT_SUFFIX, INSTANT_SUFFIX, Kind, Moment, Number
from nfed.stores import lists
from nfed.stores.lists import MOST_SCANNED, Row, page_of, position_of
from nfed.stores.lists.listings import NOTES

PARTIES = ("emitente", "destinatario")

type Rows = Mapping[str, Sequence[Row]]
"""By table, in the order of their making."""


class Source(lists.Source, Protocol):
    """What a store answers a question from. Raises StoreUnavailable."""

    async def note(self, chave: str) -> Rows:
        """The note's row, those of its parties in empresas, and of every table below the note."""
        ...

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""
        ...

    async def check(self) -> None:
        """See ports.NoteReader."""
        ...


class Notes(ABC):
    """See ports.NoteReader."""

    most_scanned = MOST_SCANNED
    """How many notes are looked at for one page of a list, at most."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[Source]:
        """A source for one question."""

    async def notes(self, wanted: NoteFilter, after: NotePosition | None, limit: int) -> NotePage:
        """See ports.NoteReader."""
        async with self._reading() as source:
            rows, end = await page_of(source, NOTES, wanted, after, limit, self.most_scanned)
            return NotePage([_summary(row, wanted.ordem) for row in rows], end)

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        async with self._reading() as source:
            return nested("notas_fiscais", await source.note(chave))

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""
        async with self._reading() as source:
            return await source.xml(chave)

    async def check(self) -> None:
        """See ports.NoteReader."""
        async with self._reading() as source:
            await source.check()


def _summary(row: Row, order: ListOrder) -> NoteSummary:
    said = readable("notas_fiscais", row)
    has_offset = f"data_hora_emissao{INSTANT_SUFFIX}" in row

    def text(name: str) -> str | None:
        value = said.get(name)
        return None if value is None else str(value)

    numero = row.get("numero_nf")
    return NoteSummary(
        chave=str(row["chave_acesso"]),
        modelo=text("modelo"),
        serie=text("serie"),
        numero=None if numero is None else int(str(numero)),
        emitida_em=text("data_hora_emissao") if has_offset else None,
        emitente=text("emitente"),
        emitente_nome=text("emitente_nome"),
        destinatario=text("destinatario"),
        destinatario_nome=text("destinatario_nome"),
        valor_total=text("valor_total_nota"),
        status=text("status"),
        position=position_of(row, NOTES, order),
    )


def nested(head: str, found: Rows) -> dict[str, object] | None:
    """A document with its parties and the rows of its tables, each within the one it belongs to."""
    heads = found.get(head)
    if not heads:
        return None
    note = readable(head, heads[0])
    note_id = note.pop("id")
    note.pop("xml_completo", None)
    note.pop("xml", None)
    parties = {each["id"]: each for each in found.get("empresas", ())}
    for papel in PARTIES:
        party = parties.get(note.pop(f"{papel}_id", None))
        if party is not None:
            note[papel] = readable("empresas", {k: v for k, v in party.items() if k != "id"})
    by_table: dict[str, dict[object, dict[str, object]]] = {head: {note_id: note}}
    for name, table in tables().items():
        if table.parent is None or table.link is None or head_of(name) != head:
            continue
        for row in found.get(name, ()):
            own = readable(name, row)
            parent = by_table[table.parent][own.pop(table.link)]
            by_table.setdefault(name, {})[own.pop("id")] = own
            siblings = parent.setdefault(name, [])
            assert isinstance(siblings, list)
            siblings.append(own)
    return note


def readable(table: str, row: Row) -> dict[str, object]:
    """Numbers as exact decimal text; moments with the issuer's offset, where it is known."""
    kinds = _kinds(table)
    said: dict[str, object] = {}
    for name, value in row.items():
        match kinds.get(name):
            case Number() as kind:
                said[name] = _exact(kind, value, row.get(name + EXACT_SUFFIX))
            case Moment():
                said[name] = row.get(name + INSTANT_SUFFIX, value)
            case None if _is_twin(name, kinds):
                continue
            case _:
                said[name] = value if isinstance(value, int | str) else str(value)
    return said


def _exact(kind: Number, value: object, twin: object) -> str:
    """As the XML wrote it where that was kept, or else with the places that the layout gives it."""
    if twin is not None:
        return str(twin)
    # The shortest decimal that is a double; PostgreSQL's are exact.
    exact = Decimal(repr(value) if isinstance(value, float) else str(value))
    if not kind.needs_twin and exact == (rounded := round(exact, kind.places)):
        exact = rounded
    return f"{exact:f}"


def _is_twin(name: str, kinds: Mapping[str, Kind]) -> bool:
    return any(
        name.endswith(suffix) and name.removesuffix(suffix) in kinds
        for suffix in (EXACT_SUFFIX, INSTANT_SUFFIX)
    )


@cache
def _kinds(table: str) -> dict[str, Kind]:
    return {column.name: column.kind for column in tables()[table].columns}
