"""Spreadsheets and lines: what is stored to the digit, in the types that their readers expect."""

import asyncio
import csv
import io
import json
import sqlite3
import zipfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from nfed.documents.layout.columns import Integer, Moment, Number, Text
from nfed.exports.lines import Locale
from nfed.exports.originals import Originals
from nfed.exports.request import FORMATS, Format, Request, Tally, What, answer
from nfed.exports.workbook import xlsx_of
from nfed.stores.pages import Selection, subjects
from nfed.stores.sqlite.pages import SQLitePages
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.notes import generator
from tests.support.other_documents import cte, proc_event
from tests.support.stores import incoming

NOTES = [generator().note(n, items=3, rich=True) for n in range(12)]
FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1")
CTE_KEY = "35260311222333000181570010000000771000000073"


async def fill(path, *files):
    store = SQLiteStore(path)
    await store.open()
    await store.store(incoming(*files), "job")
    await store.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("tables") / "nfed.db"
    files = [each.xml for each in NOTES]
    asyncio.run(fill(found, *files, proc_event(NOTES[0].chave), cte(CTE_KEY)))
    with sqlite3.connect(found) as connection:
        for item, text in enumerate(FORMULAS, 1):
            connection.execute("update nf_itens set descricao = ? where id = ?", (text, item))
        connection.execute("update nf_itens set descricao = 'a;\"b\",\nc' where id = 20")
    return found


async def taken(path, what, form, locale=Locale.BRAZIL):
    request, tally = Request(what, form, Selection(), locale), Tally()
    parts = answer(request, SQLitePages(path), Originals(None), tally)
    return b"".join([part async for part in parts]), tally.rows


async def stored(path, what):
    """The cells as the pages have them."""
    rows = []
    async for page in SQLitePages(path).read(what, Selection(), 1000):
        rows += page.rows
    return rows


def read_csv(content, delimiter):
    text = content.decode("utf-8-sig")
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize("what", [each for each in What if each is not What.XML])
async def test_csv_holds_every_cell_in_the_words_of_its_locale(path, what):
    fields = subjects()[what].fields
    cells = await stored(path, what)
    brazil, rows = await taken(path, what, Format.CSV)
    plain, _ = await taken(path, what, Format.CSV, Locale.PLAIN)

    heading, *lines = read_csv(brazil, ";")
    assert heading == [field.name for field in fields]
    assert len(lines) == len(cells) == rows > 0
    for line, there, row in zip(lines, read_csv(plain, ",")[1:], cells, strict=True):
        for told, said, cell, field in zip(line, there, row, fields, strict=True):
            match field.kind:
                case Number() if cell is not None:
                    assert told == cell.replace(".", ",")
                    assert said == cell
                case Moment() if cell is not None:
                    assert told == f"{cell[8:10]}/{cell[5:7]}/{cell[:4]} {cell[11:19]}"
                    assert said == cell
                case Integer() | Text():
                    assert told.removeprefix("'") == said.removeprefix("'")
                    assert told.removeprefix("'") == ("" if cell is None else str(cell))


@pytest.mark.parametrize("locale", list(Locale))
async def test_no_cell_of_csv_is_a_formula(path, locale):
    content, _ = await taken(path, What.ITENS, Format.CSV, locale)

    at = subjects()["itens"].position("descricao")
    found = [row[at] for row in read_csv(content, ";" if locale is Locale.BRAZIL else ",")]
    assert {f"'{text}" for text in FORMULAS} <= set(found)
    assert not [text for text in found if text.startswith(FORMULAS)]


@pytest.mark.parametrize("what", [each for each in What if each is not What.XML])
async def test_a_line_of_json_holds_what_is_stored(path, what):
    content, rows = await taken(path, what, Format.JSONL)

    names = [field.name for field in subjects()[what].fields]
    told = [json.loads(line) for line in content.decode().split("\n")[:-1]]
    assert len(told) == rows
    assert told == [
        {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
        for row in await stored(path, what)
    ]


@pytest.mark.parametrize("what", [each for each in What if each is not What.XML])
async def test_a_workbook_is_read_with_keys_as_text_and_amounts_as_numbers(path, what):
    content, _ = await taken(path, what, Format.XLSX)

    (sheet,) = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    fields = subjects()[what].fields
    heading, *lines = sheet.iter_rows()
    assert [cell.value for cell in heading] == [field.name for field in fields]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    cells = await stored(path, what)
    assert len(lines) == len(cells)
    for line, row in zip(lines, cells, strict=True):
        for found, cell, field in zip(line, row, fields, strict=True):
            if cell is None:
                assert found.value is None
                continue
            match field.kind:
                case Number(places=places):
                    assert Decimal(str(found.value)) == Decimal(cell)
                    if found.data_type == "n":
                        assert found.number_format == f"#,##0.{'0' * places}"
                    else:
                        assert len(cell.replace(".", "").lstrip("0")) > 15
                case Moment():
                    assert found.value == datetime.fromisoformat(cell[:19])
                    assert found.number_format == "dd/mm/yyyy hh:mm:ss"
                case Text():
                    assert found.data_type == "s"  # never "f"
                    assert unescape(found.value) == str(cell)


async def test_rows_that_do_not_fit_a_sheet_go_on_in_the_next(path):
    subject = subjects()["itens"]
    cells = await stored(path, "itens")

    async def pages():
        yield cells[:20]
        yield cells[20:]

    content = b"".join([part async for part in xlsx_of(subject, pages(), sheet_rows=15)])

    sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert [sheet.max_row for sheet in sheets] == [15, 15, 9]
    at = subject.position("chave_acesso")
    found = [row[at] for sheet in sheets for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert found == [row[at] for row in cells]
    assert all(sheet["A1"].value == "chave_acesso" for sheet in sheets)


async def test_a_sheet_ends_before_the_zip_would_be_one_that_excel_repairs(path):
    subject = subjects()["itens"]
    cells = await stored(path, "itens")

    async def pages():
        for at in range(0, len(cells), 6):
            yield cells[at : at + 6]

    content = b"".join([part async for part in xlsx_of(subject, pages(), sheet_bytes=60_000)])

    sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = [
            each.file_size for each in archive.infolist() if "worksheets/sheet" in each.filename
        ]
    at = subject.position("chave_acesso")
    found = [row[at] for sheet in sheets for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert found == [row[at] for row in cells]
    assert len(sizes) > 1
    assert max(sizes) < 120_000


async def test_what_a_sheet_cannot_hold_is_text(path):
    subject = subjects()["notas"]
    row = [None] * len(subject.fields)
    values = {
        "valor_total_nota": "12345678901234567.89",
        "data_hora_emissao": "0001-01-01T00:00:00-03:00",
        "informacoes_complementares": "x" * 40_000,
        "chave_acesso": "0" * 44,
        "status": "_x000D_",
    }
    for name, value in values.items():
        row[subject.position(name)] = value

    async def pages():
        yield [tuple(row)]

    content = b"".join([part async for part in xlsx_of(subject, pages())])

    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    found = {name: unescape(sheet.cell(2, subject.position(name) + 1).value) for name in values}
    long = found.pop("informacoes_complementares")
    assert len(long) == 32_767
    assert long.endswith("x…")
    assert found == {name: value for name, value in values.items() if name in found}


@pytest.mark.parametrize("form", FORMATS[What.ITENS])
async def test_the_same_question_gives_the_same_bytes(path, form):
    assert await taken(path, What.ITENS, form) == await taken(path, What.ITENS, form)
