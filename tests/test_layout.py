"""The layout against the database that users have, and against the official schema."""

import csv
from pathlib import Path

from daemon.documents.layout import Date, Integer, Moment, Number, Text, tables

EXISTING = Path(__file__).parent / "data" / "existing-schema.tsv"


def existing_columns():
    with EXISTING.open(encoding="utf-8") as file:
        for table, _, column, kind, *_ in csv.reader(file, delimiter="\t"):
            if not table.startswith("vw_"):
                yield table, column, kind


def test_every_column_that_users_have_is_in_the_layout():
    layout = tables()
    made = {"id", "created_at", "updated_at"}

    missing = [
        (table, column)
        for table, column, _ in existing_columns()
        if column not in made
        and column != layout[table].link
        and column not in layout[table].stored_names
    ]

    assert missing == []


def test_no_column_is_narrower_than_the_one_that_users_have():
    layout = tables()
    narrower = []
    for table, column, kind in existing_columns():
        found = next((c for c in layout[table].columns if c.name == column), None)
        if found is None:
            continue
        name, _, size = kind.rstrip(")").partition("(")
        match name, found.kind:
            case (("varchar" | "char"), Text(length)):
                fits = length is None or length >= int(size)
            case "text", Text(None):
                fits = True
            case "numeric", Number(digits, places):
                old_digits, old_places = map(int, size.split(","))
                fits = places >= old_places and digits - places >= old_digits - old_places
            case "integer", Integer() | Number():
                fits = True
            case "date", Date():
                fits = True
            case "timestamp", Moment():
                fits = True
            case _:
                fits = False
        if not fits:
            narrower.append((table, column, kind, found.kind))

    assert narrower == []


def test_every_column_has_a_source():
    sourceless = [
        (table.name, column.name)
        for table in tables().values()
        for column in table.columns
        if column.path is None and not column.note
    ]

    assert sourceless == []
