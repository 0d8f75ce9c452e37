"""What a file says around its documents: its lots, envelopes and answers.

Walks the whole file, so that an element that is in no document is met: it is a wrapper's own, for
which there is a reason, or it is lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree

from bench.fidelity_reading import elements_of
from nfed.documents.layout import OF_WRAPPERS
from nfed.documents.xml.find import Part, local_name
from nfed.errors import DocumentError

_PACKED = "docZip"


@dataclass(slots=True)
class FoundBeside:
    """What became of the leaves that are in no document."""

    listed: int = 0
    missing: list[str] = field(default_factory=list)


def compare_beside(
    name: str, root: etree._Element, parts: Sequence[Part | DocumentError], found: FoundBeside
) -> None:
    """Adds one file's, and those of the files that are packed in it."""
    read = [each for each in parts if isinstance(each, Part)]
    apart = elements_of(read)
    roots = {root, *(each.getroottree().getroot() for each in apart)}
    for each in roots - apart:
        for path, text in _leaves(each, apart, local_name(each)):
            if OF_WRAPPERS.keys() & path.split("/") or text.lstrip().startswith("<"):
                found.listed += 1
            else:
                found.missing.append(f"{name}: <{path}> {text[:60]!r} is in no document")


def _leaves(
    element: etree._Element, apart: set[etree._Element], path: str
) -> Iterator[tuple[str, str]]:
    """Path and text of each leaf that is in no document and says something."""
    for name, value in element.attrib.items():
        own = etree.QName(name)
        if own.namespace is None and value.strip():
            yield f"{path}/@{own.localname}", str(value)
    if not len(element) and (element.text or "").strip() and local_name(element) != _PACKED:
        yield path, element.text or ""
    for each in element:
        if each not in apart:
            yield from _leaves(each, apart, f"{path}/{local_name(each)}")
