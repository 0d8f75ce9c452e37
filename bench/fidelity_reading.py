"""What a note's XML says, leaf by leaf, read twice: by lxml, and by nfelib's bindings.

Neither knows of nfed's layout: a leaf is an element without children, or an attribute, with the
path of local names that leads to it from `NFe` or `protNFe`.
"""

import base64
import dataclasses
import warnings
from collections.abc import Iterator
from enum import Enum

from lxml import etree
from nfelib.nfe.bindings.v4_0.leiaute_nfe_v4_00 import TprotNfe
from nfelib.nfe.bindings.v4_0.nfe_v4_00 import Nfe
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

# The bindings lack elements that the schema has, such as protNFe/infProt/cMsg.
_BINDINGS = XmlParser(ParserConfig(fail_on_unknown_properties=False))
_NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
_TOPS = ("NFe", "protNFe")
_SIGNATURE = "Signature"


@dataclasses.dataclass(eq=False, slots=True)
class Element:
    """An element of the first reading."""

    name: str
    path: str
    text: str
    attributes: dict[str, str]
    parent: "Element | None"
    children: list["Element"] = dataclasses.field(default_factory=list)
    stored: set[str] = dataclasses.field(default_factory=set)
    """What of it is in a column: its text as "", an attribute by its name."""

    def below(self, path: str) -> "list[Element]":
        """The elements at a path below this one, in the document's order; `*` is any name."""
        found = [self]
        for step in path.split("/") if path else []:
            found = [
                child for each in found for child in each.children if step in ("*", child.name)
            ]
        return found

    def leaves(self) -> "Iterator[tuple[Element, str, str]]":
        """Every leaf here and below that says something: element, `` or `@x`, text."""
        for name, text in self.attributes.items():
            if text.strip():
                yield self, f"@{name}", text
        if not self.children and self.text.strip():
            yield self, "", self.text
        for child in self.children:
            yield from child.leaves()


@dataclasses.dataclass(frozen=True)
class Note:
    """A note and its protocol in a file: the element that holds them in both readings' sight."""

    chave: str
    tree: Element
    """A nameless element with the children NFe and protNFe."""
    versao: str
    source: tuple[etree._Element, ...]


def notes(content: bytes) -> list[Note]:
    """Every NFe in a file, whatever it is wrapped in, each with the protNFe beside it."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False)
    root = etree.fromstring(content.lstrip(), parser)
    found = []
    for nfe in (each for each in root.iter() if _name(each) == "NFe"):
        inf = next((child for child in nfe if _name(child) == "infNFe"), None)
        if inf is None:
            continue
        parent = nfe.getparent()
        beside = () if parent is None else (each for each in parent if _name(each) == "protNFe")
        source = (nfe, *beside)
        tree = Element("", "", "", {}, None)
        tree.children = [_element(each, tree) for each in source]
        chave = inf.get("Id", "").removeprefix("NFe")
        found.append(Note(chave, tree, inf.get("versao", ""), source))
    return found


def second_reading(note: Note) -> dict[str, list[str]]:
    """The texts at each path, in order, as nfelib's bindings read them."""
    texts: dict[str, list[str]] = {}
    for element in note.source:
        kind = Nfe if _name(element) == "NFe" else TprotNfe
        plain = _in_namespace(element)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of text that is not of its type, which stays text
            _gather(_BINDINGS.from_bytes(plain, kind), _name(element), texts)
    return texts


def first_reading(note: Note) -> dict[str, list[str]]:
    """The same, from the tree."""
    texts: dict[str, list[str]] = {}
    for element, attribute, text in note.tree.leaves():
        path = f"{element.path}/{attribute}" if attribute else element.path
        texts.setdefault(path, []).append(text)
    return texts


def _element(element: etree._Element, parent: Element) -> Element:
    name = _name(element)
    is_signature = name == _SIGNATURE
    made = Element(
        name,
        f"{parent.path}/{name}".lstrip("/"),
        "(signature)" if is_signature else element.text or "",
        {str(key).rpartition("}")[2]: str(value) for key, value in element.items()},
        parent,
    )
    if not is_signature:
        made.children = [_element(child, made) for child in element]
    return made


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _in_namespace(element: etree._Element) -> bytes:
    """The element alone, in the namespace that the bindings expect."""
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    for each in copy.iter():
        each.tag = f"{{{_NAMESPACE}}}{_name(each)}"
    return etree.tostring(copy)


def _gather(value: object, path: str, texts: dict[str, list[str]]) -> None:
    if value is None:
        return
    if isinstance(value, list):
        for each in value:
            _gather(each, path, texts)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            name = field.metadata.get("name", field.name)
            step = f"@{name}" if field.metadata.get("type") == "Attribute" else name
            _gather(getattr(value, field.name), f"{path}/{step}", texts)
    else:
        text = _text(value)
        if text.strip():
            texts.setdefault(path, []).append(text)


def _text(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
