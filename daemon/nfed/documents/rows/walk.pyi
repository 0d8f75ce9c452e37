from collections.abc import Callable

from lxml import etree

from nfed.documents.rows.extract import Row
from nfed.documents.rows.plan import Node, Plan

class Walker:
    """What `extract.Extraction._visit` does, for one plan."""

    def __new__(cls, plan: Plan, unknown: Node, words: dict[str, str]) -> Walker:
        """`words` is layout.columns.WORDS: what is stored for an element's name."""

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
