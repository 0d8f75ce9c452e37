"""The leaves of the official schema of the NF-e, read from the XSDs in nfelib's wheel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

FOLDER = Path(str(find_spec("nfelib").origin)).parent / "nfe" / "schemas" / "v4_0"
FILES = ("leiauteNFe_v4.00.xsd", "tiposBasico_v4.00.xsd", "DFeTiposBasicos_v1.00.xsd")
XS = "{http://www.w3.org/2001/XMLSchema}"
TOPS = {"NFe": "TNFe", "protNFe": "TProtNFe"}
# TDec_1302: 13 digits before the point, 2 after it; 0302a04 and 0302_04: two to four after it.
DECIMAL = re.compile(r"TDec_?(\d\d)v?(\d\d)(?:[a_](\d\d))?\D*")


@dataclass(frozen=True)
class Leaf:
    """One place of a value: its path, and the facets that bound it."""

    path: str
    types: tuple[str, ...]
    """The names of its types, from the narrowest on."""
    max_length: int | None
    """The longest text that it may hold, as far as lengths and enumerations say."""


class Schema:
    """The types of the three files, by name."""

    def __init__(self) -> None:
        self.types = {
            each.get("name"): each
            for file in FILES
            for each in etree.parse(FOLDER / file).getroot()
            if each.tag in (f"{XS}complexType", f"{XS}simpleType")
        }

    def leaves(self) -> Iterator[Leaf]:
        """Every leaf and attribute below NFe and protNFe; a signature counts as one."""
        for top, name in TOPS.items():
            yield from self._inside(self.types[name], top)

    def _inside(self, node, path: str) -> Iterator[Leaf]:
        for child in node:
            if child.tag == f"{XS}element":
                yield from self._element(child, path)
            elif child.tag == f"{XS}attribute":
                yield self._leaf(child, f"{path}/@{child.get('name')}")
            elif child.tag in {f"{XS}{kind}" for kind in ("sequence", "choice", "all")}:
                yield from self._inside(child, path)
            elif child.tag == f"{XS}complexContent":
                yield from self._inside(self.types[_local(child[0].get("base"))], path)
                yield from self._inside(child[0], path)

    def _element(self, element, path: str) -> Iterator[Leaf]:
        whole = f"{path}/{_local(element.get('name') or element.get('ref'))}"
        inner = self.types.get(_local(element.get("type")), element.find(f"{XS}complexType"))
        if inner is None or inner.tag == f"{XS}simpleType":
            yield self._leaf(element, whole)
        else:
            yield from self._inside(inner, whole)

    def _leaf(self, node, path: str) -> Leaf:
        names, lengths = [], []
        name = _local(node.get("type"))
        simple = node.find(f"{XS}simpleType") if not name else self.types.get(name)
        while simple is not None or name:
            if name:
                names.append(name)
            if simple is None:
                break
            restriction = simple.find(f"{XS}restriction")
            values = {
                facet: [each.get("value") for each in restriction.findall(f"{XS}{facet}")]
                for facet in ("maxLength", "length", "enumeration")
            }
            lengths += map(int, values["maxLength"] + values["length"])
            if values["enumeration"]:
                lengths.append(max(map(len, values["enumeration"])))
            name = _local(restriction.get("base"))
            simple = self.types.get(name)
        return Leaf(path, tuple(names), min(lengths) if lengths else None)


def digits_of(leaf: Leaf) -> tuple[int, int] | None:
    """Digits before and after the point of a decimal's type; None for another type."""
    for name in leaf.types:
        match = DECIMAL.fullmatch(name)
        if match:
            return int(match[1]), max(int(match[2]), int(match[3] or 0))
    return None


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]
