"""Documents to rows of a SQLite database, inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from daemon.core.arrival import shown
from daemon.core.outcome import Duplicate, Imported, Outcome, Updated
from daemon.core.ports import Incoming
from daemon.core.verdict import Stored, verdict
from daemon.documents.document import Document, rank
from daemon.documents.extract import Row, Value
from daemon.documents.layout import Table, tables
from daemon.documents.layout_nota import NF_PARTES, NOTAS_FISCAIS
from daemon.stores import apply, sqlite_sql

_LINKS = {papel: NOTAS_FISCAIS.position(f"{papel}_id") for papel in ("emitente", "destinatario")}
_PARTY = tuple(NF_PARTES.position(name) for name in sqlite_sql.PARTY_FIELDS)
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_ID_ESTRANGEIRO = NF_PARTES.position("id_estrangeiro")
_NAME = NF_PARTES.position("razao_social")
_PAPEL = NF_PARTES.position("papel")
_KEYS = "(select value from json_each(?))"

type _Identity = tuple[Value, Value, Value]
"""A CPF or CNPJ; or, for a foreigner, None, the passport or number, and the name."""
type _Key = tuple[str, str]
"""Head table and key."""


class _Head:
    """What the writer needs to know of a table of documents."""

    def __init__(self, table: Table) -> None:
        assert table.key is not None
        self.table = table
        self.file_name = table.position("arquivo_nome")
        self.job = table.position("job_id")
        names = table.stored_names
        answered = "codigo_status" if "codigo_status" in names else "null"
        self.select = (
            f"select {table.key}, id, conteudo_sha256, {answered}, numero_protocolo, arquivo_nome "
            f"from {table.name} where {table.key} in {_KEYS}"
        )
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
        self._upserts = {papel: sqlite_sql.upsert_party(papel) for papel in _LINKS}

    def write(
        self, connection: sqlite3.Connection, incoming: Sequence[Incoming], job_id: str
    ) -> list[Outcome]:
        """An outcome for each document, in order."""
        chunk = _Chunk(connection, self._heads, incoming)
        outcomes: list[Outcome] = []
        for each in incoming:
            document = each.document
            head = self._heads[document.head]
            row = document.rows[document.head][0]
            row[head.file_name] = shown(each.file_name)
            row[head.job] = job_id
            outcome = chunk.replaced(document) or verdict(document, chunk.known(document))
            outcomes.append(outcome)
            if isinstance(outcome, Imported | Updated):
                chunk.take(document, str(row[head.file_name]))
        self._link_parties(connection, chunk.new.values())
        self._insert(connection, chunk)
        self._renew(connection, chunk)
        _apply(connection, chunk)
        return outcomes

    def _link_parties(self, connection: sqlite3.Connection, new: Iterable[Document]) -> None:
        """Keeps empresas at the newest note, and gives each note the ids of its parties."""
        newest: dict[tuple[str, _Identity], tuple[str, Row]] = {}
        links: list[tuple[Row, int, _Identity]] = []
        for document in new:
            for row in document.rows.get("nf_partes", ()):
                papel = str(row[_PAPEL])
                identity = _identity(row)
                if papel not in _LINKS or identity is None:
                    continue
                links.append((document.rows["notas_fiscais"][0], _LINKS[papel], identity))
                held = newest.get((papel, identity))
                if held is None or document.issued_utc >= held[0]:
                    newest[papel, identity] = (document.issued_utc, row)
        for papel, sql in self._upserts.items():
            connection.executemany(
                sql,
                [
                    (*(row[at] for at in _PARTY), _tipo_pessoa(row), issued)
                    for (role, _), (issued, row) in newest.items()
                    if role == papel
                ],
            )
        ids = _party_ids(connection, {identity for _, identity in newest})
        for note, position, identity in links:
            note[position] = ids[identity]

    def _insert(self, connection: sqlite3.Connection, chunk: "_Chunk") -> None:
        """All rows of the new documents, table by table; ids go on from the highest stored.

        Most columns of most rows are empty, and binding them costs more than storing the rest:
        only the columns that hold anything in this chunk are named.
        """
        by_table: dict[str, list[tuple[int, list[Row]]]] = {}
        for number, document in enumerate(chunk.new.values()):
            for name, own in document.rows.items():
                by_table.setdefault(name, []).append((number, own))
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
            columns: dict[str, Iterable[Value]] = {"id": count(next_id)}
            if table.link is not None:
                columns[table.link] = parents
            _, *columnwise = zip(*rows, strict=True)
            columns |= {
                name: values
                for name, values in zip(table.stored_names, columnwise, strict=True)
                if values.count(None) < len(values)
            }
            connection.executemany(
                sqlite_sql.insert(table.name, columns), zip(*columns.values(), strict=False)
            )

    def _renew(self, connection: sqlite3.Connection, chunk: "_Chunk") -> None:
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


class _Chunk:
    """What is known of a chunk's documents while it is written."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        heads: dict[str, _Head],
        incoming: Sequence[Incoming],
    ) -> None:
        self.new: dict[_Key, Document] = {}
        self.updates: list[tuple[Document, int, bool]] = []
        """Document, id of the stored one, whether it has come further than that."""
        self.added: dict[str, list[tuple[int, Row]]] = {}
        """By table: parent's id and row, of documents that are stored already."""
        self._stored: dict[_Key, Stored] = {}
        self._ids: dict[_Key, int] = {}
        wanted: dict[str, set[str]] = {}
        for each in incoming:
            document = each.document
            wanted.setdefault(document.head, set()).add(document.key)
            if document.head == "nf_resumos":
                # The whole document, if it is there, stands for its summary.
                wanted.setdefault("notas_fiscais", set()).add(document.chave)
                wanted.setdefault("nf_eventos", set()).add(document.key)
        for name, keys in wanted.items():
            rows = connection.execute(heads[name].select, (json.dumps(sorted(keys)),))
            for key, document_id, content, cstat, protocol, file_name in rows:
                self._stored[name, key] = Stored(content, rank(cstat, protocol), file_name)
                self._ids[name, key] = document_id

    @property
    def chaves(self) -> dict[str, list[str]]:
        """By head table: the keys that new and renewed documents are about."""
        found: dict[str, list[str]] = {}
        for document in (*self.new.values(), *(document for document, _, _ in self.updates)):
            found.setdefault(document.head, []).append(document.chave)
        return found

    def known(self, document: Document) -> Stored | None:
        """What is stored, or about to be, under the document's key."""
        return self._stored.get((document.head, document.key))

    def replaced(self, document: Document) -> Outcome | None:
        """A summary whose whole document is stored needs no place of its own."""
        if document.head != "nf_resumos":
            return None
        whole = self._stored.get(("nf_eventos", document.key))
        if whole is None and document.key.startswith("resNFe-") and document.key.endswith("-1"):
            whole = self._stored.get(("notas_fiscais", document.chave))
        if whole is None:
            return None
        return Duplicate(document.chave, whole.file_name, document.findings)

    def take(self, document: Document, file_name: str) -> None:
        """A document that is new, or brings something new to the one that is known."""
        key = (document.head, document.key)
        known = self._stored.get(key)
        if known is None:
            self.new[key] = document
        elif key in self.new:  # both files in one chunk
            self.new[key] = _merged(self.new[key], document)
        else:
            self.updates.append((document, self._ids[key], document.rank >= known.rank))
            for name, rows in document.rows.items():
                if name == "nf_processamento" or (
                    name == "nf_eventos_campos" and known.content_sha256 is None
                ):
                    self.added.setdefault(name, []).extend((self._ids[key], row) for row in rows)
        content, rank_now = document.content_sha256, document.rank
        if known is not None:
            content, rank_now = content or known.content_sha256, max(rank_now, known.rank)
        self._stored[key] = Stored(content, rank_now, file_name)


def stored_as(connection: sqlite3.Connection, document: Document) -> Stored | None:
    """What is known of one document."""
    return _Chunk(
        connection,
        {name: _Head(table) for name, table in tables().items() if table.key is not None},
        [Incoming(document, "")],
    ).known(document)


def _merged(earlier: Document, later: Document) -> Document:
    """Two files of one document that meet in a chunk."""
    if later.head == "notas_fiscais":
        answers = [
            *earlier.rows.get("nf_processamento", ()),
            *later.rows.get("nf_processamento", ()),
        ]
        rows = later.rows | ({"nf_processamento": answers} if answers else {})
        return replace(later, rows=rows)
    first, second = (later, earlier) if later.rank >= earlier.rank else (earlier, later)
    pairs = zip(first.rows[first.head][0], second.rows[first.head][0], strict=True)
    row: Row = [own if own is not None else other for own, other in pairs]
    return replace(first, rows={**second.rows, **first.rows, first.head: [row]})


def _apply(connection: sqlite3.Connection, chunk: _Chunk) -> None:
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


def _party_ids(connection: sqlite3.Connection, wanted: set[_Identity]) -> dict[_Identity, int]:
    ids: dict[_Identity, int] = {}
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


def _identity(row: Row) -> _Identity | None:
    """What tells a party from others; None for one that the note does not identify."""
    if row[_CPF_CNPJ]:
        return (row[_CPF_CNPJ], None, None)
    if row[_ID_ESTRANGEIRO] is not None and row[_NAME]:
        return (None, row[_ID_ESTRANGEIRO], row[_NAME])
    return None


def _tipo_pessoa(row: Row) -> str | None:
    number = row[_CPF_CNPJ]
    if not number:
        return None
    return "fisica" if len(str(number)) == 11 else "juridica"
