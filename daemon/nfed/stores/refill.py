"""Fills the tables that came after a document was stored, from the XML that was kept of it.

A document that is no note has had rows beside dfe_documentos only since there were tables for them.
`refill` reads the kept texts of those before, page by page, and gives their rows to the store, each
page in a transaction of its own: it may be stopped at any time and goes on where it was, beside a
running daemon. What is done stands in dfe_documentos.versao_linhas. Without a kept text
(`keep_xml = false`) there is nothing to fill from.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.errors import DocumentError

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Stale:
    """A stored document that lacks rows."""

    id: int
    key: str
    xml: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of those that lack rows, and how the database stands."""

    documents: list[Stale]
    left: int
    """How many lack rows, these among them."""
    total: int
    """How many documents there are, but for those without a kept text."""


class Refillable(Protocol):
    """A store whose documents can be filled. All raise StoreUnavailable or ConfigError."""

    async def stale(self, most: int) -> Page:
        """The next of those that lack rows, at most so many."""

    async def fill(self, filled: Sequence[tuple[int, Document]], unreadable: Sequence[int]) -> None:
        """Stores the rows of documents, each with its id, in one transaction."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    done: int
    total: int
    unreadable: int
    """Of those done in this run."""


async def refill(store: Refillable) -> AsyncIterator[Progress]:
    """Fills everything that lacks rows; yields how far it is, first before it begins."""
    unreadable = 0
    while True:
        page = await store.stale(_PAGE)
        yield Progress(page.total - page.left, page.total, unreadable)
        if not page.documents:
            return
        filled, lost = [], []
        for each in page.documents:
            document = _document(each)
            if document is None:
                lost.append(each.id)
            else:
                filled.append((each.id, document))
        unreadable += len(lost)
        await store.fill(filled, lost)


def _document(stale: Stale) -> Document | None:
    """What its text holds; None for a text that is another's, or none that can be read."""
    try:
        found = documents_from(stale.xml.encode("utf-8", "surrogatepass"), Checks.none())
    except DocumentError:
        return None
    return next(
        (
            each
            for each in found
            if isinstance(each, Document) and (each.head, each.key) == ("dfe_documentos", stale.key)
        ),
        None,
    )
