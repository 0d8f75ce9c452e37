"""Reads a note's XML again, for the page: what the checks say of it, and its lines to look at."""

from collections.abc import Sequence

from lxml import etree

from nfed.documents import documents_from
from nfed.documents.checks import Checks, Finding, Policy
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from nfed.exports.originals import declared_encoding

_EVERY = Checks(key=Policy.WARN, keep_xml=False)
_MOST_LINES = 20_000


def findings_of(text: str) -> Sequence[Finding]:
    """What all checks find in it, as if it came now; none where it holds no document."""
    try:
        documents = documents_from(text.encode("utf-8", "replace"), _EVERY)
    except DocumentError:
        return ()
    return [
        finding
        for document in documents
        if not isinstance(document, DocumentError)
        for finding in document.findings
    ]


def lines_of(text: str) -> tuple[list[str], bool]:
    """The XML with an element a line, and whether that is all of it.

    A note is written in one line, for blanks would be signed, too; indented it can be read.
    """
    try:
        root = parse(text.encode(declared_encoding(text), "xmlcharrefreplace")).root
        etree.indent(root)
        shown = etree.tostring(root, encoding="unicode")
    except DocumentError:
        shown = text
    lines = shown.split("\n")
    return lines[:_MOST_LINES], len(lines) <= _MOST_LINES
