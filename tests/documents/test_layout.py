"""The layout against the database that users have, and against the official schema."""

import csv
import re
from pathlib import Path

import pytest

from nfed.documents.layout import NOT_STORED, tables
from nfed.documents.layout.columns import Date, Integer, Moment, Number, Text
from nfed.documents.layout.dfe import DFE_ASIDE, DFE_NOT_STORED
from tests.support.full_notes import columns_of, layout_columns
from tests.support.official_schema import FAMILIES, Schema, digits_of

EXISTING = Path(__file__).parents[1] / "data" / "existing-schema.tsv"


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
    """The leaves of the note's official schema, each path once."""
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
    assert narrow(leaves, columns) == []


def test_what_is_not_stored_is_in_the_official_schema(leaves):
    """A reason for a name that no schema has would hide a misspelling."""
    unknown = [
        path
        for path in NOT_STORED
        if not path.startswith("nfeProc/")
        and not any(each == path or each.startswith(f"{path}/") for each in leaves)
    ]

    assert unknown == []


OTHERS = [name for name in FAMILIES if name != "nfe"]


@pytest.fixture(scope="module")
def other_leaves():
    """By family: the leaves of its official schema."""
    return {name: {leaf.path: leaf for leaf in Schema(name).leaves()} for name in OTHERS}


def is_below(path, each):
    return path == each or path.startswith(f"{each}/")


def is_aside(path):
    return any(f"/{each}/" in f"/{path}/" for each in DFE_ASIDE)


@pytest.mark.parametrize("family", OTHERS)
def test_every_leaf_of_another_kind_has_a_column_or_a_reason(family, other_leaves, columns):
    """Fails by name when a new schema in nfelib adds a field."""
    without = [
        path
        for path in other_leaves[family]
        if not columns_of(path, columns)
        and not is_aside(path)
        and not any(is_below(path, each) for each in DFE_NOT_STORED)
    ]

    assert without == []


@pytest.mark.parametrize("family", OTHERS)
def test_every_column_of_another_kind_holds_what_the_official_schema_allows(
    family, other_leaves, columns
):
    # dfe_documentos has room for 13 digits of an amount, as it always had; nfse has for 15.
    wide = {"dfe_documentos.valor_total", "dfe_documentos.valor_liquido"}
    found = narrow(other_leaves[family], columns)

    assert [each for each in found if family != "nfse" or each[1] not in wide] == []


def test_what_is_not_stored_of_other_kinds_is_in_their_schemas(other_leaves):
    paths = [path for leaves in other_leaves.values() for path in leaves]

    unknown = [
        path
        for path in DFE_NOT_STORED
        # nfelib has no schema of the CF-e SAT nor of São Paulo's NFS-e.
        if not path.startswith(("CFe/", "NFePaulistana/"))
        and not any(is_below(each, path) for each in paths)
    ]
    needless = [name for name in DFE_ASIDE if not any(f"/{name}/" in f"/{p}/" for p in paths)]

    assert unknown == []
    assert needless == []


def narrow(leaves, columns):
    """Columns that cannot hold what a leaf may be."""
    found = []
    for leaf in leaves.values():
        for table, column in columns_of(leaf.path, columns):
            fits = True
            match column.kind:
                case Text(length=int() as length) if leaf.max_length is not None:
                    is_key = column.name == "chave_acesso" and "@Id" in leaf.path
                    prefix = len(re.match("[A-Za-z]*", leaf.path)[0]) if is_key else 0
                    fits = length >= leaf.max_length - prefix
                case Number(digits, places) if digits_of(leaf):
                    before, after = digits_of(leaf)
                    fits = places >= after and digits - places >= before
            if not fits:
                found.append((leaf.path, f"{table}.{column.name}", column.kind))
    return found
