"""Adds to a document what else is stored about it: events, relations, where its values stand."""

import asyncio
from dataclasses import asdict

from nfed.api.state import Api
from nfed.documents.rows.trace import trace_in
from nfed.exports.originals import declared_encoding

_MOST_EVENTS = 500
_CORRECTION = "110110"
_NOT_THE_EVENTS = ("nota_", "emitente_", "destinatario_")

type _Said = dict[str, object]


async def of_note(api: Api, chave: str, *, with_origins: bool) -> _Said:
    """Events, the correction that holds, relations; with origins, those of the note's values."""
    events, related = await asyncio.gather(
        api.exports.pages.about("eventos", chave, _MOST_EVENTS), api.documents.related(chave)
    )
    shown = [_event(event) for event in events]
    told: _Said = {
        "eventos": shown,
        "correcao": _correction(shown),
        "relacionados": [asdict(each) for each in related],
    }
    if with_origins:
        text = await api.notes.xml(chave)
        told["origens"] = await asyncio.to_thread(_origins, text) if text else []
    return told


async def of_document(api: Api, chave: str) -> _Said:
    """Events and relations."""
    about, related = await asyncio.gather(
        api.exports.pages.about("documentos", chave, _MOST_EVENTS), api.documents.related(chave)
    )
    events = [_held(each) for each in about if each["especie"] == "evento"]
    return {"eventos": events, "relacionados": [asdict(each) for each in related]}


def _correction(events: list[_Said]) -> _Said | None:
    """The last carta de correção that was registered: it replaces those before it (CC-e, MOC)."""
    registered = [
        event
        for event in events
        if event.get("tipo_evento") == _CORRECTION and event.get("status") == "registrado"
    ]
    return max(registered, key=lambda event: int(str(event["sequencia_evento"])), default=None)


def _origins(text: str) -> list[_Said]:
    """Where each value of the note stands in its XML; none where that cannot be read."""
    trace = trace_in(text.encode(declared_encoding(text), "xmlcharrefreplace"))
    return [
        {
            "tabela": table,
            "posicao": row,
            "coluna": column,
            "caminho": place.path,
            "linha": place.line,
            "texto": place.text,
        }
        for table, row, column, place in (trace.places() if trace else ())
    ]


def _event(event: dict[str, str | int | None]) -> _Said:
    """Its own fields, and none of its note's."""
    own = {name: each for name, each in event.items() if not name.startswith(_NOT_THE_EVENTS)}
    return _held(own)


def _held(row: dict[str, str | int | None]) -> _Said:
    return {name: value for name, value in row.items() if value is not None}
