"""Describes whole notes and documents for OpenAPI: a model for each table of the layout.

What is empty is left out of an answer, so that nothing is required and nothing is null. The models
describe only; answers are built of the stored rows themselves.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from nfed.core.other_documents import Related
from nfed.documents.layout import head_of, tables
from nfed.documents.layout.columns import Column, Integer, Moment, Number
from nfed.stores.pages import subjects
from nfed.stores.tables import UPDATED

_PARTIES = ("emitente", "destinatario")
_UNTOLD = {"xml", "xml_completo", *(f"{papel}_id" for papel in _PARTIES)}
_NAMES = {"notas_fiscais": "NotaRow", "dfe_documentos": "DocumentoRow", "empresas": "Empresa"}


def _nothing_required(schema: dict[str, Any]) -> None:
    for each in schema.get("properties", {}).values():
        each.pop("default", None)
        each.pop("title", None)


_CONFIG = ConfigDict(json_schema_extra=_nothing_required)


class Origem(BaseModel):
    """Where a value stands in the XML."""

    tabela: str
    posicao: int
    """Which row of the table it is, in the order of the document, from 0."""
    coluna: str
    caminho: str
    linha: int
    texto: str


@cache
def _model(table: str) -> type[BaseModel]:
    """A row, with the rows that belong to it under the names of their tables."""
    fields: dict[str, Any] = {
        column.name: _field(column)
        for column in tables()[table].columns
        if column.name not in _UNTOLD
    }
    for stamp in ("created_at", *(("updated_at",) if table in UPDATED else ())):
        fields[stamp] = (str, Field(None, description="when the row was stored, UTC"))
    for name, each in tables().items():
        if each.parent == table and head_of(name) == head_of(table):
            fields[name] = (list[_model(name)], Field(None))  # type: ignore[misc]  # made here
    if table == "notas_fiscais":
        for papel in _PARTIES:
            fields[papel] = (_model("empresas"), Field(None))
    name = _NAMES.get(table) or "".join(part.capitalize() for part in table.split("_"))
    return create_model(name, __config__=_CONFIG, __doc__=tables()[table].about, **fields)


def _field(column: Column) -> tuple[Any, Any]:
    said = column.path or column.note
    match column.kind:
        case Integer():
            return int, Field(None, description=said)
        case Number(places=places):
            return str, Field(None, description=f"{said}; exact decimal, {places} places")
        case Moment():
            return str, Field(None, description=f"{said}; ISO 8601, with its offset where known")
        case _:
            return str, Field(None, description=said)


@cache
def _event(subject: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        each.name: (int if isinstance(each.kind, Integer) else str, Field(None))
        for each in subjects()[subject].fields
        if each.alias == "x"
    }
    name = "Evento" if subject == "eventos" else "EventoDeDocumento"
    return create_model(name, __config__=_CONFIG, __doc__="An event, as it is stored.", **fields)


def nota() -> type[BaseModel]:
    """What /notas/{chave} answers."""
    event = _event("eventos")
    fields: dict[str, Any] = {
        "eventos": (list[event], ...),  # type: ignore[valid-type]  # made just now
        "correcao": (event | None, ...),
        "relacionados": (list[Related], ...),
        "origens": (list[Origem], Field(None)),
    }
    about = "A note with the rows of all its tables."
    return create_model("Nota", __base__=_model("notas_fiscais"), __doc__=about, **fields)


def documento() -> type[BaseModel]:
    """What /documentos/{chave} answers."""
    event = _event("documentos")
    fields: dict[str, Any] = {
        "eventos": (list[event], ...),  # type: ignore[valid-type]  # made just now
        "relacionados": (list[Related], ...),
    }
    about = "A document with the rows of all its tables."
    return create_model("Documento", __base__=_model("dfe_documentos"), __doc__=about, **fields)
