"""lxml's trees, walked by their nodes in C: hundreds of elements without a Python object each."""

from collections.abc import Callable

from lxml import etree

from daemon.documents.extract import Row
from daemon.documents.plan import Node

class Walker:
    """What `extract.Extraction._visit` does, for one plan."""

    def __new__(
        cls,
        root: Node,
        unknown: Node,
        words: dict[str, str],
        widths: tuple[int, ...],
        parents: tuple[int, ...],
        children: tuple[tuple[int, ...], ...],
    ) -> Walker:
        """Takes Plan.root and what Plan knows of each table, by slot; `words` is layout.WORDS."""

    def visit(
        self,
        element: etree._Element,
        path: tuple[str, ...],
        current: list[Row | None],
        collected: list[list[Row]],
        fill: Callable[[etree._Element, str, Node], None],
        attribute: Callable[[etree._Element, str, str, Node], None],
    ) -> bytes:
        """Fills rows from the children of `element`, which stands at `path` in the plan.

        Returns what they say. `fill` and `attribute` are called for what is not stored as it
        stands in a place that is free.
        """

class Grammar:
    """What an XSD allows; see `grammar.Tables.packed`, whose result it takes."""

    def __new__(
        cls, roots: tuple[object, ...], types: tuple[object, ...], texts: tuple[object, ...]
    ) -> Grammar:
        """Raises ValueError for tables that do not fit together."""

    def allows(self, element: etree._Element) -> bool:
        """True: the element is valid. False: it may be valid or not; ask libxml2."""

def canonical(element: etree._Element) -> bytes | None:
    """The element by C14N 1.0, inclusive and exclusive alike, without comments.

    None where that is not plain: a prefix or a second namespace in scope, comments, processing
    instructions, many attributes.
    """

def same_ids(element: etree._Element, value: str) -> int:
    """How many attributes Id in the element's whole document have that value."""
