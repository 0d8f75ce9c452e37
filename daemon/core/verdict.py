"""What a document is to the one stored under its key; every store asks here."""

from dataclasses import dataclass

from daemon.core.outcome import Duplicate, Imported, Outcome, Updated, refusal
from daemon.documents.document import Document, rank
from daemon.errors import ConflictingDocument


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store knows of a document."""

    content_sha256: str | None
    """None for a mere answer, and for a note that another program stored."""
    rank: int
    """See documents.document.rank."""
    file_name: str | None


def verdict(document: Document, stored: Stored | None) -> Outcome:
    """Imported when new, Updated when it brings what the stored one lacks: a protocol that gets it
    further, or what was asked where only the answer is stored.

    SHA-256 identifies a file, the key a document: the same content under the same key is a
    Duplicate whatever the file; other content is refused as a conflict. An event that was rejected,
    or never answered, is sent again under its number: the one that got registered replaces it.
    """
    chave = document.chave
    if stored is None:
        return Imported(chave, document.findings)
    known, own = stored.content_sha256, document.content_sha256
    if known is not None and own is not None and known != own:
        if is_event(document) and stored.rank < rank("135") <= document.rank:
            return Updated(chave, document.findings)
        what = "event" if is_event(document) else "chave"
        return refusal(
            ConflictingDocument(
                f"{what} {document.key} is already stored from file {stored.file_name!r} with "
                "other content; expected the same document under the same key"
            ),
            chave,
        )
    brings_the_text = known is None and own is not None and document.head != "notas_fiscais"
    if document.rank > stored.rank or brings_the_text:
        return Updated(chave, document.findings)
    return Duplicate(chave, stored.file_name, document.findings)


def is_event(document: Document) -> bool:
    """Whether another attempt may replace it."""
    return document.head == "nf_eventos" or (
        document.head == "dfe_documentos" and document.key != document.chave
    )
