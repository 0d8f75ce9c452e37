"""Lists documents in short, page by page: the same way for every store.

A list is walked along an index, which decides part of what is asked: an issuer's dates, a number, a
range of values. What the index does not decide is looked at document by document, at most
MOST_SCANNED of them for a page: then the page ends with what was found, and leads on from there.

A list is walked twice where it must: first the rows that have what it is ordered by, last those
that have not, since no index gives both in that order.

`listings` names the lists and says in SQL what can be asked of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Protocol

from nfed.core.other_documents import DocumentFilter
from nfed.core.ports import ListOrder, NoteFilter, NotePosition
from nfed.stores.lists.listings import Listing, code_in, plain

MOST_SCANNED = 10_000
_MOST_ID = (1 << 63) - 1

type Row = dict[str, object]
"""A row by column, without the empty ones."""
type Values = Mapping[str, str | int]
"""What is compared with, by the names of conditions. Amounts are decimals in text, moments
AAAA-MM-DD hh:mm:ss by the issuer's clock."""


@dataclass(frozen=True, slots=True)
class Search:
    """One walk along an index."""

    listing: Listing
    values: Values
    order: ListOrder
    has_key: bool
    """Rows that have what the list is ordered by, or those that have none."""
    limit: int
    after: NotePosition | None = None
    """The last row of the page before; of one without a key, its id alone counts."""
    last: NotePosition | None = None
    """The last row that is looked at."""
    offset: int = 0

    @property
    def walked(self) -> frozenset[str]:
        """The conditions that the index decides."""
        return self.listing.walked(self.values.keys(), self.order)

    def end(self, most_scanned: int) -> "Search | None":
        """Asks for the last row that this one may look at; None: it may look at all."""
        if "numero" in self.values or self.values.keys() <= self.walked:
            return None
        walked = {name: value for name, value in self.values.items() if name in self.walked}
        return replace(self, values=walked, limit=1, offset=most_scanned - 1)


class Source(Protocol):
    """What a store answers from. Raises StoreUnavailable."""

    async def page(self, search: Search) -> Sequence[Row]:
        """Rows of the listing's SQL, at most `limit`."""
        ...


async def page_of(
    source: Source,
    listing: Listing,
    wanted: NoteFilter,
    after: NotePosition | None,
    limit: int,
    most_scanned: int = MOST_SCANNED,
) -> tuple[list[Row], NotePosition | None]:
    """At most `limit` rows, and what the next page comes after; None: there is no more.

    A position that no page could have ended with finds nothing.
    """
    if after is not None and not _is_position(after, wanted.ordem):
        return [], None
    found: list[Row] = []
    end: NotePosition | None = None
    for search in _walks(listing, wanted, after, limit + 1):
        asked = search.end(most_scanned)
        last = await source.page(asked) if asked else ()
        end = position_of(last[0], listing, wanted.ordem) if last else None
        found += await source.page(replace(search, last=end, limit=limit + 1 - len(found)))
        if end is not None or len(found) > limit:
            break
    if len(found) > limit:
        end = position_of(found[limit - 1], listing, wanted.ordem)
    return found[:limit], end


def _walks(
    listing: Listing, wanted: NoteFilter, after: NotePosition | None, limit: int
) -> list[Search]:
    values = values_of(wanted)
    first = Search(listing, values, wanted.ordem, has_key=True, limit=limit, after=after)
    rest = replace(first, has_key=False)
    if after is not None and not after[0]:
        return [rest]
    by_value = listing.by_value(wanted.ordem)
    ends = (wanted.valor_de, wanted.valor_ate) if by_value else (wanted.de, wanted.ate)
    return [first, replace(rest, after=None)] if ends == (None, None) else [first]


def position_of(row: Row, listing: Listing, order: ListOrder) -> NotePosition:
    """Where a row stands in the order."""
    key = row.get(listing.key(order).rpartition(".")[2])
    return "" if key is None else str(key), int(str(row["id"]))


def values_of(wanted: NoteFilter) -> Values:
    """What a filter compares with."""
    text = (plain(wanted.texto) or "").replace("\0", " ").strip()
    until = wanted.ate if wanted.ate is not None and wanted.ate < date.max else None
    of_document = wanted if isinstance(wanted, DocumentFilter) else DocumentFilter()
    values: dict[str, str | int | None] = {
        "tipo": of_document.tipo,
        "tomador": of_document.tomador,
        "emitente": wanted.emitente,
        "destinatario": wanted.destinatario,
        "from": None if wanted.de is None else _midnight(wanted.de),
        "until": None if until is None else _midnight(until + timedelta(days=1)),
        "status": wanted.status,
        "modelo": wanted.modelo,
        "ambiente": wanted.ambiente,
        "serie": wanted.serie,
        "numero": wanted.numero,
        "least": None if wanted.valor_de is None else f"{wanted.valor_de:f}",
        "most": None if wanted.valor_ate is None else f"{wanted.valor_ate:f}",
        "operacao": wanted.tipo_operacao,
        "finalidade": wanted.finalidade,
        "cfop": wanted.cfop,
        "ncm": wanted.ncm,
        "texto": text or None,
        "codigo": code_in(text) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _midnight(day: date) -> str:
    return datetime.combine(day, time.min).isoformat(" ")


def _is_position(after: NotePosition, order: ListOrder) -> bool:
    """One that a page of this order could have ended with."""
    key, row_id = after
    if abs(row_id) > _MOST_ID:
        return False
    try:
        if key and order in (ListOrder.DEAREST, ListOrder.CHEAPEST):
            return abs(Decimal(key)) < Decimal("1e30")
        return not key or datetime.fromisoformat(key).tzinfo is None
    except (ValueError, InvalidOperation):
        return False
