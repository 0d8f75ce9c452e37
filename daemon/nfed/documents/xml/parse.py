"""Parses bytes into a tree, and trusts nobody: no DTD, no entities, no network, bounded depth."""

import re
from dataclasses import dataclass
from xml.parsers import expat

from lxml import etree

from nfed.documents.xml import encodings
from nfed.documents.xml.libxml2 import in_words
from nfed.errors import DocumentError, HostileXML, Misnamed, TooComplex, XMLParseError, XMLTruncated
from nfed.words import Message

NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
NFSE_NAMESPACE = "http://www.sped.fazenda.gov.br/nfse"

# What may stand before the root element: blanks, processing instructions, comments.
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*+(<!DOCTYPE)?", re.DOTALL)
_TO_PROGRAMMERS = ", use XML_PARSE_HUGE option"
_HOSTILE = re.compile("excessive depth|limit exceeded|too long|entity.*(loop|amplif)", re.I)
_MOST_ATTRIBUTES = 1000  # on one element; the official schemas have up to 4
_MOST_ELEMENTS = 5_000_000  # tags in one file: a lot of 50 notes of 990 items has 3.5 million
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,  # nobody looks elements up by id, and a table of them costs
)
_OTHERS = (
    (b"PK\x03\x04", "a .zip"),
    (b"\x1f\x8b", "a .gz"),
    (b"7z\xbc\xaf\x27\x1c", "a .7z"),
    (b"Rar!\x1a\x07", "a .rar"),
    (b"%PDF-", "a .pdf"),
)
_BLANKS = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_DIRT = _BLANKS + b"\0\x1a" + _BOM  # single bytes, of which no document begins or ends in one
# A beginning of XML, be it only a part of its byte order mark.
_BEGINS = re.compile(
    rb"(?:\xef|\xef\xbb|\xff|\xfe)\Z|(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\0 \t\r\n]*(?:<|\Z)"
)
_DECLARED = re.compile(r"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)""")


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file: its tree's root and its text as it came."""

    root: etree._Element
    text: str
    remarks: tuple[tuple[str, str], ...] = ()
    """Code and sentence of what is wrong with its bytes: their encoding, or dirt around them."""


def parse(content: bytes) -> Source:
    """Parses one file.

    Raises XMLTruncated when the text ends before its root element does, XMLParseError with line
    and column for any other fault of form, and HostileXML.
    """
    content, dirt = _without_dirt(content)
    remarks = (("DIRT", dirt),) if dirt else ()
    codec, remark = encodings.codec_of(content)
    if codec is None:
        root = _parse(content)
        return Source(root, _text(content, root.getroottree().docinfo.encoding), remarks)
    text = content.decode(codec, "replace").removeprefix("\ufeff")
    root = _parse(encodings.without_declaration(text).encode())
    return Source(root, text, (*remarks, ("ENCODING", remark)) if remark else remarks)


def _without_dirt(content: bytes) -> tuple[bytes, str | None]:
    """The document without bytes around it that no XML has, and which these were.

    Seen: NULs of a disk block or a fixed-length field, a byte order mark on top of another, a
    Ctrl-Z of DOS. What is no document without them is returned as it came.
    """
    if content[:1] == b"<" and content.rstrip(_BLANKS)[-1:] == b">":
        return content, None
    if content.startswith((b"<\0", b"\0<", b"\xff\xfe\0\0")):
        return content, None  # two or four bytes a letter
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _without_dirt_in_pairs(content)
    document = content.strip(_DIRT)
    if not (document.startswith(b"<") and document.endswith(b">")):
        return content, None
    begin = content.index(document[:1])
    before, after = content[:begin].removeprefix(_BOM), content[begin + len(document) :]
    names = [
        f"{_bytes_of(dirt)} {place} the document"
        for dirt, place in ((before, "before"), (after, "after"))
        if dirt.strip(_BLANKS) or (place == "before" and dirt and document.startswith(b"<?xml"))
    ]
    if not names:
        return content, None
    return document, f"{' and '.join(names)}: left out"


def _without_dirt_in_pairs(content: bytes) -> tuple[bytes, str | None]:
    """The same in UTF-16, where a letter has two bytes: NULs and marks at its ends."""
    end = len(content)
    while end > 2 and content[end - 2 : end] == b"\0\0":
        end -= 2
    mark = content[:2]
    begin = 0
    while content[begin + 2 : begin + 4] == mark:
        begin += 2
    dirt = content[2 : begin + 2] + content[end:]
    if not dirt:
        return content, None
    return content[begin:end], f"{_bytes_of(dirt)} around the document: left out"


def _bytes_of(dirt: bytes) -> str:
    kinds = (
        (b"\0", "NUL"),
        (_BOM, "byte order mark"),
        (b"\xff\xfe", "byte order mark"),
        (b"\xfe\xff", "byte order mark"),
        (b"\x1a", "Ctrl-Z"),
    )
    found = [f"{dirt.count(each):,} {name}" for each, name in kinds if each in dirt]
    return ", ".join(found) or "white space"


def _parse(content: bytes) -> etree._Element:
    if not content.strip(b"\0 \t\r\n"):
        raise XMLTruncated(Message("the file is empty: no XML in it"))
    prolog = _PROLOG.match(content)
    if prolog is not None and prolog[1]:
        raise HostileXML(
            Message("the file holds a DOCTYPE; expected a fiscal document, which has none")
        )
    if content.count(b"<") > _MOST_ELEMENTS:
        raise TooComplex(
            "LIMIT-ELEMENTS",
            Message(
                "more than {most_elements:,} tags; expected a fiscal document",
                most_elements=_MOST_ELEMENTS,
            ),
        )
    try:
        root = etree.fromstring(_without_leading_blanks(content), _PARSER)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:  # type: ignore[attr-defined]  # stubs lack it
            raise MemoryError from None
        raise _refusal(error, content) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise HostileXML(
            Message("the file holds a DOCTYPE; expected a fiscal document, which has none")
        )
    # Each attribute has two quotation marks, so few files are walked to count them.
    if content.count(b'"') + content.count(b"'") > 2 * _MOST_ATTRIBUTES:
        _check_attributes(root)
    return root


def _check_attributes(root: etree._Element) -> None:
    """libxml2's validator compares each attribute of an element with all others."""
    for element in root.iter():
        if len(element.attrib) > _MOST_ATTRIBUTES:
            raise TooComplex(
                "LIMIT-ATTRIBUTES",
                Message(
                    "<{localname}> has {count:,} attributes; expected at most {most_attributes:,}",
                    localname=etree.QName(element).localname[:60],
                    count=len(element.attrib),
                    most_attributes=_MOST_ATTRIBUTES,
                ),
            )


def _without_leading_blanks(content: bytes) -> bytes:
    return content.lstrip(b" \t\r\n") if content[:1] in b" \t\r\n" else content


def _refusal(error: etree.XMLSyntaxError, content: bytes) -> DocumentError:
    line, column = error.position
    reason = (error.msg or "not well-formed").rpartition(", line ")[0] or error.msg or "not XML"
    reason = " ".join(reason.removesuffix(_TO_PROGRAMMERS).split())
    reason = in_words(reason)
    where = Message("line {line}, column {column}", line=line, column=column)
    if _HOSTILE.search(reason):
        return HostileXML(
            Message("{reason} at {where}; expected a fiscal document", reason=reason, where=where)
        )
    for magic, what in _OTHERS:
        if content.startswith(magic):
            return Misnamed(Message("it begins as {what} does, and is no XML", what=what))
    if not _BEGINS.match(content):
        return XMLParseError(
            Message(
                "not XML: begins with {content!r} at {where}; expected '<'",
                content=_shown(content[:12]),
                where=where,
            )
        )
    if _ends_early(content):
        return XMLTruncated(
            Message("ends too early: {reason} at {where}", reason=reason, where=where)
        )
    return XMLParseError(
        Message("not well-formed XML: {reason} at {where}", reason=reason, where=where)
    )


def _ends_early(content: bytes) -> bool:
    """Tells whether the text begins a well-formed one whose root is not closed yet.

    libxml2's error codes cannot tell a cut from a fault, so expat is fed the same bytes as a
    part of more to come: it complains of a fault, and waits for what was cut off.
    """
    depth = 0
    closed = False

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1

    def end(*_: object) -> None:
        nonlocal depth, closed
        depth -= 1
        closed = closed or depth == 0

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, False)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return not closed


def _text(content: bytes, encoding: str | None) -> str:
    """The file's text as it came; the parser has proved that it is well-formed.

    Raises XMLParseError when the declared encoding and the bytes do not go together.
    """
    try:
        text = content.decode(_codec(content) or encoding or "utf-8")
    except (LookupError, UnicodeDecodeError):
        text = "\0"
    declared = _DECLARED.match(text)
    if "\0" in text or (
        (_codec(content) or "").startswith("utf-16")
        and declared
        and not declared[1].lower().startswith("utf-16")
    ):
        named = declared[1] if declared else encoding
        raise XMLParseError(
            Message(
                "declares encoding {named!r} at line 1, column 1, but its "
                "bytes are in another; expected UTF-8, as the manual asks "
                "(MOC 7.0, 2.2.1)",
                named=named,
            )
        )
    return text


def _codec(content: bytes) -> str | None:
    """The codec that the first bytes show, whatever is declared (XML 1.0, appendix F)."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if content.startswith((b"<\0", b"\0<")):
        return "utf-16-le" if content[1] == 0 else "utf-16-be"
    return None


def _shown(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text if len(text) <= 80 else f"{text[:77]}..."
