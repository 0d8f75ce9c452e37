"""Every value of a database as text, whatever its tables, and what differs between two looks."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

type Row = tuple[str | None, ...]
_SHOWN = 3


@dataclass(frozen=True)
class Relation:
    """All rows of a table or view, in no order."""

    columns: tuple[str, ...]
    rows: Counter[Row]

    def of(self, columns: Collection[str]) -> Counter[Row]:
        """The rows, of these columns alone."""
        places = [self.columns.index(name) for name in columns]
        chosen: Counter[Row] = Counter()
        for row, count in self.rows.items():
            chosen[tuple(row[place] for place in places)] += count
        return chosen


type Values = dict[str, Relation]
"""Relations by name."""


def values_of_sqlite(path: Path) -> Values:
    """With the type that SQLite stored each value as."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "select name from sqlite_master where type in ('table', 'view') "
            "and name not like 'sqlite\\_%' escape '\\' order by name"
        ).fetchall()
        found: Values = {}
        for (name,) in names:
            columns = tuple(row[1] for row in connection.execute(f'pragma table_xinfo("{name}")'))
            chosen = ", ".join(
                f"""typeof("{each}") || ' ' || quote("{each}")""" for each in columns
            )
            rows = connection.execute(f'select {chosen} from "{name}"')
            found[name] = Relation(columns, Counter(rows.fetchall()))
    return found


def values_of_postgres(url: str) -> Values:
    """Tables and views of every schema but the server's own."""
    with psycopg.connect(url, options="-c timezone=UTC -c datestyle=ISO") as connection:
        columns_by_name = connection.execute(
            "select c.oid::regclass::text, array_agg(a.attname::text order by a.attnum) "
            "from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relkind in ('r', 'p', 'v', 'm') and c.relispopulated and a.attnum > 0 "
            "and not a.attisdropped and c.relnamespace::regnamespace::text "
            "not in ('pg_catalog', 'pg_toast', 'information_schema') group by c.oid order by 1"
        ).fetchall()
        found: Values = {}
        for name, columns in columns_by_name:
            chosen = ", ".join(f'"{each}"::text' for each in columns)
            rows = connection.execute(f"select {chosen} from {name}".encode())
            found[name] = Relation(tuple(columns), Counter(rows.fetchall()))
    return found


def differences(
    before: Values,
    after: Values,
    *,
    but: Mapping[str, Collection[str]] | None = None,
    may_grow: bool = False,
) -> list[str]:
    """What was there before and is not now, or is there besides, one line each.

    Tables and columns may be added, rows only where they `may_grow`. `but` names columns of
    relations that are not looked at.
    """
    found = []
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            found.append(f"{name} is gone")
            continue
        gone = [column for column in old.columns if column not in new.columns]
        if gone:
            found.append(f"{name} has lost {', '.join(gone)}")
            continue
        aside = (but or {}).get(name, ())
        columns = [column for column in old.columns if column not in aside]
        rows_before, rows_after = old.of(columns), new.of(columns)
        lost, added = rows_before - rows_after, rows_after - rows_before
        if may_grow:
            found += [f"{name} has lost {row}" for row in list(lost)[:_SHOWN]]
        elif lost or added:
            found += _by_column(name, columns, lost, added)
    return found


def _by_column(name: str, columns: list[str], lost: Counter[Row], added: Counter[Row]) -> list[str]:
    """Rows that differ, told by the columns in which they do."""
    if lost.total() != added.total():
        return [f"{name} had {lost.total()} rows that it has not now, and has {added.total()} new"]
    told = []
    for old in list(lost.elements())[:_SHOWN]:
        nearest = min(added, key=lambda new: sum(a != b for a, b in zip(old, new, strict=True)))
        told += [
            f"{name}.{column} was {a!r:.200}, is {b!r:.200}"
            for column, a, b in zip(columns, old, nearest, strict=True)
            if a != b
        ]
    return told
