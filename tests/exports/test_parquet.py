"""Parquet holds every number as the DECIMAL that the layout says, read back by duckdb."""

import asyncio
import sqlite3
from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from nfed.documents.layout.columns import Integer, Moment, Number
from nfed.exports.originals import Originals
from nfed.exports.parquet import fits
from nfed.exports.request import Format, Request, Tally, What, answer
from nfed.stores.pages import Selection, subjects
from nfed.stores.sqlite.pages import SQLitePages
from tests.exports.test_tables import CTE_KEY, NOTES, fill, stored
from tests.support.cli_command import nfed
from tests.support.other_documents import cte, proc_event


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = tmp_path_factory.mktemp("parquet")
    files = [each.xml for each in NOTES]
    asyncio.run(fill(found / "nfed.db", *files, proc_event(NOTES[0].chave), cte(CTE_KEY)))
    with sqlite3.connect(found / "nfed.db") as connection:
        connection.execute("update nf_itens set descricao = '' where id = 1")
        connection.execute("update nf_itens set descricao = 'a\"b,\nc;NULL' where id = 2")
        connection.execute("update nf_itens set valor_total_bruto = 1e17 where id = 3")
        connection.execute(
            "update nf_itens set valor_unitario_comercial_exato = '12345678901.1234567891'"
            " where id = 4"
        )
    return found


async def taken(home, what):
    request, tally = Request(what, Format.PARQUET, Selection()), Tally()
    parts = answer(request, SQLitePages(home / "nfed.db"), Originals(None), tally)
    path = home / f"{what}.parquet"
    path.write_bytes(b"".join([part async for part in parts]))
    return path, tally


@pytest.mark.parametrize("what", [each for each in What if each is not What.XML])
async def test_every_cell_is_of_its_type_and_to_the_digit(home, what):
    path, tally = await taken(home, what)

    found = duckdb.sql(f"select * from '{path}'")
    rows = found.fetchall()
    types = dict(zip(found.columns, map(str, found.types), strict=True))
    cells = await stored(home / "nfed.db", what)
    assert len(rows) == len(cells) == tally.rows
    for at, field in enumerate(subjects()[what].fields):
        column = found.columns.index(field.name)
        for row, cell in zip(rows, (each[at] for each in cells), strict=True):
            match field.kind:
                case Number(digits=digits, places=places) as kind:
                    assert types[field.name] == f"DECIMAL({digits},{places})"
                    expected = Decimal(cell) if cell and fits(kind, cell) else None
                    assert row[column] == expected
                case Moment():
                    assert types[field.name] == "TIMESTAMP"
                    expected = None if cell is None else datetime.fromisoformat(cell[:19])
                    assert row[column] == expected
                    assert row[column + 1] == cell
                case Integer():
                    assert row[column] == cell
    assert tally.unfit == (1 if what is What.ITENS else 0)


async def test_text_is_told_from_none_and_kept_whole(home):
    path, _ = await taken(home, What.ITENS)

    found = {row[0] for row in duckdb.sql(f"select descricao from '{path}'").fetchall()}

    assert "" in found
    assert 'a"b,\nc;NULL' in found
    prices = duckdb.sql(f"select valor_unitario_comercial from '{path}'").fetchall()
    assert (Decimal("12345678901.1234567891"),) in prices


def test_a_folder_is_divided_by_month_of_issue(home, tmp_path):
    target = tmp_path / "itens"

    said = nfed(home, "export", "itens", "--format", "parquet", "--by-month", "-o", target)

    assert said.returncode == 0, said.stderr
    assert "1 number left out" in said.stderr
    months = duckdb.sql(
        "select mes, count(*), bool_and(mes = substr(data_hora_emissao_tz, 1, 7))"
        f" from '{target}/*/*.parquet' group by 1"
    ).fetchall()
    assert len(months) > 1
    assert sum(row[1] for row in months) == 3 * len(NOTES)
    assert all(row[2] for row in months)
    again = nfed(home, "export", "itens", "--format", "parquet", "--by-month", "-o", target)
    assert again.returncode == 2
    assert "there already" in again.stderr


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("1.00", True),
        ("9999999999999.99", True),
        ("10000000000000.00", False),
        ("-9999999999999.99", True),
        ("1.005", False),
        ("1.10000", True),
        ("1", True),
        ("NaN", False),
        ("1e3", True),
        ("x", False),
    ],
)
def test_a_number_fits_or_does_not(text, does):
    assert fits(Number(15, 2), text) is does
