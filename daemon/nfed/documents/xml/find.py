"""Finds the documents in a tree: alone, with their answer, or in wrappers of any depth.

Elements are known by their local name, whatever their prefix, namespace or wrapper: a SOAP
envelope, a lot, the answer to a query.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from nfed.documents.standing import CANCELLED, CLOSED, REGISTERED
from nfed.documents.xml.parse import NFSE_NAMESPACE, parse
from nfed.documents.xml.unsupported import matters, unsupported_in
from nfed.errors import (
    AnswerAlone,
    DocumentError,
    NotADocument,
    NotFiscal,
    TooComplex,
    TooManyDocuments,
    UnsupportedDocument,
    XMLParseError,
)
from nfed.words import Message

_UNPACKED_BYTES = 10 << 20
_MOST_PARTS = 10_000
_MOST_NESTED = 3
_MOST_INHERITED_CHARS = 10_000_000
_NAMED = 60
_KEY_NAME = re.compile("ch(?:NFe|CTe|MDFe|NFCom|NF3e|BPe)")

OTHERS = ("CTe", "MDFe", "NFCom", "NF3e", "BPe")
"""The documents beside NF-e and NFC-e that have a protocol."""

# What is signed, and the tax office's answer to it, by the element that holds both.
_PAIRS = {
    "nfeproc": ("NFe", "protNFe"),
    "proceventonfe": ("evento", "retEvento"),
    "procinutnfe": ("inutNFe", "retInutNFe"),
    "proccancnfe": ("cancNFe", "retCancNFe"),
    "proccanccte": ("cancCTe", "retCancCTe"),
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
    "bpetaproc": ("BPeTA", "protBPe"),
    "proceventobpe": ("eventoBPe", "retEventoBPe"),
}
_PROC_NAMES = {
    "NFe": "nfeProc",
    "evento": "procEventoNFe",
    "inutNFe": "ProcInutNFe",
    "cancNFe": "procCancNFe",
    "cancCTe": "procCancCTe",
    "CTe": "cteProc",
    "CTeOS": "cteOSProc",
    "CTeSimp": "cteSimpProc",
    "GTVe": "GTVeProc",
    "eventoCTe": "procEventoCTe",
    "MDFe": "mdfeProc",
    "eventoMDFe": "procEventoMDFe",
    "NFCom": "nfcomProc",
    "eventoNFCom": "procEventoNFCom",
    "NF3e": "nf3eProc",
    "eventoNF3e": "procEventoNF3e",
    "BPe": "bpeProc",
    "BPeTM": "bpeTMProc",
    "BPeTA": "bpeTAProc",
    "eventoBPe": "procEventoBPe",
}
"""As the manuals write the element that holds a document and its answer."""
_ANSWER_NAMES = dict(_PAIRS.values())
_ANSWER_KINDS = frozenset(_ANSWER_NAMES.values())
_ANSWERS = frozenset(
    {"protNFe", "retEvento", "retInutNFe", "retCancNFe", "retCancCTe"}
    | {f"{word}{name}" for word in ("retEvento", "prot") for name in OTHERS}
)
_CONSULTATIONS = frozenset(f"retConsSit{name}" for name in ("NFe", *OTHERS))
_ALONE = frozenset({"resNFe", "resEvento", "NFSe", "DPS", "CFe", "CFeCanc"}) | {
    asked for asked, _ in _PAIRS.values()
}
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
    "BPeTA": "infBPe",
    "NFSe": "infNFSe",
    "DPS": "infDPS",
    "CFe": "infCFe",
    "CFeCanc": "infCFe",
    "protNFe": "infProt",
    "retInutNFe": "infInut",
    "cancNFe": "infCanc",
    "retCancNFe": "infCanc",
    "cancCTe": "infCanc",
    "retCancCTe": "infCanc",
    **{f"prot{name}": "infProt" for name in OTHERS},
}


# Of NFS-e that a municipality issued: the Part's name by the element's.
_MUNICIPAL = {"CompNfse": "CompNfse", "Nfse": "Nfse", "NFe": "NFePaulistana"}

_SAID_IN = frozenset({*_GROUPS.values(), "infProt"})
"""The groups that name the document that an element is, or is about."""
_NAMING = frozenset(
    {"chNFe", "chCTe", "chMDFe", "chNFCom", "chNF3e", "chBPe", "tpEvento", "nSeqEvento"}
)
_KEY_LENGTH = 44
_FISCAL_TEXT = re.compile(
    r"(?:<\?xml[^>]*>\s*)?<(?:[\w.-]+:)?(?:"
    + "|".join(sorted({*_PAIRS, *map(str.lower, _ALONE | _ANSWERS)}))
    + r")[\s/>]",
    re.IGNORECASE,
)
"""A text that begins as a document does."""


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


def find_documents(root: etree._Element, text: str) -> Iterator[Part | DocumentError]:
    """The documents below and in `root`, in order, or why one that is packed cannot be read.

    Raises a NotFiscal for none: UnsupportedDocument for a kind that nfed does not import,
    AnswerAlone for the tax office's word that there is none, NotADocument for anything else.
    """
    found = inherited = 0
    for part in _find(root, text, 0):
        found += 1
        if isinstance(part, Part) and part.text is None:
            inherited += _inherited_chars(part.whole)
        if inherited > _MOST_INHERITED_CHARS:
            raise TooComplex(
                "LIMIT-NAMESPACES",
                Message(
                    "the namespaces declared around its documents would make more than {most:,} "
                    "characters, for each of them has them; expected a fiscal document",
                    most=_MOST_INHERITED_CHARS,
                ),
            )
        if found > _MOST_PARTS:
            raise TooManyDocuments(
                Message("more than {most_parts:,} documents in one file", most_parts=_MOST_PARTS)
            )
        yield part
    if not found:
        raise _nothing_in(root)


def _inherited_chars(element: etree._Element) -> int:
    """Of the namespaces declared around it, which its own text has to declare again."""
    around = element.getparent()
    if around is None:
        return 0
    return sum(len(prefix or "") + len(uri) for prefix, uri in around.nsmap.items())


def _nothing_in(root: etree._Element) -> NotFiscal:
    """Tells a document of another kind, an answer without any, and what is not fiscal apart."""
    name = _shown(local_name(matters(root)))
    kind = unsupported_in(_with_texts(root))
    if kind is not None:
        return UnsupportedDocument(
            Message(
                "<{name}> is a fiscal document that nfed does not import: {kind}",
                name=name,
                kind=kind,
            )
        )
    answer = _answer_in(root)
    if answer is not None:
        return AnswerAlone(answer)
    return NotADocument(
        Message(
            "root element <{name}> is no fiscal document that nfed knows, nor does it hold one; "
            "expected <nfeProc>, <NFe>, <procEventoNFe>, <cteProc> or another of the list in the "
            "README",
            name=_named(matters(root)),
        )
    )


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of that local name."""
    if element is None:
        return None
    return next(element.iterchildren(f"{{*}}{name}"), None)


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
        yield from _inside(element, nested)
    elif name in _ANSWERS and _is_whole(element, name):
        yield Part(name, None, element, element, text)
    elif name in _CONSULTATIONS and is_last_word(element):
        yield Part(name, None, element, element, None)
        yield from _below(element, nested)
    elif name in _MUNICIPAL and _is_municipal(element, name):
        yield Part(_MUNICIPAL[name], element, None, element, text)
    elif len(element):
        yield from _below(element, nested)
    elif name in _GROUPS and _is_fiscal(element):
        yield NotFiscal(
            Message(
                "<{name}> without <{group}>: expected a document's content",
                name=name,
                group=_GROUPS[name],
            )
        )
    elif element.text and element.text.lstrip().startswith("<"):
        yield from _looked_into(element.text.strip(), nested)


def is_last_word(consultation: etree._Element) -> bool:
    """True for an answer that says itself, and in no part, that its document is at its end.

    Of any other the protocols and events in it say all.
    """
    ends = CANCELLED + CLOSED if local_name(consultation) == "retConsSitMDFe" else CANCELLED
    return (
        _text(consultation, "cStat") in ends
        and key_of(consultation) != ""
        and not any(_ends(each, ends) for each in consultation.iter())
    )


def _ends(answer: etree._Element, ends: tuple[str, ...]) -> bool:
    """Whether this part of an answer says the same."""
    match local_name(answer):
        case "infProt" | "infCanc":
            return _text(answer, "cStat") in ends
        case "infEvento":
            is_end = _text(answer, "tpEvento") in ("110111", "110112", "310112")
            return is_end and _text(answer, "cStat") in REGISTERED
    return False


def _text(element: etree._Element, name: str) -> str:
    found = child(element, name)
    return "" if found is None else (found.text or "").strip()


def key_of(answer: etree._Element) -> str:
    """The key that an answer names: chNFe, chCTe, chMDFe and so on; empty for none."""
    for each in answer.iter():
        if _KEY_NAME.fullmatch(local_name(each)) and each.text:
            return each.text.strip()
    return ""


def _is_municipal(element: etree._Element, name: str) -> bool:
    if name == "NFe":
        return child(element, "ChaveNFe") is not None
    nfse = element if name == "Nfse" else child(element, "Nfse")
    return child(nfse, "InfNfse") is not None


def _is_whole(element: etree._Element, name: str) -> bool:
    group = _GROUPS.get(name)
    return group is None or child(element, group) is not None


def _answer_in(root: etree._Element) -> Message | None:
    """Which answer it is that holds no document, with its cStat and xMotivo; None: none."""
    for each in _with_texts(root):
        cstat = child(each, "cStat")
        if cstat is not None and (cstat.text or "").strip():
            said = child(each, "xMotivo")
            reason = "" if said is None else " ".join((said.text or "").split())
            return Message(
                "the answer <{name}> holds no document: cStat {cstat}{reason}",
                name=_shown(local_name(each)),
                cstat=_shown((cstat.text or "").strip()),
                reason=reason and f", {reason}",
            )
    return None


def _with_texts(root: etree._Element) -> Iterator[etree._Element]:
    """Every element with children, those of an XML that stands as text in another included."""
    for each in root.iter():
        if len(each):
            yield each
        elif each.text and each.text.lstrip().startswith("<"):
            try:
                yield from parse(each.text.strip().encode()).root.iter()
            except DocumentError:
                continue


def _named(element: etree._Element) -> str:
    """With its namespace, which may be all that is wrong with it; a long one says nothing."""
    tag = str(element.tag)
    return tag if len(tag) <= _NAMED else _shown(local_name(element))


def _shown(name: str) -> str:
    return name if len(name) <= _NAMED else f"{name[: _NAMED - 3]}..."


def _is_fiscal(element: etree._Element) -> bool:
    return str(element.tag).startswith(
        ("{http://www.portalfiscal.inf.br/", f"{{{NFSE_NAMESPACE}}}")
    )


def _below(element: etree._Element, nested: int) -> Iterator[Part | DocumentError]:
    """The documents of a lot, an envelope or an answer; those whose answers stand beside, with
    these."""
    asked = [each for each in element if _is_asked(each)]
    answers = [each for each in element if local_name(each) in _ANSWER_KINDS]
    answer_of = _matched(asked, answers) if asked and answers else {}
    claimed = set(answer_of.values())
    for each in element:
        if each in answer_of:
            yield _together(each, answer_of[each])
        elif each not in claimed:
            yield from _find(each, None, nested)


def _is_asked(element: etree._Element) -> bool:
    name = local_name(element)
    return name in _ANSWER_NAMES and _is_whole(element, name)


def _matched(
    asked: Sequence[etree._Element], answers: Sequence[etree._Element]
) -> dict[etree._Element, etree._Element]:
    """Each document's answer, where one of its kind names it; no answer is another's, too."""
    left: dict[tuple[str, str], list[etree._Element]] = {}
    for each in answers:
        left.setdefault((local_name(each), _about(each)), []).append(each)
    found: dict[etree._Element, etree._Element] = {}
    for each in asked:
        about = _about(each)
        mine = left.get((_ANSWER_NAMES[local_name(each)], about)) if about else None
        if mine:
            found[each] = mine.pop(0)
    return found


def _about(element: etree._Element) -> str:
    """The chave that a document bears or an answer names, and which event; empty for none."""
    group = next((each for each in element if str(each.tag).rpartition("}")[2] in _SAID_IN), None)
    if group is None:
        return ""
    named = [(each.text or "").strip() for each in group if local_name(each) in _NAMING]
    return "-".join(named) if named else (group.get("Id") or "").strip()[-_KEY_LENGTH:]


def _together(asked: etree._Element, answered: etree._Element) -> Part:
    """A document and its answer, in a copy of the element that is meant to hold both."""
    name = local_name(asked)
    whole = etree.Element(asked.tag.replace(name, _PROC_NAMES[name]), nsmap=asked.nsmap)  # type: ignore[arg-type]  # stubs know no None
    if asked.get("versao"):
        whole.set("versao", str(asked.get("versao")))
    whole.extend((deepcopy(asked), deepcopy(answered)))
    for each in whole:
        each.tail = None
    return Part(name, asked, answered, whole, None)


def _pair(
    element: etree._Element, asked_name: str, answer_name: str, text: str | None, nested: int
) -> Iterator[Part | DocumentError]:
    whole = [each for each in element.iterchildren(f"{{*}}{asked_name}") if _is_asked(each)]
    answers = list(element.iterchildren(f"{{*}}{answer_name}"))
    if len(whole) > 1:
        yield from _below(element, nested)
        return
    asked = whole[0] if whole else None
    answered = answers[0] if answers else None
    if asked is not None and len(answers) > 1:
        answered = _matched(whole, answers).get(asked, answered)
    if answered is None and asked_name == "NFe" and _holds_protocol(element):
        answered = element
    if asked is not None:
        yield Part(asked_name, asked, answered, element, text)
        yield from _inside(asked, nested)
    elif answered is not None and answered is not element:
        yield Part(answer_name, None, answered, element, text)
    for each in element:
        if each is not asked and each is not answered:
            yield from _find(each, None, nested)


def _inside(asked: etree._Element, nested: int) -> Iterator[Part | DocumentError]:
    """Documents that programs have put into a note, beside infNFe, such as its event."""
    if local_name(asked) == "NFe":
        for each in asked:
            if local_name(each) not in ("infNFe", "infNFeSupl", "Signature"):
                yield from _find(each, None, nested)


def holds_document(element: etree._Element) -> bool:
    """True for what `find_documents` takes, or tries to."""
    return next(_find(element, None, 0), None) is not None


def _holds_protocol(element: etree._Element) -> bool:
    """Seen: infProt without its protNFe; SEFAZ-SP's download, with nProt and dhInc alone."""
    return child(element, "infProt") is not None or child(element, "nProt") is not None


def _unzipped(element: etree._Element, nested: int) -> Iterator[Part | DocumentError]:
    """A docZip of the distribution service: base64 of gzip (NT 2014.002)."""
    packed_in = Message("<docZip>, which has no NSU,")
    if element.get("NSU"):
        packed_in = Message(
            "<docZip NSU={nsu!r} schema={schema!r}>",
            nsu=element.get("NSU"),
            schema=element.get("schema", ""),
        )
    content = _content_of(element, packed_in)
    found = False
    for part in _inner(content, nested):
        found = True
        yield part
    if not found:
        root = parse(content).root
        raise _not_taken(root, packed_in)


def _content_of(element: etree._Element, packed_in: Message) -> bytes:
    """Raises XMLParseError, or TooManyDocuments."""
    stream = zlib.decompressobj(wbits=47)  # gzip or zlib
    try:
        packed = base64.b64decode("".join((element.text or "").split()), validate=True)
        content = stream.decompress(packed, _UNPACKED_BYTES)
    except (binascii.Error, ValueError):
        fault = Message(
            "{packed_in} holds no base64 of gzip: its text is no base64", packed_in=packed_in
        )
        raise XMLParseError(fault) from None
    except zlib.error:
        fault = Message(
            "{packed_in} holds no base64 of gzip: its bytes are damaged, or not packed",
            packed_in=packed_in,
        )
        raise XMLParseError(fault) from None
    if stream.unconsumed_tail:
        raise TooManyDocuments(
            Message(
                "{packed_in} unpacks to more than {most:,} bytes",
                packed_in=packed_in,
                most=_UNPACKED_BYTES,
            )
        )
    if not stream.eof:
        raise XMLParseError(
            Message("{packed_in} holds no base64 of gzip: it ends too early", packed_in=packed_in)
        )
    return content


def _not_taken(root: etree._Element, packed_in: Message) -> NotFiscal:
    name = _shown(local_name(root))
    kind = unsupported_in(_with_texts(root))
    if kind is not None:
        return UnsupportedDocument(
            Message(
                "{packed_in} holds <{name}>, a fiscal document that nfed does not import: {kind}",
                packed_in=packed_in,
                name=name,
                kind=kind,
            )
        )
    return NotADocument(
        Message(
            "{packed_in} holds <{name}>, which is no fiscal document that nfed knows",
            packed_in=packed_in,
            name=name,
        )
    )


def _looked_into(text: str, nested: int) -> Iterator[Part | DocumentError]:
    """The documents of an element's text; one that only begins with `<` holds none."""
    try:
        yield from _inner(text.encode(), nested)
    except DocumentError as error:
        if _FISCAL_TEXT.match(text):
            yield error


def _inner(content: bytes, nested: int) -> Iterator[Part | DocumentError]:
    """The documents of a text that stands in another; one that is no XML holds none."""
    if nested == _MOST_NESTED:
        return
    try:
        source = parse(content)
    except DocumentError as error:
        raise XMLParseError(
            Message("a document inside the file cannot be read: {error}", error=error)
        ) from None
    yield from _find(source.root, source.text, nested + 1)
