"""Serves Documentos: CT-e, MDF-e, NFS-e and the rest, found and read, and voided numbers."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from nfed.api.models import cursor_for, pair_in
from nfed.api.problems import Problem
from nfed.core.other_documents import DocumentFilter
from nfed.core.ports import NoteFilter, NotePosition
from nfed.exports.originals import declared_encoding
from nfed.web.access import Looking
from nfed.web.answers import HEADERS, page, told
from nfed.web.filters import days_of, month_in, tax_number_in
from nfed.web.note import HOME as NOTES
from nfed.web.note import STATUS_MARKS
from nfed.web.place import Here
from nfed.web.reading import lines_of
from nfed.web.routes import ScreenRoute, is_fragment
from nfed.words import Message

HOME = "/painel/documentos"
VOIDED = "/painel/inutilizacoes"
KINDS = {
    "CTe": "CT-e",
    "CTeOS": "CT-e OS",
    "CTeSimp": "CT-e simplificado",
    "GTVe": "GTV-e",
    "MDFe": "MDF-e",
    "NFSe": "NFS-e nacional",
    "NFSeMunicipal": "NFS-e municipal",
    "BPe": "BP-e",
    "NF3e": "NF3-e",
    "NFCom": "NFCom",
    "CFe": "CF-e SAT",
}
STATUSES = ("autorizada", "cancelada", "encerrada", "emitida", "rejeitada", "denegada")
_MARKS = {**STATUS_MARKS, "encerrada": "good", "homologada": "good"}
_PAGE = 50
_NOTE_KINDS = ("nfe", "nfce")
_HEAD = (
    "numero",
    "serie",
    "modelo",
    "data_hora_emissao",
    "numero_protocolo",
    "codigo_status",
    "motivo_status",
    "emitente_cpf_cnpj",
    "emitente_nome",
    "remetente_cpf_cnpj",
    "remetente_nome",
    "destinatario_cpf_cnpj",
    "destinatario_nome",
    "tomador_cpf_cnpj",
    "tomador_nome",
    "uf_inicio",
    "uf_fim",
    "valor_total",
    "arquivo_nome",
    "arquivo_sha256",
    "job_id",
)

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)

Chave = Annotated[str, Path(pattern="^[0-9A-Za-z.-]{11,80}$")]
Word = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str, Query(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of either list, as they stand in its address; empty: any."""

    q: str
    tipo: str
    mes: str
    status: str

    def address(self, home: str, cursor: str = "") -> str:
        """Of the list with these filters, from there on."""
        words = {"q": self.q, "tipo": self.tipo, "mes": self.mes, "status": self.status}
        query = told({**words, "cursor": cursor})
        return f"{home}?{query}" if query else home


@router.get(HOME)
async def documents(
    request: Request,
    here: Here,
    visitor: Looking,
    q: Word = "",
    tipo: Word = "",
    mes: Word = "",
    status: Word = "",
    cursor: Cursor = "",
) -> Response:
    """A page of the list, the newest issue first."""
    asked = Asked(
        q.strip(),
        tipo if tipo in KINDS else "",
        month_in(mes) or "",
        status if status in STATUSES else "",
    )
    number = tax_number_in(asked.q)
    first, last = days_of(asked.mes)
    wanted = DocumentFilter(
        emitente=number,
        de=first,
        ate=last,
        status=asked.status or None,
        texto=None if number or not asked.q else asked.q,
        tipo=asked.tipo or None,
    )
    found = await here.api.documents.documents(wanted, _after(cursor), _PAGE)
    return page(
        request,
        "documents_list.html" if is_fragment(request) else "documents.html",
        screen="documents",
        documents=found.lines,
        asked=asked,
        kinds=KINDS,
        statuses=STATUSES,
        marks=_MARKS,
        first_page=asked.address(HOME) if cursor else "",
        next_page=_next(asked, HOME, found.next),
        home=HOME,
        voided=VOIDED,
    )


@router.get(VOIDED)
async def voided(
    request: Request,
    here: Here,
    visitor: Looking,
    q: Word = "",
    mes: Word = "",
    cursor: Cursor = "",
) -> Response:
    """Ranges of numbers that are never to be used, the latest first."""
    asked = Asked(q.strip(), "", month_in(mes) or "", "")
    first, last = days_of(asked.mes)
    wanted = NoteFilter(emitente=tax_number_in(asked.q), de=first, ate=last)
    found = await here.api.documents.unused(wanted, _after(cursor), _PAGE)
    return page(
        request,
        "voided.html",
        screen="documents",
        ranges=found.lines,
        asked=asked,
        marks=_MARKS,
        first_page=asked.address(VOIDED) if cursor else "",
        next_page=_next(asked, VOIDED, found.next),
        home=HOME,
        voided=VOIDED,
    )


@router.get(f"{HOME}/{{chave}}")
async def document(request: Request, here: Here, visitor: Looking, chave: Chave) -> Response:
    """One document: what a book-keeper asks first, what it cites and what cites it, its XML."""
    stored = await here.api.documents.document(chave)
    if stored is None:
        raise _unknown(chave)
    text = await here.api.documents.document_xml(chave)
    lines, whole = await asyncio.to_thread(lines_of, text) if text else ([], True)
    return page(
        request,
        "document.html",
        screen="documents",
        chave=chave,
        stored=stored,
        kind=KINDS.get(str(stored.get("tipo")), str(stored.get("tipo") or "")),
        head=[(name, stored[name]) for name in _HEAD if stored.get(name) not in (None, "")],
        related=await here.api.documents.related(chave),
        note_kinds=_NOTE_KINDS,
        notes=NOTES,
        lines=lines,
        whole=whole,
        marks=_MARKS,
        home=HOME,
    )


@router.get(f"{HOME}/{{chave}}/xml")
async def xml(here: Here, visitor: Looking, chave: Chave) -> Response:
    """The XML as it was imported, to download."""
    text = await here.api.documents.document_xml(chave)
    if not text:
        raise _unknown(chave)
    encoding = declared_encoding(text)
    return Response(
        text.encode(encoding, "xmlcharrefreplace"),
        media_type=f"application/xml; charset={encoding}",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{chave}.xml"'},
    )


def _after(cursor: str) -> NotePosition | None:
    return pair_in(cursor, int) if cursor else None


def _next(asked: Asked, home: str, position: NotePosition | None) -> str:
    return "" if position is None else asked.address(home, cursor_for(*position))


def _unknown(chave: str) -> Problem:
    return Problem(404, Message("no document {chave} is stored with its XML", chave=chave))
