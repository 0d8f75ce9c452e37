"""The floor is honest: the libraries alone do for the same files what nfed made of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.floor import STEPS, Stored
from bench.measure_floor import FLOOR_DATABASE, all_checks, libraries_alone
from bench.measure_nfed import DATABASE, FOLDER, import_backlog
from bench.measure_notes import Notes, home

FILES = 20


@pytest.fixture(scope="module")
def place():
    """Where nfed and the libraries have stored the same files, and what the libraries took."""
    notes = Notes()
    notes.provide(FILES)
    with home() as there:
        notes.copy(FILES, there / FOLDER)
        import_backlog(there, FILES, with_memory=False, **all_checks())
        steps = libraries_alone(notes, FILES, there)
        yield there, steps


def test_the_libraries_store_the_very_rows_that_nfed_stored(place):
    there, _ = place

    rows = {name: _rows(there / name) for name in (DATABASE, FLOOR_DATABASE)}

    assert len(rows[DATABASE]["notas_fiscais"]) == FILES
    assert len(rows[DATABASE]["nf_itens_icms"]) == 5 * FILES
    assert rows[FLOOR_DATABASE] == rows[DATABASE]


def test_every_step_of_the_libraries_is_counted_and_every_file_renamed(place):
    there, steps = place

    assert list(steps) == list(STEPS)
    assert all(microseconds > 0 for microseconds in steps.values())
    assert len(list((there / "floor" / "done").iterdir())) == FILES


def test_a_statement_names_only_columns_that_hold_anything(place):
    there, _ = place
    stored = Stored(there / DATABASE)

    statements = stored.statements(stored.rows["notas_fiscais"])

    for sql, rows in statements:
        assert sql.count("?") == len(rows[0])
        assert all(any(value is not None for value in column) for column in zip(*rows, strict=True))
    assert sum(len(rows) for _, rows in statements) == sum(map(len, stored.rows.values()))


def _rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """By table; but for the schema's version, which is no document's."""
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {
            name: connection.execute(f"select * from {name} order by 1").fetchall()
            for (name,) in names
            if name != "nfed_schema_version"
        }
