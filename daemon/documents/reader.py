"""Bytes to tree, by a parser that trusts nobody, and the root element to the kind of document."""

import re
from dataclasses import dataclass
from xml.parsers import expat

from lxml import etree

from daemon.documents import encodings
from daemon.errors import HostileXML, XMLParseError, XMLTruncated

NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
NFSE_NAMESPACE = "http://www.sped.fazenda.gov.br/nfse"

# What may stand before the root element: blanks, processing instructions, comments.
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*+(<!DOCTYPE)?", re.DOTALL)
_TO_PROGRAMMERS = ", use XML_PARSE_HUGE option"
_HOSTILE = re.compile("excessive depth|limit exceeded|too long|entity.*(loop|amplif)", re.I)
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
    remarks: tuple[str, ...] = ()
    """What is wrong with its encoding."""


def read(content: bytes) -> Source:
    """Parses one file.

    Raises XMLTruncated when the text ends before its root element does, XMLParseError with line
    and column for any other fault of form, and HostileXML.
    """
    codec, remark = encodings.codec_of(content)
    if codec is None:
        root = _parse(content)
        return Source(root, _text(content, root.getroottree().docinfo.encoding))
    text = content.decode(codec, "replace").removeprefix("\ufeff")
    root = _parse(encodings.without_declaration(text).encode())
    return Source(root, text, (remark,) if remark else ())


def _parse(content: bytes) -> etree._Element:
    if not content.strip(b"\0 \t\r\n"):
        raise XMLTruncated("the file is empty: no XML in it")
    prolog = _PROLOG.match(content)
    if prolog is not None and prolog[1]:
        raise HostileXML("the file holds a DOCTYPE; expected a fiscal document, which has none")
    try:
        root = etree.fromstring(_without_leading_blanks(content), _PARSER)
    except etree.XMLSyntaxError as error:
        raise _refusal(error, content) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise HostileXML("the file holds a DOCTYPE; expected a fiscal document, which has none")
    return root


def _without_leading_blanks(content: bytes) -> bytes:
    return content.lstrip(b" \t\r\n") if content[:1] in b" \t\r\n" else content


def _refusal(error: etree.XMLSyntaxError, content: bytes) -> XMLParseError | HostileXML:
    line, column = error.position
    reason = (error.msg or "not well-formed").rpartition(", line ")[0] or error.msg or "not XML"
    reason = " ".join(reason.removesuffix(_TO_PROGRAMMERS).split())
    where = f"line {line}, column {column}"
    if _HOSTILE.search(reason):
        return HostileXML(f"{reason} at {where}; expected a fiscal document")
    if not _BEGINS.match(content):
        return XMLParseError(
            f"not XML: begins with {_shown(content[:12])!r} at {where}; expected '<'"
        )
    if _ends_early(content):
        return XMLTruncated(f"ends too early: {reason} at {where}")
    return XMLParseError(f"not well-formed XML: {reason} at {where}")


def _ends_early(content: bytes) -> bool:
    """Whether the text is the beginning of a well-formed one whose root is not closed yet.

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
            f"declares encoding {named!r} at line 1, column 1, but its bytes are in another; "
            "expected UTF-8, as the manual asks (MOC 7.0, 2.2.1)"
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
