"""Documents to rows of a PostgreSQL database, inside the caller's transaction.

Whoever writes takes the locks of its documents first, in order; then adds the parties that are
missing, in order; and changes those that are there last, in order. So chunks of any number of
daemons wait for each other, and never in a circle.
"""

import json
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from daemon.core.outcome import Outcome
from daemon.core.ports import Incoming
from daemon.documents.document import Document
from daemon.documents.extract import Row, Value
from daemon.documents.layout import Table, tables
from daemon.stores import apply, postgres_sql
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
from daemon.stores.postgres_copy import copy_text
from daemon.stores.schema import Backend, stored_columns
from daemon.stores.sqlite_sql import PARTY_FIELDS

if TYPE_CHECKING:
    import asyncpg

    type Connection = asyncpg.Connection[asyncpg.Record]

_PARTY_FIELDS = (*PARTY_FIELDS, "tipo_pessoa")


class Writer:
    """Writes chunks; see ports.Store.store."""

    def __init__(self) -> None:
        self._layout = [table for name, table in tables().items() if name != "empresas"]
        self._columns = {
            table.name: stored_columns(table, Backend.POSTGRES) for table in self._layout
        }
        self._parents = {table.parent for table in self._layout if table.parent is not None}
        heads = {table.name: table for table in self._layout if table.key is not None}
        self._select = {
            name: f"select {known_columns(head)} from {name} where {head.key} = any ($1::text[])"
            for name, head in heads.items()
        }
        self._renewals = {
            (name, further): postgres_sql.update_protocol()
            if name == "notas_fiscais"
            else postgres_sql.update_head(head, prevails=further)
            for name, head in heads.items()
            for further in (False, True)
        }
        self._updates = {papel: postgres_sql.update_parties(papel) for papel in LINKS}
        self._waiting = postgres_sql.waiting(apply.WAITING_TABLES)
        self._sequences: dict[str, str] = {}

    async def write(
        self, connection: "Connection", incoming: Sequence[Incoming], job_id: str
    ) -> list[Outcome]:
        """An outcome for each document, in order."""
        documents = [each.document for each in incoming]
        await _lock(connection, documents)
        chunk = Chunk(
            [
                (name, Known(*row))
                for name, keys in wanted(documents).items()
                for row in await connection.fetch(self._select[name], sorted(keys))
            ]
        )
        outcomes = chunk.settle(incoming, job_id)
        found = parties(chunk.new.values())
        ids = await _party_ids(connection, found)
        found.link(ids)
        if chunk.emptied:
            await connection.execute(
                "delete from nf_eventos_campos where nf_evento_id = any($1::bigint[])",
                chunk.emptied,
            )
        await self._insert(connection, chunk)
        await self._renew(connection, chunk)
        await self._apply(connection, chunk)
        await self._update_parties(connection, found, ids)
        return outcomes

    async def _insert(self, connection: "Connection", chunk: Chunk) -> None:
        """All rows of the new documents, table by table, parents before their children."""
        rows_of: dict[str, list[Row]] = {}
        begins: dict[str, dict[int, int]] = {}
        numbers: dict[str, list[int]] = {}
        for number, document in enumerate(chunk.new.values()):
            for name, own in document.rows.items():
                rows = rows_of.setdefault(name, [])
                begins.setdefault(name, {})[number] = len(rows)
                numbers.setdefault(name, []).extend([number] * len(own))
                rows += own
        ids = await self._new_ids(
            connection, {name: len(rows) for name, rows in rows_of.items() if name in self._parents}
        )
        for table in self._layout:
            rows = rows_of.get(table.name, [])
            added = chunk.added.get(table.name, ())
            if not rows and not added:
                continue
            named: dict[str, Sequence[Value]] = {}
            if table.name in ids:
                named["id"] = ids[table.name]
            if table.link is not None:
                assert table.parent is not None
                above = begins.get(table.parent, {})
                named[table.link] = [
                    ids[table.parent][above[number] + int(row[0] or 0)]
                    for number, row in zip(numbers.get(table.name, ()), rows, strict=True)
                ] + [parent_id for parent_id, _ in added]
            await self._copy(connection, table, named, [*rows, *(row for _, row in added)])

    async def _copy(
        self,
        connection: "Connection",
        table: Table,
        named: dict[str, Sequence[Value]],
        rows: Sequence[Row],
    ) -> None:
        named |= filled(self._columns[table.name], rows)
        await connection.copy_to_table(
            table.name,
            source=BytesIO(copy_text(list(named.values()))),
            columns=list(named),
        )

    async def _new_ids(
        self, connection: "Connection", counts: dict[str, int]
    ) -> dict[str, list[int]]:
        if not counts:
            return {}
        if not self._sequences:
            record = await connection.fetchrow(postgres_sql.sequences(sorted(self._parents)))
            assert record is not None
            self._sequences = dict(record)
        record = await connection.fetchrow(postgres_sql.new_ids(counts, self._sequences))
        assert record is not None
        return dict(record)

    async def _renew(self, connection: "Connection", chunk: Chunk) -> None:
        """Gives stored documents what newer files of them say."""
        for document, document_id, goes_further in chunk.updates:
            row = document.rows[document.head][0]
            values = {name: row[at] for name, at in self._columns[document.head].items()}
            sql = self._renewals[document.head, goes_further]
            await connection.execute(sql, document_id, json.dumps(values))

    async def _apply(self, connection: "Connection", chunk: Chunk) -> None:
        chaves = chunk.chaves
        about_notes = sorted(
            {chave for head, own in chaves.items() if head != "dfe_documentos" for chave in own}
        )
        if about_notes and await connection.fetchval(self._waiting, about_notes):
            await _run(connection, apply.NOTE_STATEMENTS, about_notes)
        if "dfe_documentos" in chaves:
            await _run(connection, apply.OTHER_STATEMENTS, sorted(set(chaves["dfe_documentos"])))

    async def _update_parties(
        self, connection: "Connection", found: Parties, ids: dict[Identity, int]
    ) -> None:
        """Keeps empresas at the newest note."""
        if not ids:
            return
        await connection.fetchval(postgres_sql.LOCK_PARTIES, sorted(ids.values()))
        for papel, sql in self._updates.items():
            names = ("id", *_PARTY_FIELDS, f"emissao_como_{papel}")
            own = (ids[identity] for role, identity in found.newest if role == papel)
            rows = [
                dict(zip(names, (party_id, *values), strict=True))
                for party_id, values in zip(own, found.values(papel), strict=True)
            ]
            if rows:
                await connection.execute(sql, json.dumps(rows))


async def _lock(connection: "Connection", documents: Iterable[Document]) -> None:
    """Documents that touch each other are about one chave, and so is one that comes twice."""
    locks = sorted({postgres_sql.lock_of(document.chave) for document in documents})
    sql = postgres_sql.LOCK if len(locks) <= postgres_sql.MOST_LOCKS else postgres_sql.LOCK_ALL
    await connection.fetch(sql, locks)


async def _party_ids(connection: "Connection", found: Parties) -> dict[Identity, int]:
    """The id of each party; those that are not there yet are added."""
    identities = list(dict.fromkeys(identity for _, identity in found.newest))
    ids = await _stored_ids(connection, identities)
    missing = [identity for identity in identities if identity not in ids]
    if missing:
        names = ("cpf_cnpj", "id_estrangeiro", "razao_social")
        new = [dict(zip(names, identity, strict=True)) for identity in missing]
        await connection.execute(postgres_sql.NEW_PARTIES, json.dumps(new))
        ids |= await _stored_ids(connection, missing)
    return ids


async def _stored_ids(
    connection: "Connection", identities: Iterable[Identity]
) -> dict[Identity, int]:
    natives = [str(number) for number, _, _ in identities if number is not None]
    foreigners = [(str(own), str(name)) for number, own, name in identities if number is None]
    if not natives and not foreigners:
        return {}
    rows = await connection.fetch(
        postgres_sql.PARTY_IDS,
        natives,
        [own for own, _ in foreigners],
        [name for _, name in foreigners],
    )
    return {(number, own, name): party_id for party_id, number, own, name in rows}


async def row_id(connection: "Connection", document: Document) -> int | None:
    """Of the stored document."""
    for table, column, value in rows_of(document):
        sql = f"select id from public.{table.name} where {column} = $1"
        found: int | None = await connection.fetchval(sql, value)
        if found is not None:
            return found
    return None


async def _run(connection: "Connection", statements: Iterable[str], chaves: list[str]) -> None:
    for statement in statements:
        await connection.execute(statement.format(chaves=postgres_sql.KEYS), chaves)
