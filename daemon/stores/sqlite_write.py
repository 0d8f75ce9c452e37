"""Documents to rows of a SQLite database, inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, chain, islice, repeat

from daemon.core.outcome import Outcome
from daemon.core.ports import Incoming
from daemon.core.verdict import Stored
from daemon.documents.document import Document
from daemon.documents.extract import Row, Value
from daemon.documents.layout import Table, positions, tables
from daemon.stores import apply, sqlite_sql
from daemon.stores.chunk import (
    LINKS,
    Chunk,
    Identity,
    Known,
    Parties,
    filled,
    known_columns,
    parties,
    rows_of,
    wanted,
)

_PARAMETERS = 100
"""Of one statement, about: enough to spare most of what each costs, few enough to compile it."""
_KEYS = "(select value from json_each(?))"


class _Head:
    """What the writer needs to know of a table of documents."""

    def __init__(self, table: Table) -> None:
        self.table = table
        # Of two writings of one document, the one that has come further prevails.
        self.prevail = self._update("coalesce(?, {name})")
        self.complete = self._update("coalesce({name}, ?)")

    def _update(self, form: str) -> str:
        sets = ", ".join(f"{name} = {form.format(name=name)}" for name in self.table.stored_names)
        return f"update {self.table.name} set {sets} where id = ?"


class Writer:
    """Writes chunks; see ports.Store.store."""

    def __init__(self) -> None:
        self._layout = [table for name, table in tables().items() if name != "empresas"]
        self._heads = {table.name: _Head(table) for table in self._layout if table.key is not None}
        self._update, self._update_from = sqlite_sql.update_protocol()
        self._upserts = {papel: sqlite_sql.upsert_party(papel) for papel in LINKS}

    def write(
        self, connection: sqlite3.Connection, incoming: Sequence[Incoming], job_id: str
    ) -> list[Outcome]:
        """An outcome for each document, in order."""
        chunk = _chunk(connection, [each.document for each in incoming])
        outcomes = chunk.settle(incoming, job_id)
        self._link_parties(connection, parties(chunk.new.values()))
        connection.executemany(
            "delete from nf_eventos_campos where nf_evento_id = ?",
            [(event_id,) for event_id in chunk.emptied],
        )
        self._insert(connection, chunk)
        self._renew(connection, chunk)
        _apply(connection, chunk)
        return outcomes

    def _link_parties(self, connection: sqlite3.Connection, found: Parties) -> None:
        """Keeps empresas at the newest note, and gives each note the ids of its parties."""
        for papel, sql in self._upserts.items():
            connection.executemany(sql, found.values(papel))
        found.link(_party_ids(connection, {identity for _, identity in found.newest}))

    def _insert(self, connection: sqlite3.Connection, chunk: Chunk) -> None:
        """All rows of the new documents, table by table; ids go on from the highest stored."""
        by_table: dict[str, list[tuple[int, list[Row]]]] = {}
        for number, document in enumerate(chunk.new.values()):
            for name, own in document.rows.items():
                by_table.setdefault(name, []).append((number, own))
        now = connection.execute("select current_timestamp").fetchone()[0]
        # By table and document: the id of the document's first row.
        begins: dict[str, dict[int, int]] = {}
        for table in self._layout:
            added = chunk.added.get(table.name, ())
            if table.name not in by_table and not added:
                continue
            found = connection.execute(f"select max(id) from {table.name}").fetchone()
            next_id = (found[0] or 0) + 1
            rows: list[Row] = []
            parents: list[int] = []
            begins[table.name] = {}
            for number, own in by_table.get(table.name, ()):
                begins[table.name][number] = next_id + len(rows)
                rows += own
                if table.parent is not None:
                    base = begins[table.parent][number]
                    parents += [base + int(row[0] or 0) for row in own]
            for parent_id, row in added:
                rows.append(row)
                parents.append(parent_id)
            self._insert_rows(connection, table, rows, next_id, parents, now)

    def _insert_rows(
        self,
        connection: sqlite3.Connection,
        table: Table,
        rows: list[Row],
        next_id: int,
        parents: list[int],
        now: str,
    ) -> None:
        """Rows of one table, numbered in their order.

        A statement for each row would cost twice as much as one for many.
        """
        columns: dict[str, Iterable[Value]] = {**filled(positions(table.name), rows)}
        if table.link is not None:
            columns[table.link] = parents
        columns["id"] = range(next_id, next_id + len(rows))
        columns["created_at"] = repeat(now)  # to work it out for each row would cost more
        width = len(columns)
        at_once = max(_PARAMETERS // width, 1)
        values = chain.from_iterable(zip(*columns.values(), strict=False))
        for count, many in ((at_once, len(rows) // at_once), (1, len(rows) % at_once)):
            if many:
                size = count * width
                connection.executemany(
                    sqlite_sql.insert(table.name, columns, count),
                    batched(islice(values, many * size), size),
                )

    def _renew(self, connection: sqlite3.Connection, chunk: Chunk) -> None:
        """Gives stored documents what newer files of them say."""
        for document, document_id, goes_further in chunk.updates:
            row = document.rows[document.head][0]
            if document.head == "notas_fiscais":
                values = [row[at] for at in self._update_from]
                connection.execute(self._update, (*values, document_id))
            else:
                head = self._heads[document.head]
                sql = head.prevail if goes_further else head.complete
                connection.execute(sql, (*row[1:], document_id))


def stored_as(connection: sqlite3.Connection, document: Document) -> Stored | None:
    """What is known of one document."""
    return _chunk(connection, [document]).known(document)


def row_id(connection: sqlite3.Connection, document: Document) -> int | None:
    """Of the stored document."""
    for table, column, value in rows_of(document):
        sql = f"select id from {table.name} where {column} = ?"
        row: tuple[int] | None = connection.execute(sql, (value,)).fetchone()
        if row is not None:
            return row[0]
    return None


def _chunk(connection: sqlite3.Connection, documents: Sequence[Document]) -> Chunk:
    return Chunk(_known(connection, wanted(documents)))


def _known(
    connection: sqlite3.Connection, keys_by_head: dict[str, set[str]]
) -> Iterator[tuple[str, Known]]:
    for name, keys in keys_by_head.items():
        head = tables()[name]
        sql = f"select {known_columns(head)} from {name} where {head.key} in {_KEYS}"
        for row in connection.execute(sql, (json.dumps(sorted(keys)),)):
            yield name, Known(*row)


def _apply(connection: sqlite3.Connection, chunk: Chunk) -> None:
    chaves = chunk.chaves
    about_notes = {
        chave for head, own in chaves.items() if head != "dfe_documentos" for chave in own
    }
    if about_notes and any(_holds_rows(connection, name) for name in apply.WAITING_TABLES):
        _run(connection, apply.NOTE_STATEMENTS, about_notes)
    if "dfe_documentos" in chaves:
        _run(connection, apply.OTHER_STATEMENTS, set(chaves["dfe_documentos"]))


def _run(connection: sqlite3.Connection, statements: Iterable[str], chaves: set[str]) -> None:
    listed = json.dumps(sorted(chaves))
    for statement in statements:
        connection.execute(statement.format(chaves=_KEYS), (listed,))


def _holds_rows(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute(f"select 1 from {table} limit 1").fetchone() is not None


def _party_ids(connection: sqlite3.Connection, wanted: set[Identity]) -> dict[Identity, int]:
    ids: dict[Identity, int] = {}
    numbers = sorted(str(identity[0]) for identity in wanted if identity[0] is not None)
    if numbers:
        for number, party_id in connection.execute(
            f"select cpf_cnpj, id from empresas where cpf_cnpj in {_KEYS}", (json.dumps(numbers),)
        ):
            ids[number, None, None] = party_id
    for identity in wanted:
        if identity[0] is None:
            ids[identity] = connection.execute(
                "select id from empresas where cpf_cnpj is null and id_estrangeiro = ? "
                "and razao_social = ?",
                identity[1:],
            ).fetchone()[0]
    return ids
