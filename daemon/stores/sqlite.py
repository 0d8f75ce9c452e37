"""The SQLite store: one file, one writer thread, one transaction a chunk, synchronous=FULL."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.core.arrival import shown
from daemon.core.outcome import Imported, Outcome, Updated
from daemon.core.ports import Incoming
from daemon.core.verdict import Stored, verdict
from daemon.documents.extract import Row, Value
from daemon.documents.layout import tables
from daemon.documents.layout_nota import NF_PARTES, NOTAS_FISCAIS
from daemon.documents.nfe import Document
from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores import migrations, sqlite_sql

_BUSY_SECONDS = 5.0
_FILE_NAME = NOTAS_FISCAIS.position("arquivo_nome")
_JOB = NOTAS_FISCAIS.position("job_id")
_LINKS = {papel: NOTAS_FISCAIS.position(f"{papel}_id") for papel in ("emitente", "destinatario")}
_PARTY = tuple(NF_PARTES.position(name) for name in sqlite_sql.PARTY_FIELDS)
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_ID_ESTRANGEIRO = NF_PARTES.position("id_estrangeiro")
_NAME = NF_PARTES.position("razao_social")
_PAPEL = NF_PARTES.position("papel")

type _Identity = tuple[Value, Value, Value]
"""A CPF or CNPJ; or, for a foreigner, None, the passport or number, and the name."""


class SQLiteStore:
    """Documents in one SQLite file; see ports.Store. `open` migrates it to the newest schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nfed-sqlite")
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._layout = [table for name, table in tables().items() if name != "empresas"]
        self._update, self._update_from = sqlite_sql.update_protocol()
        self._upserts = {papel: sqlite_sql.upsert_party(papel) for papel in _LINKS}

    async def open(self) -> None:
        """Opens and migrates. Raises StoreUnavailable, or ConfigError for a newer schema."""
        await self._run(self._open)

    async def close(self) -> None:
        """Waits for the transaction under way."""
        await self._run(self._close)
        self._thread.shutdown(wait=True)

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        return await self._run(self._store, incoming, job_id)

    async def _run[**P, T](self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: act(*args, **kwargs))

    def _open(self) -> None:
        with _world_errors(self.path):
            connection = connect(self.path)
        try:
            with _world_errors(self.path):
                _migrate(connection, self.path)
        except BaseException:
            connection.close()
            raise
        status = os.stat(self.path)
        self._file = (status.st_dev, status.st_ino)
        self._connection = connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        if self._connection is None:
            self._open()
        connection = self._connection
        assert connection is not None
        self._check_file()
        with _world_errors(self.path):
            connection.execute("begin immediate")
            try:
                outcomes = self._write(connection, incoming, job_id)
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
        self._check_file()
        return outcomes

    def _check_file(self) -> None:
        """An unlinked database takes rows and loses them with the process: better to wait."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(
                f"database {self.path}: {error.strerror}; put it back, or restart nfed to begin "
                "a new one"
            ) from error
        if (status.st_dev, status.st_ino) != self._file:
            self._close()
            raise StoreUnavailable(f"database {self.path} was replaced; opening the new one")

    def _write(
        self, connection: sqlite3.Connection, incoming: Sequence[Incoming], job_id: str
    ) -> list[Outcome]:
        known, ids = _stored(connection, incoming)
        outcomes: list[Outcome] = []
        new: dict[str, Document] = {}
        updates: list[tuple[Value, ...]] = []
        answers: list[tuple[int, Row]] = []
        for each in incoming:
            document = each.document
            note = document.rows["notas_fiscais"][0]
            note[_FILE_NAME] = shown(each.file_name)
            note[_JOB] = job_id
            outcome = verdict(document, known.get(document.chave))
            outcomes.append(outcome)
            match outcome:
                case Imported():
                    new[document.chave] = document
                case Updated() if document.chave in new:  # both files in one chunk
                    earlier = new[document.chave].rows.get("nf_processamento", [])
                    own = document.rows.get("nf_processamento", [])
                    rows = document.rows | {"nf_processamento": [*earlier, *own]}
                    new[document.chave] = replace(document, rows=rows)
                case Updated():
                    note_id = ids[document.chave]
                    updates.append((*(note[at] for at in self._update_from), note_id))
                    answers += [(note_id, row) for row in document.rows.get("nf_processamento", ())]
                case _:
                    continue
            known[document.chave] = Stored(
                document.content_sha256, document.status, str(note[_FILE_NAME])
            )
        self._link_parties(connection, new.values())
        self._insert(connection, new.values(), answers)
        if updates:
            connection.executemany(self._update, updates)
        return outcomes

    def _link_parties(self, connection: sqlite3.Connection, new: Iterable[Document]) -> None:
        """Keeps empresas at the newest note, and gives each note the ids of its parties."""
        newest: dict[tuple[str, _Identity], tuple[str, Row]] = {}
        links: list[tuple[Row, int, _Identity]] = []
        for document in new:
            note = document.rows["notas_fiscais"][0]
            for row in document.rows.get("nf_partes", ()):
                papel = str(row[_PAPEL])
                identity = _identity(row)
                if papel not in _LINKS or identity is None:
                    continue
                links.append((note, _LINKS[papel], identity))
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

    def _insert(
        self,
        connection: sqlite3.Connection,
        new: Iterable[Document],
        answers: list[tuple[int, Row]],
    ) -> None:
        """All rows of the new notes, table by table; ids go on from the highest stored.

        Most columns of most rows are empty, and binding them costs more than storing the rest:
        only the columns that hold anything in this chunk are named.
        """
        by_table: dict[str, list[tuple[int, list[Row]]]] = {}
        for number, document in enumerate(new):
            for name, own in document.rows.items():
                by_table.setdefault(name, []).append((number, own))
        if answers:
            by_table.setdefault("nf_processamento", [])
        # By table and document: the id of the document's first row.
        begins: dict[str, dict[int, int]] = {}
        for table in self._layout:
            if table.name not in by_table:
                continue
            found = connection.execute(f"select max(id) from {table.name}").fetchone()
            next_id = (found[0] or 0) + 1
            rows: list[Row] = []
            parents: list[int] = []
            begins[table.name] = {}
            for number, own in by_table[table.name]:
                begins[table.name][number] = next_id + len(rows)
                rows += own
                if table.parent is not None:
                    base = begins[table.parent][number]
                    parents += [base + int(row[0] or 0) for row in own]
            if table.name == "nf_processamento":
                rows += [row for _, row in answers]
                parents += [note_id for note_id, _ in answers]
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


def connect(path: Path) -> sqlite3.Connection:
    """A connection that a power cut cannot cost a committed row (WAL, synchronous=FULL)."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as handle:
        state = migrations.state(handle)
        if not state.known:
            raise ConfigError(
                f"database {path} has schema {state.current}, newer than this nfed knows "
                f"({state.newest}); upgrade nfed"
            )
        if state.is_newest:
            return
        handle.exec_driver_sql("begin immediate")
        migrations.upgrade(handle)
        handle.exec_driver_sql("commit")


def _stored(
    connection: sqlite3.Connection, incoming: Sequence[Incoming]
) -> tuple[dict[str, Stored], dict[str, int]]:
    chaves = sorted({each.document.chave for each in incoming})
    marks = ", ".join("?" * len(chaves))
    found = connection.execute(
        "select chave_acesso, id, conteudo_sha256, status, arquivo_nome from notas_fiscais "
        f"where chave_acesso in ({marks})",
        chaves,
    ).fetchall()
    return (
        {chave: Stored(content, status, name) for chave, _, content, status, name in found},
        {chave: note_id for chave, note_id, *_ in found},
    )


def _party_ids(connection: sqlite3.Connection, wanted: set[_Identity]) -> dict[_Identity, int]:
    ids: dict[_Identity, int] = {}
    numbers = [identity[0] for identity in wanted if identity[0] is not None]
    if numbers:
        marks = ", ".join("?" * len(numbers))
        for number, party_id in connection.execute(
            f"select cpf_cnpj, id from empresas where cpf_cnpj in ({marks})", numbers
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


@contextmanager
def _world_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
        raise StoreRejected(str(error)) from error
    except DBAPIError as error:
        raise StoreUnavailable(f"database {path}: {error.orig}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"database {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"database {path}: {error.strerror}") from error
