"""Writes rows as text: CSV for spreadsheets and for programs, JSON a line.

A cell that begins as a formula does (=, +, -, @, or the blanks that a spreadsheet passes over)
gets an apostrophe before it in CSV, as anybody who writes an invoice could otherwise have a
spreadsheet run something: see OWASP, CSV Injection. JSON goes to programs, and has what is stored.
"""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nfed.documents.layout.columns import Date, Day, Kind, Moment, Number, Text
from nfed.stores.pages import Cell, Row, Subject

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Locale(StrEnum):
    """How numbers and dates are written in CSV."""

    BRAZIL = "pt-BR"
    """1234,56 and 31/01/2026, between semicolons."""
    PLAIN = "C"
    """1234.56 and 2026-01-31T10:00:00-03:00, between commas."""


@dataclass(frozen=True, slots=True)
class _Way:
    delimiter: str
    number: Callable[[str], str]
    date: Callable[[str], str]
    moment: Callable[[str], str]


def _same(text: str) -> str:
    return text


def _brazilian_date(text: str) -> str:
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}" if len(text) >= 10 else text


def _brazilian_moment(text: str) -> str:
    return f"{_brazilian_date(text)} {text[11:19]}"


_WAYS = {
    Locale.BRAZIL: _Way(
        ";", lambda text: text.replace(".", ","), _brazilian_date, _brazilian_moment
    ),
    Locale.PLAIN: _Way(",", _same, _same, _same),
}


async def csv_of(
    subject: Subject, rows: AsyncIterator[Sequence[Row]], locale: Locale
) -> AsyncIterator[bytes]:
    """CSV in UTF-8 with a byte order mark, which spreadsheets know it by; lines end in CR LF."""
    way = _WAYS[locale]
    places = [
        (at, write)
        for at, field in enumerate(subject.fields)
        if (write := _writer(field.kind, way)) is not None
    ]

    def lines(page: Sequence[Sequence[Cell]]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=way.delimiter, lineterminator="\r\n").writerows(
            _written(row, places) for row in page
        )
        return out.getvalue().encode("utf-8", "replace")

    heading = way.delimiter.join(field.name for field in subject.fields)
    yield f"\ufeff{heading}\r\n".encode()
    async for page in rows:
        yield await asyncio.to_thread(lines, page)


async def jsonl_of(subject: Subject, rows: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    """A JSON object a line, without what has no value; numbers as exact decimals in text."""
    names = [field.name for field in subject.fields]
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def lines(page: Sequence[Row]) -> bytes:
        told = (
            {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
            for row in page
        )
        return "".join(f"{encode(each)}\n" for each in told).encode("utf-8", "replace")

    async for page in rows:
        yield await asyncio.to_thread(lines, page)


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _writer(kind: Kind, way: _Way) -> Callable[[str], str] | None:
    match kind:
        case Number():
            written = way.number
        case Date() | Day():
            written = way.date
        case Moment():
            written = way.moment
        case Text():
            return harmless
        case _:
            return None
    return None if written is _same else written


def _written(row: Sequence[Cell], places: list[tuple[int, Callable[[str], str]]]) -> list[Cell]:
    cells = list(row)
    for at, write in places:
        value = cells[at]
        if value is not None:
            cells[at] = write(str(value))
    return cells
