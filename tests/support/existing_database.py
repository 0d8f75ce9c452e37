"""The database that users have, with rows in it, and what its readers see."""

import csv
from dataclasses import dataclass
from pathlib import Path

import psycopg

DATA = Path(__file__).parents[1] / "data"
SQL = (DATA / "existing-schema.sql").read_text("utf-8")


@dataclass(frozen=True)
class OldColumn:
    """A line of existing-schema.tsv."""

    relation: str
    name: str
    type: str
    required: bool
    key: str


def old_columns() -> list[OldColumn]:
    """Of tables and views, in their order."""
    with (DATA / "existing-schema.tsv").open(encoding="utf-8") as file:
        lines = [(line + [""] * 6)[:6] for line in csv.reader(file, delimiter="\t")]
    return [
        OldColumn(relation, name, kind, required == "not null", key)
        for relation, _, name, kind, required, key in lines
    ]


def relations() -> dict[str, list[OldColumn]]:
    """The columns of each table and view."""
    found: dict[str, list[OldColumn]] = {}
    for column in old_columns():
        found.setdefault(column.relation, []).append(column)
    return found


def fill(connection: psycopg.Connection, rows: int = 3) -> None:
    """Rows in every table: full to the brim, then with short values, then with nulls."""
    done: set[str] = set()
    tables = {name: columns for name, columns in relations().items() if not name.startswith("vw_")}
    while len(done) < len(tables):
        for name, columns in tables.items():
            parents = {c.key.split()[1].split("(")[0] for c in columns if "references" in c.key}
            if name not in done and parents <= done:
                for number in range(1, rows + 1):
                    values = {c.name: _value(c, number) for c in columns if c.name != "id"}
                    marks = ", ".join(["%s"] * len(values))
                    connection.execute(
                        f"insert into {name} ({', '.join(values)}) values ({marks})".encode(),
                        list(values.values()),
                    )
                done.add(name)


def what_readers_see(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Every old column of every relation, row by row, as PostgREST would send it."""
    return {
        name: [
            row[0]
            for row in connection.execute(
                f"select row_to_json(r)::text from (select {', '.join(c.name for c in columns)} "
                f"from {name}) r order by 1".encode()
            )
        ]
        for name, columns in relations().items()
    }


_CHECKED = {
    ("empresas", "tipo_pessoa"): "fisica",
    ("notas_fiscais", "status"): "autorizada",
    ("nf_referencias", "tipo"): "nfce",
    ("nf_processamento", "tipo_processamento"): "cce",
}


def _value(column: OldColumn, number: int) -> object:
    if "references" in column.key:
        return number
    if number == 3 and not column.required:
        return None
    if (column.relation, column.name) in _CHECKED:
        return _CHECKED[column.relation, column.name]
    name, _, size = column.type.rstrip(")").partition("(")
    match name:
        case "varchar" | "char":
            full = f"{number}{'é' * (int(size) - 1)}"
            return full if number == 1 else full[:1] + " " if int(size) > 2 else full[:1]
        case "text":
            return f"<nota n='{number}'>\n</nota>"
        case "numeric":
            digits, places = map(int, size.split(","))
            whole = "9" * (digits - places) if number == 1 else "7"
            return f"{whole}.{'9' * places}" if number == 1 else f"{whole}.5"
        case "integer":
            return 2_147_483_647 if number == 1 else number
        case "date":
            return f"2026-0{number}-28"
        case "timestamp":
            return f"2026-0{number}-28 23:30:0{number}.5"
        case _:
            raise AssertionError(column.type)
