"""Gives a stored document's bytes: as they were imported where they can be had, or its text."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from pathlib import Path

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.documents.xml.parse import parse
from nfed.errors import DocumentError
from nfed.intake.rename import free_names

_DECLARED = re.compile(r"""^\ufeff?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MOST_NAMESAKES = 100
_MOST_BYTES = 64 << 20


class Origin(StrEnum):
    """Where the bytes come from, in the manifest's words."""

    IMPORTED = "importado"
    """They are those of the file that was imported: its SHA-256 says so."""
    DATABASE = "banco"
    """The stored text in its declared encoding; the file held more than this document, or it is
    out of reach and had a byte order mark or bytes that its declaration does not explain."""
    NONE = "sem XML"
    """Stored without its text (keep_xml), and its file is out of reach."""


@dataclass(frozen=True, slots=True)
class Original:
    """A document's bytes."""

    content: bytes
    sha256: str
    origin: Origin


class Originals:
    """Looks for files below done/; None: there is no such folder within reach.

    Nothing is remembered but the folders, so memory does not grow with the files.
    """

    def __init__(self, done: Path | None) -> None:
        self._folders = [] if done is None else [str(done), *_below(str(done))]

    def find(
        self, text: str | None, file_name: str | None, file_sha256: str | None, key: str
    ) -> Original:
        """The bytes of the document of this key, stored as `text`, that came in this file."""
        stored = None if text is None else encoded(text)
        digest = "" if stored is None else sha256(stored).hexdigest()
        if stored is not None and digest == file_sha256:
            return Original(stored, digest, Origin.IMPORTED)
        if file_name and file_sha256:
            content = self._file(file_name, file_sha256)
            if content is not None and _holds_alone(content, text, key):
                return Original(content, file_sha256, Origin.IMPORTED)
        if stored is None:
            return Original(b"", "", Origin.NONE)
        return Original(stored, digest, Origin.DATABASE)

    def _file(self, name: str, digest: str) -> bytes | None:
        if "/" in name or "\0" in name or name in (".", ".."):
            return None  # a member of an archive
        for at, folder in enumerate(self._folders):
            for path in _namesakes(folder, name):
                content = _read(path)
                if content is not None and sha256(content).hexdigest() == digest:
                    # The next one lies there, too, more often than not.
                    self._folders.insert(0, self._folders.pop(at))
                    return content
        return None


def declared_encoding(text: str) -> str:
    """Reads the encoding that the XML declares, so that its bytes keep to it; UTF-8 when unsure."""
    name = _declared(text)
    try:
        text.encode(name)
    except (LookupError, UnicodeError):
        return "utf-8"
    return name.lower()


def encoded(text: str) -> bytes:
    """The text's bytes in the encoding that it declares; what that lacks is written as &#…;."""
    try:
        return text.encode(_declared(text), "xmlcharrefreplace")
    except (LookupError, UnicodeError):  # no such encoding, or half a surrogate
        return text.encode("utf-8", "replace")


def _declared(text: str) -> str:
    declared = _DECLARED.match(text)
    return declared[1] if declared else "utf-8"


def _holds_alone(content: bytes, text: str | None, key: str) -> bool:
    try:
        if text is not None:
            return parse(content).text == text
        (document,) = documents_from(content, Checks.none())
    except (DocumentError, ValueError):
        return False
    return isinstance(document, Document) and document.key == key


def _namesakes(folder: str, name: str) -> Iterator[str]:
    """The paths that put_away may have given it there."""
    for free in islice(free_names(name), _MOST_NAMESAKES):
        path = f"{folder}/{free}"
        if not os.path.lexists(path):
            return
        yield path


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", opener=_no_link) as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= _MOST_BYTES else None


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _below(folder: str) -> list[str]:
    """Folders below it, the newest name first."""
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            names = [each.path for each in entries if each.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    for path in sorted(names, reverse=True):
        found += [path, *_below(path)]
    return found
