"""docs/queries.md: its questions, and their answers on the generator's notes.

`python -m tests.support.query_book` renews the answers.
"""

import asyncio
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import psycopg
from psycopg import sql

from bench.generator import with_protocol
from nfed.core.ports import Incoming
from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.layout import tables
from nfed.documents.layout.columns import EXACT_SUFFIX
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.sqlite.store import SQLiteStore
from nfed.stores.tables import Backend, stored_columns
from tests.support.notes import generator, note
from tests.support.postgres_server import running
from tests.support.written_documents import written

BOOK = Path(__file__).parents[2] / "docs" / "queries.md"
NOTES = 200
_QUESTION = re.compile(
    r"^## (?P<title>\d+\. [^\n]+)\n(?P<text>.*?)```sql\n(?P<query>.*?)\n```\n(?P<answer>.*?)"
    r"(?=^## |\Z)",
    re.DOTALL | re.MULTILINE,
)
_NOTHING = "\nNo row.\n"


@dataclass(frozen=True)
class Question:
    """One of the book."""

    title: str
    query: str
    answer: str
    on_sqlite: bool


def questions() -> list[Question]:
    """As the book tells them."""
    return [
        Question(
            found["title"],
            found["query"],
            found["answer"].strip(),
            "Only on PostgreSQL" not in found["text"],
        )
        for found in _QUESTION.finditer(BOOK.read_text("utf-8"))
    ]


async def fill_sqlite(path: Path) -> None:
    """The notes of the book: most of them authorised, some not, some cancelled; and the others."""
    xmls = [generator().note(n, rich=True).xml for n in range(NOTES)]
    xmls += [note(n, authorised=False) for n in range(NOTES, NOTES + 5)]
    xmls += [
        with_protocol(note(n, authorised=False), c_stat="101") for n in range(NOTES + 5, NOTES + 8)
    ]
    checks = Checks(schema=Policy.OFF, keep_xml=False)
    store = SQLiteStore(path)
    await store.open()
    documents = [document_from(xml, checks) for xml in xmls]
    await store.store([Incoming(each, "x.xml") for each in documents], "job")
    issued = [each.chave for each in documents if each.status == "autorizada"]
    others = [document_from(xml.encode(), Checks.none()) for xml in written(issued[:30])]
    await store.store([Incoming(each, "x.xml") for each in others], "job")
    await store.close()


def copy_to_postgres(path: Path, url: str) -> None:
    """The rows of an SQLite database into an empty one with the newest schema."""
    with closing(sqlite3.connect(path)) as source, psycopg.connect(url) as target:
        for table in tables().values():
            own = ["id", *([table.link] if table.link else [])]
            names = [*own, *stored_columns(table, Backend.POSTGRES)]
            exact = {name for name in table.stored_names if name.endswith(EXACT_SUFFIX)}
            chosen = [
                name + EXACT_SUFFIX
                if name + EXACT_SUFFIX in exact and name + EXACT_SUFFIX not in names
                else name
                for name in names
            ]
            copying = sql.SQL("copy {} ({}) from stdin").format(
                sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with target.cursor().copy(copying) as copy:
                for row in source.execute(f"select {', '.join(chosen)} from {table.name}"):
                    copy.write_row(row)
        target.commit()
        target.autocommit = True
        target.execute("analyze")


def ask_postgres(url: str, query: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Headings and rows."""
    with psycopg.connect(url) as connection:
        answer = connection.execute(query.encode())
        return [column.name for column in answer.description or ()], answer.fetchall()


def ask_sqlite(path: Path, query: str) -> list[tuple[object, ...]]:
    """Rows."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def table_of(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """As Markdown."""
    if not rows:
        return _NOTHING.strip()
    lines = [headings, ["---:" if isinstance(each, Decimal | int) else "---" for each in rows[0]]]
    lines += [[_shown(each) for each in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def comparable(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """With numbers as numbers to the cent, whatever a database makes of them."""
    return [[_number(each) for each in row] for row in rows]


def _number(value: object) -> object:
    if value is None or isinstance(value, date | datetime):
        return str(value)
    try:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return str(value)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return f"{value:,.2f}" if isinstance(exponent, int) and exponent > -2 else f"{value:,}"
    return str(value).replace("|", "\\|")


def _renewed(url: str) -> str:
    def answered(found: re.Match[str]) -> str:
        answer = table_of(*ask_postgres(url, found["query"]))
        before = found[0][: found.start("answer") - found.start()]
        return f"{before}\n{answer}\n\n"

    return _QUESTION.sub(answered, BOOK.read_text("utf-8")).rstrip() + "\n"


def main() -> None:
    """Renews the answers."""
    with tempfile.TemporaryDirectory() as folder, running() as server, server.database() as name:
        path, url = Path(folder) / "nfed.db", server.url(name)
        asyncio.run(fill_sqlite(path))
        asyncio.run(postgres_schema.migrate(url))
        copy_to_postgres(path, url)
        BOOK.write_text(_renewed(url), "utf-8")


if __name__ == "__main__":
    main()
