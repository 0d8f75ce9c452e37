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
_MONTH = re.compile("[0-9]{4}-(?:0[1-9]|1[0-2])")
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
    sought = _bare(q)
    if _KEY.fullmatch(sought) and not is_fragment(request):
        return see(f"{HOME}/{sought}")
    role = papel if papel in ROLES else "emitente"
    number = tax_number_in(q)
    month = month_in(mes)
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
