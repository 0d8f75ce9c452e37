"""Serves Notas: the stored notes, found by key, company, words and more, summed and taken along."""

from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from nfed.api.models import cursor_for, pair_in
from nfed.core.ports import NoteFilter, NotePage
from nfed.exports.chosen import STATUSES
from nfed.exports.lines import Locale, csv_of
from nfed.exports.request import Format
from nfed.exports.workbook import xlsx_of
from nfed.stores.pages import Row, Selection, subjects
from nfed.web.access import Looking
from nfed.web.answers import HEADERS, page, see
from nfed.web.filters import ENVIRONMENTS, HOME, MODELS, ORDERS, ROLES, Filters
from nfed.web.note import STATUS_MARKS
from nfed.web.place import Here, Place
from nfed.web.routes import ScreenRoute, is_fragment

_PAGE = 50
_ROWS_A_PAGE = 500
FILES = {"csv": "/painel/notas.csv", "xlsx": "/painel/notas.xlsx"}

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@router.get(HOME)
async def notes(request: Request, here: Here, visitor: Looking) -> Response:
    """A page of the list; its filters and its order stand in the address."""
    filters = Filters.of(request.query_params)
    if filters.key and not is_fragment(request):
        return see(f"{HOME}/{filters.key}")
    cursor = request.query_params.get("cursor", "")[:1000]
    found, totals = NotePage([], None), None
    is_asked = not filters.key and not filters.unread
    if is_asked:
        wanted = filters.wanted()
        found = await here.api.notes.notes(wanted, pair_in(cursor, int) if cursor else None, _PAGE)
        totals = None if here.summaries is None else await here.summaries.totals(wanted)
    more = "" if found.next is None else cursor_for(*found.next)
    return page(
        request,
        "notes_list.html" if is_fragment(request) else "notes.html",
        screen="notes",
        notes=found.notes,
        totals=totals,
        can_sum=here.summaries is not None,
        filters=filters,
        roles=ROLES,
        models=MODELS,
        environments=ENVIRONMENTS,
        statuses=STATUSES,
        orders=ORDERS,
        files={name: filters.address(path) for name, path in FILES.items()},
        first_page=filters.address() if cursor else "",
        next_page=filters.address(cursor=more) if more else "",
        status_marks=STATUS_MARKS,
        home=HOME,
    )


@router.get(FILES["csv"])
async def csv(request: Request, here: Here, visitor: Looking) -> Response:
    """The list as it is filtered, each note with all that an export says of it."""
    return await _file(request, here, Format.CSV)


@router.get(FILES["xlsx"])
async def xlsx(request: Request, here: Here, visitor: Looking) -> Response:
    """The same as a workbook."""
    return await _file(request, here, Format.XLSX)


async def _file(request: Request, here: Place, form: Format) -> Response:
    wanted, subject = Filters.of(request.query_params).wanted(), subjects()["notas"]

    def parts() -> AsyncIterator[bytes]:
        rows = _rows(here, wanted)
        if form is Format.CSV:
            return csv_of(subject, rows, Locale.BRAZIL)
        return xlsx_of(subject, rows)

    rest = here.api.exports.counted(parts)
    # What is wrong is found here, while there is an answer to give.
    beginning = await anext(rest)
    return StreamingResponse(
        _whole(beginning, rest),
        media_type=form.media_type,
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="notas.{form}"'},
    )


async def _whole(beginning: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield beginning
    async for part in rest:
        yield part


async def _rows(here: Place, wanted: NoteFilter) -> AsyncIterator[Sequence[Row]]:
    """Rows of the subject `notas` of all that the list has, in its order."""
    at = subjects()["notas"].position("chave_acesso")
    after = None
    while True:
        listed = await here.api.notes.notes(wanted, after, _ROWS_A_PAGE)
        keys = tuple(each.chave for each in listed.notes)
        found: dict[object, Row] = {}
        async for some in here.api.exports.pages.read(
            "notas", Selection(chaves=keys), _ROWS_A_PAGE
        ):
            found.update((row[at], row) for row in some.rows)
        yield [found[key] for key in keys if key in found]
        after = listed.next
        if after is None:
            return
