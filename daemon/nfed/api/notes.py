"""Serves /notas: what is stored."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from nfed.api import detail, whole
from nfed.api import xml as xml_answer
from nfed.api.batch import Admitted, Cursor, Limit
from nfed.api.models import NotePage, cursor_for, pair_in
from nfed.api.parameters import (
    Ambiente,
    Chave,
    CpfCnpj,
    Day,
    Least,
    Most,
    Numero,
    Order,
    Serie,
    Status,
    Text,
)
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.core.ports import ListOrder, NoteFilter

router = APIRouter(
    prefix="/notas",
    tags=["notas"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 404, 421, 422, 503),
)

_NOTE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The columns by name, those without a value left out; the rows of its "
        "tables as lists under the table's name; numbers as exact decimals in text. `eventos`, "
        "`correcao` (the carta de correção that holds), `relacionados` (what it cites, what cites "
        "it). `origens`: table, row in it (from 0), column, and the element's path (a step without "
        "a number is the first of its name), line and text in the XML.",
    }
}


@router.get("", operation_id="listNotas", response_model=NotePage)
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


@router.get("/{chave}", operation_id="getNota", response_model=whole.nota(), responses=_NOTE)
async def nota(
    api: Admitted,
    chave: Chave,
    origens: Annotated[
        bool, Query(description="also where each value stands in the XML, by table and row")
    ] = False,
) -> Response:
    """All that is stored of a note, its events, its correction, and what is related to it."""
    found = await api.notes.note(chave)
    if found is None:
        raise _unknown(chave)
    return JSONResponse(found | await detail.of_note(api, chave, with_origins=origens))


@router.get(
    "/{chave}/xml",
    operation_id="getNotaXml",
    response_class=Response,
    responses=xml_answer.DESCRIBED,
)
async def xml(request: Request, api: Admitted, chave: Chave) -> Response:
    """The XML as it was imported."""
    text = await api.notes.xml(chave)
    if text is None:
        raise _unknown(chave)
    return xml_answer.answer(request, text, chave)


def _unknown(chave: str) -> Problem:
    return Problem(404, f"no note {chave} is stored with what is asked for")
