"""Serves /notas: what is stored."""

import re
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from nfed.api.batch import Admitted, Cursor, Limit
from nfed.api.models import NotePage, cursor_for, pair_in
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.core.ports import NoteFilter
from nfed.exports.originals import declared_encoding

router = APIRouter(
    prefix="/notas",
    tags=["notas"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 404, 421, 422, 503),
)

Chave = Annotated[str, Path(pattern="^[0-9]{6}[0-9A-Z]{12}[0-9]{26}$", description="44 characters")]
CpfCnpj = Annotated[
    str | None,
    Query(
        pattern="^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$",
        description="CPF or CNPJ without punctuation",
    ),
]


def _written_as_date(value: object) -> object:
    """pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("expected a date such as 2026-01-31")
    return value


type Day = Annotated[date | None, BeforeValidator(_written_as_date)]
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOTE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The columns by name, those without a value left out; the rows of its "
        "tables as lists under the table's name; numbers as exact decimals in text.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
_XML: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The XML as it was imported.",
        "content": {"application/xml": {"schema": {"type": "string"}}},
    }
}


@router.get("", response_model=NotePage)
async def notas(
    api: Admitted,
    emitente: CpfCnpj = None,
    destinatario: CpfCnpj = None,
    de: Annotated[Day, Query(description="issued on this date or later")] = None,
    ate: Annotated[Day, Query(description="issued on this date or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Notes, the newest issue first; dates are those of the issuer's own clock."""
    after = None if cursor is None else pair_in(cursor, int)
    wanted = NoteFilter(emitente, destinatario, de, ate)
    found = await api.notes.notes(wanted, after, limit + 1)
    page = found[:limit]
    told = [asdict(note) for note in page]
    for each in told:
        del each["position"]
    more = cursor_for(*page[-1].position) if len(found) > limit else None
    return JSONResponse({"notas": told, "next_cursor": more})


@router.get("/{chave}", response_class=JSONResponse, responses=_NOTE)
async def nota(api: Admitted, chave: Chave) -> Response:
    """All that is stored of a note."""
    found = await api.notes.note(chave)
    if found is None:
        raise _unknown(chave)
    return JSONResponse(found)


@router.get("/{chave}/xml", response_class=Response, responses=_XML)
async def xml(api: Admitted, chave: Chave) -> Response:
    """The XML as it was imported."""
    text = await api.notes.xml(chave)
    if text is None:
        raise _unknown(chave)
    encoding = declared_encoding(text)
    return Response(
        text.encode(encoding, "xmlcharrefreplace"),
        media_type=f"application/xml; charset={encoding}",
        headers={
            "Content-Disposition": f'attachment; filename="{chave}.xml"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _unknown(chave: str) -> Problem:
    return Problem(404, f"no note {chave} is stored with what is asked for")
