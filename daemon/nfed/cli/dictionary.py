"""`nfed schema`: writes the data dictionary as Markdown, from the layout and a database of it.

Types and the order of columns are read from an empty database that the migrations have made, so
the dictionary cannot say what a database does not have.
"""

import posixpath
import sqlite3
from collections.abc import Iterator

from nfed.documents.layout import NOT_STORED, tables
from nfed.documents.layout.columns import Column, Moment, Table
from nfed.documents.layout.dfe import DFE_ASIDE, DFE_EVENTS_NOT_STORED, DFE_NOT_STORED
from nfed.documents.layout.dfe_grupos import DFE_OUTROS_VALORES
from nfed.documents.layout.nota import NF_OUTROS_VALORES
from nfed.stores.sqlite import schema

_HEAD = """\
# Data dictionary

What `nfed` stores of a fiscal document, and where in its XML it comes from. Table and column names
are Portuguese, as the tax office's own words are; the manual is the MOC 7.0, Anexo I.

**XML paths** begin at the element `NFe` or `protNFe`, whether a file is an `nfeProc` or a bare
`NFe`. `@x` is an attribute, `*` any one element (the ICMS groups have one for each CST), and
`{a,b}` means whichever of them is there; `name()` is the element's own name. Names that only
layouts before 4.00 have (`ide/dEmi`, `pag/tPag`) stand beside those of today.

**Decimals** are exact as written. In SQLite their columns are NUMERIC, so that `>`, `between`,
`order by` and `sum` work as numbers: `Decimal(str(value))` equals the XML's value up to 15
significant digits, which every amount of money has at most, and `round(sum(x), 2)` is right to the
cent for totals up to 10^12. A column that can hold more digits has an exact text twin
`<name>_exato` beside it.

**Moments** are stored twice: `<name>` is the issuer's wall clock (`AAAA-MM-DD hh:mm:ss`), and
`<name>_tz` the instant as written, with its UTC offset.

In **PostgreSQL** the types are `text`, `numeric` (exact, without a twin), `timestamp` and
`timestamptz`, `bigint`; see [postgresql.md](postgresql.md).

**notas_fiscais.status** follows from the protocol's `cStat`:

| cStat | status |
|---|---|
| no protocol | emitida |
| 100, 150 | autorizada |
| 101, 151, 155 | cancelada |
| 110, 301, 302, 303 | denegada |
| any other | rejeitada |

The other tables of documents: an event is `enviado` (no answer known), `registrado` (cStat 134,
135, 136, 155) or `rejeitado`; unused numbers are `solicitada`, `homologada` (102) or `rejeitada`;
the rest as notes. A registered cancellation makes its note `cancelada`, whatever its own protocol
says.

**Parties.** `empresas` holds a party as its newest note (by `dhEmi`) writes it, one row a CPF or
CNPJ. `nf_partes` holds every party as written in its own note, so no old note is rewritten.

**Rows** are linked by `id`: a row goes when the row that it belongs to goes.
"""

_VIEWS = {
    "vw_documentos": "One line a document of any kind: who to whom, when, how much, its status; "
    "encerrada for an MDF-e that is closed.",
    "vw_documentos_relacionados": "Documents that name each other, from either side: a note and "
    "the CT-e that carries it, the MDF-e that both travel on, what a document substitutes.",
    "vw_notas_fiscais_resumo": "One line a note: who sold to whom, when, and the totals.",
    "vw_nf_itens_completo": "One line an item, with its note's key and its taxes.",
}


def dictionary() -> str:
    """The whole document."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(schema.script())
        parts = [_HEAD]
        parts += (_table(connection, table) for table in tables().values())
        parts += ["## What has no column\n", _not_stored()]
        parts.append("## Views\n")
        parts += (_view(connection, name, about) for name, about in _VIEWS.items())
    finally:
        connection.close()
    return "\n".join(parts)


def path_of(table: Table, column: Column) -> str:
    """The column's XML path from the root, alternatives in braces; empty without one."""
    if column.path is None:
        return ""
    elements = _braces((table.element or "").split("|"))
    path = _braces(column.path.split("|"))
    return posixpath.normpath(f"{elements}/{path}") if elements else path


def _table(connection: sqlite3.Connection, table: Table) -> str:
    sources = dict(_sources(table))
    lines = [f"## {table.name}\n", f"{_cell(table.about)}\n"]
    lines += ["| column | type | XML path | note |", "|---|---|---|---|"]
    for name, kind in _columns(connection, table.name):
        path, note = sources[name]
        code = f"`{_cell(path)}`" if path else ""
        lines.append(f"| {name} | {kind} | {code} | {_cell(note)} |")
    return "\n".join(lines) + "\n"


def _sources(table: Table) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each column as stored: its XML path and its note."""
    yield "id", ("", "numbers the rows")
    if table.link is not None:
        yield table.link, ("", f"{table.parent}.id of the row that this one belongs to")
    for column in table.columns:
        path = path_of(table, column)
        yield column.name, (path, column.note)
        for twin in column.stored_names[1:]:
            says = "with its UTC offset" if isinstance(column.kind, Moment) else "exact, as text"
            yield twin, (path, f"{column.name} {says}")
    yield "created_at", ("", "when the row was made (UTC)")
    yield "updated_at", ("", "when the row was last changed (UTC)")


def _not_stored() -> str:
    lines = [
        f"Whatever else this layout has no column for is in `{NF_OUTROS_VALORES.name}`.\n",
    ]
    lines += (f"- `{path}`: {reason}" for path, reason in NOT_STORED.items())
    lines += [
        f"\nOf other documents, in `{DFE_OUTROS_VALORES.name}`; these groups go there whole:\n",
    ]
    lines += (f"- `{name}`: {reason}" for name, reason in DFE_ASIDE.items())
    lines += ["\nAnd these nowhere but in `dfe_documentos.xml`:\n"]
    lines += (f"- `{path}`: {reason}" for path, reason in DFE_NOT_STORED.items())
    lines += ["\nOf their events likewise:\n"]
    lines += (f"- `{path}`: {reason}" for path, reason in DFE_EVENTS_NOT_STORED.items())
    return "\n".join(lines) + "\n"


def _view(connection: sqlite3.Connection, name: str, about: str) -> str:
    (sql,) = connection.execute("select sql from sqlite_master where name = ?", (name,)).fetchone()
    lines = [f"### {name}\n", f"{about}\n", "| column | type |", "|---|---|"]
    lines += (f"| {column} | {kind or 'computed'} |" for column, kind in _columns(connection, name))
    return "\n".join([*lines, "\n```sql", *map(str.rstrip, sql.splitlines()), "```\n"])


def _columns(connection: sqlite3.Connection, name: str) -> list[tuple[str, str]]:
    return [(row[1], row[2]) for row in connection.execute(f"pragma table_info({name})")]


def _braces(alternatives: list[str]) -> str:
    """`{a,b}/x` for a/x and b/x."""
    if len(alternatives) == 1:
        return alternatives[0]
    parts = [each.split("/") for each in alternatives]
    shortest = min(map(len, parts))
    head = 0
    while head < shortest - 1 and len({tuple(each[: head + 1]) for each in parts}) == 1:
        head += 1
    tail = 0
    while tail < shortest - head - 1 and len({tuple(each[-tail - 1 :]) for each in parts}) == 1:
        tail += 1
    middles = ["/".join(each[head : len(each) - tail]) for each in parts]
    return "/".join(
        [*parts[0][:head], f"{{{','.join(middles)}}}", *parts[0][len(parts[0]) - tail :]]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
