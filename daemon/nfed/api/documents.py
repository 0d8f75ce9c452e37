"""Serves /documentos (CT-e, MDF-e, NFS-e and the rest) and /inutilizacoes."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from nfed.api import detail, whole
from nfed.api import xml as xml_answer
from nfed.api.batch import Admitted, Cursor, Limit
from nfed.api.models import DocumentPage, UnusedPage, cursor_for, pair_in
from nfed.api.parameters import Ambiente, CpfCnpj, Day, Least, Most, Order, Serie, Text
from nfed.api.problems import Problem, ProblemRoute, documented
from nfed.core.other_documents import DocumentFilter
from nfed.core.ports import ListOrder, NoteFilter, NotePosition

router = APIRouter(
    tags=["documentos"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 404, 421, 422, 503),
)

Chave = Annotated[
    str,
    Path(
        pattern="^[0-9A-Za-z.-]{11,80}$",
        description="44 characters, 50 of an NFS-e; a municipal one's as the list has it",
    ),
]
Modelo = Annotated[str | None, Query(pattern="^[0-9]{2}$", description="57: CT-e, 58: MDF-e …")]
Tipo = Annotated[
    str | None,
    Query(pattern="^[A-Za-z0-9]{1,20}$", description="its element: CTe, MDFe, NFSe …"),
]
Numero = Annotated[int | None, Query(ge=1, lt=10**15, description="its number")]
Status = Annotated[str | None, Query(pattern="^[a-z]{1,20}$", description="such as autorizada")]


@router.get("/documentos", operation_id="listDocumentos", response_model=DocumentPage)
async def documentos(
    api: Admitted,
    tipo: Tipo = None,
    emitente: CpfCnpj = None,
    destinatario: CpfCnpj = None,
    tomador: CpfCnpj = None,
    de: Annotated[Day, Query(description="issued on this date or later")] = None,
    ate: Annotated[Day, Query(description="issued on this date or earlier")] = None,
    status: Status = None,
    modelo: Modelo = None,
    ambiente: Ambiente = None,
    serie: Annotated[str | None, Query(pattern="^[0-9A-Za-z]{1,5}$")] = None,
    numero: Numero = None,
    valor_de: Least = None,
    valor_ate: Most = None,
    texto: Text = None,
    ordem: Order = ListOrder.NEWEST,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Documents that are no notes, the newest issue first.

    Pages are as those of /notas; `texto` is looked for in parties' names and numbers.
    """
    wanted = DocumentFilter(
        tipo=tipo,
        emitente=emitente,
        destinatario=destinatario,
        tomador=tomador,
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
    page = await api.documents.documents(wanted, _after(cursor), limit)
    return _page("documentos", [asdict(line) for line in page.lines], page.next)


@router.get(
    "/documentos/{chave}",
    operation_id="getDocumento",
    response_model=whole.documento(),
    responses={200: {"description": "As /notas/{chave} tells a note."}},
)
async def documento(api: Admitted, chave: Chave) -> Response:
    """All that is stored of a document, its events, and what is related to it."""
    found = await api.documents.document(chave)
    if found is None:
        raise _unknown(chave)
    return JSONResponse(found | await detail.of_document(api, chave))


@router.get(
    "/documentos/{chave}/xml",
    operation_id="getDocumentoXml",
    response_class=Response,
    responses=xml_answer.DESCRIBED,
)
async def documento_xml(request: Request, api: Admitted, chave: Chave) -> Response:
    """The document's XML as it was imported."""
    text = await api.documents.document_xml(chave)
    if not text:
        raise _unknown(chave)
    return xml_answer.answer(request, text, chave)


@router.get("/inutilizacoes", operation_id="listInutilizacoes", response_model=UnusedPage)
async def inutilizacoes(
    api: Admitted,
    emitente: CpfCnpj = None,
    de: Annotated[Day, Query(description="taken by the tax office on this date or later")] = None,
    ate: Annotated[Day, Query(description="taken on this date or earlier")] = None,
    status: Annotated[str | None, Query(pattern="^(solicitada|homologada|rejeitada)$")] = None,
    modelo: Modelo = None,
    ambiente: Ambiente = None,
    serie: Serie = None,
    numero: Annotated[int | None, Query(ge=1, lt=10**9, description="a number in it")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Ranges of numbers that are never to be used, the latest first."""
    wanted = NoteFilter(
        emitente=emitente,
        de=de,
        ate=ate,
        status=status,
        modelo=modelo,
        ambiente=ambiente,
        serie=serie,
        numero=numero,
    )
    page = await api.documents.unused(wanted, _after(cursor), limit)
    return _page("inutilizacoes", [asdict(line) for line in page.lines], page.next)


def _after(cursor: str | None) -> NotePosition | None:
    return None if cursor is None else pair_in(cursor, int)


def _page(name: str, lines: list[dict[str, object]], after: NotePosition | None) -> Response:
    return JSONResponse({name: lines, "next_cursor": None if after is None else cursor_for(*after)})


def _unknown(chave: str) -> Problem:
    return Problem(404, f"no document {chave} is stored with what is asked for")
