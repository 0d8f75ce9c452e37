"""Asks SQLite for a page of a list."""

from nfed.core.ports import NotePosition
from nfed.stores.lists import Search
from nfed.stores.lists.listings import conditions, direction
from nfed.stores.sql import statement
from nfed.stores.tables import Backend

_AMOUNTS = ("least", "most")


def question(search: Search) -> tuple[str, dict[str, object]]:
    """The query, and its values by name."""
    listing = search.listing
    known = conditions(listing, Backend.SQLITE, lambda name: f":{name}", search.walked)
    key, way = listing.key(search.order), direction(search.order)
    where = [known[name] for name in search.values if name in known]
    where.append(listing.always)
    where.append(f"{key} is {'not ' if search.has_key else ''}null")
    values: dict[str, object] = {
        name: float(value) if name in _AMOUNTS else value for name, value in search.values.items()
    }
    for name, position, sign in (
        ("after", search.after, "<" if way == "desc" else ">"),
        ("last", search.last, ">=" if way == "desc" else "<="),
    ):
        if position is not None:
            where.append(_beyond(search, name, sign))
            values |= _bound(search, name, position)
    query = statement(
        listing.file,
        public="",
        where="\n   and ".join(where),
        key=key,
        direction=way,
        limit=":limit",
        offset=":offset",
    )
    return query, {"codigo": None, **values, "limit": search.limit, "offset": search.offset}


def _beyond(search: Search, name: str, sign: str) -> str:
    row_id = f"{search.listing.alias}.id"
    if not search.has_key:
        return f"{row_id} {sign} :{name}_id"
    return f"({search.listing.key(search.order)}, {row_id}) {sign} (:{name}_key, :{name}_id)"


def _bound(search: Search, name: str, position: NotePosition) -> dict[str, object]:
    key, row_id = position
    found: dict[str, object] = {f"{name}_id": row_id}
    if search.has_key:
        by_value = search.listing.by_value(search.order)
        found[f"{name}_key"] = float(key) if by_value else key
    return found
