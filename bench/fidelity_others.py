"""The fidelity of what is not a note: events, protocols, unused numbers, summaries and others.

Reads the tree by the paths of the layout, not by the trie that nfed reads with.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache

from lxml import etree

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.documents.layout import positions, tables
from nfed.documents.layout.columns import Moment, Table
from nfed.documents.layout.dfe import DFE_NOT_STORED
from nfed.documents.layout.eventos import NOT_STORED_OF_OTHERS
from nfed.documents.layout.nfse_municipal import SAO_PAULO
from nfed.documents.xml.find import Part, find_documents, local_name
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from nfed.stores.tables import below

_DETAIL = "evento/infEvento/detEvento/"
_FIELDS = "dfe_eventos_campos"
_NUMBER = re.compile(r"\[[0-9]+\]")


@dataclass(slots=True)
class FoundElsewhere:
    """What became of the leaves of documents that are no notes."""

    documents: int = 0
    stored: int = 0
    listed: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare_others(
    name: str,
    content: bytes,
    found: FoundElsewhere,
    documents: Sequence[Document | DocumentError] | None = None,
) -> None:
    """Adds one file's; what is refused or a note counts nothing.

    `documents` are what to compare the file with: what nfed reads of it, unless they are given.
    """
    if documents is None:
        try:
            documents = documents_from(content, Checks.none())
        except DocumentError:
            return
    source = parse(content)
    for part, document in zip(find_documents(source.root, source.text), documents, strict=True):
        if (
            isinstance(part, Part)
            and isinstance(document, Document)
            and document.head != "notas_fiscais"
        ):
            found.documents += 1
            _compare(name, part, document, found)


def _compare(name: str, part: Part, document: Document, found: FoundElsewhere) -> None:
    if document.head == "dfe_documentos":
        _compare_with_all(name, part, document, found)
        return
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
        elif columns and not any(values):
            found.missing.append(said)
        elif columns:
            found.wrong.append(f"{said}, stored {values}")
        elif text.strip():
            found.missing.append(said)


def _compare_with_all(name: str, part: Part, document: Document, found: FoundElsewhere) -> None:
    """Looks for each leaf in every table of the document."""
    fields = {(str(path), str(value)) for *_, path, value in document.rows.get(_FIELDS, ())}
    aside = {
        (_NUMBER.sub("", str(path)).rpartition("/")[2], str(value))
        for _, path, value, _ in document.rows.get("dfe_outros_valores", ())
    }
    for path, text in _leaves_of(part):
        columns = _places(path.rpartition("/")[2])
        values = [
            _value_in(row, table, column)
            for where, table, column in columns
            if where.fullmatch(path)
            for row in document.rows.get(table, ())
        ]
        said = f"{name}: <{path}> {text[:60]!r}"
        last = path.rpartition("/")[2]
        below_detail = path.partition("detEvento/")[2] or path.partition("infPedReg/")[2]
        if (
            any(_is_equal(text, each) for each in values)
            or (last, text) in aside
            or (below_detail, text) in fields
        ):
            found.stored += 1
        elif any(path == each or path.startswith(f"{each}/") for each in DFE_NOT_STORED):
            found.listed += 1
        elif part.name == SAO_PAULO and any(
            _is_equal(text, None if value is None else str(value))
            for rows in document.rows.values()
            for row in rows
            for value in row[1:]
        ):
            found.stored += 1  # read in groups that the file does not have
        elif "vento" in part.name or not text.strip():
            found.listed += 1  # the form of an event, which nf_eventos lists one by one
        elif any(value is not None for value in values):
            found.wrong.append(f"{said}, stored {values[:3]}")
        else:
            found.missing.append(said)


@cache
def _places(last: str) -> list[tuple[re.Pattern[str], str, str]]:
    """Of a path's last step: patterns of whole paths, with table and stored column."""
    places = []
    for table in (tables()["dfe_documentos"], *below("dfe_documentos")):
        for element in (table.element or "").split("|"):
            for column in table.columns:
                for path in filter(None, (column.path or "").split("|")):
                    whole = posixpath.normpath(f"{element}/{path}".lstrip("/"))
                    if whole.rpartition("/")[2] == last:
                        pattern = re.compile(re.escape(whole).replace(r"\*", "[^/]+"))
                        places += [(pattern, table.name, each) for each in column.stored_names]
    return places


def _value_in(row: Sequence[object], table: str, column: str) -> str | None:
    value = row[positions(table)[column]]
    return None if value is None else str(value)


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
            if part.name == "Nfse":
                top = "CompNfse/Nfse"
            elif part.name in (SAO_PAULO, "CFeCanc"):
                top = {"CFeCanc": "CFe"}.get(part.name, part.name)
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
    if plain == value.strip() or (plain.endswith(value) and len(value) >= 42):
        return True  # a key without its prefix
    try:
        return Decimal(plain) == Decimal(value)
    except InvalidOperation:
        pass
    try:
        return datetime.fromisoformat(plain) == datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return False
