"""Every value in the database against what nfelib's bindings read from the same file.

The bindings know nothing of our layout: they are made from the official schema. For each table
and each column with an XML path the path is walked through their objects, and the rows must be
the same in number, order and value.
"""

import base64
import dataclasses
import sqlite3
from datetime import datetime
from decimal import Decimal
from enum import Enum
from itertools import pairwise

import pytest
from nfelib.nfe.bindings.v4_0.nfe_v4_00 import Nfe
from nfelib.nfe.bindings.v4_0.proc_nfe_v4_00 import NfeProc
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from daemon.core.ports import Incoming
from daemon.documents.layout import (
    Date,
    Day,
    Integer,
    Moment,
    Month,
    Number,
    Table,
    Text,
    tables,
)
from daemon.documents.nfe import Checks, document_from
from daemon.stores.sqlite import SQLiteStore
from tests.notes import NFELIB_SAMPLES, generator

# By hand, from the key or the protocol: tested in test_nfe and test_sqlite.
NOT_A_LEAF = {("notas_fiscais", "chave_acesso")}
BASE_64 = {("notas_fiscais", "digest_value")}


# The bindings lack elements that the schema has, such as protNFe/infProt/cMsg.
PARSER = XmlParser(ParserConfig(fail_on_unknown_properties=False))


class Root:
    """The two top elements of a file, whatever its wrapper."""

    def __init__(self, xml: bytes) -> None:
        if b"<nfeProc" in xml:
            whole = PARSER.from_bytes(xml, NfeProc)
            self.NFe, self.protNFe = whole.NFe, whole.protNFe
        else:
            self.NFe, self.protNFe = PARSER.from_bytes(xml, Nfe), None


def children(owner, step):
    """What stands under one step of a path: elements or attributes, in order."""
    if step == "*":
        names = [field.name for field in dataclasses.fields(owner)]
    else:
        names = [step.removeprefix("@")]
    for name in names:
        value = getattr(owner, name, None)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value


def walk(owner, path):
    """Every object at a path below `owner`."""
    found = [owner]
    for step in filter(None, path.removeprefix(".").split("/")):
        found = [child for each in found for child in children(each, step)]
    return found


def text_of(value):
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def elements(root, table: Table):
    """The objects that make rows, in the document's order."""
    if table.name == "nf_outros_valores":
        return []
    return [
        each
        for path in (table.element or "").split("|")
        for each in walk(root, path)
        if not (path.endswith("/pag") and each.detPag)
    ]


def expected_rows(root, table: Table):
    for element in elements(root, table):
        row = {}
        for column in table.columns:
            if column.path is None or (table.name, column.name) in NOT_A_LEAF:
                continue
            if column.path.endswith("name()") or column.path.startswith(".."):
                continue
            values = [
                text_of(value) for path in column.path.split("|") for value in walk(element, path)
            ]
            row[column.name] = values[0] if values else None
        if table.repeats or any(value is not None for value in row.values()):
            yield row


def nearly(stored, said):
    """Equal in the 15 digits that a double keeps."""
    return abs(Decimal(str(stored)) - Decimal(said)) <= abs(Decimal(said)) * Decimal("1e-15")


def same(column, stored, twin, said):
    """Whether the database says exactly what the document says."""
    match column.kind:
        case Number(lenient=True):
            return stored is None or nearly(stored, said)  # <name>_exato is a column of its own
        case Number(needs_twin=True):
            return twin == said and nearly(stored, said)
        case Number():
            return Decimal(str(stored)) == Decimal(said)
        case Integer():
            return stored == int(said)
        case Moment():
            return (
                datetime.fromisoformat(stored) == datetime.fromisoformat(said).replace(tzinfo=None)
                and twin == said
            )
        case Day():
            return stored == said[:10]
        case Month():
            return stored == said[:7]
        case Date() | Text():
            return stored == said
    raise AssertionError(column.kind)


def stored_rows(connection, table: Table, note_id):
    if table.name == "notas_fiscais":
        return connection.execute("select * from notas_fiscais where id = ?", [note_id]).fetchall()
    chain = [table]
    while chain[-1].parent != "notas_fiscais":
        chain.append(tables()[chain[-1].parent])
    joins = " ".join(
        f"join {parent.name} on {parent.name}.id = {child.name}.{child.link}"
        for child, parent in pairwise(chain)
    )
    return connection.execute(
        f"select {table.name}.* from {table.name} {joins} "
        f"where {chain[-1].name}.nota_fiscal_id = ? order by {table.name}.id",
        [note_id],
    ).fetchall()


SOURCES = {
    "nfelib": lambda: [path.read_bytes() for path in NFELIB_SAMPLES],
    "rich 55": lambda: [generator().note(n, rich=True).xml for n in range(150)],
    "rich 65": lambda: [generator().note(n, modelo="65", rich=True).xml for n in range(80)],
    "bare": lambda: [generator().note(n, rich=True, authorised=False).xml for n in range(500, 530)],
}


@pytest.mark.parametrize("source", SOURCES)
async def test_every_stored_value_is_what_the_bindings_read(source, tmp_path):
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    documents = {}
    for xml in SOURCES[source]():
        document = document_from(xml, Checks())
        documents[document.chave] = (document, xml)
    await store.store([Incoming(each, "x.xml") for each, _ in documents.values()], "job")
    await store.close()
    connection = sqlite3.connect(tmp_path / "nfed.db")
    connection.row_factory = sqlite3.Row
    compared, wrong = 0, []

    for chave, (_, xml) in documents.items():
        root = Root(xml)
        note_id = connection.execute(
            "select id from notas_fiscais where chave_acesso = ?", [chave]
        ).fetchone()[0]
        for table in tables().values():
            if table.name in ("empresas", "nf_cce", "nf_mensagens_fisco"):
                continue
            expected = list(expected_rows(root, table))
            stored = stored_rows(connection, table, note_id)
            if len(expected) != len(stored):
                wrong.append((chave, table.name, len(expected), len(stored)))
                continue
            for said, row in zip(expected, stored, strict=True):
                for column in table.columns:
                    if column.name not in said:
                        continue
                    compared += 1
                    value, twin = row[column.name], row[column.stored_names[-1]]
                    leaf = said[column.name]
                    if value != leaf and (leaf is None or not same(column, value, twin, leaf)):
                        wrong.append((chave, table.name, column.name, leaf, value, twin))

    assert wrong == []
    assert compared > 5_000
    connection.close()


@pytest.mark.parametrize("source", ["nfelib", "rich 55"])
async def test_every_party_is_kept_as_its_note_writes_it(source, tmp_path):
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    documents = [document_from(xml, Checks()) for xml in SOURCES[source]()]
    await store.store([Incoming(each, "x.xml") for each in documents], "job")
    await store.close()
    connection = sqlite3.connect(tmp_path / "nfed.db")

    roles = dict(
        connection.execute("select papel, count(*) from nf_partes group by papel").fetchall()
    )

    notes = connection.execute("select count(*) from notas_fiscais").fetchone()[0]
    assert roles["emitente"] == notes
    assert connection.execute(
        "select count(*) from notas_fiscais n join empresas e on e.id = n.emitente_id "
        "join nf_partes p on p.nota_fiscal_id = n.id and p.papel = 'emitente' "
        "where e.cpf_cnpj is p.cpf_cnpj"
    ).fetchone() == (notes,)
    connection.close()
