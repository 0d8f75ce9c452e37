"""Traces each value of a document's rows back to the element or attribute that it came from."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from nfed.documents.rows.extract import Extraction
from nfed.documents.rows.plan import Fill, Node
from nfed.documents.xml.find import find_documents
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the XML."""

    path: str
    """From the document's element, such as NFe/infNFe/det[2]/prod/vProd; attributes as @name."""
    line: int
    """In the file as it was parsed, from 1."""
    text: str
    """As it is written there."""


class Trace(Extraction):
    """An extraction that remembers its places; slower, and for one document at a time."""

    def __init__(self) -> None:
        super().__init__(needs_offsets=False, in_python=True)
        self._places: dict[tuple[int, int, int], Place] = {}

    def place(self, table: str, row: int, column: str) -> Place | None:
        """Where the value of a column in the table's row (from 0) came from; None: it is derived,
        or empty."""
        slot = next(
            (slot for slot, each in enumerate(self._plan.tables) if each.name == table), None
        )
        if slot is None or column not in self._plan.tables[slot].stored_names:
            return None
        return self._places.get((slot, row, self._plan.tables[slot].position(column)))

    def places(self) -> Iterator[tuple[str, int, str, Place]]:
        """Table, row in it (from 0), column and place of each value, in the layout's order."""
        for (slot, row, position), place in sorted(self._places.items(), key=lambda each: each[0]):
            table = self._plan.tables[slot]
            name = table.stored_names[position - 1]
            yield table.name, row, name, place

    def _visit(self, element: etree._Element, node: Node) -> str:
        for child in element:
            label, _, known = node.by_tag.get(child.tag) or node.find(child.tag)
            self._visit_rare(child, label, known)
        return ""

    def _visit_rare(self, element: etree._Element, label: str, node: Node) -> str:
        said = super()._visit_rare(element, label, node)
        for slot, position in node.names:
            self._remember(slot, position, element, "", label[:-1])
        return said

    def _store(
        self, element: etree._Element, attribute: str, text: str, fills: tuple[Fill, ...]
    ) -> bool:
        stored = [
            fill for fill in fills if super(Trace, self)._store(element, attribute, text, (fill,))
        ]
        for slot, position, _ in stored:
            self._remember(slot, position, element, attribute, text)
        return bool(stored)

    def _remember(
        self, slot: int, position: int, element: etree._Element, attribute: str, text: str
    ) -> None:
        row = len(self._collected[slot]) - 1
        line = int(element.sourceline or 0)  # type: ignore[call-overload]  # lxml-stubs have no type
        place = Place(self._path(element) + attribute, line, text)
        self._places.setdefault((slot, row, position), place)


def trace_in(source: bytes) -> Trace | None:
    """The trace of the first note in a file; None: it holds none that can be read."""
    try:
        parsed = parse(source)
        part = next(
            each
            for each in find_documents(parsed.root, parsed.text)
            if not isinstance(each, DocumentError) and each.name == "NFe"
        )
    except (DocumentError, StopIteration):
        return None
    assert part.asked is not None
    return trace_of(part.asked, part.answered)


def trace_of(note: etree._Element, protocol: etree._Element | None) -> Trace:
    """The trace of a note (NFe) and its protocol (protNFe)."""
    trace = Trace()
    for element, path in (
        (_child(note, "infNFe"), "NFe/infNFe"),
        (_child(protocol, "infProt"), "protNFe/infProt"),
        (_child(note, "infNFeSupl"), "NFe/infNFeSupl"),
    ):
        if element is not None:
            trace.walk(element, path)
    return trace


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    if element is None:
        return None
    return next((each for each in element if etree.QName(each).localname == name), None)
