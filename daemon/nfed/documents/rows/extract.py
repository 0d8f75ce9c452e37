"""Extracts rows from a tree in one pass, by the layout.

Walking a document costs a dictionary look-up an element (see `plan`), and what the layout does not
know is set aside with its path, so that nothing is lost. The walk itself is compiled (`walk`): it
stores what is plain, and asks here for the rest.
"""

import re
from collections import Counter
from hashlib import sha256

from lxml import etree

from nfed.documents.layout.columns import WORDS
from nfed.documents.rows.plan import UNKNOWN, Fill, Node, compiled
from nfed.documents.rows.values import NoOffsetError, UnreadableError
from nfed.documents.rows.values import Value as Value  # belongs to Row, which is made here
from nfed.words import Message

type Row = list[Value]
"""The parent row's place among its table's rows, then a value for each of Table.stored_names."""
type Rows = dict[str, list[Row]]
"""Rows by table name; values are the XML's own text, checked for their column's kind."""

_POSITION = re.compile(r"\[[0-9]+\]")
_BLANKS = re.compile(rb"[ \t\r\n]+")
ABOUT_THE_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}"
_SHOWN = 60
_ASIDE = 20_000  # values without a column that are stored of one document
PATH_LENGTH = 300  # characters, its end, of a path of a value without a column
_TOLD = 1000  # values that are told of as unreadable


class Extraction:
    """The rows of one document, and a digest of what it says.

    `digest` covers every leaf's text and every attribute below the element walked last, by local
    name, stripped of surrounding whitespace and indifferent to order, prefix and wrapper: two
    files of one note have one digest, whatever this layout stores of them. Blanks inside a text
    count as one each time: who indents infCpl anew says the same. `digest_as_written` is that of
    the texts with every blank as it stands, and None where it is the same.
    """

    def __init__(
        self,
        head: str = "notas_fiscais",
        *,
        needs_offsets: bool = True,
        in_python: bool = False,
    ) -> None:
        """Takes the table of documents that `head` names, and those below it.

        Without `needs_offsets`, a moment may lack its offset, as in layouts before 3.10.

        With `in_python`, the compiled walker is left alone; what comes out is the same.
        """
        plan = compiled(head)
        self._plan = plan
        self._walker = None if in_python else plan.walker
        self._needs_offsets = needs_offsets
        self._current: list[Row | None] = [None] * len(plan.tables)
        self._collected: list[list[Row]] = [[] for _ in plan.tables]
        self.digest = ""
        self.digest_as_written: str | None = None
        self.unreadable: dict[str, str] = {}
        """What is wrong with values that no column of their kind can hold, by XML path."""
        self._top = ""
        self._walked: etree._Element | None = None
        self._steps: dict[etree._Element, dict[etree._Element, str]] = {}

    def walk(self, element: etree._Element, path: str) -> None:
        """Fills rows from `element`, which stands at `path` in the layout.

        A value that its column cannot hold leaves it empty, and is told in `unreadable`. Every
        text and attribute that finds no column goes to the table that layout.ASIDE names.
        """
        self._top, self._walked = path, element
        node = self._plan.root
        for step in path.split("/"):
            node = node.children.get(step, UNKNOWN)
        for slot in node.begins:
            self._begin(slot)
        self._attributes(element, node)
        said = self._said(element, path, node)
        self.digest, self.digest_as_written = sha256(said).hexdigest(), None
        if any(blank in said for blank in (b"  ", b"\n", b"\t", b"\r")):
            self.digest_as_written = self.digest
            self.digest = sha256(_BLANKS.sub(b" ", said)).hexdigest()

    def keep(self, element: etree._Element, path: str) -> None:
        """Keeps all that an element of no place in the layout says in the table for that."""
        self._top, self._walked = path, element
        for each in element.iter():
            self.keep_attributes(each)
            if not len(each):
                self._keep_aside(each, "", each.text or "", ())

    def keep_attributes(
        self, element: etree._Element, path: str = "", known: tuple[str, ...] = ()
    ) -> None:
        """The same for the attributes of one element, but for those that say where a schema is."""
        if path:
            self._top, self._walked = path, element
        for name, text in _attributes_of(element):
            own = name.rpartition("}")[2]
            if not name.startswith(ABOUT_THE_SCHEMA) and own not in known:
                self._keep_aside(element, f"/@{own}", text, ())

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
        if parent < 0:
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

    def _said(self, element: etree._Element, path: str, node: Node) -> bytes:
        """Fills rows from the children of `element`; returns what they say, for the digest."""
        if self._walker is None:
            return self._visit(element, node).encode("utf-8", "surrogatepass")
        steps = tuple(path.split("/"))
        return self._walker.visit(
            element, steps, self._current, self._collected, self._fill, self._attribute
        )

    def _visit(self, element: etree._Element, node: Node) -> str:
        """Fills rows from the children of `element`; returns what they say, for the digest.

        `walk.Walker.visit` is this, compiled, and what runs wherever it could be.
        """
        said = []
        current = self._current
        by_tag = node.by_tag
        for child in element:
            tag = child.tag
            label, plain, known = by_tag.get(tag) or node.find(tag)
            if plain is None or len(child) or child.items():
                said.append(label + self._visit_rare(child, label, known))
                continue
            # Nearly all that a note says: a text without attributes that is stored as written.
            text = child.text or ""
            said.append(label + text.strip())
            fits, places = plain
            if fits is None or fits(text):
                for slot, position in places:
                    row = current[slot] or self._begin(slot)
                    if row[position] is None:
                        row[position] = text
                    else:
                        self._fill(child, text, known)
            else:
                self._fill(child, text, known)
        said.sort()
        return "\x1e".join(said)

    def _visit_rare(self, element: etree._Element, label: str, node: Node) -> str:
        """A group, or a text that is more than that; returns what it says, for the digest."""
        for slot in node.begins:
            self._begin(slot)
        for slot in node.resets:
            self._current[slot] = None
        for slot, position in node.names:
            row = self._current[slot] or self._begin(slot)
            name = label[:-1]
            row[position] = row[position] or WORDS.get(name, name)
        # Control characters cannot stand in XML, so no text can look like structure.
        heading = ""
        attributes = element.items()
        if attributes:
            self._attributes(element, node)
            heading = f"\x1f{sorted(attributes)}"
        if len(element):
            return f"{heading}\x1c{self._visit(element, node)}\x1d"
        text = element.text or ""
        self._fill(element, text, node)
        return text.strip() + heading

    def _fill(self, element: etree._Element, text: str, node: Node) -> None:
        """Stores a leaf's text wherever the layout wants it, or aside."""
        if not self._store(element, "", text, node.fills) and not node.is_listed:
            self._keep_aside(element, "", text, node.fills)

    def _attributes(self, element: etree._Element, node: Node) -> None:
        for name, text in _attributes_of(element):
            self._attribute(element, name, text, node)

    def _attribute(self, element: etree._Element, name: str, text: str, node: Node) -> None:
        own = name.rpartition("}")[2]
        fills = node.attributes.get(own, ())
        is_listed = node.is_listed or node.children.get(f"@{own}", UNKNOWN).is_listed
        if not self._store(element, f"/@{name}", text, fills) and not is_listed:
            self._keep_aside(element, f"/@{name}", text, fills)

    def _store(
        self, element: etree._Element, attribute: str, text: str, fills: tuple[Fill, ...]
    ) -> bool:
        """Whether columns now hold all that the text says.

        A day of what is no moment is not all; a column that takes any text is.
        """
        is_stored = is_whole = is_short = False
        for slot, position, convert in fills:
            try:
                value = text if convert is None else convert(text)
            except UnreadableError as error:
                if isinstance(error, NoOffsetError):
                    is_short = is_short or "." in text  # of a second, which has no place
                    if not self._needs_offsets:
                        continue
                else:
                    is_short = True
                path = self._short(self._path(element)) + attribute
                shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
                if len(self.unreadable) < _TOLD:
                    self.unreadable[path] = Message(
                        "<{path}> holds {shown!r}, expected {expected}",
                        path=path,
                        shown=shown,
                        expected=error,
                    )
                continue
            row = self._current[slot] or (self._begin(slot) if value is not None else None)
            if row is not None and row[position] in (None, value):
                row[position] = value
                is_stored = is_stored or value is not None
                is_whole = is_whole or convert is None
        return is_whole or (is_stored and not is_short)

    def _keep_aside(
        self, element: etree._Element, attribute: str, text: str, fills: tuple[Fill, ...]
    ) -> None:
        """Stores what no column took in the table for that."""
        plan = self._plan
        if not text.strip() or self._top.partition("/")[0] not in plan.aside_below:
            return
        aside = self._collected[plan.aside]
        if len(aside) == _ASIDE:
            name = plan.tables[plan.aside].name
            self.unreadable[name] = Message(
                "{table} holds the first {most} of the values without a column",
                table=name,
                most=_ASIDE,
            )
            return
        path = self._path(element) + attribute
        if not fills:
            reason = "desconhecido"
        elif self._short(path) in self.unreadable:
            reason = "ilegivel"
        else:
            reason = "repetido"
        aside.append([0, path[-PATH_LENGTH:], text, reason])

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
