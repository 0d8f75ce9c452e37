"""Says what a PostgreSQL database lacks of the layout, as statements: one query over its catalogue.

The query only reads. Whoever wants the change runs what it returns, in order; whoever wants to know
prints it. On a database that lacks nothing it returns no row. What it returns adds, widens or
relaxes; it never renames, drops or narrows what was there.

- A table, column, index or view that is missing is made. What is new is closed: row level security
  is on, and neither `anon`, `authenticated` nor `public` is granted anything.
- A length or precision that was given goes (`varchar(60)` to `varchar`, `numeric(5,2)` to
  `numeric`). The type stays the same one, stored values stay as they are, digit by digit, and no
  table is rewritten, so every reader gets what it got. Two columns of whole numbers change their
  type, as XSD-valid values overflow them.
- What a note may lack is no longer NOT NULL.
- Views that stand in the way are dropped and made again with the same definition, owner, grants,
  options, comments, triggers and indexes. Where that cannot be done (a function takes the view's
  row, a policy or a generated column uses the column) the column is left as it is, with a warning.
- Functions whose text has changed are made again. Whoever was granted to insert notes,
  or to select them, may call those that do that.
"""

import re
from collections.abc import Iterable
from functools import cache

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from nfed.stores.postgres.functions import functions
from nfed.stores.sql import statement
from nfed.stores.tables import (
    REPLACED_VIEWS,
    UPDATED,
    VIEWS,
    Backend,
    Whole,
    metadata,
    view,
    view_until_0003,
)

_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # sqlalchemy's


@cache
def query() -> str:
    """The query, for a session whose search_path is empty.

    Nothing in it, or in what it returns, can then be caught by a function or a table that somebody
    put into a schema of the path.

    A row a statement, in order; not `is_change`: it only warns.
    """
    tables = list(metadata(Backend.POSTGRES, "public").tables.values())
    indexes = sorted(
        (index for table in tables for index in table.indexes), key=lambda index: str(index.name)
    )
    return statement(
        "postgres/sql/plan.sql",
        tables=_values(_table(each) for each in tables),
        columns=_values(_column(table, each) for table in tables for each in table.columns),
        indexes=_values(_index(each) for each in indexes),
        views=_values((name, _line(view(name, "public.")), _was(name)) for name in VIEWS),
        updated=_values((name,) for name in UPDATED),
        functions=_values(
            (each.signature, each.text, each.comment, each.privilege) for each in functions()
        ),
    )


def _was(name: str) -> str:
    """An older query of a view, as the plan compares it; empty for none."""
    if name not in REPLACED_VIEWS:
        return ""
    return re.sub(r"[\s()]", "", view_until_0003(name).lower())


def block() -> str:
    """A statement that runs what the query returns."""
    return statement("postgres/sql/plan_block.sql", plan=query())


def literal(value: object) -> str:
    """A value as SQL text writes it, whatever standard_conforming_strings says."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case None:
            return "null"
        case _:
            text = str(value).replace("'", "''")
            return f"E'{text.replace(chr(92), chr(92) * 2)}'" if "\\" in text else f"'{text}'"


def _table(table: Table) -> tuple[object, ...]:
    return table.name, _line(CreateTable(table).compile(dialect=_DIALECT))


def _column(table: Table, column: Column[object]) -> tuple[object, ...]:
    kind = column.type.compile(dialect=_DIALECT).lower()
    added = column
    if not column.primary_key:  # rows that are there already have no value for it
        added = Column(
            column.name,
            column.type,
            server_default=column.server_default,
        )
    text = _line(CreateColumn(added).compile(dialect=_DIALECT))
    for key in column.foreign_keys:
        cascade = f" on delete {key.ondelete.lower()}" if key.ondelete else ""
        text += f" references {key.column.table.fullname}({key.column.name}){cascade}"
    # Wherever else the layout has whole numbers, the ones that its XSD allows fit the integer that
    # users have; the ids of a database that has them stay what their readers know.
    is_big = isinstance(column.type, BigInteger) and not isinstance(column.type, Whole)
    return table.name, column.name, kind, is_big, not column.nullable, text


def _index(index: Index) -> tuple[object, ...]:
    assert isinstance(index.table, Table)
    columns = [column.name for column in index.columns]
    predicate = index.dialect_options["postgresql"]["where"]
    return (
        index.name,
        index.table.name,
        "{" + ",".join(columns) + "}",
        bool(index.unique),
        predicate is not None,
        _line(CreateIndex(index).compile(dialect=_DIALECT)),
    )


def _line(sql: object) -> str:
    return " ".join(str(sql).split())


def _values(rows: Iterable[tuple[object, ...]]) -> str:
    lines = (f"({number}, {', '.join(map(literal, row))})" for number, row in enumerate(rows))
    return "values\n    " + ",\n    ".join(lines)
