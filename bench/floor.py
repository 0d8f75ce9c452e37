"""The libraries alone: what nfed asks of them for a note, one step after the other, in one process.

    python -m bench.floor FOLDER STORED DATABASE

Takes the files of FOLDER, and the rows that nfed stored of the same files in the database STORED.
Reads, hashes and parses each file, validates it by the official XSD, checks its signature, writes
the rows into the new DATABASE, and renames the file into done/. Nothing looks at what the libraries
answer, but to make sure that they did it. Left out is all that is nfed's own: which documents there
are, rows from trees, other checks than these two, whether a note is stored already, the ledger, the
log, the fsync of a folder, a second process.

Prints the microseconds of CPU a note of each step, as JSON; schema, parser and connection are there
before the clock runs.
"""

import gc
import hashlib
import json
import marshal
import os
import sqlite3
import sys
import time
from base64 import b64decode
from collections.abc import Iterable
from contextlib import closing
from importlib.util import find_spec
from itertools import batched
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from lxml import etree

TRANSACTION_FILES = 200
STEPS = ("read + SHA-256", "parse", "XSD", "signature", "executemany", "rename")

_NFE = "{http://www.portalfiscal.inf.br/nfe}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_SCHEMA = "nfe/schemas/v4_0/procNFe_v4.00.xsd"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, collect_ids=False)
_PADDING, _SHA1 = PKCS1v15(), SHA1()
_NOTES, _PARTIES, _VERSION = "notas_fiscais", "empresas", "nfed_schema_version"
_TABLES_FIRST = "select sql from sqlite_master where sql is not null order by type = 'index'"

type Values = tuple[object, ...]


class Clock:
    """The CPU seconds of this process by step."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STEPS, 0.0)
        self._since = 0.0

    def begins(self) -> None:
        """Forgets what went on since the last step."""
        self._since = time.process_time()

    def ends(self, step: str) -> None:
        """Counts what went on since the last step as this one's."""
        now = time.process_time()
        self.seconds[step] += now - self._since
        self._since = now


class Stored:
    """The rows of a database that nfed filled, by the notes that they belong to."""

    def __init__(self, database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection:
            self.schema = [sql for (sql,) in connection.execute(_TABLES_FIRST)]
            self.columns: dict[str, list[str]] = {}
            self.rows: dict[str, list[Values]] = {}
            """By table, a table after those that it refers to."""
            self._parents: dict[str, list[tuple[str, int]]] = {}
            for name in _in_order(connection):
                self._read(connection, name)
        self.by_note = self._by_note()

    def statements(self, notes: Iterable[Values]) -> list[tuple[str, list[Values]]]:
        """What stores these rows of notas_fiscais and all rows below them: an insert a table, of
        those columns that hold anything in one of its rows."""
        gathered: dict[str, list[Values]] = {name: [] for name in self.rows}
        for note in notes:
            for table, row in self.by_note[note[0]]:
                gathered[table].append(row)
        return [self._statement(table, rows) for table, rows in gathered.items() if rows]

    def _read(self, connection: sqlite3.Connection, name: str) -> None:
        read = connection.execute(f"select * from {name} order by 1")
        self.columns[name] = names = [column for column, *_ in read.description]
        self.rows[name] = read.fetchall()
        self._parents[name] = [
            (key[2], names.index(key[3]))
            for key in connection.execute(f"pragma foreign_key_list({name})")
        ]

    def _by_note(self) -> dict[object, list[tuple[str, Values]]]:
        """By the id of a note: its rows with their tables; a party is with the first that names it.

        Raises KeyError for a row that belongs to no note.
        """
        found: dict[object, list[tuple[str, Values]]] = {}
        parties = {row[0]: row for row in self.rows[_PARTIES]}
        note_of: dict[str, dict[object, object]] = {_NOTES: {}}
        for row in self.rows[_NOTES]:
            own = found[row[0]] = [(_NOTES, row)]
            note_of[_NOTES][row[0]] = row[0]
            for _, position in self._parents[_NOTES]:
                party = parties.pop(row[position], None)
                if party is not None:
                    own.insert(0, (_PARTIES, party))
        if parties:
            raise KeyError(f"{len(parties)} parties belong to no note")
        for name, rows in self.rows.items():
            if name in (_NOTES, _PARTIES):
                continue
            ((parent, position),) = self._parents[name] if rows else (("", 0),)
            note_of[name] = {row[0]: note_of[parent][row[position]] for row in rows}
            for row in rows:
                found[note_of[name][row[0]]].append((name, row))
        return found

    def _statement(self, table: str, rows: list[Values]) -> tuple[str, list[Values]]:
        held = [
            (name, values)
            for name, values in zip(self.columns[table], zip(*rows, strict=True), strict=True)
            if values.count(None) < len(values)
        ]
        names, marks = ", ".join(name for name, _ in held), ", ".join("?" * len(held))
        values = list(zip(*(values for _, values in held), strict=True))
        return f"insert into {table} ({names}) values ({marks})", values


def _in_order(connection: sqlite3.Connection) -> list[str]:
    """The tables that documents are stored in, each after those that it refers to."""
    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    waiting = {name: _referred_to(connection, name) for (name,) in tables if name != _VERSION}
    ordered: list[str] = []
    while waiting:
        free = [name for name, parents in waiting.items() if not parents & waiting.keys()]
        ordered += free
        for name in free:
            del waiting[name]
    return ordered


def _referred_to(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(key[2]) for key in connection.execute(f"pragma foreign_key_list({table})")}


def run(folder: Path, stored: Stored, database: Path) -> Clock:
    """All steps for all files of the folder, TRANSACTION_FILES at a time."""
    done = folder / "done"
    done.mkdir()
    schema = etree.XMLSchema(file=str(_nfelib() / _SCHEMA))
    signatures = Signatures()
    clock = Clock()
    with closing(_made(database, stored.schema)) as connection:
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
        notes = stored.rows[_NOTES]
        if len(names) != len(notes):
            raise RuntimeError(f"{len(names)} files, but {len(notes)} stored notes")
        gc.freeze()
        gc.disable()  # as a worker of nfed's does
        for some, rows in zip(
            batched(names, TRANSACTION_FILES), batched(notes, TRANSACTION_FILES), strict=True
        ):
            clock.begins()
            for name in some:  # one after the other, so that its tree stays in the cache
                content = _read(f"{folder}/{name}")
                clock.ends("read + SHA-256")
                root = etree.fromstring(content, _PARSER)
                clock.ends("parse")
                is_valid = schema.validate(root)
                clock.ends("XSD")
                signatures.verify(root)
                clock.ends("signature")
                del root
                clock.ends("parse")
                if not is_valid:
                    raise RuntimeError(f"{name} is not valid by the XSD")
            # Copied, so that the values are in the cache as those of a tree just read are.
            statements = marshal.loads(marshal.dumps(stored.statements(rows)))
            clock.begins()
            connection.execute("begin immediate")
            for sql, values in statements:
                connection.executemany(sql, values)
            connection.execute("commit")
            clock.ends("executemany")
            for name in some:
                os.rename(f"{folder}/{name}", f"{done}/{name}")
            clock.ends("rename")
    return clock


class Signatures:
    """Checks signatures; reads each certificate once."""

    def __init__(self) -> None:
        self._keys: dict[str, RSAPublicKey] = {}

    def verify(self, root: etree._Element) -> None:
        """Raises InvalidSignature or RuntimeError for a note that was not signed like this.

        The exclusive form is that of the inclusive method where there is but one namespace, and
        libxml2 writes it without a copy of the element.
        """
        note = root.find(f"{_NFE}NFe")
        assert note is not None
        content, signature = note[0], note[-1]
        signed_info, value, key_info = signature
        certificate = key_info[0][0].text or ""
        key = self._keys.get(certificate)
        if key is None:
            key = self._keys[certificate] = _key(certificate)
        digest = hashlib.sha1(_canonical(content)).digest()
        if b64decode(signed_info[2].findtext(f"{_DSIG}DigestValue") or "") != digest:
            raise RuntimeError("a note is not the one that was signed")
        key.verify(b64decode(value.text or ""), _canonical(signed_info), _PADDING, _SHA1)


def _key(certificate: str) -> RSAPublicKey:
    key = x509.load_der_x509_certificate(b64decode(certificate)).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    content = os.read(descriptor, os.fstat(descriptor).st_size)
    os.close(descriptor)
    hashlib.sha256(content).hexdigest()
    return content


def _made(database: Path, schema: Iterable[str]) -> sqlite3.Connection:
    """A connection to a new database, as durable as nfed's."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    for sql in schema:
        connection.execute(sql)
    return connection


def _nfelib() -> Path:
    found = find_spec("nfelib")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def main(folder: Path, stored: Path, database: Path) -> None:
    """See the docstring of the module. Raises RuntimeError when the rows are not the same."""
    theirs = Stored(stored)
    clock = run(folder, theirs, database)
    if Stored(database).rows != theirs.rows:
        raise RuntimeError(f"{database} does not hold the rows of {stored}")
    files = len(theirs.rows[_NOTES])
    print(json.dumps({step: 1e6 * seconds / files for step, seconds in clock.seconds.items()}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
