"""Documents to rows of a SQLite database, inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain, islice, repeat

from nfed.core.outcome import Outcome, Stored
from nfed.core.ports import Incoming
from nfed.documents.document import Document
from nfed.documents.layout import EVENT_FIELDS, positions, tables
from nfed.documents.layout.columns import Table
from nfed.documents.layout.dfe import DFE_ROWS, DFE_UNREADABLE
from nfed.documents.rows.extract import Row, Value
from nfed.stores import relations
from nfed.stores.chunk import (
    LINKS,
    PARTY_FIELDS,
    Chunk,
    Identity,
    Known,
    OtherDigest,
    Parties,
    filled,
    look_up,
    parties,
    wanted,
    with_other_digests,
)
from nfed.stores.relations import WAITING_TABLES, Dialect

_PARAMETERS = 100
"""Of one statement, about: enough to spare most of what each costs, few enough to compile it."""
_KEYS = "(select value as key from json_each(?))"
_DIALECT = Dialect("", "(select value from json_each(?))")
_NEW_PARTY = """
insert into empresas (cpf_cnpj, id_estrangeiro, razao_social) values (?, ?, ?)
    on conflict do nothing
"""


class Writer:
    """Writes chunks; see ports.Store.store."""

    def __init__(self) -> None:
        self._layout = [table for name, table in tables().items() if name != "empresas"]
        self._renewals = {
            (head.name, further): _renewal(head, prevails=further)
            for head in self._layout
            if head.key is not None
            for further in (False, True)
        }
        self._parties = {
            papel: relations.renew_parties(
                _DIALECT,
                _one_row(
                    ["id", *PARTY_FIELDS, "tipo_pessoa", f"emissao_como_{papel}"],
                    without=[f"emissao_como_{other}" for other in LINKS if other != papel],
                ),
            )
            for papel in LINKS
        }
        self._supersessions = {
            head.name: relations.supersede(
                _DIALECT, head.name, head.stored_names, _one_row(head.stored_names), "?", {}
            )
            for head in self._layout
            if head.key is not None
        }
        self._emptyings = {
            head.name: relations.empty(_DIALECT, head.name, _DIALECT.chaves)
            for head in self._layout
            if head.key is not None
        }
        self._vouched = relations.vouched(_DIALECT)
        self._other_digests = relations.other_digests(_DIALECT)
        self._on_notes = relations.on_notes(_DIALECT)
        self._on_others = relations.on_others(_DIALECT)

    def write(
        self, connection: sqlite3.Connection, incoming: Sequence[Incoming], job_id: str
    ) -> list[Outcome]:
        """An outcome for each document, in order."""
        chunk = _chunk(connection, [each.document for each in incoming])
        rivals = chunk.rivals(incoming)
        if rivals:
            listed = json.dumps(sorted(rivals))
            chunk.vouch(connection.execute(self._vouched, _each(self._vouched, listed)))
        outcomes = chunk.settle(incoming, job_id)
        superseding = [document for document, _ in chunk.superseding.values()]
        self._link_parties(connection, parties([*chunk.new.values(), *superseding]))
        for head, ids in chunk.emptied.items():
            fields = tables()[EVENT_FIELDS[head]]
            connection.executemany(
                f"delete from {fields.name} where {fields.link} = ?", [(each,) for each in ids]
            )
        self._supersede(connection, chunk)
        documents: list[tuple[Document, int | None]] = [
            *((document, None) for document in chunk.new.values()),
            *chunk.superseding.values(),
        ]
        self._insert(connection, documents, chunk.added)
        self._renew(connection, chunk)
        return with_other_digests(incoming, outcomes, self._apply(connection, chunk))

    def _supersede(self, connection: sqlite3.Connection, chunk: Chunk) -> None:
        """Writes documents over those whose place they take, whose rows below go."""
        for document, document_id in chunk.superseding.values():
            for statement in self._emptyings[document.head]:
                connection.execute(statement, (json.dumps([document_id]),))
            row = document.rows[document.head][0]
            connection.execute(self._supersessions[document.head], (*row[1:], document_id))

    def _link_parties(self, connection: sqlite3.Connection, found: Parties) -> None:
        """Keeps empresas at the newest note, and gives each note the ids of its parties."""
        identities = list(dict.fromkeys(identity for _, identity in found.newest))
        connection.executemany(_NEW_PARTY, identities)
        ids = _party_ids(connection, identities)
        found.link(ids)
        for papel, sql in self._parties.items():
            own = [ids[identity] for role, identity in found.newest if role == papel]
            rows = zip(own, found.values(papel), strict=True)
            connection.executemany(sql, [(party_id, *values) for party_id, values in rows])

    def refill(
        self,
        connection: sqlite3.Connection,
        filled: Sequence[tuple[int, Document]],
        unreadable: Sequence[int],
    ) -> None:
        """Makes the rows of stored documents, each with its id, anew; see `stores.refill`."""
        ids = [document_id for document_id, _ in filled]
        for statement in self._emptyings["dfe_documentos"]:
            connection.execute(statement, (json.dumps(ids),))
        self._insert(connection, [(document, number) for number, document in filled], {})
        version = "update dfe_documentos set versao_linhas = ? where id = ?"
        connection.executemany(version, [(DFE_ROWS, document_id) for document_id in ids])
        connection.executemany(
            version, [(DFE_UNREADABLE, document_id) for document_id in unreadable]
        )
        _run(connection, self._on_others, {document.chave for _, document in filled})

    def _insert(
        self,
        connection: sqlite3.Connection,
        documents: Sequence[tuple[Document, int | None]],
        added_rows: Mapping[str, Sequence[tuple[int, Row]]],
    ) -> None:
        """All rows of the documents, table by table; ids go on from the highest stored.

        Of a document with an id, the first row is stored already.
        """
        by_table: dict[str, list[tuple[int, list[Row]]]] = {}
        # By table and document: the id of the document's first row.
        begins: dict[str, dict[int, int]] = {}
        for number, (document, document_id) in enumerate(documents):
            for name, own in document.rows.items():
                if document_id is not None and name == document.head:
                    begins[name] = begins.get(name, {}) | {number: document_id}
                    continue
                by_table.setdefault(name, []).append((number, own))
        now = connection.execute("select current_timestamp").fetchone()[0]
        for table in self._layout:
            added = added_rows.get(table.name, ())
            if table.name not in by_table and not added:
                continue
            found = connection.execute(f"select max(id) from {table.name}").fetchone()
            next_id = (found[0] or 0) + 1
            rows: list[Row] = []
            parents: list[int] = []
            begins.setdefault(table.name, {})
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
                    insert(table.name, columns, count),
                    batched(islice(values, many * size), size),
                )

    def _renew(self, connection: sqlite3.Connection, chunk: Chunk) -> None:
        """Gives stored documents what newer files of them say."""
        for document, document_id, goes_further in chunk.updates:
            row = document.rows[document.head][0]
            sql = self._renewals[document.head, goes_further]
            connection.execute(sql, (*row[1:], document_id))

    def _apply(self, connection: sqlite3.Connection, chunk: Chunk) -> dict[str, OtherDigest]:
        """Applies documents to each other; by chave, what protocols of other content say."""
        chaves = chunk.chaves
        about_notes = {
            chave for head, own in chaves.items() if head != "dfe_documentos" for chave in own
        }
        waiting = about_notes and any(_holds_rows(connection, name) for name in WAITING_TABLES)
        if waiting:
            _run(connection, self._on_notes, about_notes)
        others = set(chaves.get("dfe_documentos", ()))
        if others:
            _run(connection, self._on_others, others)
        if not waiting and not others:
            return {}
        listed = json.dumps(sorted(about_notes | others))
        found = connection.execute(self._other_digests, _each(self._other_digests, listed))
        return {chave: OtherDigest(*told) for chave, *told in found}


def stored_as(
    connection: sqlite3.Connection, document: Document, *, is_newest: bool = True
) -> Stored | None:
    """Looks up what is known of one document, perhaps in a database of an older schema."""
    return Chunk(_known(connection, wanted([document]), is_newest=is_newest)).known(document)


def row_id(connection: sqlite3.Connection, document: Document) -> int | None:
    """Of the stored document, or of the whole one that stands for a summary."""
    known = next(_known(connection, wanted([document])), None)
    return None if known is None else known[1].document_id


def insert(table: str, columns: Iterable[str], rows: int = 1) -> str:
    """Inserts so many rows at once; takes the named columns of one row after the other."""
    names = list(columns)
    row = f"({', '.join('?' * len(names))})"
    return f"insert into {table} ({', '.join(names)}) values {', '.join([row] * rows)}"


def _renewal(head: Table, *, prevails: bool) -> str:
    """Takes the values of a row, then the id of the stored one."""
    row = _one_row(head.stored_names)
    if head.name == "notas_fiscais":
        return relations.renew_note(_DIALECT, row, "?")
    return relations.renew_document(
        _DIALECT, head.name, head.stored_names, row, "?", prevails=prevails
    )


def _one_row(names: Iterable[str], *, without: Iterable[str] = ()) -> str:
    values = [*(f"? as {name}" for name in names), *(f"null as {name}" for name in without)]
    return f"(select {', '.join(values)})"


def _chunk(connection: sqlite3.Connection, documents: Sequence[Document]) -> Chunk:
    return Chunk(_known(connection, wanted(documents)))


def _known(
    connection: sqlite3.Connection, keys_by_head: dict[str, set[str]], *, is_newest: bool = True
) -> Iterator[tuple[str, Known]]:
    for name, keys in keys_by_head.items():
        query = look_up(tables()[name], _KEYS, is_newest=is_newest)
        for row in connection.execute(query, (json.dumps(sorted(keys)),)):
            yield name, Known(*row)


def _run(connection: sqlite3.Connection, statements: Iterable[str], chaves: set[str]) -> None:
    listed = json.dumps(sorted(chaves))
    for statement in statements:
        connection.execute(statement, _each(statement, listed))


def _each(statement: str, listed: str) -> tuple[str, ...]:
    """The keys, for each place where a statement asks for them."""
    return (listed,) * statement.count("?")


def _holds_rows(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute(f"select 1 from {table} limit 1").fetchone() is not None


def _party_ids(connection: sqlite3.Connection, wanted: Iterable[Identity]) -> dict[Identity, int]:
    ids: dict[Identity, int] = {}
    numbers = sorted(str(identity[0]) for identity in wanted if identity[0] is not None)
    if numbers:
        for number, party_id in connection.execute(
            f"select cpf_cnpj, id from empresas where cpf_cnpj in {_DIALECT.chaves}",
            (json.dumps(numbers),),
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
