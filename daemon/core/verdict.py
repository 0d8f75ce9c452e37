"""What a document is to the one stored under its key; every store asks here."""

from dataclasses import dataclass

from daemon.core.outcome import Duplicate, Imported, Outcome, Updated, refusal
from daemon.documents.nfe import Document, status_rank
from daemon.errors import ConflictingDocument


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store knows of a note."""

    content_sha256: str | None
    """None for a note that another program stored, of which nothing can be said."""
    status: str | None
    file_name: str | None


def verdict(document: Document, stored: Stored | None) -> Outcome:
    """Imported when new, Updated when it brings the protocol that the stored one lacks.

    SHA-256 identifies a file, the key a document: the same content under the same key is a
    Duplicate whatever the file; other content is refused as a conflict.
    """
    chave = document.chave
    if stored is None:
        return Imported(chave, document.findings)
    if stored.content_sha256 not in (None, document.content_sha256):
        return refusal(
            ConflictingDocument(
                f"chave {chave} is already stored from file {stored.file_name!r} with other "
                "content; expected the same note under the same key"
            ),
            chave,
        )
    if status_rank(document.status) > status_rank(stored.status):
        return Updated(chave, document.findings)
    return Duplicate(chave, stored.file_name, document.findings)
