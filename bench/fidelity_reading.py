"""What a note's XML says, leaf by leaf, read twice: by lxml, and by nfelib's bindings.

Neither knows of nfed's layout: a leaf is an element without children, or an attribute, with the
path of local names that leads to it from `NFe`, `protNFe`, or the `nfeProc` around them. nfed says
only which elements are a document; what is in none is `fidelity_beside`'s to count.
"""

import base64
import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set
from enum import Enum

from lxml import etree
from nfelib.nfe.bindings.v4_0.leiaute_nfe_v4_00 import TprotNfe
from nfelib.nfe.bindings.v4_0.nfe_v4_00 import Nfe
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from nfed.documents.xml.find import Part, child, find_documents
from nfed.documents.xml.parse import parse

# The bindings lack elements that the schema has, such as protNFe/infProt/cMsg.
_BINDINGS = XmlParser(ParserConfig(fail_on_unknown_properties=False))
_NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
_ABOUT_THE_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}"
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
        for each in self.children:
            yield from each.leaves()


@dataclasses.dataclass(frozen=True)
class Note:
    """A note and its protocol in a file: the element that holds them in both readings' sight."""

    chave: str
    tree: Element
    """A nameless element with the children NFe and protNFe."""
    versao: str
    source: tuple[etree._Element, ...]
    signed_digest: str
    """The DigestValue of its Signature; empty without one."""


def root_of(content: bytes) -> etree._Element:
    """The tree that lxml makes of the bytes; nfed's, of what is no XML or belies its encoding."""
    source = parse(content)
    if source.remarks:
        return source.root
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False)
    return etree.fromstring(content.lstrip(), parser)


def notes(content: bytes) -> list[Note]:
    """Every NFe in a file, whatever it is wrapped in, each with its protNFe."""
    found = find_documents(root_of(content), "")
    parts = [each for each in found if isinstance(each, Part)]
    return [note_of(each, parts) for each in parts if each.name == "NFe"]


def note_of(part: Part, parts: Sequence[Part]) -> Note:
    """One of a file's notes, without what belongs to another of its documents."""
    assert part.asked is not None
    answered = None if part.answered is part.whole else part.answered
    source = (part.asked,) if answered is None else (part.asked, answered)
    apart = elements_of(each for each in parts if each is not part) - {part.whole}
    tree = Element("", "", "", {}, None)
    tree.children = [_element(each, tree, apart) for each in source]
    if part.asked.getparent() is part.whole:
        tree.children += _proc(part, tree, apart | set(source))
    inf = child(part.asked, "infNFe")
    assert inf is not None
    layout = inf.get("versao", "")
    if layout < "3.10":
        _name_relieved(tree)
    digest = part.asked.findtext("{*}Signature/{*}SignedInfo/{*}Reference/{*}DigestValue")
    return Note(
        without_prefix(inf.get("Id", "")), tree, layout, source, "".join((digest or "").split())
    )


def without_prefix(identifier: str) -> str:
    """The key in an Id; some programs write nfe before it."""
    return identifier[3:] if identifier[:3].upper() == "NFE" else identifier


def _name_relieved(tree: Element) -> None:
    """Until layout 2.00 the vICMS of an exempt item was what was relieved (MOC 4.01, N17)."""
    for group in tree.below("NFe/infNFe/det/imposto/ICMS/ICMS40"):
        for each in group.below("vICMS"):
            each.name = "vICMSDeson"
            each.path = f"{group.path}/{each.name}"


def elements_of(parts: Iterable[Part]) -> set[etree._Element]:
    """The elements that hold documents, their answers, or both."""
    return {
        each
        for part in parts
        for each in (part.asked, part.answered, part.whole)
        if each is not None
    }


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


def _proc(part: Part, tree: Element, apart: Set[etree._Element]) -> list[Element]:
    """What the element around a note says itself; a protocol that is not in its protNFe."""
    proc = _element(part.whole, tree, apart, "nfeProc")
    if part.answered is not part.whole:
        return [proc]
    answer = Element("protNFe", "protNFe", "", {}, tree)
    bare = [each for each in proc.children if each.name in ("infProt", "nProt")]
    proc.children = [each for each in proc.children if each not in bare]
    for each in bare:
        holder = answer
        if each.name == "nProt":
            holder = Element("infProt", "protNFe/infProt", "", {}, answer)
            answer.children.append(holder)
        _move(each, holder)
    return [answer, proc]


def _move(element: Element, holder: Element) -> None:
    element.parent, element.path = holder, f"{holder.path}/{element.name}"
    holder.children.append(element)
    for each in element.children:
        each.path = f"{element.path}/{each.name}"


def _element(
    element: etree._Element,
    parent: Element,
    apart: Set[etree._Element],
    called: str | None = None,
) -> Element:
    name = called or _name(element)
    is_signature = name == _SIGNATURE
    path = f"{parent.path}/{name}".lstrip("/")
    is_outside = not path.startswith(("NFe/infNFe/", "protNFe/infProt/"))
    made = Element(
        name,
        path,
        "(signature)" if is_signature else element.text or "",
        {
            str(key).rpartition("}")[2]: str(value)
            for key, value in element.items()
            if not (is_outside and str(key).startswith(_ABOUT_THE_SCHEMA))
        },
        parent,
    )
    if not is_signature:
        made.children = [_element(each, made, apart) for each in element if each not in apart]
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
