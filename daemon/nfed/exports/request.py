"""Says what can be asked for, and answers it: rows or files, in the format that was named."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from nfed.exports.entries import PackageEntry, Question, entries, other_entries
from nfed.exports.lines import Locale, csv_of, jsonl_of
from nfed.exports.originals import Origin, Originals
from nfed.exports.package import package
from nfed.exports.parquet import parquet_by_month, parquet_of
from nfed.exports.workbook import xlsx_of
from nfed.stores.pages import Pages, Row, Selection, subjects

_ROWS_A_PAGE = 1000


class What(StrEnum):
    """What is taken out."""

    NOTAS = "notas"
    ITENS = "itens"
    EVENTOS = "eventos"
    DOCUMENTOS = "documentos"
    XML = "xml"


class Format(StrEnum):
    """How it is written; the names are those of the files' suffixes."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ZIP = "zip"

    @property
    def media_type(self) -> str:
        """As HTTP calls it."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ZIP: "application/zip",
}
_TABLES = (Format.CSV, Format.XLSX, Format.JSONL, Format.PARQUET)
FORMATS = {
    What.NOTAS: _TABLES,
    What.ITENS: _TABLES,
    What.EVENTOS: _TABLES,
    What.DOCUMENTOS: _TABLES,
    What.XML: (Format.ZIP,),
}
"""The formats of each, the usual one first."""


@dataclass(slots=True)
class Tally:
    """Counts what went out, while it goes."""

    rows: int = 0
    """Rows, or files of a package."""
    from_database: int = 0
    """Files whose bytes are not those of the import."""
    without_xml: int = 0
    """Documents without a file."""
    unfit: int = 0
    """Numbers left out of Parquet, as they have more digits than their column."""


@dataclass(frozen=True, slots=True)
class Request:
    """One export."""

    what: What
    format: Format
    selection: Selection
    locale: Locale = Locale.BRAZIL


def answer(
    request: Request, pages: Pages, originals: Originals, tally: Tally
) -> AsyncIterator[bytes]:
    """The bytes of the export. Raises StoreUnavailable, or ConfigError: an extra is missing."""
    if request.what is What.XML:
        return package(counted(_files(request, pages, originals), tally))
    subject = subjects()[request.what]
    rows = _rows(request, pages, tally)
    match request.format:
        case Format.CSV:
            return csv_of(subject, rows, request.locale)
        case Format.XLSX:
            return xlsx_of(subject, rows)
        case Format.JSONL:
            return jsonl_of(subject, rows)
        case Format.PARQUET:
            return parquet_of(subject, rows, partial(_one_unfit, tally))
        case Format.ZIP:
            raise AssertionError("FORMATS has no zip of rows")


async def by_month(request: Request, pages: Pages, tally: Tally, target: str) -> None:
    """Parquet in a new folder, a file or more a month. Raises as `answer`."""
    rows = _rows(request, pages, tally)
    subject = subjects()[request.what]
    await parquet_by_month(subject, rows, partial(_one_unfit, tally), target)


def _one_unfit(tally: Tally) -> None:
    tally.unfit += 1


async def _rows(request: Request, pages: Pages, tally: Tally) -> AsyncIterator[Sequence[Row]]:
    async for page in pages.read(request.what, request.selection, _ROWS_A_PAGE):
        yield page.rows
        tally.rows += len(page.rows)


async def _files(
    request: Request, pages: Pages, originals: Originals
) -> AsyncIterator[list[PackageEntry]]:
    async def question() -> AsyncIterator[Question]:
        yield Question(request.selection)

    async for page in entries(pages, question(), originals):
        yield page
    async for page in other_entries(pages, Question(request.selection), originals):
        yield page


async def counted(
    found: AsyncIterator[list[PackageEntry]], tally: Tally
) -> AsyncIterator[list[PackageEntry]]:
    """The same entries, counted."""
    async for page in found:
        for entry in page:
            tally.rows += bool(entry.path)
            tally.from_database += entry.origin is Origin.DATABASE
            tally.without_xml += entry.origin is Origin.NONE
        yield page
