"""The fidelity of what is not a note: events, protocols, unused numbers, summaries and others.

Reads the tree by the paths of the layout, not by the trie that nfed reads with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from daemon.documents.document import Document
from daemon.documents.file import documents_from
from daemon.documents.layout import Moment, Table, tables
from daemon.documents.layout_outros import NOT_STORED_OF_OTHERS
from daemon.documents.parts import Part, local_name, parts
from daemon.documents.policy import Checks
from daemon.documents.reader import read
from daemon.errors import DocumentError

_DETAIL = "evento/infEvento/detEvento/"


@dataclass(slots=True)
class FoundElsewhere:
    """What became of the leaves of documents that are no notes."""

    documents: int = 0
    stored: int = 0
    listed: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare_others(name: str, content: bytes, found: FoundElsewhere) -> None:
    """Adds one file's; what is refused or a note counts nothing."""
    try:
        documents = documents_from(content, Checks.none())
    except DocumentError:
        return
    source = read(content)
    for part, document in zip(parts(source.root, source.text), documents, strict=True):
        if (
            isinstance(part, Part)
            and isinstance(document, Document)
            and document.head != "notas_fiscais"
        ):
            found.documents += 1
            _compare(name, part, document, found)


def _compare(name: str, part: Part, document: Document, found: FoundElsewhere) -> None:
    table = tables()[document.head]
    by_path = _columns(table)
    fields = {
        str(path) if str(path).startswith("retEvento/") else f"{_DETAIL}{path}": str(value)
        for _, _, path, value in document.rows.get("nf_eventos_campos", ())
    }
    for path, text in _leaves_of(part):
        columns = by_path.get(path, [])
        values = [_value(document, table, column) for column in columns]
        said = f"{name}: <{path}> {text[:60]!r}"
        if any(_is_equal(text, each) for each in values) or fields.get(path) == text:
            found.stored += 1
        elif any(path == each or path.startswith(f"{each}/") for each in NOT_STORED_OF_OTHERS):
            found.listed += 1
        elif document.head == "dfe_documentos" and not any(values):
            found.listed += 1  # kept whole, in xml
        elif columns and not any(values):
            found.missing.append(said)
        elif columns:
            found.wrong.append(f"{said}, stored {values}")
        elif text.strip():
            found.missing.append(said)


def _columns(table: Table) -> dict[str, list[str]]:
    """Names of columns by XML path."""
    by_path: dict[str, list[str]] = {}
    for column in table.columns:
        for path in filter(None, (column.path or "").split("|")):
            names = by_path.setdefault(path, [])
            names.append(
                column.stored_names[-1] if isinstance(column.kind, Moment) else column.name
            )
            if isinstance(column.kind, Moment):
                names.append(column.name)
    return by_path


def _value(document: Document, table: Table, column: str) -> str | None:
    value = document.rows[table.name][0][table.position(column)]
    return None if value is None else str(value)


def _leaves_of(part: Part) -> Iterator[tuple[str, str]]:
    for element in (part.asked, part.answered):
        if element is not None:
            top = "eventoNFSe" if part.name == "eventoNFSe" else local_name(element)
            yield from _leaves(element, top)


def _leaves(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield f"{path}/@{etree.QName(name).localname}", str(value)
    for each in element:
        below = f"{path}/{local_name(each)}"
        if len(each):
            yield from _leaves(each, below)
        else:
            for name, value in each.attrib.items():
                yield f"{below}/@{etree.QName(name).localname}", str(value)
            yield below, each.text or ""


def _is_equal(text: str, value: str | None) -> bool:
    if value is None:
        return False
    plain = text.strip()
    if plain == value.strip() or (plain.endswith(value) and len(value) >= 44):
        return True  # a key without its prefix
    try:
        return Decimal(plain) == Decimal(value)
    except InvalidOperation:
        pass
    try:
        return datetime.fromisoformat(plain) == datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return False
