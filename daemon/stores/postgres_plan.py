"""What a PostgreSQL database lacks of the layout, as statements: one query over its catalogue.

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
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from daemon.stores.postgres_functions import SET_UPDATED_AT, functions
from daemon.stores.postgres_literal import literal
from daemon.stores.postgres_plan_sql import PLAN
from daemon.stores.schema import UPDATED, VIEWS, Backend, Whole, metadata

SCHEMA = "public"

_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # sqlalchemy's


@cache
def query() -> str:
    """The query, for a session whose search_path is empty.

    Nothing in it, or in what it returns, can then be caught by a function or a table that somebody
    put into a schema of the path.

    A row a statement, in order; not `is_change`: it only warns.
    """
    made = metadata(Backend.POSTGRES)
    tables = list(made.tables.values())
    indexes = sorted(
        (index for table in tables for index in table.indexes), key=lambda index: str(index.name)
    )
    return PLAN.format(
        tables=_values(_table(each) for each in tables),
        columns=_values(_column(table, each) for table in tables for each in table.columns),
        indexes=_values(_index(each) for each in indexes),
        views=_values(_view(*each) for each in VIEWS.items()),
        updated=_values((name,) for name in UPDATED),
        functions=_values(
            (each.signature, each.text, each.comment, each.for_service) for each in functions()
        ),
        touch=SET_UPDATED_AT.signature,
    )


def block() -> str:
    """A statement that runs what the query returns."""
    return f"""do $nfed$
declare
    nfed_statements text[];
    nfed_statement text;
begin
    -- All of them first: what has begun to run changes what the catalogue says.
    select array_agg(statement) into nfed_statements from (
{query().strip()}
    ) as plan;
    foreach nfed_statement in array coalesce(nfed_statements, '{{}}') loop
        execute nfed_statement;
    end loop;
end
$nfed$;
"""


def _table(table: Table) -> tuple[object, ...]:
    text = " ".join(str(CreateTable(table).compile(dialect=_DIALECT)).split())
    text = text.replace("CREATE TABLE ", f"create table {SCHEMA}.")
    return table.name, text.replace(" REFERENCES ", f" REFERENCES {SCHEMA}.")


def _column(table: Table, column: Column[object]) -> tuple[object, ...]:
    kind = column.type.compile(dialect=_DIALECT).lower()
    text = " ".join(str(CreateColumn(column).compile(dialect=_DIALECT)).split())
    if not column.primary_key:  # rows that are there already have no value for it
        text = text.removesuffix(" NOT NULL")
    for key in column.foreign_keys:
        cascade = f" on delete {key.ondelete.lower()}" if key.ondelete else ""
        text += f" references {SCHEMA}.{key.column.table.name}({key.column.name}){cascade}"
    # Wherever else the layout has whole numbers, the ones that its XSD allows fit the integer that
    # users have; the ids of a database that has them stay what their readers know.
    is_big = isinstance(column.type, BigInteger) and not isinstance(column.type, Whole)
    return table.name, column.name, kind, is_big, not column.nullable, text


def _index(index: Index) -> tuple[object, ...]:
    assert isinstance(index.table, Table)
    columns = [column.name for column in index.columns]
    predicate = index.dialect_options["postgresql"]["where"]
    text = str(CreateIndex(index).compile(dialect=_DIALECT))
    text = text.replace(f" ON {index.table.name}", f" ON {SCHEMA}.{index.table.name}")
    return (
        index.name,
        index.table.name,
        "{" + ",".join(columns) + "}",
        bool(index.unique),
        predicate is not None,
        text.replace("CREATE ", "create ", 1),
    )


def _view(name: str, text: str) -> tuple[object, ...]:
    return name, re.sub(r"\b(from|join) (\w+)", rf"\1 {SCHEMA}.\2", " ".join(text.split()))


def _values(rows: Iterable[tuple[object, ...]]) -> str:
    lines: Iterator[str] = (
        f"({number}, {', '.join(map(literal, row))})" for number, row in enumerate(rows)
    )
    return "values\n    " + ",\n    ".join(lines)
