"""Where the documents stand in a file: alone, with their answer, or in wrappers of any depth.

Elements are known by their local name, whatever their prefix, namespace or wrapper: a SOAP
envelope, a lot, the answer to a query.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from daemon.documents.reader import NFSE_NAMESPACE, read
from daemon.errors import DocumentError, FileTooLarge, NotFiscal, XMLParseError

_UNPACKED_BYTES = 10 << 20
_MOST_PARTS = 10_000
_MOST_NESTED = 3
_NAMED = 60

# What is signed, and the tax office's answer to it, by the element that holds both.
_PAIRS = {
    "nfeproc": ("NFe", "protNFe"),
    "proceventonfe": ("evento", "retEvento"),
    "procinutnfe": ("inutNFe", "retInutNFe"),
    "cteproc": ("CTe", "protCTe"),
    "cteosproc": ("CTeOS", "protCTe"),
    "ctesimpproc": ("CTeSimp", "protCTe"),
    "gtveproc": ("GTVe", "protCTe"),
    "proceventocte": ("eventoCTe", "retEventoCTe"),
    "mdfeproc": ("MDFe", "protMDFe"),
    "proceventomdfe": ("eventoMDFe", "retEventoMDFe"),
    "nfcomproc": ("NFCom", "protNFCom"),
    "proceventonfcom": ("eventoNFCom", "retEventoNFCom"),
    "nf3eproc": ("NF3e", "protNF3e"),
    "proceventonf3e": ("eventoNF3e", "retEventoNF3e"),
    "bpeproc": ("BPe", "protBPe"),
    "bpetmproc": ("BPeTM", "protBPe"),
    "proceventobpe": ("eventoBPe", "retEventoBPe"),
}
_ANSWERS = frozenset(
    {"protNFe", "retEvento", "retInutNFe"}
    | {f"retEvento{name}" for name in ("CTe", "MDFe", "NFCom", "NF3e", "BPe")}
)
_ALONE = frozenset({"resNFe", "resEvento", "NFSe"}) | {asked for asked, _ in _PAIRS.values()}
# The group that tells a document from an element that only bears its name.
_GROUPS = {
    "NFe": "infNFe",
    "evento": "infEvento",
    "inutNFe": "infInut",
    "CTe": "infCte",
    "CTeOS": "infCte",
    "CTeSimp": "infCte",
    "GTVe": "infCte",
    "MDFe": "infMDFe",
    "NFCom": "infNFCom",
    "NF3e": "infNF3e",
    "BPe": "infBPe",
    "BPeTM": "infBPe",
    "NFSe": "infNFSe",
    "protNFe": "infProt",
    "retInutNFe": "infInut",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One document in a tree: what was asked of the tax office, what it answered, or both."""

    name: str
    """The local name of the one, or of the answer where it stands alone."""
    asked: etree._Element | None
    answered: etree._Element | None
    whole: etree._Element
    """The element that holds both."""
    text: str | None
    """Of the whole file, where it holds nothing else; None: `whole` is a part of it."""

    @property
    def xml(self) -> str:
        """The document's text as it came, but for what surrounds it."""
        if self.text is not None:
            return self.text
        return etree.tostring(self.whole, encoding="unicode", with_tail=False)


def parts(root: etree._Element, text: str) -> Iterator[Part | DocumentError]:
    """The documents below and in `root`, in order, or why one that is packed cannot be read.

    Raises NotFiscal, naming the root, for none.
    """
    found = 0
    for part in _find(root, text, 0):
        found += 1
        if found > _MOST_PARTS:
            raise FileTooLarge(f"more than {_MOST_PARTS:,} documents in one file")
        yield part
    if not found:
        name = str(root.tag)
        name = name if len(name) <= _NAMED else f"{name[: _NAMED - 3]}..."
        raise NotFiscal(
            f"root element <{name}> is no fiscal document that nfed knows, nor does it hold one; "
            "expected <nfeProc>, <NFe>, <procEventoNFe>, <cteProc> or another of the list in the "
            "README"
        )


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of that local name."""
    if element is None:
        return None
    return next((each for each in element if local_name(each) == name), None)


def local_name(element: etree._Element) -> str:
    """A tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _find(element: etree._Element, text: str | None, nested: int) -> Iterator[Part | DocumentError]:
    name = local_name(element)
    pair = _PAIRS.get(name.lower())
    if pair is not None:
        yield from _pair(element, *pair, text, nested)
    elif name == "docZip":
        try:
            yield from _unzipped(element, nested)
        except DocumentError as error:  # one costs only itself
            yield error
    elif name in _ALONE and _is_whole(element, name):
        if name == "evento" and element.nsmap.get(element.prefix) == NFSE_NAMESPACE:
            name = "eventoNFSe"
        yield Part(name, element, None, element, text)
    elif name in _ANSWERS and _is_whole(element, name):
        yield Part(name, None, element, element, text)
    elif len(element):
        for each in element:
            yield from _find(each, None, nested)
    elif element.text and element.text.lstrip().startswith("<"):
        yield from _inner(element.text.strip().encode(), nested)


def _is_whole(element: etree._Element, name: str) -> bool:
    group = _GROUPS.get(name)
    return group is None or child(element, group) is not None


def _pair(
    element: etree._Element, asked_name: str, answer_name: str, text: str | None, nested: int
) -> Iterator[Part | DocumentError]:
    asked = child(element, asked_name)
    answered = child(element, answer_name)
    if answered is None and asked_name == "NFe" and _holds_protocol(element):
        answered = element
    if asked is not None and _is_whole(asked, asked_name):
        yield Part(asked_name, asked, answered, element, text)
    elif answered is not None and answered is not element:
        yield Part(answer_name, None, answered, element, text)
    for each in element:
        if each is not asked and each is not answered:
            yield from _find(each, None, nested)


def _holds_protocol(element: etree._Element) -> bool:
    """Seen: infProt without its protNFe; SEFAZ-SP's download, with nProt and dhInc alone."""
    return child(element, "infProt") is not None or child(element, "nProt") is not None


def _unzipped(element: etree._Element, nested: int) -> Iterator[Part | DocumentError]:
    """A docZip of the distribution service: base64 of gzip (NT 2014.002)."""
    try:
        packed = base64.b64decode(element.text or "", validate=False)
        stream = zlib.decompressobj(wbits=47)  # gzip or zlib
        content = stream.decompress(packed, _UNPACKED_BYTES)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise XMLParseError(
            f"<docZip NSU={element.get('NSU')!r}> holds no base64 of gzip: {error}"
        ) from None
    if stream.unconsumed_tail:
        raise FileTooLarge(
            f"<docZip NSU={element.get('NSU')!r}> unpacks to more than {_UNPACKED_BYTES:,} bytes"
        )
    yield from _inner(content, nested)


def _inner(content: bytes, nested: int) -> Iterator[Part | DocumentError]:
    """The documents of a text that stands in another; one that is no XML holds none."""
    if nested == _MOST_NESTED:
        return
    try:
        source = read(content)
    except DocumentError as error:
        raise XMLParseError(f"a document inside the file cannot be read: {error}") from None
    yield from _find(source.root, source.text, nested + 1)
