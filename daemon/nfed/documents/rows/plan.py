"""Compiles the layout into a trie of element names, so that one pass over a tree is enough."""

import posixpath
from collections.abc import Callable, Sequence
from functools import cache

from nfed.documents.layout import ASIDE, LISTED, head_of, tables
from nfed.documents.layout.columns import WORDS, Table
from nfed.documents.rows.values import AS_WRITTEN, DIGITS, Convert, converters
from nfed.documents.xml.parse import NAMESPACE

try:
    from nfed.documents.rows.walk import Walker
except (ImportError, TypeError, ValueError):
    # Installed without a C compiler, or beside an lxml that is laid out otherwise than the one it
    # was compiled for. Extraction does the same in Python.
    Walker = None  # type: ignore[assignment, misc]

type Fill = tuple[int, int, Convert | None]
"""Table slot, position in its row, converter (None: text as it is)."""
type Plain = tuple[Callable[[str], object] | None, tuple[tuple[int, int], ...]]
"""What is true of a text that is stored as written (None: any), and the places it goes to."""
type Found = tuple[str, Plain | None, Node]
"""An element's local name and `=`, how to store it when it is plain text, and its node."""


class Node:
    """One element of the trie, and what finding it does."""

    __slots__ = (
        "attributes",
        "begins",
        "by_tag",
        "children",
        "digits",
        "fills",
        "is_listed",
        "names",
        "plain",
        "resets",
        "wildcard",
    )

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.wildcard: Node | None = None
        self.begins: tuple[int, ...] = ()
        """Tables of which it begins a row."""
        self.resets: tuple[int, ...] = ()
        """Tables of which the next value begins a row."""
        self.names: tuple[tuple[int, int], ...] = ()
        """Where its own name is written: table slot and position."""
        self.fills: tuple[Fill, ...] = ()
        self.attributes: dict[str, tuple[Fill, ...]] = {}
        self.is_listed = False
        """Whether the layout says that it, and all below, is not stored."""
        self.plain: Plain | None = None
        self.digits: tuple[int, int] | None = None
        """Of a plain decimal, as values.DIGITS."""
        self.by_tag: dict[str, Found] = {}
        """What a child is, by its tag in the usual namespace."""

    def find(self, tag: str) -> "Found":
        """Finds a child's node, whatever its namespace."""
        name = tag.rpartition("}")[2]
        known = self if self.is_listed else self.children.get(name) or self.wildcard or UNKNOWN
        return f"{name}=", known.plain, known

    def index(self) -> None:
        """Fills `by_tag` and `plain` here and below."""
        ways = {convert for _, _, convert in self.fills}
        does_more = self.begins or self.resets or self.names
        if len(ways) == 1 and ways <= AS_WRITTEN.keys() and not does_more:
            places = tuple((slot, position) for slot, position, _ in self.fills)
            (way,) = ways
            self.plain = (AS_WRITTEN[way], places)
            self.digits = None if way is None else DIGITS[way]
        for child in (*self.children.values(), *filter(None, [self.wildcard])):
            child.index()
        for name in self.children:
            tag = f"{{{NAMESPACE}}}{name}"
            self.by_tag[tag] = self.find(tag)


UNKNOWN = Node()


class Plan:
    """The layout of one table of documents and those below it: tables by slot, and the trie."""

    def __init__(self, layout: Sequence[Table]) -> None:
        slots = {table.name: slot for slot, table in enumerate(layout)}
        self.tables = tuple(layout)
        name, tops = ASIDE.get(layout[0].name, ("", ()))
        self.aside = slots.get(name, -1)
        """Slot of the table of what finds no column; -1: none is kept."""
        self.aside_below = frozenset(tops)
        self.widths = tuple(len(table.stored_names) + 1 for table in layout)
        self.parents = tuple(
            -1 if table.parent is None else slots[table.parent] for table in layout
        )
        self.children = tuple(
            tuple(slots[each.name] for each in layout if each.parent == table.name)
            for table in layout
        )
        self.root = Node()
        for slot, table in enumerate(layout):
            alternatives = (table.element or "").split("|")
            for element in alternatives:
                is_outer = any(each.startswith(f"{element}/") for each in alternatives)
                self._add_table(slot, table, element, is_eager=table.repeats and not is_outer)
        for path in LISTED.get(layout[0].name, ()):
            self._node(path).is_listed = True
        self.root.index()
        self.walker = Walker(self, UNKNOWN, WORDS) if Walker is not None else None

    def _add_table(self, slot: int, table: Table, element: str, *, is_eager: bool) -> None:
        top = self._node(element)
        if element and is_eager:
            top.begins = (*top.begins, slot)
        elif element and table.repeats:
            top.resets = (*top.resets, slot)
        for column in table.columns:
            first = table.position(column.name)
            for position, convert in enumerate(converters(column.kind), first):
                for path in (column.path or "").split("|"):
                    if path:
                        self._add_value(slot, position, convert, element, path)

    def _add_value(
        self, slot: int, position: int, convert: Convert | None, element: str, path: str
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

    def _node(self, path: str) -> Node:
        node = self.root
        for step in filter(None, path.split("/")):
            if step == "*":
                node.wildcard = node.wildcard or Node()
                node = node.wildcard
            else:
                node = node.children.setdefault(step, Node())
        return node


@cache
def compiled(head: str = "notas_fiscais") -> Plan:
    """The plan of the documents of one table, made once a process."""
    return Plan([table for name, table in tables().items() if head_of(name) == head])
