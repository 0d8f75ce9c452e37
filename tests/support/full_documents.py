"""Documents that are not notes, which together hold every leaf of a family's official schema.

As `full_notes`: no two leaves of one document share a column, so what is lost or mixed up shows.
"""

from collections.abc import Iterator

from lxml import etree

from nfed.documents.layout.dfe import DFE_NOT_STORED
from tests.support.full_notes import columns_of, layout_columns, value_of
from tests.support.official_schema import Schema

_ID = {"NFSe": "NFS" + "1" * 50, "DPS": "DPS" + "1" * 42}


def full_documents(family: str) -> Iterator[tuple[bytes, dict[str, str]]]:
    """A document, and its leaves by path; as few as hold every leaf but those of protocols."""
    columns = layout_columns()
    by_top: dict[str, list[tuple[set[object], dict[str, str]]]] = {}
    for path, leaf in {each.path: each for each in Schema(family).leaves()}.items():
        top = path.partition("/")[0]
        if top.startswith("prot") or _is_listed(path):
            continue
        own = columns_of(path, columns)
        names: set[object] = {(table, column.name) for table, column in own} or {path}
        documents = by_top.setdefault(top, [])
        chosen = next((each for each in documents if not each[0] & names), None)
        if chosen is None:
            chosen = (set(), {})
            documents.append(chosen)
        chosen[0].update(names)
        chosen[1][path] = value_of(leaf, [column for _, column in own])
    for top, documents in by_top.items():
        for number, (_, values) in enumerate(documents):
            yield _xml(top, number, values), values


def _is_listed(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in DFE_NOT_STORED)


def _xml(top: str, number: int, values: dict[str, str]) -> bytes:
    root = etree.Element(top)
    group = next(path.split("/")[1] for path in values if path.count("/") > 1)
    for stale in [path for path in values if path.endswith(f"{top}/{group}/@Id")]:
        del values[stale]
    key = _ID.get(top, top + "1" * 40)
    fixed = {
        f"{top}/{group}/@Id": key[:-4] + f"{number:04d}" if top in _ID else f"{key}{number:04d}"
    }
    for path, value in (values | fixed).items():
        _, *steps, last = path.split("/")
        element = root
        for step in steps if last.startswith("@") else [*steps, last]:
            child = element.find(step)
            element = etree.SubElement(element, step) if child is None else child
        if last.startswith("@"):
            element.set(last[1:], value)
        else:
            element.text = value
    return etree.tostring(root)
