"""Makes the files of a month's package: each note's XML with its events beside it, and the list.

    CNPJ/2026-11/saidas/<chave>-procNFe.xml
    CNPJ/2026-11/saidas/<chave>-110111-1-35-procEventoNFe.xml

The folder is the company's that was asked for, or else the issuer's. `entradas` and `saidas` are
from where that company stands: what it issued goes out unless tpNF says that it comes in (MOC 7.0,
Anexo I, B11), and what it received the other way round.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from nfed.exports.originals import Origin, Originals
from nfed.stores.pages import Page, Pages, Papel, Row, Selection, subjects

_NOTES_A_PAGE = 50  # of 990 items each, 50 MB
_EVENTS_A_PAGE = 500
_MANIFEST = ("chave", "arquivo", "sha256", "bytes", "origem", "status", "eventos")
_ROOT = re.compile(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")
_UNSAFE = re.compile(r"[^0-9A-Za-z_-]")
_INCOMING = "0"  # tpNF


@dataclass(frozen=True, slots=True)
class Question:
    """What goes into a package, and what the list says of each document beside that."""

    selection: Selection
    situations: Mapping[str, str] = field(default_factory=dict)
    """By chave, or identificador of another document: nova or alterada."""


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """One file, or a note that has none."""

    path: str
    """Below the package's root; empty for a document whose XML is not to be had."""
    content: bytes
    line: tuple[str, ...]
    """Of the manifest."""
    origin: Origin


def heading(*, with_situation: bool) -> bytes:
    """The manifest's first line."""
    return line((*_MANIFEST, *(("situacao",) if with_situation else ())), first=True)


def line(cells: Sequence[str], *, first: bool = False) -> bytes:
    """A line of the manifest, in UTF-8; before the first one stands a byte order mark."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode("utf-8-sig" if first else "utf-8", "replace")


async def entries(
    pages: Pages, questions: AsyncIterator[Question], originals: Originals
) -> AsyncIterator[list[PackageEntry]]:
    """The files of the notes that are chosen, a page at a time. Raises StoreUnavailable."""
    async for question in questions:
        async for page in pages.read("xml_notas", question.selection, _NOTES_A_PAGE):
            at = subjects()["xml_notas"].position("chave_acesso")
            chaves = tuple(str(row[at]) for row in page.rows)
            events = [
                row
                async for found in pages.read(
                    "xml_eventos", Selection(chaves=chaves), _EVENTS_A_PAGE
                )
                for row in found.rows
            ]
            yield await asyncio.to_thread(_of_notes, page, events, question, originals)


async def other_entries(
    pages: Pages, question: Question, originals: Originals
) -> AsyncIterator[list[PackageEntry]]:
    """The files of CT-e, MDF-e, NFS-e and the rest, and of their events."""
    async for page in pages.read("xml_documentos", question.selection, _NOTES_A_PAGE):
        yield await asyncio.to_thread(_of_documents, page, question, originals)


def _of_notes(
    page: Page, events: list[Row], question: Question, originals: Originals
) -> list[PackageEntry]:
    of_note = _names("xml_notas")
    of_event = _names("xml_eventos")
    by_note = {
        chave: list(rows)
        for chave, rows in groupby(
            sorted(events, key=lambda row: _key_of_event(of_event(row))),
            key=lambda row: str(of_event(row)["chave_acesso"]),
        )
    }
    made: list[PackageEntry] = []
    for row in page.rows:
        note = of_note(row)
        chave = str(note["chave_acesso"])
        folder = _folder(note, page.papel, question.selection)
        more = _situation(question, chave)
        told = [of_event(each) for each in by_note.get(chave, ())]
        made.append(
            _entry(
                originals,
                note,
                text=note["xml_completo"],
                key=chave,
                stem=f"{folder}/{_safe(chave)}",
                kind="NFe",
                more=(" ".join(_event_name(each) for each in told), *more),
            )
        )
        made += [
            _entry(
                originals,
                each,
                text=each["xml"],
                key=str(each["identificador"]),
                stem=f"{folder}/{_safe(chave)}-{_event_name(each)}",
                kind="eventoNFe",
                more=("", *more),
            )
            for each in told
        ]
    return made


def _of_documents(page: Page, question: Question, originals: Originals) -> list[PackageEntry]:
    named = _names("xml_documentos")
    made: list[PackageEntry] = []
    for row in page.rows:
        document = named(row)
        key, chave = str(document["identificador"]), str(document["chave_acesso"] or "")
        is_event = document["especie"] == "evento"
        issuer = document["emitente_cpf_cnpj"]
        month = str(document["data_hora_emissao"] or "")[:7]
        if len(chave) == 44:
            issuer = issuer or chave[6:20]
            month = f"20{chave[2:4]}-{chave[4:6]}" if is_event or not month else month
        company = question.selection.empresa or issuer
        goes_out = company == issuer
        folder = _path(company, month, is_out=goes_out)
        stem = key
        if is_event:
            kind, _, rest = key.partition("-")
            stem = f"{chave}-{kind}{rest.removeprefix(chave)}"
        made.append(
            _entry(
                originals,
                document,
                text=document["xml"],
                key=key,
                stem=f"{folder}/{_safe(stem)}",
                kind=_safe(document["tipo"] or "documento"),
                more=("", *_situation(question, key)),
            )
        )
    return made


def _situation(question: Question, key: str) -> tuple[str, ...]:
    """Another cell of the manifest, or none."""
    situation = question.situations.get(key)
    return () if situation is None else (situation,)


def _entry(
    originals: Originals,
    row: Mapping[str, object],
    *,
    text: object,
    key: str,
    stem: str,
    kind: str,
    more: tuple[str, ...],
) -> PackageEntry:
    found = originals.find(
        None if text is None else str(text),
        _text(row["arquivo_nome"]),
        _text(row["arquivo_sha256"]),
        key,
    )
    path = f"{stem}-{_suffix(found.content, kind)}.xml"
    size = str(len(found.content))
    if found.origin is Origin.NONE:
        path = size = ""
    line = (
        str(row["chave_acesso"] or key),
        path,
        found.sha256,
        size,
        found.origin.value,
        str(row["status"] or ""),
        *more,
    )
    return PackageEntry(path, found.content, line, found.origin)


def _suffix(content: bytes, kind: str) -> str:
    """As the programs that read such files name them: procNFe, or NFe for one without an answer."""
    root = _ROOT.search(content)
    if root is not None and root[1].decode() in (kind, kind.removesuffix("NFe")):
        return kind
    return f"proc{kind[:1].upper()}{kind[1:]}"


def _folder(note: Mapping[str, object], papel: Papel | None, selection: Selection) -> str:
    role = papel or Papel.EMITENTE
    company = note[f"{role}_cpf_cnpj"] if selection.empresa is None else selection.empresa
    comes_in = note["tipo_operacao"] == _INCOMING
    if role is Papel.DESTINATARIO:
        comes_in = not comes_in
    return _path(company, str(note["mes_emissao"] or ""), is_out=not comes_in)


def _path(company: object, month: str, *, is_out: bool) -> str:
    direction = "saidas" if is_out else "entradas"
    return f"{_safe(company or 'sem-cnpj')}/{_safe(month or 'sem-data')}/{direction}"


def _event_name(event: Mapping[str, object]) -> str:
    parts = (event["tipo_evento"], event["sequencia_evento"], event["codigo_orgao"])
    return "-".join(_safe(part) for part in parts if part is not None)


def _key_of_event(event: Mapping[str, object]) -> tuple[str, str]:
    return str(event["chave_acesso"]), str(event["identificador"])


def _safe(part: object) -> str:
    """A part of a path that leads nowhere else, whatever a document says."""
    return _UNSAFE.sub("_", str(part))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _names(name: str) -> Callable[[Row], Mapping[str, object]]:
    """Makes rows of the subject readable by heading."""
    headings = tuple(field.name for field in subjects()[name].fields)
    return lambda row: dict(zip(headings, row, strict=True))
