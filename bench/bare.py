"""The bare loop that nfed is measured against: one process, one file after the other.

    python -m bench.bare FOLDER DATABASE

It reads, parses, checks by the XSD and extracts as nfed does, puts the same rows into the same
tables with the same pragmas, and renames each file into done/. It is what a sensible programmer
writes who trusts folder, files and machine: no ledger, no log, no look for a note that is stored
already, no second process, no fsync of a folder. Prints the seconds it took, without start-up.
"""

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from itertools import batched
from pathlib import Path

from nfed.documents import document_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.documents.layout import tables
from nfed.documents.layout.columns import Table
from nfed.documents.layout.nota import NF_PARTES, NOTAS_FISCAIS
from nfed.settings import Settings
from nfed.stores.chunk import PARTY_FIELDS
from nfed.stores.sqlite.store import SQLiteStore
from nfed.stores.sqlite.write import insert
from nfed.wiring import checks_of

TRANSACTION_FILES = 200

_FILE_NAME = NOTAS_FISCAIS.position("arquivo_nome")
_PAPEL = NF_PARTES.position("papel")
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_PARTY = tuple(NF_PARTES.position(name) for name in PARTY_FIELDS)
_LINKS = {papel: NOTAS_FISCAIS.position(f"{papel}_id") for papel in ("emitente", "destinatario")}
_EMITENTE_ONLY = {"nome_fantasia", "regime_tributario", "inscricao_estadual_st", "cnae"}
_DESTINATARIO_ONLY = {"inscricao_suframa", "email", "indicador_ie_destinatario"}

type Values = tuple[object, ...]


def import_folder(folder: Path, store: Callable[[list[Document]], None]) -> float:
    """Gives every file of the folder to `store`, some at a time; returns the seconds.

    `store` is one transaction. The clock runs from the listing of the folder to the last rename;
    the schemas are compiled before.
    """
    done = folder / "done"
    done.mkdir()
    checks = _checks()
    with os.scandir(folder) as entries:
        first = next(entry.path for entry in entries if entry.is_file())
    document_from(Path(first).read_bytes(), checks)

    began = time.perf_counter()
    names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    for some in batched(names, TRANSACTION_FILES):
        documents = []
        for name in some:
            with open(f"{folder}/{name}", "rb") as file:
                document = document_from(file.read(), checks)
            document.rows["notas_fiscais"][0][_FILE_NAME] = name
            documents.append(document)
        store(documents)
        for name in some:
            os.rename(f"{folder}/{name}", f"{done}/{name}")
    return time.perf_counter() - began


class Numbering:
    """Gives every row its id and its parent's; keeps the next id of every table in memory."""

    def __init__(self) -> None:
        self.tables = [table for name, table in tables().items() if name != "empresas"]
        self._next = {table.name: 1 for table in self.tables}

    def rows(self, documents: Iterable[Document]) -> dict[str, list[Values]]:
        """By table, parents first: id, the parent's id if it has one, and the values."""
        rows: dict[str, list[Values]] = {table.name: [] for table in self.tables}
        following = self._next
        for document in documents:
            begins: dict[str, int] = {}
            for table in self.tables:
                own = document.rows.get(table.name)
                if own is None:
                    continue
                first = begins[table.name] = following[table.name]
                following[table.name] = first + len(own)
                into = rows[table.name]
                if table.parent is None:
                    into += [(number, *row[1:]) for number, row in enumerate(own, first)]
                else:
                    parent = begins[table.parent]
                    into += [
                        (number, parent + int(row[0] or 0), *row[1:])
                        for number, row in enumerate(own, first)
                    ]
        return {name: values for name, values in rows.items() if values}


class _Sink:
    """Writes documents into an empty SQLite database."""

    def __init__(self, database: Path) -> None:
        self._connection = _connected(database)
        self._numbering = Numbering()
        self._names = {table.name: _names(table) for table in self._numbering.tables}

    def store(self, documents: list[Document]) -> None:
        """Everything that the documents hold, parties first, for the notes name them by id."""
        self._connection.execute("begin immediate")
        _link_parties(self._connection, documents)
        for name, values in self._numbering.rows(documents).items():
            # Most columns are empty in most notes: only those that hold anything are named.
            kept = [
                (column, held)
                for column, held in zip(self._names[name], zip(*values, strict=True), strict=True)
                if held.count(None) < len(held)
            ]
            self._connection.executemany(
                insert(name, [column for column, _ in kept]),
                zip(*(held for _, held in kept), strict=True),
            )
        self._connection.execute("commit")


def _link_parties(connection: sqlite3.Connection, documents: Iterable[Document]) -> None:
    """One row of empresas a party, as its newest note writes it; each note gets their ids."""
    newest: dict[tuple[str, object], Values] = {}
    links = []
    for document in documents:
        for row in document.rows["nf_partes"]:
            papel, number = str(row[_PAPEL]), row[_CPF_CNPJ]
            if papel not in _LINKS or number is None:
                continue
            links.append((document.rows["notas_fiscais"][0], _LINKS[papel], number))
            held = newest.get((papel, number))
            if held is None or document.issued_utc >= str(held[-1]):
                kind = "fisica" if len(str(number)) == 11 else "juridica"
                newest[papel, number] = (*(row[at] for at in _PARTY), kind, document.issued_utc)
    for papel, sql in ((papel, _upsert(papel)) for papel in _LINKS):
        connection.executemany(sql, [row for (role, _), row in newest.items() if role == papel])
    numbers = list({number for _, number in newest})
    marks = ", ".join("?" * len(numbers))
    ids = dict(
        connection.execute(
            f"select cpf_cnpj, id from empresas where cpf_cnpj in ({marks})", numbers
        ).fetchall()
    )
    for note, position, number in links:
        note[position] = ids[number]


@cache
def _upsert(papel: str) -> str:
    """Keeps a party as its newest note writes it, whatever the order of arrival.

    Takes PARTY_FIELDS, then tipo_pessoa and the note's dhEmi in UTC. What both roles can carry
    follows the newest note of either; what only one can, the newest in that role.
    """
    stamp = f"emissao_como_{papel}"
    both = (
        "max(coalesce(empresas.emissao_como_emitente, ''), "
        "coalesce(empresas.emissao_como_destinatario, ''))"
    )
    own = f"coalesce(empresas.{stamp}, '')"
    other_only = _DESTINATARIO_ONLY if papel == "emitente" else _EMITENTE_ONLY
    own_only = _EMITENTE_ONLY if papel == "emitente" else _DESTINATARIO_ONLY
    names = [*PARTY_FIELDS, "tipo_pessoa"]
    sets = [
        # Only ISUFEmit is there for the other role as well, and seldom.
        f"{name} = coalesce(empresas.{name}, excluded.{name})"
        if name in other_only
        else f"{name} = case when excluded.{stamp} >= {own if name in own_only else both} "
        f"then excluded.{name} else empresas.{name} end"
        for name in names
        if name not in ("cpf_cnpj", "id_estrangeiro")
    ]
    sets.append(f"{stamp} = max(excluded.{stamp}, {own})")
    marks = ", ".join("?" * (len(names) + 1))
    update = f"do update set {', '.join(sets)}"
    return (
        f"insert into empresas ({', '.join(names)}, {stamp}) values ({marks}) "
        f"on conflict (cpf_cnpj) {update} "
        f"on conflict (id_estrangeiro, razao_social) where cpf_cnpj is null {update}"
    )


def _names(table: Table) -> list[str]:
    return ["id", *([table.link] if table.link else []), *table.stored_names]


def _connected(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    return connection


def _checks() -> Checks:
    """The checks that nfed makes when nothing is set."""
    return checks_of(Settings())


async def _make_tables(database: Path) -> None:
    store = SQLiteStore(database)
    await store.open()
    await store.close()


if __name__ == "__main__":
    _folder, _database = map(Path, sys.argv[1:])
    asyncio.run(_make_tables(_database))
    print(import_folder(_folder, _Sink(_database).store))
