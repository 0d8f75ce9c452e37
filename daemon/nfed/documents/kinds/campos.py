"""Keeps what an event says that has no column: the fields of its type, what it says twice or
otherwise, and what stands beside its groups."""

from collections.abc import Collection, Iterator
from functools import cache

from lxml import etree

from nfed.documents.kinds.head import Head
from nfed.documents.layout import EVENT_FIELDS, NOT_STORED_OF_EVENTS, tables
from nfed.documents.layout.eventos import NF_EVENTOS
from nfed.documents.rows.extract import ABOUT_THE_SCHEMA, Row
from nfed.documents.xml.find import Part, child, holds_document, local_name

_DETAIL, _REQUEST, _REQUESTED = "detEvento", "pedRegEvento", "infPedReg"
_IN_BOTH = frozenset(
    {"tpAmb", "chNFe", "chCTe", "chMDFe", "chNFCom", "chNF3e", "chBPe", "tpEvento", "nSeqEvento"}
)
"""What the answer repeats; kept of it where it says otherwise."""

type _Leaves = Iterator[tuple[str, str]]


def keep_fields(head: Head, part: Part) -> None:
    """Gives an event rows of what has no column, or what its column cannot hold."""
    table = head.table.name
    fields: list[Row] = [
        [0, number, path, value]
        for number, (path, value) in enumerate(_fields(part, table, head.unreadable), 1)
    ]
    if fields:
        head.rows[EVENT_FIELDS[table]] = fields


def _fields(part: Part, table: str, unreadable: Collection[str]) -> _Leaves:
    asked, answered = _group(part.asked), _group(part.answered)
    yield from _of_its_type(asked, table)
    for element, group, other in (
        (part.asked, asked, None),
        (part.answered, answered, asked),
    ):
        if element is not None:
            top = part.name if element is part.asked else local_name(element)
            if group is not None:
                path = f"{top}/{local_name(group)}"
                yield from _unlisted(_without_column(group, other, path, table, unreadable))
            yield from _unlisted(_beside(element, top, (group,)))
    if part.whole is not part.asked and part.whole is not part.answered:
        own = part.asked, part.answered
        yield from _unlisted(_beside(part.whole, local_name(part.whole), own))


def _group(element: etree._Element | None) -> etree._Element | None:
    found = child(element, "infEvento")
    return child(element, "infCanc") if found is None else found


def _of_its_type(asked: etree._Element | None, table: str) -> _Leaves:
    """What is below detEvento; in an event of an NFS-e, below infPedReg."""
    detail, known = child(asked, _DETAIL), _known(table, f"evento/infEvento/{_DETAIL}")
    if detail is None:
        detail, known = child(child(asked, _REQUEST), _REQUESTED), frozenset()
    if detail is None:
        return
    yield from _attributes(detail, "")
    seen = set()
    for each in detail:
        name = local_name(each)
        if name not in known or name in seen:
            yield from _leaves(each, name, with_empty=True)
        seen.add(name)


def _without_column(
    group: etree._Element,
    asked: etree._Element | None,
    path: str,
    table: str,
    unreadable: Collection[str],
) -> _Leaves:
    """What one group says beside the fields of the layout, again ones included.

    `asked` is the event's group, where `group` is its answer.
    """
    yield from _attributes(group, f"{path}/")
    known = _known(table, path) | {_DETAIL}
    repeated = _IN_BOTH if table == NF_EVENTOS.name else _IN_BOTH | {"cOrgao"}
    seen = set()
    for each in group:
        name = local_name(each)
        sent = child(asked, name) if name in repeated else None
        is_held = name in known if sent is None else sent.text == each.text
        if name == _REQUEST:
            yield from _beside(each, f"{path}/{name}", (child(each, _REQUESTED),))
        elif not is_held or name in seen or name in unreadable:
            yield from _leaves(each, f"{path}/{name}")
        seen.add(name)


@cache
def _known(table: str, path: str) -> frozenset[str]:
    """The names below an element that have columns."""
    return frozenset(
        each.removeprefix(f"{path}/").partition("/")[0]
        for column in tables()[table].columns
        for each in (column.path or "").split("|")
        if each.startswith(f"{path}/")
    )


def _beside(element: etree._Element, path: str, own: Collection[etree._Element | None]) -> _Leaves:
    """What an element says beside those that are read elsewhere, and documents."""
    yield from _attributes(element, f"{path}/")
    for each in element:
        if each not in own and not holds_document(each):
            yield from _leaves(each, f"{path}/{local_name(each)}")


def _unlisted(leaves: _Leaves) -> _Leaves:
    """Those that there is no reason to leave out."""
    for path, text in leaves:
        steps = path.split("/")
        if not any("/".join(steps[:n]) in NOT_STORED_OF_EVENTS for n in range(2, len(steps) + 1)):
            yield path, text


def _leaves(element: etree._Element, path: str, *, with_empty: bool = False) -> _Leaves:
    """Every leaf and attribute here and below, in order."""
    yield from _attributes(element, f"{path}/")
    if len(element):
        for each in element:
            yield from _leaves(each, f"{path}/{local_name(each)}", with_empty=with_empty)
    elif with_empty or (element.text or "").strip():
        yield path, element.text or ""


def _attributes(element: etree._Element, path: str) -> _Leaves:
    for name, value in element.attrib.items():
        if not str(name).startswith(ABOUT_THE_SCHEMA):
            yield f"{path}@{str(name).rpartition('}')[2]}", str(value)
