"""Serves Notas: the stored notes, found by key, company and month."""

import re
from calendar import monthrange
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from nfed.api.models import cursor_for, pair_in
from nfed.core.ports import NoteFilter, NotePage
from nfed.web.access import Looking
from nfed.web.answers import page, see, told
from nfed.web.note import HOME, STATUS_MARKS
from nfed.web.place import Here
from nfed.web.routes import ScreenRoute, is_fragment

_PAGE = 50
_KEY = re.compile("[0-9]{6}[0-9A-Z]{12}[0-9]{26}")
_TAX_NUMBER = re.compile("[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_PUNCTUATION = re.compile(r"[\s./-]")
_MONTH = re.compile("([0-9]{4})-(0[1-9]|1[0-2])")
ROLES = {"emitente": "issuer", "destinatario": "recipient"}

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@router.get(HOME)
async def notes(
    request: Request,
    here: Here,
    visitor: Looking,
    q: Annotated[str, Query(max_length=200)] = "",
    papel: str = "emitente",
    mes: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """A page of the list, the newest issue first; the filters stand in the address."""
    sought = _PUNCTUATION.sub("", q).upper().removeprefix("NFE")
    if _KEY.fullmatch(sought) and not is_fragment(request):
        return see(f"{HOME}/{sought}")
    role = papel if papel in ROLES else "emitente"
    number = sought if _TAX_NUMBER.fullmatch(sought) else None
    month = _MONTH.fullmatch(mes)
    first, last = _days(month)
    wanted = NoteFilter(
        emitente=number if role == "emitente" else None,
        destinatario=number if role == "destinatario" else None,
        de=first,
        ate=last,
    )
    is_understood = not sought or number is not None or bool(_KEY.fullmatch(sought))
    after = pair_in(cursor, int) if cursor else None
    found = NotePage([], None)
    key = _KEY.fullmatch(sought)
    if is_understood and key is None:
        found = await here.api.notes.notes(wanted, after, _PAGE)
    more = "" if found.next is None else cursor_for(*found.next)
    kept = {"q": q, "papel": role if number else "", "mes": mes if month else ""}
    return page(
        request,
        "notes_list.html" if is_fragment(request) else "notes.html",
        screen="notes",
        notes=found.notes,
        q=q,
        role=role,
        roles=ROLES,
        month=mes if month else "",
        is_understood=is_understood,
        key=sought if key else "",
        first_page=f"{HOME}?{told(kept)}" if cursor else "",
        next_page=f"{HOME}?{told({**kept, 'cursor': more})}" if more else "",
        status_marks=STATUS_MARKS,
        home=HOME,
    )


def _days(month: re.Match[str] | None) -> tuple[date | None, date | None]:
    if month is None or int(month[1]) == 0:
        return None, None
    year, number = int(month[1]), int(month[2])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])
