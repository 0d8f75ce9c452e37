"""Finds the encoding of a file whose declaration is wrong: by its bytes, never silently.

UTF-8 is what the manual asks for (MOC 7.0, 2.2.1). Old issuers wrote Windows-1252 and declared
UTF-8 or ISO-8859-1; some programs re-encode a file and leave its declaration.
"""

import re
from codecs import lookup

from nfed.words import Message

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([^"'>]{1,40})["']""")
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_C1 = re.compile(rb"[\x80-\x9f]")
_WINDOWS = "cp1252"
_LATIN = ("iso8859-1", "iso8859-15", "cp1252", "ascii")


def codec_of(content: bytes) -> tuple[str | None, Message | None]:
    """The codec to decode a file by, and what is wrong with its declaration.

    (None, None) for the many whose bytes and declaration go together, or that no codec can help.
    """
    if content.isascii() and not _DECLARED.match(content.lstrip()[:300]):
        return None, None
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        return None, None
    body = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    declared = _DECLARED.match(body[:300])
    if not body.startswith(b"<"):
        return None, None
    name = declared[1].decode("ascii", "replace").strip() if declared else "UTF-8"
    codec = _known(name)
    if codec is None:
        actual = "utf-8" if _is_utf8(content) else _WINDOWS
        return _decodable(content, actual), Message(
            "declares the encoding {name!r}, which does not exist: read as {actual}",
            name=name,
            actual=_shown(actual),
        )
    if codec.startswith(("utf-16", "utf-32")):  # two or four bytes a letter would begin otherwise
        actual = "utf-8" if _is_utf8(content) else _WINDOWS
        return _decodable(content, actual), Message(
            "declares {name} and holds one byte a letter: read as {actual}",
            name=name,
            actual=_shown(actual),
        )
    if content.isascii():
        return None, None
    if codec == "utf-8":
        if _is_utf8(content):
            return None, None
        return _decodable(content, _WINDOWS), Message(
            "declares {name} and holds other bytes: read as Windows-1252", name=name
        )
    if codec in _LATIN and _is_utf8(content):
        return "utf-8", Message("declares {name} and holds UTF-8: read as UTF-8", name=name)
    if codec == "ascii" or (codec == "iso8859-1" and _C1.search(content)):
        return _decodable(content, _WINDOWS), Message(
            "declares {name} and holds bytes that it does not know: read as Windows-1252",
            name=name,
        )
    return None, None


def without_declaration(text: str) -> str:
    """The text without its byte order mark and XML declaration, for a parser that is told."""
    plain = text.removeprefix("\ufeff")
    found = _DECLARATION.match(plain)
    # Lines keep their numbers.
    return plain if found is None else "\n" * found[0].count("\n") + plain[found.end() :]


def _known(name: str) -> str | None:
    try:
        return lookup(name).name
    except (LookupError, ValueError):
        return None


def _is_utf8(content: bytes) -> bool:
    """Tells whether the bytes are UTF-8; they may end within a character."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _decodable(content: bytes, codec: str) -> str:
    """Windows-1252 leaves five bytes undefined; Latin-1 knows them all."""
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return "latin-1"
    return codec


def _shown(codec: str) -> str:
    return "Windows-1252" if codec == _WINDOWS else codec.upper()
