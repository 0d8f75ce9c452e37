"""Lists documents of PostgreSQL: makes the function that does, and what it is asked."""

from nfed.core.ports import ListOrder, NotePosition
from nfed.stores.lists import Search
from nfed.stores.lists.listings import Listing, conditions, direction
from nfed.stores.sql import statement
from nfed.stores.tables import Backend

_TYPES = {
    "from": "timestamp",
    "until": "timestamp",
    "numero": "bigint",
    "least": "numeric",
    "most": "numeric",
}
"""Of the values; any other is text."""


def function_of(listing: Listing) -> str:
    """The text of the function, `create or replace …`."""
    types = {name: _TYPES.get(name, "text") for name in (*listing.conditions, "codigo")}
    return statement(
        "postgres/sql/list.sql",
        function=listing.function,
        newest=ListOrder.NEWEST,
        declarations="\n".join(f"    v_{name} {kind};" for name, kind in types.items()),
        values="\n".join(
            f"    v_{name} := (busca ->> '{name}')::{kind};" for name, kind in types.items()
        ),
        branches="\n".join(_branch(listing, order) for order in ListOrder),
    )


def asked(search: Search) -> dict[str, object]:
    """The function's argument; numbers as text, since some gateways round a large one."""
    return {
        **{name: str(value) for name, value in search.values.items()},
        "dated": search.has_key,
        "order": search.order.value,
        **_position(search, "after", search.after),
        **_position(search, "last", search.last),
        "limit": search.limit,
        "offset": search.offset,
    }


def _position(search: Search, name: str, position: NotePosition | None) -> dict[str, object]:
    if position is None:
        return {}
    key, row_id = position
    kind = "value" if search.listing.by_value(search.order) else "moment"
    found: dict[str, object] = {f"{name}_id": str(row_id)}
    return {**found, f"{name}_{kind}": key} if search.has_key else found


def _branch(listing: Listing, order: ListOrder) -> str:
    kind = "value" if listing.by_value(order) else "moment"
    key, way = listing.key(order), direction(order)
    known = conditions(listing, Backend.POSTGRES, lambda name: f"v_{name}")
    where = statement(
        "postgres/sql/list_where.sql",
        key=key,
        alias=listing.alias,
        always=listing.always,
        conditions="\n   and ".join(
            f"(v_{name} is null or {text})" for name, text in known.items()
        ),
        after=f"v_after_{kind}",
        last=f"v_last_{kind}",
        beyond="<" if way == "desc" else ">",
        within=">=" if way == "desc" else "<=",
    )
    page = statement(
        listing.file,
        public="public.",
        where=where,
        key=key,
        direction=way,
        limit="v_limit",
        offset="v_offset",
    )
    return statement("postgres/sql/list_branch.sql", order=order, page=page)
