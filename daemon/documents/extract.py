"""One pass over the tree fills rows by the layout.

The layout is compiled once into a trie of element names. Walking a document then costs a
dictionary look-up an element, and what it does not know costs no more.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from hashlib import sha256

from lxml import etree

from daemon.documents.layout import (
    NOT_STORED,
    WORDS,
    Date,
    Day,
    Integer,
    Kind,
    Moment,
    Month,
    Number,
    Table,
    Text,
    tables,
)
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
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POSITION = re.compile(r"\[[0-9]+\]")

type _Convert = Callable[[str], Value]
type _Fill = tuple[int, int, _Convert | None]
"""Table slot, position in its row, converter (None: text as it is)."""


_SHOWN = 60
_ASIDE = 20_000  # values without a column that are stored of one document
_PATH_LENGTH = 300


class _UnreadableError(ValueError):
    """Says what was expected."""


class _Node:
    """One element of the trie, and what finding it does."""

    __slots__ = (
        "attributes",
        "begins",
        "by_tag",
        "children",
        "fills",
        "is_listed",
        "names",
        "resets",
        "wildcard",
    )

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.wildcard: _Node | None = None
        self.begins: tuple[int, ...] = ()
        """Tables of which it begins a row."""
        self.resets: tuple[int, ...] = ()
        """Tables of which the next value begins a row."""
        self.names: tuple[tuple[int, int], ...] = ()
        """Where its own name is written: table slot and position."""
        self.fills: tuple[_Fill, ...] = ()
        self.attributes: dict[str, tuple[_Fill, ...]] = {}
        self.is_listed = False
        """Whether the layout says that it, and all below, is not stored."""
        self.by_tag: dict[str, tuple[str, _Node]] = {}
        """Local name and node of a child, by its tag in the usual namespace."""

    def find(self, tag: str) -> "tuple[str, _Node]":
        """A child's local name and node, whatever its namespace."""
        name = tag.rpartition("}")[2]
        if self.is_listed:
            return name, self
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

    `digest` covers every leaf's text and every attribute below the element walked last, by local
    name, stripped of surrounding whitespace and indifferent to order, prefix and wrapper: two
    files of one note have one digest, whatever this layout stores of them.
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
        self._walked: etree._Element | None = None
        self._steps: dict[etree._Element, dict[etree._Element, str]] = {}

    def walk(self, element: etree._Element, path: str) -> None:
        """Fills rows from `element`, which stands at `path` in the layout.

        A value that its column cannot hold leaves it empty, and is told in `unreadable`. Every
        text and attribute that finds no column goes to nf_outros_valores.
        """
        self._top, self._walked = path, element
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
            for slot in known.resets:
                current[slot] = None
            for slot, position in known.names:
                (current[slot] or self._begin(slot))[position] = WORDS.get(name, name)
            attributes = child.items()
            if attributes:
                self._attributes(child, known)
                heading = f"{name}@{sorted(attributes)}"
            else:
                heading = name
            if len(child):
                # Control characters cannot stand in XML, so no text can look like structure.
                said.append(f"{heading}\x1c{self._visit(child, known)}\x1d")
                continue
            text = child.text or ""
            said.append(f"{heading}={text.strip()}")
            fills = known.fills
            if fills:
                is_kept = False
                for slot, position, convert in fills:
                    if convert is None:
                        value: Value = text
                    else:
                        try:
                            value = convert(text)
                        except _UnreadableError as error:
                            self._tell(child, text, error)
                            continue
                    row = current[slot] or (self._begin(slot) if value is not None else None)
                    if row is None:
                        continue
                    if row[position] is None:
                        row[position] = value
                    elif row[position] != value:
                        continue
                    is_kept = True
                if is_kept:
                    continue
            if text and not known.is_listed:
                self._keep_aside(child, text, is_known=bool(fills))
        said.sort()
        return "\x1e".join(said)

    def _attributes(self, element: etree._Element, node: _Node) -> None:
        for name, text in _attributes_of(element):
            is_kept = node.is_listed
            fills = node.attributes.get(name.rpartition("}")[2], ())
            for slot, position, convert in fills:
                row = self._current[slot] or self._begin(slot)
                try:
                    value = text if convert is None else convert(text)
                except _UnreadableError as error:
                    self._tell(element, text, error, f"/@{name}")
                    continue
                if row[position] is None or row[position] == value:
                    row[position] = value
                    is_kept = True
            if not is_kept:
                self._keep_aside(element, text, f"/@{name}", is_known=bool(fills))

    def _keep_aside(
        self, element: etree._Element, text: str, attribute: str = "", *, is_known: bool
    ) -> None:
        """Stores what no column took in nf_outros_valores."""
        aside = self._collected[self._plan.others]
        if not text.strip():
            return
        if len(aside) == _ASIDE:
            told = f"nf_outros_valores holds the first {_ASIDE} of the values without a column"
            self.unreadable["nf_outros_valores"] = told
            return
        path = self._path(element) + attribute
        reason = "desconhecido"
        if is_known:
            reason = "ilegivel" if self._short(path) in self.unreadable else "repetido"
        aside.append([0, path[-_PATH_LENGTH:], text, reason])

    def _tell(
        self, element: etree._Element, text: str, error: "_UnreadableError", attribute: str = ""
    ) -> None:
        path = self._short(self._path(element)) + attribute
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
        self.unreadable[path] = f"<{path}> holds {shown!r}, expected {error}"

    def _short(self, path: str) -> str:
        """A path below the element walked, without the numbers of repeated elements."""
        return _POSITION.sub("", path).removeprefix(f"{self._top}/")

    def _path(self, element: etree._Element) -> str:
        """The element's path from the root; `[2]` marks the second child of one name."""
        steps: list[str] = []
        while element is not self._walked:
            parent = element.getparent()
            if parent is None:
                break
            if parent not in self._steps:
                self._steps[parent] = _steps(parent)
            steps.append(self._steps[parent][element])
            element = parent
        return "/".join([self._top, *reversed(steps)])


def _steps(parent: etree._Element) -> dict[etree._Element, str]:
    """Each child's step in a path."""
    seen: Counter[str] = Counter()
    steps = {}
    for child in parent:
        name = etree.QName(child).localname
        seen[name] += 1
        steps[child] = name if seen[name] == 1 else f"{name}[{seen[name]}]"
    return steps


def _attributes_of(element: etree._Element) -> list[tuple[str, str]]:
    """Names and values; lxml-stubs think of bytes, too, which lxml never gives."""
    return element.items()  # type: ignore[return-value]


class _Plan:
    """The layout, compiled: tables by slot, and the trie."""

    def __init__(self, layout: Sequence[Table]) -> None:
        slots = {table.name: slot for slot, table in enumerate(layout)}
        self.tables = tuple(layout)
        self.others = slots["nf_outros_valores"]
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
            alternatives = (table.element or "").split("|")
            for element in alternatives:
                is_outer = any(each.startswith(f"{element}/") for each in alternatives)
                self._add_table(slot, table, element, is_eager=table.repeats and not is_outer)
        for path in NOT_STORED:
            self._node(path).is_listed = True
        self.root.index()

    def _add_table(self, slot: int, table: Table, element: str, *, is_eager: bool) -> None:
        top = self._node(element)
        if element and is_eager:
            top.begins = (*top.begins, slot)
        elif element and table.repeats:
            top.resets = (*top.resets, slot)
        for column in table.columns:
            first = table.position(column.name)
            for position, convert in enumerate(_converters(column.kind), first):
                for path in (column.path or "").split("|"):
                    if path:
                        self._add_value(slot, position, convert, element, path)

    def _add_value(
        self, slot: int, position: int, convert: _Convert | None, element: str, path: str
    ) -> None:
        owner, _, last = posixpath.normpath(f"{element}/{path}".lstrip("/")).rpartition("/")
        if last == "name()":
            node = self._node(owner)
            node.names = (*node.names, (slot, position))
        elif last.startswith("@"):
            node = self._node(owner)
            fills = node.attributes.get(last[1:], ())
            node.attributes[last[1:]] = (*fills, (slot, position, convert))
        else:
            node = self._node(f"{owner}/{last}")
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
        case Day():
            return (_day,)
        case Month():
            return (_month,)
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


def _day(text: str) -> Value:
    """The calendar day of a date or of a moment."""
    return _date(text.strip()[:10])


def _month(text: str) -> Value:
    """The month of a date or of a moment."""
    day = _day(text)
    return None if day is None else str(day)[:7]


def _moment(text: str) -> Value:
    """Date, time and offset as written; None for a date alone, which is no instant."""
    value = text.strip()
    if not value or _DAY.fullmatch(value):
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
    if _DAY.fullmatch(value):
        value += "T00:00:00"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None  # `_moment` says so
    return f"{value[:10]} {value[11:]}" if len(value) == 19 else None
