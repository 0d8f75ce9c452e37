"""A file's bytes to the documents in it: the one place that knows which kind is read by which
module."""

from hashlib import sha256

from daemon.documents.checks import Finding
from daemon.documents.dfe import other_document
from daemon.documents.document import Document
from daemon.documents.evento import event
from daemon.documents.head import Origin
from daemon.documents.nfe import note
from daemon.documents.outros import protocol, summary, unused_numbers
from daemon.documents.parts import parts
from daemon.documents.policy import Checks
from daemon.documents.reader import read
from daemon.errors import DocumentError

_KINDS = {
    "NFe": note,
    "evento": event,
    "retEvento": event,
    "protNFe": protocol,
    "inutNFe": unused_numbers,
    "retInutNFe": unused_numbers,
    "resNFe": summary,
    "resEvento": summary,
}


def documents_from(
    content: bytes, checks: Checks, digest: str | None = None
) -> list[Document | DocumentError]:
    """Every document of one file, or what is wrong with it, in order; at least one.

    `digest` is the SHA-256 of `content`, from a caller who has it.

    Raises DocumentError (see errors.py) for a file that cannot be read as a whole, with what was
    found and what was expected.
    """
    source = read(content)
    origin = Origin(
        digest or sha256(content).hexdigest(),
        checks,
        tuple(Finding("ENCODING", text) for text in source.remarks),
    )
    found: list[Document | DocumentError] = []
    for part in parts(source.root, source.text):
        if isinstance(part, DocumentError):
            found.append(part)
            continue
        try:
            found.append(_KINDS.get(part.name, other_document)(part, origin))
        except DocumentError as error:
            found.append(error)
    return found


def document_from(content: bytes, checks: Checks) -> Document:
    """The document of a file that holds one. Raises DocumentError."""
    first, *_ = documents_from(content, checks)
    if isinstance(first, DocumentError):
        raise first
    return first
