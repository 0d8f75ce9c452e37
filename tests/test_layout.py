"""The layout against the database that users have, and against the official schema."""

import csv
from pathlib import Path

import pytest

from daemon.documents.layout import NOT_STORED, Date, Integer, Moment, Number, Text, tables
from tests.full_notes import columns_of, layout_columns
from tests.official_schema import Schema, digits_of

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


@pytest.fixture(scope="module")
def leaves():
    """The official schema's leaves, each path once."""
    return {leaf.path: leaf for leaf in Schema().leaves()}


@pytest.fixture(scope="module")
def columns():
    """The pattern of every full path in the layout, with its column."""
    return layout_columns()


def test_the_official_schema_is_read_whole(leaves):
    assert len(leaves) > 900
    assert "NFe/infNFe/det/imposto/IBSCBS/gIBSCBS/gIBSUF/vIBSUF" in leaves
    assert leaves["NFe/infNFe/det/prod/xProd"].max_length == 120
    assert digits_of(leaves["NFe/infNFe/det/imposto/ICMS/ICMS00/pICMS"]) == (3, 4)


def test_every_leaf_of_the_official_schema_has_a_column_or_a_reason(leaves, columns):
    """Fails by name when the tax office's next technical note adds a field."""
    without = [
        path
        for path, leaf in leaves.items()
        if not columns_of(leaf.path, columns)
        and not any(path == each or path.startswith(f"{each}/") for each in NOT_STORED)
    ]

    assert without == []


def test_every_column_holds_what_the_official_schema_allows(leaves, columns):
    narrow = []
    for leaf in leaves.values():
        for table, column in columns_of(leaf.path, columns):
            fits = True
            match column.kind:
                case Text(length=int() as length) if leaf.max_length is not None:
                    prefix = 3 if column.name == "chave_acesso" and "@Id" in leaf.path else 0
                    fits = length >= leaf.max_length - prefix
                case Number(digits, places) if digits_of(leaf):
                    before, after = digits_of(leaf)
                    fits = places >= after and digits - places >= before
            if not fits:
                narrow.append((leaf.path, f"{table}.{column.name}", column.kind))

    assert narrow == []


def test_what_is_not_stored_is_in_the_official_schema(leaves):
    """A reason for a name that no schema has would hide a misspelling."""
    unknown = [
        path
        for path in NOT_STORED
        if not path.startswith("nfeProc/")
        and not any(each == path or each.startswith(f"{path}/") for each in leaves)
    ]

    assert unknown == []
