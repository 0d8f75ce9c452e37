"""A note's leaves against the database: each is in a column, aside, left out on purpose, or lost.

The layout is walked here by its paths, one after the other, and not by the trie that nfed reads
with, so that a fault in one shows in the other.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import assert_never

from bench.fidelity_reading import Element, Note, without_prefix
from nfed.documents.layout import NOT_STORED, tables
from nfed.documents.layout.columns import (
    WORDS,
    Column,
    Date,
    Day,
    Integer,
    Moment,
    Month,
    Number,
    Table,
    Text,
)
from nfed.documents.rows.extract import PATH_LENGTH

_PREFIXED = ("notas_fiscais", "chave_acesso")  # stored without its prefix NFe
_ASIDE = "nf_outros_valores"
_DERIVED = frozenset({"empresas", _ASIDE, "nf_cce"})


@dataclass(slots=True)
class Found:
    """What became of the leaves of some notes."""

    documents: int = 0
    leaves: int = 0
    stored: int = 0
    """In a column; those in nf_outros_valores among them."""
    aside: int = 0
    """In nf_outros_valores."""
    listed: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Counts another's with these."""
        self.documents += other.documents
        self.leaves += other.leaves
        self.stored += other.stored
        self.aside += other.aside
        self.listed += other.listed
        self.missing += other.missing
        self.wrong += other.wrong


def compare(connection: sqlite3.Connection, note: Note) -> Found:
    """Every leaf of one stored note; the connection's row_factory is sqlite3.Row."""
    found = Found(documents=1)
    row = connection.execute(
        "select * from notas_fiscais where chave_acesso = ?", (note.chave,)
    ).fetchone()
    if row is None:
        found.wrong.append("notas_fiscais: no row")
        return found
    if note.signed_digest and note.signed_digest != row["digest_assinatura"]:
        found.wrong.append(f"notas_fiscais.digest_assinatura: not {note.signed_digest}")
    notes = tables()["notas_fiscais"]
    _compare_row(notes, row, [note.tree], found)
    _compare_children(connection, notes, row, note.tree, found)
    aside = Counter(
        (path, text)
        for path, text in connection.execute(
            f"select caminho, valor from {_ASIDE} where nota_fiscal_id = ?", (row["id"],)
        )
    )
    numbered = _numbered(note.tree)
    for element, attribute, text in note.tree.leaves():
        found.leaves += 1
        place = f"{element.path}/{attribute}" if attribute else element.path
        whole = f"{numbered[element]}/{attribute}" if attribute else numbered[element]
        kept_as = whole[-PATH_LENGTH:]
        if attribute in element.stored:
            found.stored += 1
        elif is_listed(place):
            found.listed += 1
        elif aside[kept_as, text]:
            aside[kept_as, text] -= 1
            found.aside += 1
            found.stored += 1
        else:
            found.missing.append(f"{whole}: {text[:80]!r}")
    for (path, text), count in aside.items():
        if count > 0:
            found.wrong.append(f"{_ASIDE}: {path} {text[:80]!r} is not in the document")
    return found


def _compare_children(
    connection: sqlite3.Connection,
    parent: Table,
    parent_row: sqlite3.Row,
    parent_element: Element,
    found: Found,
) -> None:
    for table in tables().values():
        if table.parent != parent.name or table.name in _DERIVED:
            continue
        rows = connection.execute(
            f"select * from {table.name} where {table.link} = ? order by id", (parent_row["id"],)
        ).fetchall()
        makers = _makers(table, parent_element)
        if len(rows) != len(makers):
            found.wrong.append(f"{table.name}: {len(rows)} rows for {len(makers)} elements")
            continue
        for row, elements in zip(rows, makers, strict=True):
            _compare_row(table, row, elements, found)
            _compare_children(connection, table, row, elements[0], found)


def _makers(table: Table, above: Element) -> list[list[Element]]:
    """For each row that there should be below an element: the elements that its values are in."""
    alternatives = (table.element or "").split("|")
    outer = {a for a in alternatives if any(each.startswith(f"{a}/") for each in alternatives)}
    elements = [each for each in _all(above) if each.path in alternatives]
    if not table.repeats:
        elements = [each for each in elements if _says(table, each)]
        return [elements] if elements else []
    return [[each] for each in elements if each.path not in outer or _says(table, each)]


def _all(element: Element) -> Iterator[Element]:
    for child in element.children:
        yield child
        yield from _all(child)


def _says(table: Table, element: Element) -> bool:
    """Whether any column finds something that its kind can hold."""
    return any(
        path.endswith("name()") or isinstance(column.kind, Text) or text.strip()
        for column in table.columns
        for path in (column.path or "").split("|")
        if path
        for _, _, text in _at(element, path)
    )


def _at(element: Element, path: str) -> Iterator[tuple[Element, str, str]]:
    """What stands at a column's path: the element, the attribute's name or nothing, the text."""
    if path.startswith("../"):
        siblings = element.parent.children if element.parent else []
        following = siblings[siblings.index(element) + 1 :]
        name = path.removeprefix("../")
        for each in following:
            if each.name == element.name:
                return
            if each.name == name:
                yield each, "", each.text
        return
    owner, _, last = path.rpartition("/")
    if path == ".":
        owner, last = "", ""
    if last == "name()":
        yield from ((each, last, each.name) for each in element.below(owner))
    elif last.startswith("@"):
        for each in element.below(owner):
            if last[1:] in each.attributes:
                yield each, last, each.attributes[last[1:]]
    else:
        for each in element.below(path if last else ""):
            if not each.children:
                yield each, "", each.text


def _compare_row(table: Table, row: sqlite3.Row, elements: list[Element], found: Found) -> None:
    for column in table.columns:
        if column.path is None:
            continue
        value, twin = row[column.name], row[column.stored_names[-1]]
        said = [
            each
            for element in elements
            for path in column.path.split("|")
            for each in _at(element, path)
        ]
        is_right = value is None and twin is None
        for element, attribute, text in said:
            if attribute == "name()":
                is_right = is_right or value == WORDS.get(text, text)
                continue
            if (table.name, column.name) == _PREFIXED:
                text = without_prefix(text)
            if _says_the_same(column, value, twin, text):
                is_right = True
                if _is_whole(column, text):
                    element.stored.add(attribute)
        if not is_right:
            texts = [text for _, _, text in said]
            found.wrong.append(f"{table.name}.{column.name}: {value!r} for {texts}")


def _says_the_same(column: Column, value: object, twin: object, text: str) -> bool:
    """Whether the database's value is the text's: decimal-equal, the same instant and offset."""
    if value is None:
        return False
    said = text.strip()
    try:
        match column.kind:
            case Number(lenient=True):
                return _nearly(value, said)
            case Number(needs_twin=True):
                return twin == said and _nearly(value, said)
            case Number() | Integer():
                return Decimal(str(value)) == Decimal(said)
            case Moment():
                clock = datetime.fromisoformat(said)
                same_instant = twin == said if clock.tzinfo else twin is None
                wall = clock.replace(tzinfo=None, microsecond=0)
                return same_instant and datetime.fromisoformat(str(value)) == wall
            case Date():
                return value == said
            case Day():
                return value == said[:10]
            case Month():
                return value == said[:7]
            case Text():
                return value == text
            case _ as unreachable:
                assert_never(unreachable)
    except (InvalidOperation, ValueError):
        return False


def _nearly(value: object, said: str) -> bool:
    """Equal in the 15 digits that a double keeps."""
    exact = Decimal(said)
    return abs(Decimal(str(value)) - exact) <= abs(exact) * Decimal("1e-15")


def _is_whole(column: Column, text: str) -> bool:
    """Whether the column, with its twin, keeps all that the text says."""
    match column.kind:
        case Day():
            return len(text.strip()) == 10
        case Month() | Number(lenient=True):
            return False
        case Moment():
            return "." not in text or text.strip()[-1:] == "Z" or text.strip()[-6:-5] in ("+", "-")
        case _:
            return True


def is_listed(place: str) -> bool:
    """Whether the layout says why it is not stored."""
    return any(place == each or place.startswith(f"{each}/") for each in NOT_STORED)


def _numbered(tree: Element) -> dict[Element, str]:
    """Each element's path, `[2]` for the second of one name."""
    paths = {tree: ""}
    for element in (tree, *_all(tree)):
        seen: Counter[str] = Counter()
        for child in element.children:
            seen[child.name] += 1
            number = f"[{seen[child.name]}]" if seen[child.name] > 1 else ""
            paths[child] = f"{paths[element]}/{child.name}{number}".lstrip("/")
    return paths
