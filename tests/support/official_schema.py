"""The leaves of the official schemas, read from the XSDs in nfelib's wheel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

NFELIB = Path(str(find_spec("nfelib").origin)).parent
XS = "{http://www.w3.org/2001/XMLSchema}"


@dataclass(frozen=True)
class Family:
    """The files that hold the types of a family, and the types of its elements."""

    folder: str
    files: tuple[str, ...]
    tops: dict[str, str]
    beside: dict[str, str] = field(default_factory=dict)
    """By file: the element, of any name, that stands there where the schema allows any."""


_CTE = ("cteTiposBasico", "tiposGeralCTe", "cte", "cteOS", "cteSimp", "GTVe")
_NORM = "CTe/infCte/infCTeNorm/infModal"
FAMILIES = {
    "nfe": Family(
        "nfe/schemas/v4_0",
        ("leiauteNFe_v4.00.xsd", "tiposBasico_v4.00.xsd", "DFeTiposBasicos_v1.00.xsd"),
        {"NFe": "TNFe", "protNFe": "TProtNFe"},
    ),
    "cte": Family(
        "cte/schemas/v4_0",
        (*(f"{name}_v4.00.xsd" for name in _CTE), "DFeTiposBasicos_v1.00.xsd"),
        {
            "CTe": "TCTe",
            "CTeOS": "TCTeOS",
            "CTeSimp": "TCTeSimp",
            "GTVe": "TGTVe",
            "protCTe": "TProtCTe",
        },
        {
            "cteModalAereo_v4.00.xsd": _NORM,
            "cteModalAquaviario_v4.00.xsd": _NORM,
            "cteModalDutoviario_v4.00.xsd": _NORM,
            "cteModalFerroviario_v4.00.xsd": _NORM,
            "cteModalRodoviario_v4.00.xsd": _NORM,
            "cteMultiModal_v4.00.xsd": _NORM,
            "cteModalRodoviarioOS_v4.00.xsd": "CTeOS/infCte/infCTeNorm/infModal",
        },
    ),
    "mdfe": Family(
        "mdfe/schemas/v3_0",
        ("mdfeTiposBasico_v3.00.xsd", "tiposGeralMDFe_v3.00.xsd"),
        {"MDFe": "TMDFe", "protMDFe": "TProtMDFe"},
        {
            f"mdfeModal{name}_v3.00.xsd": "MDFe/infMDFe/infModal"
            for name in ("Aereo", "Aquaviario", "Ferroviario", "Rodoviario")
        },
    ),
    "nfse": Family(
        "nfse/schemas/v1_0",
        ("tiposComplexos_v1.01.xsd", "tiposSimples_v1.01.xsd"),
        {"NFSe": "TCNFSe", "DPS": "TCDPS"},
    ),
    **{
        name.lower(): Family(
            f"{name.lower()}/schemas/v1_0",
            (
                f"{name.lower()}TiposBasico_v1.00.xsd",
                f"tiposGeral{name}_v1.00.xsd",
                "DFeTiposBasicos_v1.00.xsd",
            ),
            {name: f"T{name}", f"prot{name}": f"TProt{name}", **more},
        )
        for name, more in (
            ("BPe", {"BPeTM": "TBPeTM", "BPeTA": "TBPeTA"}),
            ("NF3e", {}),
            ("NFCom", {}),
        )
    },
}
# TDec_1302: 13 digits before the point, 2 after it; 0302a04 and 0302_04: two to four after it.
# TDec_1302_1310: at most 13 before it, at most 10 after it. TSDec15V2: 15 and 2.
DECIMAL = re.compile(r"TDec_?(\d\d)v?(\d\d)(?:[a_](\d\d)(\d\d)?)?\D*")
NFSE_DECIMAL = re.compile(r"TSDec(\d+)V(\d)")


@dataclass(frozen=True)
class Leaf:
    """One place of a value: its path, and the facets that bound it."""

    path: str
    types: tuple[str, ...]
    """The names of its types, from the narrowest on."""
    max_length: int | None
    """The longest text that it may hold, as far as lengths and enumerations say."""


class Schema:
    """The types of a family's files, by name."""

    def __init__(self, family: str = "nfe") -> None:
        self.family = FAMILIES[family]
        self.types = {
            each.get("name"): each
            for file in (*self.family.files, *self.family.beside)
            for each in self._read(file)
            if each.tag in (f"{XS}complexType", f"{XS}simpleType")
        }

    def _read(self, file: str) -> etree._Element:
        return etree.parse(NFELIB / self.family.folder / file).getroot()

    def leaves(self) -> Iterator[Leaf]:
        """Every leaf and attribute of the family's elements; a signature counts as one."""
        for top, name in self.family.tops.items():
            yield from self._inside(self.types[name], top)
        for file, place in self.family.beside.items():
            for each in self._read(file):
                if each.tag == f"{XS}element":
                    yield from self._element(each, place)

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
            return int(match[1]), max(int(match[2]), int(match[4] or match[3] or 0))
        if match := NFSE_DECIMAL.fullmatch(name):
            return int(match[1]), int(match[2])
    return None


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]
