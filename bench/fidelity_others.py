"""The fidelity of what is not a note: events, protocols, unused numbers, summaries and others.

Reads the tree by the paths of the layout, not by the trie that nfed reads with.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache

from lxml import etree

from bench.fidelity_reading import elements_of
from nfed.documents.document import Document
from nfed.documents.layout import NOT_STORED_OF_EVENTS, positions, tables
from nfed.documents.layout.columns import Moment, Table
from nfed.documents.layout.dfe import DFE_NOT_STORED
from nfed.documents.layout.nfse_municipal import SAO_PAULO
from nfed.documents.xml.find import Part, local_name
from nfed.errors import DocumentError
from nfed.stores.tables import below

_DETAIL = "evento/infEvento/detEvento/"
_WHOLE_PATHS = (
    "retEvento/",
    "evento/",
    "procEventoNFe/",
    "cancNFe/",
    "retCancNFe/",
    "procCancNFe/",
)
_ABOUT_THE_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}"
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
    parts: Sequence[Part | DocumentError],
    documents: Sequence[Document | DocumentError],
    found: FoundElsewhere,
) -> None:
    """Adds one file's; what is refused or a note counts nothing.

    `parts` are the file's documents as they stand in it, `documents` what nfed reads of them.
    """
    others = [each for each in parts if isinstance(each, Part)]
    for part, document in zip(parts, documents, strict=True):
        if (
            isinstance(part, Part)
            and isinstance(document, Document)
            and document.head != "notas_fiscais"
        ):
            found.documents += 1
            apart = elements_of(each for each in others if each is not part)
            leaves = [*_leaves_of(part), *_leaves_around(part, apart)]
            if document.head == "dfe_documentos":
                _compare_with_all(name, part, document, leaves, found)
            else:
                _compare(name, document, leaves, found)


def _compare(
    name: str, document: Document, leaves: Sequence[tuple[str, str]], found: FoundElsewhere
) -> None:
    table = tables()[document.head]
    by_path = _columns(table)
    fields = Counter(
        (str(path) if str(path).startswith(_WHOLE_PATHS) else f"{_DETAIL}{path}", str(value))
        for _, _, path, value in document.rows.get("nf_eventos_campos", ())
    )
    for path, text in leaves:
        columns = by_path.get(path, [])
        values = [_value(document, table, column) for column in columns]
        said = f"{name}: <{path}> {text[:60]!r}"
        if fields[path, text]:
            fields[path, text] -= 1
            found.stored += 1
        elif any(_is_equal(text, each) for each in values):
            found.stored += 1
        elif _is_below(path, NOT_STORED_OF_EVENTS):
            found.listed += 1
        elif columns and any(values):
            found.wrong.append(f"{said}, stored {values}")
        elif text.strip():
            found.missing.append(said)
    found.wrong += [
        f"{name}: {path} {text[:60]!r} is not in the document"
        for (path, text), count in fields.items()
        if count > 0
    ]


def _is_below(path: str, places: Iterable[str]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in places)


def _repeated(path: str) -> str:
    """Where the event itself says what its answer repeats."""
    return path.replace("retEvento", "evento", 1)


def _is_listed(path: str) -> bool:
    return (
        _is_below(path, DFE_NOT_STORED)
        or _is_below(path, NOT_STORED_OF_EVENTS)
        or (path.count("/") == 1 and path.endswith("Proc/@versao"))
    )


def _compare_with_all(
    name: str,
    part: Part,
    document: Document,
    leaves: Sequence[tuple[str, str]],
    found: FoundElsewhere,
) -> None:
    """Looks for each leaf in every table of the document."""
    fields = Counter((str(path), str(value)) for *_, path, value in document.rows.get(_FIELDS, ()))
    aside = Counter(
        (_NUMBER.sub("", str(path)).rpartition("/")[2], str(value))
        for _, path, value, _ in document.rows.get("dfe_outros_valores", ())
    )
    asked = {(path, text) for path, text in leaves if path.startswith("evento")}
    for path, text in leaves:
        columns = _places(path.rpartition("/")[2])
        values = [
            _value_in(row, table, column)
            for where, table, column in columns
            if where.fullmatch(path)
            for row in document.rows.get(table, ())
        ]
        said = f"{name}: <{path}> {text[:60]!r}"
        kept = path.rpartition("/")[2], text
        below_detail = path.partition("detEvento/")[2] or path.partition("infPedReg/")[2]
        field = next((each for each in ((below_detail, text), (path, text)) if fields[each]), None)
        if field is not None:
            fields[field] -= 1
            found.stored += 1
        elif any(_is_equal(text, each) for each in values):
            found.stored += 1
        elif aside[kept]:
            aside[kept] -= 1
            found.stored += 1
        elif not text.strip() or _is_listed(path) or (_repeated(path), text) in asked:
            found.listed += 1
        elif part.name == SAO_PAULO and any(
            _is_equal(text, None if value is None else str(value))
            for rows in document.rows.values()
            for row in rows
            for value in row[1:]
        ):
            found.stored += 1  # read in groups that the file does not have
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


def _leaves_around(part: Part, apart: Set[etree._Element]) -> Iterator[tuple[str, str]]:
    """What the element that holds a document and its answer says itself."""
    own = {part.asked, part.answered}
    if part.whole in own or not any(
        each.getparent() is part.whole for each in own if each is not None
    ):
        return
    top = local_name(part.whole)
    yield from _attributes(part.whole, top)
    for each in part.whole:
        if each not in apart and each not in own:
            yield from _leaf_or_leaves(each, f"{top}/{local_name(each)}")


def _leaves(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    yield from _attributes(element, path)
    for each in element:
        yield from _leaf_or_leaves(each, f"{path}/{local_name(each)}")


def _leaf_or_leaves(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    if len(element):
        yield from _leaves(element, path)
    else:
        yield from _attributes(element, path)
        yield path, element.text or ""


def _attributes(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if not str(name).startswith(_ABOUT_THE_SCHEMA):
            yield f"{path}/@{etree.QName(name).localname}", str(value)


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
