"""Reads stored rows in pages, for who takes them out: the same way for every store.

A page is one question of its own, and goes on where the one before ended (by the values of the
subject's order, not by a count), so that memory is one page however many rows there are, a row that
is stored meanwhile moves nothing, and no transaction stays open.

Notes come in the order of their issue, which an index has; one index gives what a company issued
and another what it received, so who wants both gets first the one, then the other. Last come the
notes without a moment of issue. Whatever hangs on no note's order comes in that of its arrival.

`subjects` names what can be read, `conditions` how it is chosen; `sqlite/pages` and
`postgres/pages` ask. Cells are text, whole numbers or None, whatever the store: a number is the
exact decimal with the places that the layout gives it, a moment ISO 8601 with its issuer's offset.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import partial
from typing import Protocol

from nfed.documents.layout.columns import Moment, Number
from nfed.stores.pages.subjects import Subject, subjects

__all__ = ["Page", "Pages", "Papel", "Search", "Selection", "Source", "Subject", "subjects"]

type Cell = str | int | None
type Row = tuple[Cell, ...]


class Papel(StrEnum):
    """What a company is in a note."""

    EMITENTE = "emitente"
    DESTINATARIO = "destinatario"


@dataclass(frozen=True, slots=True)
class Selection:
    """Chooses rows; None: any."""

    empresa: str | None = None
    """CPF or CNPJ, without punctuation."""
    papel: Papel | None = None
    """What the company is in the note; without one, either."""
    de: date | None = None
    """The first date of issue (of an event, of the event), by the issuer's own clock."""
    ate: date | None = None
    """The last one, included."""
    status: str | None = None
    modelo: str | None = None
    chaves: tuple[str, ...] | None = None
    """These notes alone, or what is about them."""
    identificadores: tuple[str, ...] | None = None
    """These other documents alone, by dfe_documentos.identificador."""


@dataclass(frozen=True, slots=True)
class Search:
    """One page."""

    subject: Subject
    values: dict[str, str | int | list[str]]
    """By the names of `conditions`."""
    is_dated: bool | None
    """Notes that have a moment of issue, or those that have none; None: it does not matter."""
    after: Row | None
    """The order's values in the last row of the page before."""
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a subject, each with a cell for each of its fields."""

    papel: Papel | None
    """What the company that was asked for is in all of them; None: no company, or no note."""
    rows: Sequence[Row]


class Source(Protocol):
    """What a store answers from. Raises StoreUnavailable."""

    async def page(self, search: Search) -> Sequence[Row]:
        """At most `limit` rows: the values of the subject's order, then its fields."""
        ...


class Pages(ABC):
    """Reads pages; each caller has a source of its own for as long as it reads."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[Source]:
        """A source for the block."""

    @abstractmethod
    async def close(self) -> None:
        """Hangs up, where something is held."""

    async def about(self, name: str, chave: str, most: int) -> list[dict[str, Cell]]:
        """What is stored of the subject about one document, by field, at most so many rows."""
        fields = [each.name for each in subjects()[name].fields]
        found: list[dict[str, Cell]] = []
        async for some in self.read(name, Selection(chaves=(chave,)), most):
            found += [dict(zip(fields, row, strict=True)) for row in some.rows]
            if len(found) >= most:
                break
        return found[:most]

    async def read(self, name: str, selection: Selection, limit: int) -> AsyncIterator[Page]:
        """All rows of the subject of that name, at most `limit` a page. Raises StoreUnavailable."""
        subject = subjects()[name]
        width = len(subject.order)
        async with self._reading() as source:
            for papel, is_dated in _passes(subject, selection):
                after: Row | None = None
                while True:
                    values = _values(subject, selection, papel)
                    search = Search(subject, values, is_dated, after, limit)
                    found = await source.page(search)
                    if found:
                        yield Page(papel, [row[width:] for row in found])
                        after = found[-1][:width]
                    if len(found) < limit:
                        break


def _passes(subject: Subject, selection: Selection) -> list[tuple[Papel | None, bool | None]]:
    if not subject.by_note:
        return [(None, None)]
    roles: list[Papel | None] = [selection.papel]
    if selection.empresa is not None and selection.papel is None:
        roles = [Papel.EMITENTE, Papel.DESTINATARIO]
    elif selection.empresa is None:
        roles = [None]
    dated = [True] if selection.de is not None or selection.ate is not None else [True, False]
    return [(papel, is_dated) for is_dated in dated for papel in roles]


def _values(
    subject: Subject, selection: Selection, papel: Papel | None
) -> dict[str, str | int | list[str]]:
    values: dict[str, str | int | list[str] | None] = {
        "since": None if selection.de is None else _midnight(selection.de),
        "status": selection.status,
        "modelo": selection.modelo,
        "chaves": None if selection.chaves is None else list(selection.chaves),
    }
    if subject.root == "dfe_documentos" and selection.identificadores is not None:
        values["identificadores"] = list(selection.identificadores)
    if selection.ate is not None and selection.ate < date.max:
        values["until"] = _midnight(selection.ate + timedelta(days=1))
    role = papel if subject.by_note else selection.papel
    if selection.empresa is not None:
        values[role or "empresa"] = selection.empresa
        if papel is Papel.DESTINATARIO and selection.papel is None:
            values["not_emitente"] = selection.empresa
    return {name: value for name, value in values.items() if value is not None}


def _midnight(day: date) -> str:
    return datetime.combine(day, time.min).isoformat(" ")


def converted(
    subject: Subject, rows: Iterable[Sequence[Cell]], moment: Callable[[object], Cell]
) -> list[Row]:
    """Rows as a store holds them with cells as `Page` has them; `moment` makes those of moments."""
    places: list[tuple[int, Callable[[object], Cell]]] = []
    for at, field in enumerate(subject.fields, len(subject.order)):
        if isinstance(field.kind, Number):
            places.append((at, partial(exact, field.kind)))
        elif isinstance(field.kind, Moment):
            places.append((at, moment))
    made: list[Row] = []
    for row in rows:
        cells = list(row)
        for at, convert in places:
            value = cells[at]
            if value is not None:
                cells[at] = convert(value)
        made.append(tuple(cells))
    return made


def exact(kind: Number, value: object) -> str:
    """A number as a store holds it (double, whole number or text) as exact decimal text.

    With the places of the layout where that changes nothing, and as it was written where its digits
    are more than a double's.
    """
    if isinstance(value, float):
        # The shortest decimal that is this double; quick, and nearly always the whole answer.
        quick = f"{value:.{kind.places}f}"
        if float(quick) == value:
            return quick
        value = repr(value)
    text = str(value)
    if kind.needs_twin or text[-kind.places - 1 : -kind.places] == ".":
        return text
    try:
        number = Decimal(text)
        rounded = round(number, kind.places)
        return f"{rounded if rounded == number else number:f}"
    except InvalidOperation:
        return text
