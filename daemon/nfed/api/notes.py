"""Serves /notas: what is stored."""

import re
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from nfed.api.batch import Admitted, Cursor, Limit
from nfed.api.models import NotePage, cursor_for, pair_in
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.core.ports import ListOrder, NoteFilter
from nfed.exports.chosen import STATUSES
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


Ambiente = Annotated[
    str | None, Query(pattern="^[12]$", description="tpAmb; 1: production, 2: test")
]
Status = Annotated[str | None, Query(pattern=f"^({'|'.join(STATUSES)})$")]
Serie = Annotated[str | None, Query(pattern="^[0-9]{1,3}$")]
Numero = Annotated[int | None, Query(ge=1, le=999_999_999, description="its number, nNF")]
Text = Annotated[
    str | None,
    Query(
        max_length=100,
        description="part of a party's name or number, of an item's description or code, or of "
        "infCpl, whatever its accents and capitals",
    ),
]
Order = Annotated[ListOrder, Query(description="by issue or by value; what has none comes last")]


def _amount(description: str) -> Any:
    return Query(pattern="^[0-9]{1,13}([.][0-9]{1,2})?$", description=description)


Least = Annotated[str | None, _amount("a total of this or more, such as 1500.00")]
Most = Annotated[str | None, _amount("a total of this or less")]


@router.get("", response_model=NotePage)
async def notas(
    api: Admitted,
    emitente: CpfCnpj = None,
    destinatario: CpfCnpj = None,
    de: Annotated[Day, Query(description="issued on this date or later")] = None,
    ate: Annotated[Day, Query(description="issued on this date or earlier")] = None,
    status: Status = None,
    modelo: Annotated[str | None, Query(pattern="^(55|65)$", description="NF-e, NFC-e")] = None,
    ambiente: Ambiente = None,
    serie: Serie = None,
    numero: Numero = None,
    valor_de: Least = None,
    valor_ate: Most = None,
    texto: Text = None,
    ordem: Order = ListOrder.NEWEST,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Notes, the newest issue first; dates are those of the issuer's own clock.

    For a page at most 10,000 notes are looked at, beyond what an index finds: a page may hold fewer
    than `limit`, or none, and yet lead on. The last one has no `next_cursor`.
    """
    wanted = NoteFilter(
        emitente=emitente,
        destinatario=destinatario,
        de=de,
        ate=ate,
        status=status,
        modelo=modelo,
        ambiente=ambiente,
        serie=serie,
        numero=numero,
        valor_de=None if valor_de is None else Decimal(valor_de),
        valor_ate=None if valor_ate is None else Decimal(valor_ate),
        texto=texto,
        ordem=ordem,
    )
    after = None if cursor is None else pair_in(cursor, int)
    page = await api.notes.notes(wanted, after, limit)
    told = [asdict(note) for note in page.notes]
    for each in told:
        del each["position"]
    more = None if page.next is None else cursor_for(*page.next)
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
