"""Holds one document, ready to store: its rows, its key, and what the checks found."""

import marshal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nfed.documents.checks import Finding
from nfed.documents.rows.extract import Rows


@dataclass(frozen=True)
class Document:
    """One document of a file: a note, an event, a summary.

    `rows` holds one row of the table `head` and the rows below it. Two files hold the same document
    when they have the same `key` there.
    """

    head: str
    key: str
    """The value of the head table's key column (layout.Table.key)."""
    chave: str
    """The chave de acesso that it is about; for documents without one, its key."""
    rank: int
    """How far it has come with the tax office (`standing.rank`): more replaces less."""
    issued_utc: str
    """dhEmi as AAAA-MM-DDThh:mm:ssZ, so that text order is time order; empty if unknown."""
    content_sha256: str | None
    """Of what its issuer says, however written; None for a mere answer of the tax office."""
    rows: Rows
    findings: tuple[Finding, ...] = ()
    content_as_written: str | None = None
    """The same with every blank as it stands, where that is another; nfed stored it until 0.1."""
    signed_digest: str | None = None
    """The DigestValue of its Signature, in base64; without a Signature the digest of what would be
    signed. None for what is never signed, and where nothing depends on it."""
    is_accepted: bool = False
    """The tax office accepted this very content (`standing.accepts`)."""

    def __reduce__(self) -> tuple[Callable[..., "Document"], tuple[object, ...]]:
        """Its rows go from a worker to its daemon as marshal writes them.

        They are plain lists, texts and numbers, and one Python writes and reads them; pickle, which
        looks each of them up among all it has seen, takes three times as long.
        """
        return _unpacked, (
            marshal.dumps(self.rows),
            self.head,
            self.key,
            self.chave,
            self.rank,
            self.issued_utc,
            self.content_sha256,
            self.findings,
            self.content_as_written,
            self.signed_digest,
            self.is_accepted,
        )

    @property
    def status(self) -> str | None:
        """The head row's status."""
        return self.text("status")

    def text(self, column: str) -> str | None:
        """The head row's value in a column, as text."""
        from nfed.documents.layout import positions

        value = self.rows[self.head][0][positions(self.head)[column]]
        return None if value is None else str(value)


def _unpacked(
    rows: bytes,
    head: str,
    key: str,
    chave: str,
    rank: int,
    issued_utc: str,
    content_sha256: str | None,
    *more: Any,
) -> Document:
    """Unpacks what `Document.__reduce__` has packed."""
    return Document(head, key, chave, rank, issued_utc, content_sha256, marshal.loads(rows), *more)
