"""One pass over the tree fills rows by the layout.

The layout is compiled once into a trie of element names. Walking a document then costs a
dictionary look-up an element, and what it does not know costs no more.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from hashlib import sha256

from lxml import etree

from daemon.documents.layout import Date, Integer, Kind, Moment, Number, Table, Text, tables
from daemon.documents.reader import NAMESPACE

type Value = str | int | None
type Row = list[Value]
"""The parent row's place among its table's rows, then a value for each of Table.stored_names."""
type Rows = dict[str, list[Row]]
"""Rows by table name; values are the XML's own text, checked for their column's kind."""

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_AMOUNT = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,4})?")  # what nearly all of them look like
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[+-][0-9]{2}:[0-9]{2}|Z)"
)
_PAPEL = {
    "emit": "emitente",
    "dest": "destinatario",
    "retirada": "retirada",
    "entrega": "entrega",
    "transporta": "transportador",
}

type _Convert = Callable[[str], Value]
type _Fill = tuple[int, int, _Convert | None]
"""Table slot, position in its row, converter (None: text as it is)."""


_SHOWN = 60


class _UnreadableError(ValueError):
    """Says what was expected."""


class _Node:
    """One element of the trie, and what finding it does."""

    __slots__ = ("attributes", "begins", "by_tag", "children", "fills", "names", "wildcard")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.wildcard: _Node | None = None
        self.begins: tuple[int, ...] = ()
        """Tables of which it begins a row."""
        self.names: tuple[tuple[int, int], ...] = ()
        """Where its own name is written: table slot and position."""
        self.fills: tuple[_Fill, ...] = ()
        self.attributes: tuple[tuple[str, _Fill], ...] = ()
        self.by_tag: dict[str, tuple[str, _Node]] = {}
        """Local name and node of a child, by its tag in the usual namespace."""

    def find(self, tag: str) -> "tuple[str, _Node]":
        """A child's local name and node, whatever its namespace; unknown ones do nothing."""
        name = tag.rpartition("}")[2]
        return name, self.children.get(name) or self.wildcard or _UNKNOWN

    def index(self) -> None:
        """Fills `by_tag` here and below."""
        for name, child in self.children.items():
            self.by_tag[f"{{{NAMESPACE}}}{name}"] = (name, child)
            child.index()
        if self.wildcard is not None:
            self.wildcard.index()


_UNKNOWN = _Node()


class Extraction:
    """The rows of one document, and a digest of what it says.

    `digest` covers every leaf's text and every group's attributes below the element walked last, by
    local name, stripped of surrounding whitespace and indifferent to order, prefix and wrapper: two
    files of one note have one digest.
    """

    def __init__(self) -> None:
        plan = _plan()
        self._plan = plan
        self._current: list[Row | None] = [None] * len(plan.tables)
        self._collected: list[list[Row]] = [[] for _ in plan.tables]
        self.digest = ""
        self.unreadable: dict[str, str] = {}
        """What is wrong with values that no column of their kind can hold, by XML path."""
        self._top = ""

    def walk(self, element: etree._Element, path: str) -> None:
        """Fills rows from `element`, which stands at `path` in the layout.

        A value that its column cannot hold leaves it empty, and is told in `unreadable`.
        """
        self._top = path.rpartition("/")[2]
        node = self._plan.root
        for step in path.split("/"):
            node = node.children.get(step, _UNKNOWN)
        for slot in node.begins:
            self._begin(slot)
        self._attributes(element, node)
        said = self._visit(element, node)
        self.digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    def rows(self) -> Rows:
        """Rows by table, tables without rows left out."""
        return {
            table.name: rows
            for table, rows in zip(self._plan.tables, self._collected, strict=True)
            if rows
        }

    def _begin(self, slot: int) -> Row:
        plan = self._plan
        parent = plan.parents[slot]
        if parent is None:
            number = 0
        else:
            if self._current[parent] is None:
                self._begin(parent)
            number = len(self._collected[parent]) - 1
        row: Row = [None] * plan.widths[slot]
        row[0] = number
        self._collected[slot].append(row)
        self._current[slot] = row
        for child in plan.children[slot]:
            self._current[child] = None
        return row

    def _visit(self, element: etree._Element, node: _Node) -> str:
        """Fills rows from the children of `element`; returns what they say, for the digest."""
        said = []
        current = self._current
        by_tag = node.by_tag
        for child in element:
            tag = child.tag
            name, known = by_tag.get(tag) or node.find(tag)
            for slot in known.begins:
                self._begin(slot)
            for slot, position in known.names:
                (current[slot] or self._begin(slot))[position] = _PAPEL[name]
            if len(child):
                attributes = child.attrib
                if attributes:
                    self._attributes(child, known)
                    heading = f"{name}@{sorted(attributes.items())}"
                else:
                    heading = name
                # Control characters cannot stand in XML, so no text can look like structure.
                said.append(f"{heading}\x1c{self._visit(child, known)}\x1d")
                continue
            text = child.text or ""
            for slot, position, convert in known.fills:
                if convert is None:
                    value: Value = text
                else:
                    try:
                        value = convert(text)
                    except _UnreadableError as error:
                        self._tell(child, text, error)
                        continue
                row = current[slot] or (self._begin(slot) if value is not None else None)
                if row is not None and row[position] is None:  # the first of several
                    row[position] = value
            said.append(f"{name}={text.strip()}")
        said.sort()
        return "\x1e".join(said)

    def _attributes(self, element: etree._Element, node: _Node) -> None:
        for name, (slot, position, convert) in node.attributes:
            text = element.get(name)
            if text is not None:
                row = self._current[slot] or self._begin(slot)
                try:
                    row[position] = text if convert is None else convert(text)
                except _UnreadableError as error:
                    self._tell(element, text, error, f"@{name}")

    def _tell(
        self, element: etree._Element, text: str, error: "_UnreadableError", *attribute: str
    ) -> None:
        above = [etree.QName(each).localname for each in element.iterancestors()]
        steps = [*reversed(above), etree.QName(element).localname, *attribute]
        path = "/".join(steps[steps.index(self._top) + 1 :])
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
        self.unreadable[path] = f"<{path}> holds {shown!r}, expected {error}"


class _Plan:
    """The layout, compiled: tables by slot, and the trie."""

    def __init__(self, layout: Sequence[Table]) -> None:
        slots = {table.name: slot for slot, table in enumerate(layout)}
        self.tables = tuple(layout)
        self.widths = tuple(len(table.stored_names) + 1 for table in layout)
        self.parents = tuple(
            None if table.parent is None else slots[table.parent] for table in layout
        )
        self.children = tuple(
            tuple(slots[each.name] for each in layout if each.parent == table.name)
            for table in layout
        )
        self.root = _Node()
        for slot, table in enumerate(layout):
            for element in (table.element or "").split("|"):
                self._add_table(slot, table, element)
        self.root.index()

    def _add_table(self, slot: int, table: Table, element: str) -> None:
        top = self._node(element)
        if element and table.repeats:
            top.begins = (*top.begins, slot)
        for column in table.columns:
            first = table.position(column.name)
            for position, convert in enumerate(_converters(column.kind), first):
                for path in (column.path or "").split("|"):
                    if path and not path.startswith(".."):
                        self._add_value(slot, position, convert, element, path)

    def _add_value(
        self, slot: int, position: int, convert: _Convert | None, element: str, path: str
    ) -> None:
        if path == ".":
            node = self._node(element)
            node.names = (*node.names, (slot, position))
            return
        whole = f"{element}/{path}" if element else path
        owner, _, last = whole.rpartition("/")
        if last.startswith("@"):
            node = self._node(owner)
            node.attributes = (*node.attributes, (last[1:], (slot, position, convert)))
        else:
            node = self._node(whole)
            node.fills = (*node.fills, (slot, position, convert))

    def _node(self, path: str) -> _Node:
        node = self.root
        for step in filter(None, path.split("/")):
            if step == "*":
                node.wildcard = node.wildcard or _Node()
                node = node.wildcard
            else:
                node = node.children.setdefault(step, _Node())
        return node


@cache
def _plan() -> _Plan:
    # empresas is derived from nf_partes, so that each party is read once.
    return _Plan([table for name, table in tables().items() if name != "empresas"])


def _converters(kind: Kind) -> tuple[_Convert | None, ...]:
    """One for each of Column.stored_names."""
    match kind:
        case Text():
            return (None,)
        case Number(lenient=True):
            return (_number_or_nothing,)
        case Number(needs_twin=True):
            return (_exact_number, _exact_number)
        case Number():
            return (_number,)
        case Integer():
            return (_whole,)
        case Date():
            return (_date,)
        case Moment():
            return (_wall_clock, _moment)


def _number(text: str) -> Value:
    if _AMOUNT.fullmatch(text):
        return text
    value = text.strip()
    if not value:
        return None
    if _DECIMAL.fullmatch(value) is None:
        raise _UnreadableError("a decimal such as 1234.50")
    if len(value) > 15 and len(value.lstrip("-0").replace(".", "")) > 15:
        raise _UnreadableError("a decimal of at most 15 digits")
    return value


def _exact_number(text: str) -> Value:
    value = text.strip()
    if not value:
        return None
    if _DECIMAL.fullmatch(value) is None:
        raise _UnreadableError("a decimal such as 1234.5000000000")
    if len(value) > 100:
        raise _UnreadableError("a decimal of at most 21 digits")
    return value


def _number_or_nothing(text: str) -> Value:
    value = text.strip()
    return value if len(value) <= 20 and _DECIMAL.fullmatch(value) else None


def _whole(text: str) -> Value:
    value = text.strip()
    if not value:
        return None
    if _WHOLE.fullmatch(value) is None:
        raise _UnreadableError("a whole number of at most 18 digits")
    return int(value)


def _date(text: str) -> Value:
    value = text.strip()
    if not value:
        return None
    try:
        # fromisoformat also takes week dates and dates without dashes
        if len(value) != 10 or value[4] != "-" or value[7] != "-":
            raise ValueError(value)
        date.fromisoformat(value)
    except ValueError:
        raise _UnreadableError("a date, AAAA-MM-DD") from None
    return value


def _moment(text: str) -> Value:
    """Date, time and offset as written."""
    value = text.strip()
    if not value:
        return None
    expected = "date, time and offset, AAAA-MM-DDThh:mm:ss-03:00"
    try:
        if _MOMENT.fullmatch(value) is None:
            raise _UnreadableError(expected)
        datetime.fromisoformat(value)
    except ValueError:
        raise _UnreadableError(expected) from None
    return value


def _wall_clock(text: str) -> Value:
    """The issuer's own date and time, AAAA-MM-DD hh:mm:ss; known even without an offset."""
    value = text.strip()[:19]
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None  # `_moment` says so
    return f"{value[:10]} {value[11:]}" if len(value) == 19 else None
