"""Notes that together hold every leaf of the official schema, each with a value of its own.

They are not valid: a choice's branches stand side by side. No two leaves of one note share a
column, so what a note loses or mixes up shows.
"""

import posixpath
import re
from collections.abc import Iterator
from hashlib import sha256

from lxml import etree

from nfed.documents.layout import NOT_STORED, tables
from nfed.documents.layout.columns import Column, Date, Integer, Moment, Text
from tests.support.official_schema import Leaf, Schema, digits_of

NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
FIXED = {"NFe/infNFe/ide/mod": "55", "NFe/infNFe/@versao": "4.00"}


type Patterns = list[tuple[re.Pattern[str] | str, str, Column]]
"""A full path, or the pattern of one; table and column."""


def layout_columns() -> dict[str, Patterns]:
    """Every full path in the layout, by its last step, with its table and column."""
    found: dict[str, Patterns] = {}
    for table in tables().values():
        if table.name in ("empresas", "nf_cce"):
            continue
        for element in (table.element or "").split("|"):
            for column in table.columns:
                for path in (column.path or "").split("|"):
                    if path and not path.endswith("name()"):
                        whole = posixpath.normpath(f"{element}/{path}".lstrip("/"))
                        where: re.Pattern[str] | str = whole
                        if "*" in whole:
                            where = re.compile(re.escape(whole).replace(r"\*", "[^/]+"))
                        step = whole.rpartition("/")[2]
                        found.setdefault(step, []).append((where, table.name, column))
    return found


def columns_of(path: str, columns) -> list[tuple[str, Column]]:
    """The columns that a path fills."""
    return [
        (table, column)
        for where, table, column in columns.get(path.rpartition("/")[2], ())
        if (where == path if isinstance(where, str) else where.fullmatch(path))
    ]


def full_notes() -> Iterator[tuple[str, bytes]]:
    """Named files, as few as hold every leaf of the schema."""
    columns = layout_columns()
    taken: list[set[tuple[str, str]]] = []
    held: list[dict[str, str]] = []
    for path, leaf in {each.path: each for each in Schema().leaves()}.items():
        if any(path == each or path.startswith(f"{each}/") for each in NOT_STORED):
            continue
        own = columns_of(path, columns)
        names = {(table, column.name) for table, column in own}
        number = next((n for n, each in enumerate(taken) if not each & names), len(taken))
        if number == len(taken):
            taken.append(set())
            held.append({})
        taken[number] |= names
        held[number][path] = value_of(leaf, [column for _, column in own])
    for number, values in enumerate(held):
        yield f"inteira-{number}.xml", _xml(number, values)


def value_of(leaf: Leaf, columns: list[Column]) -> str:
    """A value that the column holds and that no other leaf has."""
    seed = int(sha256(leaf.path.encode()).hexdigest(), 16)
    digits = digits_of(leaf)
    if digits is not None:
        before, after = digits
        text = str(seed)[: before + after].replace("0", "7")
        return f"{text[:before]}.{text[before:]}"
    match columns[0].kind if columns else Text():
        case Moment():
            return f"20{10 + seed % 80}-03-{1 + seed % 28:02d}T23:{seed % 60:02d}:00-05:00"
        case Date():
            return f"20{10 + seed % 80}-04-{1 + seed % 28:02d}"
        case Integer():
            return str(1 + seed % 9)
        case Text(length=int() as length):
            return f"{seed:x}"[: min(length, leaf.max_length or length)]
        case _:
            return str(seed)[:2].replace("0", "7")


def _xml(number: int, values: dict[str, str]) -> bytes:
    root = etree.Element(f"{{{NAMESPACE}}}nfeProc", nsmap={None: NAMESPACE})
    values |= FIXED | {"NFe/infNFe/@Id": f"NFe{number:044d}"}
    for path, value in values.items():
        *steps, last = path.split("/")
        element = root
        for step in steps if last.startswith("@") else [*steps, last]:
            tag = f"{{{NAMESPACE}}}{step}"
            child = element.find(tag)
            element = etree.SubElement(element, tag) if child is None else child
        if last.startswith("@"):
            element.set(last[1:], value)
        else:
            element.text = value
    return etree.tostring(root)
