"""Serves one note: all that it says in the order of a DANFE, and where each value comes from."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from nfed.api.problems import Problem
from nfed.documents import documents_from
from nfed.documents.checks import Checks, Finding, Policy
from nfed.documents.checks.codes import CODES
from nfed.documents.layout import tables
from nfed.documents.layout.columns import MONEY, Date, Day, Kind, Moment, Number
from nfed.documents.rows.trace import Place, trace_in
from nfed.errors import DocumentError
from nfed.exports.originals import declared_encoding
from nfed.stores.pages import Cell, Selection, subjects
from nfed.web.access import Looking
from nfed.web.answers import HEADERS, page, speech_of
from nfed.web.barcodes import Modules, code128, qr_code
from nfed.web.place import Here
from nfed.web.place import Place as Site
from nfed.web.reading import findings_of, lines_of
from nfed.web.refused import Excerpt, excerpt_of
from nfed.web.routes import ScreenRoute
from nfed.web.speech import Speech, tax_number
from nfed.words import Message

HOME = "/painel/notas"
_MOST_EVENTS = 100
_MOST_REFERENCES = 500  # of group BA
_REFERENCE = "chave_acesso_referenciada"
_UNSAID = {"created_at", "updated_at", "id"}
_PARTIES = ("emitente", "destinatario")
# The head's columns, in the order of a DANFE; what is in none of these stands in "everything else".
SECTIONS = (
    (
        "The note",
        (
            "natureza_operacao",
            "tipo_operacao",
            "finalidade_emissao",
            "data_hora_emissao",
            "data_hora_saida_entrada",
            "numero_protocolo",
            "data_hora_recebimento",
            "codigo_status",
            "motivo_status",
        ),
    ),
    (
        "Totals",
        (
            "base_calculo_icms",
            "valor_icms",
            "base_calculo_icms_st",
            "valor_icms_st",
            "valor_total_produtos",
            "valor_frete",
            "valor_seguro",
            "valor_desconto",
            "valor_outras_despesas",
            "valor_ipi",
            "valor_pis",
            "valor_cofins",
            "valor_ibs",
            "valor_cbs",
            "valor_total_nota",
        ),
    ),
)
_ITEM_COLUMNS = (
    "numero_item",
    "codigo_produto",
    "descricao",
    "ncm",
    "cfop",
    "unidade_comercial",
    "quantidade_comercial",
    "valor_unitario_comercial",
    "valor_total_bruto",
)
STATUS_MARKS = {"autorizada": "good", "cancelada": "bad", "denegada": "bad", "rejeitada": "bad"}

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)

Chave = Annotated[str, Path(pattern="^[0-9]{6}[0-9A-Z]{12}[0-9]{26}$")]


@dataclass(frozen=True, slots=True)
class Value:
    """One stored value as it is shown."""

    table: str
    row: int
    column: str
    shown: str
    is_number: bool

    @property
    def label(self) -> str:
        """The column's name in words: they are Portuguese already."""
        return self.column.replace("_", " ")


@dataclass(slots=True)
class Group:
    """One row of a table, with the rows below it."""

    table: str
    row: int
    values: dict[str, Value] = field(default_factory=dict)
    below: dict[str, list["Group"]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The table's name in words."""
        return self.table.removeprefix("nf_").replace("itens_", "").replace("_", " ")

    def some(self, columns: Sequence[str]) -> list[Value]:
        """The values of these columns that are there, in this order."""
        return [self.values[name] for name in columns if name in self.values]

    def others(self, columns: Sequence[str]) -> list[Value]:
        """All other values."""
        return [value for name, value in self.values.items() if name not in columns]


@router.get(f"{HOME}/{{chave}}")
async def nota(
    request: Request, here: Here, visitor: Looking, chave: Chave, papel: str = ""
) -> Response:
    """The note; `papel` says for what paper it is printed: `bobina` is 80 mm wide, else A4."""
    stored = await here.api.notes.note(chave)
    if stored is None:
        raise Problem(404, Message("no note {chave} is stored", chave=chave))
    note = _grouped("notas_fiscais", stored, speech_of(request), Counter())
    parties = {
        str(each.values["papel"].shown): each
        for each in note.below.pop("nf_partes", [])
        if "papel" in each.values
    }
    items = note.below.pop("nf_itens", [])
    said = {name for _, columns in SECTIONS for name in columns}
    return page(
        request,
        "note.html",
        screen="notes",
        chave=chave,
        stored=stored,
        is_on_roll=papel == "bobina" and stored.get("modelo") == "65",
        key_bars=code128(chave),
        consumer_code=await _consumer_code(stored),
        note=note,
        parties=parties,
        items=items,
        item_columns=_ITEM_COLUMNS,
        columns_of=_columns_of,
        sections=SECTIONS,
        said=said | {"chave_acesso", "status", "arquivo_sha256", "conteudo_sha256"},
        events=await _events(here, chave),
        findings=await asyncio.to_thread(findings_of, await here.api.notes.xml(chave) or ""),
        meanings=CODES,
        stored_keys=await _stored(here, note.below.get("nf_referencias", [])),
        status_marks=STATUS_MARKS,
        home=HOME,
    )


@router.get(f"{HOME}/{{chave}}/prova")
async def proof(
    request: Request,
    here: Here,
    visitor: Looking,
    chave: Chave,
    t: Annotated[str, Query(max_length=100)],
    n: Annotated[int, Query(ge=0, le=1_000_000)],
    c: Annotated[str, Query(max_length=100)],
) -> Response:
    """Where one value comes from, down to the line of its XML."""
    stored = await here.api.notes.note(chave)
    if stored is None:
        raise Problem(404, Message("no note {chave} is stored", chave=chave))
    found = _value(_grouped("notas_fiscais", stored, speech_of(request), Counter()), t, n, c)
    if found is None:
        raise Problem(404, Message("the note has no such value"))
    text = await here.api.notes.xml(chave)
    traced = None if not text else await asyncio.to_thread(_traced, text, t, n, c)
    return page(
        request,
        "proof.html",
        screen="notes",
        chave=chave,
        stored=stored,
        value=found,
        has_xml=bool(text),
        traced=traced,
        source=_source_of(t, c),
        home=HOME,
    )


@router.get(f"{HOME}/{{chave}}/texto")
async def text(request: Request, here: Here, visitor: Looking, chave: Chave) -> Response:
    """All of its XML, to look at."""
    found = await here.api.notes.xml(chave)
    if not found:
        raise Problem(404, Message("the note is stored without its XML (keep_xml)"))
    lines, whole = await asyncio.to_thread(lines_of, found)
    return page(
        request, "text.html", screen="notes", chave=chave, lines=lines, whole=whole, home=HOME
    )


@router.get(f"{HOME}/{{chave}}/xml")
async def xml(here: Here, visitor: Looking, chave: Chave) -> Response:
    """The XML as it was imported, to download."""
    text = await here.api.notes.xml(chave)
    if not text:
        raise Problem(404, Message("the note is stored without its XML (keep_xml)"))
    encoding = declared_encoding(text)
    return Response(
        text.encode(encoding, "xmlcharrefreplace"),
        media_type=f"application/xml; charset={encoding}",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{chave}.xml"'},
    )


async def _consumer_code(stored: Mapping[str, object]) -> Modules | None:
    """The QR code of an NFC-e; None: the note has none."""
    text = stored.get("qr_code")
    return None if text is None else await asyncio.to_thread(qr_code, str(text))


@dataclass(frozen=True, slots=True)
class Traced:
    """What the XML says about a value."""

    place: Place | None
    """None: no element holds it; it is derived."""
    excerpt: Excerpt | None
    findings: Sequence[Finding]
    """Of the checks of key, signature and authorisation, made just now."""
    is_signed: bool


def _traced(text: str, table: str, row: int, column: str) -> Traced | None:
    """None: the XML holds no note that can be read."""
    content = text.encode("utf-8", "replace")
    checks = Checks(
        Policy.OFF, Policy.WARN, Policy.WARN, Policy.WARN, Policy.OFF, Policy.OFF, keep_xml=False
    )
    trace = trace_in(text.encode(declared_encoding(text), "xmlcharrefreplace"))
    if trace is None:
        return None
    try:
        documents = documents_from(content, checks)
    except DocumentError:
        return None
    place = trace.place(table, row, column)
    document = next((each for each in documents if not isinstance(each, DocumentError)), None)
    findings = () if document is None else tuple(document.findings)
    excerpt = None
    if place is not None:
        tag = place.path.split("/@")[0].rpartition("/")[2].partition("[")[0]
        excerpt = excerpt_of(content, _where(text, place, tag))
    return Traced(place, excerpt, findings, not any(f.code.startswith("SIG") for f in findings))


def _where(text: str, place: Place, tag: str) -> str:
    """Line and column as an error names them; the text is looked for in its line."""
    lines = text.split("\n")
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    at = line.find(f"<{tag}>{place.text}")
    return f"line {place.line}, column {at + 1 if at >= 0 else 1}"


def _source_of(table: str, column: str) -> str:
    """What the layout says of the column: its path, or where a derived value comes from."""
    found = next((each for each in tables()[table].columns if each.name == column), None)
    if found is None:
        return ""
    return found.path or found.note


async def _events(here: Site, chave: str) -> list[dict[str, Cell]]:
    """The note's events, in the order of their arrival, by field."""
    async with here.pages() as pages:
        return await pages.about("eventos", chave, _MOST_EVENTS)


async def _stored(here: Site, references: Sequence[Group]) -> set[str]:
    """Those of the notes referred to that can be opened."""
    keys = {each.values[_REFERENCE].shown for each in references if _REFERENCE in each.values}
    if not keys:
        return set()
    chosen = Selection(chaves=tuple(sorted(keys)[:_MOST_REFERENCES]))
    at = subjects()["notas"].position("chave_acesso")
    async with here.pages() as pages:
        found = [each async for each in pages.read("notas", chosen, _MOST_REFERENCES)]
    return {str(row[at]) for some in found for row in some.rows}


def _grouped(table: str, row: dict[str, object], speech: Speech, counted: Counter[str]) -> Group:
    """A row and those below it; rows of a table are numbered in the order of the document."""
    group = Group(table, counted[table])
    counted[table] += 1
    for column in tables()[table].columns:
        value = row.get(column.name)
        if value is None or column.name in _UNSAID:
            continue
        shown = _shown(column.kind, column.name, value, speech)
        is_number = isinstance(column.kind, Number)
        group.values[column.name] = Value(table, group.row, column.name, shown, is_number)
    for name in tables():
        rows = row.get(name)
        if isinstance(rows, list):
            group.below[name] = [_grouped(name, each, speech, counted) for each in rows]
    return group


def _shown(kind: Kind, name: str, value: object, speech: Speech) -> str:
    text = str(value)
    if isinstance(kind, Number):
        return speech.money(text) if kind == MONEY else speech.number(text)
    if isinstance(kind, Moment):
        return speech.moment(text)
    if isinstance(kind, Date | Day):
        return speech.day(text)
    return tax_number(text) if "cnpj" in name or "cpf" in name else text


def _columns_of(groups: Sequence[Group]) -> list[str]:
    """The columns that any of the rows has, in the layout's order."""
    used = {name for group in groups for name in group.values}
    return [each.name for each in tables()[groups[0].table].columns if each.name in used]


def _value(group: Group, table: str, row: int, column: str) -> Value | None:
    if group.table == table and group.row == row:
        return group.values.get(column)
    for rows in group.below.values():
        for each in rows:
            found = _value(each, table, row, column)
            if found is not None:
                return found
    return None
