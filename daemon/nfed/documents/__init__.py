"""Reads a file's bytes into documents: pure, from bytes to rows that are ready to store.

`documents_from` is the front door for one file, `documents_by_steps` for one of several that go
through the same steps together (`steps`). Either parses the bytes (`xml.parse`), finds the
documents in the tree (`xml.find`), has each one's rows extracted by the layout (`layout`, `rows`),
checks it (`checks`) and fills its head (`kinds`). A `Document` is its kind, its key, and rows by
table name.

The room promises that nothing is lost: each value of a note has a column, or a reason in
`layout.NOT_STORED`, or a row in nf_outros_valores; the text itself is kept beside (`keep_xml`). It
promises that a file costs itself alone: it raises DocumentError for what a file can be, and where a
file holds several documents, an error stands in the place of the one that has it.

It opens no file, socket or clock, and knows no database: what a document is to those stored already
is `core.outcome.verdict`'s to say, and it runs in worker processes (`workers`).
"""

from hashlib import sha256

from nfed.documents.checks import Checks, Finding
from nfed.documents.document import Document
from nfed.documents.kinds.cfe import coupon
from nfed.documents.kinds.dfe import (
    other_consultation,
    other_document,
    other_old_cancellation,
    other_protocol,
)
from nfed.documents.kinds.evento import event, old_cancellation
from nfed.documents.kinds.head import Origin
from nfed.documents.kinds.nfse_municipal import municipal_nfse
from nfed.documents.kinds.nota import note
from nfed.documents.kinds.respostas import consultation, protocol, summary, unused_numbers
from nfed.documents.steps import Steps, all_steps
from nfed.documents.xml.find import OTHERS, find_documents
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError

_KINDS = {
    "evento": event,
    "retEvento": event,
    "cancNFe": old_cancellation,
    "retCancNFe": old_cancellation,
    "protNFe": protocol,
    "retConsSitNFe": consultation,
    "inutNFe": unused_numbers,
    "retInutNFe": unused_numbers,
    "resNFe": summary,
    "resEvento": summary,
    "cancCTe": other_old_cancellation,
    "retCancCTe": other_old_cancellation,
    **{f"prot{name}": other_protocol for name in OTHERS},
    **{f"retConsSit{name}": other_consultation for name in OTHERS},
    "CFe": coupon,
    "CFeCanc": coupon,
    "CompNfse": municipal_nfse,
    "Nfse": municipal_nfse,
    "NFePaulistana": municipal_nfse,
}


def documents_from(
    content: bytes, checks: Checks, digest: str | None = None
) -> list[Document | DocumentError]:
    """Every document of one file, or what is wrong with it, in order; at least one.

    `digest` is the SHA-256 of `content`, from a caller who has it.

    Raises DocumentError (see errors.py) for a file that cannot be read as a whole, with what was
    found and what was expected.
    """
    return all_steps(documents_by_steps(content, checks, digest))


def documents_by_steps(
    content: bytes, checks: Checks, digest: str | None = None
) -> Steps[list[Document | DocumentError]]:
    """The same, in steps. Other documents than notes take all of theirs after the parse in one."""
    source = parse(content)
    yield
    origin = Origin(
        digest or sha256(content).hexdigest(),
        checks,
        tuple(Finding(code, text) for code, text in source.remarks),
    )
    found: list[Document | DocumentError] = []
    for part in find_documents(source.root, source.text):
        if isinstance(part, DocumentError):
            found.append(part)
            continue
        try:
            if part.name == "NFe":
                found.append((yield from note(part, origin)))
            else:
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
