"""Writes rows as an Excel workbook: keys as text, amounts as numbers, dates as dates.

XlsxWriter keeps one row in memory and the rest in a file of its own; a workbook's parts are packed
when all of them are known, so the bytes begin to come after the last row.

Text is written as text, never read for a formula or a link. What a spreadsheet cannot hold to the
last digit (more than 15) is text, too; so is a date before March 1900, which has no number there.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nfed.documents.layout.columns import Date, Day, Integer, Kind, Moment, Number
from nfed.exports.slices import slices
from nfed.stores.pages import Cell, Row, Subject

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_ROWS = 1_048_576
"""Of a sheet, the heading's among them (ECMA-376; Excel's limits)."""
_BYTES = 1_900_000_000
"""Of a sheet's XML; from 2 GB on zipfile would write ZIP64, which Excel repairs with a warning."""
_LETTERS = 32_767
_SAFE_LENGTH = 16  # 15 digits and a point
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  # a spreadsheet's days have no zone
_FIRST = datetime(1900, 3, 1)  # noqa: DTZ001  # before it, spreadsheets count a day too many
_DAY_SECONDS = 86_400
_WIDTHS = ((Moment, 18.0), (Date, 11.0), (Day, 11.0), (Number, 14.0), (Integer, 8.0))
_TEXT_WIDTH, _KEY_WIDTH = 16.0, 48.0
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)  # or the same rows would give other bytes each time


async def xlsx_of(
    subject: Subject,
    rows: AsyncIterator[Sequence[Row]],
    sheet_rows: int = _ROWS,
    sheet_bytes: int = _BYTES,
) -> AsyncIterator[bytes]:
    """The workbook; a sheet holds so many rows, its heading among them, and the next goes on.

    It goes on, too, after a page that brings the sheet's XML above so many bytes.
    """
    with tempfile.TemporaryDirectory(prefix="nfed-xlsx-") as folder:
        path = f"{folder}/rows.xlsx"
        book = await asyncio.to_thread(_Book, path, folder, subject, sheet_rows, sheet_bytes)
        async for page in rows:
            await asyncio.to_thread(book.add, page)
        await asyncio.to_thread(book.close)
        async for part in slices(path):
            yield part


class _Book:
    def __init__(
        self, path: str, folder: str, subject: Subject, sheet_rows: int, sheet_bytes: int
    ) -> None:
        from xlsxwriter.workbook import Workbook

        self._book: Workbook = Workbook(path, {"constant_memory": True, "tmpdir": folder})
        self._book.set_properties({"created": _CREATED})
        self._subject = subject
        self._sheet_rows = sheet_rows
        self._sheet_bytes = sheet_bytes
        self._bold = self._book.add_format({"bold": True})
        self._formats = [self._format(field.kind) for field in subject.fields]
        self._writers: list[Callable[[int, Cell], object]] = []
        self._row = 0
        self._sheet = self._new_sheet()

    def add(self, page: Sequence[Row]) -> None:
        if page and self._sheet.row_data_fh.tell() > self._sheet_bytes:
            self._end_sheet()
            self._sheet = self._new_sheet()
        for row in page:
            if self._row == self._sheet_rows:
                self._end_sheet()
                self._sheet = self._new_sheet()
            number = self._row
            for write, cell in zip(self._writers, row, strict=True):
                if cell is not None:
                    write(number, cell)
            self._row = number + 1

    def close(self) -> None:
        self._end_sheet()
        self._book.close()

    def _new_sheet(self) -> "Worksheet":
        sheet = self._book.add_worksheet()
        sheet.freeze_panes(1, 0)
        self._writers = []
        for at, field in enumerate(self._subject.fields):
            sheet.set_column(at, at, _width(field.name, field.kind))
            sheet.write_string(0, at, field.name, self._bold)
            self._writers.append(_writer(sheet, at, field.kind, self._formats[at]))
        self._row = 1
        return sheet

    def _end_sheet(self) -> None:
        self._sheet.autofilter(0, 0, self._row - 1, len(self._subject.fields) - 1)

    def _format(self, kind: Kind) -> "Format | None":
        match kind:
            case Number(places=places):
                return self._book.add_format({"num_format": f"#,##0.{'0' * places}"})
            case Date() | Day():
                return self._book.add_format({"num_format": "dd/mm/yyyy"})
            case Moment():
                return self._book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
            case _:
                return None


def _writer(
    sheet: "Worksheet", at: int, kind: Kind, form: "Format | None"
) -> Callable[[int, Cell], object]:
    """Writes a cell of the column into a row."""
    text, number = sheet.write_string, sheet.write_number

    def as_text(row: int, cell: Cell) -> object:
        told = str(cell)
        return text(row, at, told if len(told) <= _LETTERS else f"{told[: _LETTERS - 1]}…")

    def as_number(row: int, cell: Cell) -> object:
        told = str(cell)
        if len(told) > _SAFE_LENGTH and len(told.replace(".", "").lstrip("-0")) >= _SAFE_LENGTH:
            return text(row, at, told)
        try:
            return number(row, at, float(told), form)
        except ValueError:
            return text(row, at, told)

    def as_day(row: int, cell: Cell) -> object:
        told = str(cell)
        try:
            moment = datetime.fromisoformat(told[:19])
        except ValueError:
            return text(row, at, told)
        if moment < _FIRST:
            return text(row, at, told)
        since = moment - _EPOCH
        return number(row, at, since.days + since.seconds / _DAY_SECONDS, form)

    match kind:
        case Number() | Integer():
            return as_number
        case Date() | Day() | Moment():
            return as_day
        case _:
            return as_text


def _width(name: str, kind: Kind) -> float:
    if name.startswith("chave"):
        return _KEY_WIDTH
    for each, width in _WIDTHS:
        if isinstance(kind, each):
            return width
    return _TEXT_WIDTH
