"""Describes archives: which files are some, how members are named, how much one may hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from nfed.core.outcome import Refused, refusal
from nfed.documents.checks import Finding
from nfed.errors import ArchivePartlyRead, ArchiveWithoutDocuments
from nfed.words import Message

_OWN = (".zip", ".gz", ".tgz", ".tar", ".eml")
EXTRA = (".7z", ".rar")
"""Opened with the extra nfed[archives]."""
SUFFIXES = (*_OWN, *EXTRA)
SNIFFED_BYTES = 512
"""So many bytes tell what a file is."""
_MAX_NAME_BYTES = 200
_NAMED = 10


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits what an archive may ask of the machine; one that asks for more is refused whole."""

    max_bytes: int = 1 << 30
    """Of the archive's own, and of all archives inside it together."""
    max_unpacked_bytes: int = 8 << 30
    max_members: int = 100_000
    max_ratio: int = 200
    """Unpacked bytes for each packed one."""


@dataclass(frozen=True)  # without slots, which pickle by a slow road
class Member:
    """One file of an archive that gets an outcome of its own."""

    path: str
    """As the ledger and the log name it: `archive.zip!folder/name.xml`."""
    position: tuple[int, ...]
    """Its number in the archive's directory, and in that of one inside; none in a .gz."""
    size_bytes: int
    """As the archive declares it."""
    refused: Refused | None = None
    """Why it cannot be opened, known before it is read: a damaged zip inside a zip."""


@dataclass(frozen=True)
class Listing:
    """Lists what an archive holds."""

    members: tuple[Member, ...]
    ignored: int
    """Files that are no documents and no archives, or are hidden; folders are not counted."""
    ignored_names: tuple[str, ...] = ()
    """Of the first of them."""
    unread: "tuple[Unread, ...]" = ()
    """Files that may hold documents and are not opened."""


@dataclass(frozen=True)
class Unread:
    """One file of an archive that may hold documents and is not opened."""

    path: str
    """Without the archive's own name."""
    why: str


class Kind(Enum):
    """Sorts files by what they hold."""

    DOCUMENT = auto()
    ZIP = auto()
    TAR = auto()
    SEVEN = auto()
    RAR = auto()
    MAIL = auto()
    OTHER_ARCHIVE = auto()
    """Of a kind that nobody opens here."""
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """What a file is, and whether gzip is around it."""

    kind: Kind
    packed: bool = False

    @property
    def is_container(self) -> bool:
        """Tells whether it holds files of their own names."""
        return self.kind in CONTAINERS


CONTAINERS = frozenset({Kind.ZIP, Kind.TAR, Kind.SEVEN, Kind.RAR, Kind.MAIL})
# fmt: off
_BY_SUFFIX = {
    "xml": Form(Kind.DOCUMENT),
    "zip": Form(Kind.ZIP),
    "tar": Form(Kind.TAR),
    "tgz": Form(Kind.TAR, packed=True),
    "7z": Form(Kind.SEVEN),
    "rar": Form(Kind.RAR),
    "eml": Form(Kind.MAIL),
    **dict.fromkeys(
        (
            "ace", "arj", "bz2", "cab", "dat", "iso", "lha", "lzh", "mbox", "msg", "p7m", "pst",
            "tbz", "tbz2", "txz", "xz", "z", "zst",
        ),
        Form(Kind.OTHER_ARCHIVE),
    ),
}
IGNORED = Form(Kind.IGNORED)
# Never looked into: what begins like XML or a zip in there is no document, nor holds one.
_NEVER = frozenset(
    (
        "apk", "csv", "doc", "docm", "docx", "epub", "exe", "gif", "html", "htm", "ini", "jar",
        "jpeg", "jpg", "js", "json", "kml", "log", "odg", "odp", "ods", "odt", "pdf", "png", "ppt",
        "pptm", "pptx", "rtf", "svg", "tif", "tiff", "url", "vsdx", "wsdl", "xhtml", "xls", "xlsb",
        "xlsm", "xlsx", "xsd", "xsl", "xslt",
    )
)
# fmt: on
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff|[\0 \t\r\n])*<(?!\0*[!?]?\0*(?:d\0?o\0?c\0?t|h\0?t\0?m))",
    re.IGNORECASE,
)
_MAGIC = (
    (b"PK\x03\x04", Form(Kind.ZIP)),
    (b"PK\x05\x06", Form(Kind.ZIP)),
    (b"\x1f\x8b", Form(Kind.DOCUMENT, packed=True)),
    (b"7z\xbc\xaf\x27\x1c", Form(Kind.SEVEN)),
    (b"Rar!\x1a\x07", Form(Kind.RAR)),
)


def is_archive(name: str) -> bool:
    """Tells whether a file of this name in the drop folder is opened as an archive."""
    return name.lower().endswith(SUFFIXES)


def is_hidden(path: str) -> bool:
    """Tells whether a file is one of those that file managers and programs leave behind."""
    return last_name(path).startswith((".", "~$"))


def form_of(path: str) -> Form:
    """Sorts the file at this path by its name."""
    name = last_name(path).lower()
    if is_hidden(name):
        return IGNORED
    stem, dot, suffix = name.rpartition(".")
    if suffix != "gz" or not dot:
        return _BY_SUFFIX.get(suffix, IGNORED) if dot else IGNORED
    inner = Form(Kind.DOCUMENT) if "." not in stem else form_of(stem)
    return Form(Kind.IGNORED if inner.packed else inner.kind, packed=True)


def form_by_bytes(first: bytes, path: str) -> Form | None:
    """Sorts a file by its first bytes; None: it is nothing that may hold a document.

    Of what is packed by gzip, only that. Names of other programs' files are believed.
    """
    if is_hidden(path) or last_name(path).lower().rpartition(".")[2] in _NEVER:
        return None
    for magic, form in _MAGIC:
        if first.startswith(magic):
            return form
    if first[257:262] == b"ustar":
        return Form(Kind.TAR)
    return Form(Kind.DOCUMENT) if _MARKUP.match(first) else None


def form_by_content(first: bytes, path: str) -> Form:
    """Sorts a file by content: what begins as XML, zip or gzip is that, else its name decides."""
    named = form_of(path)
    found = form_by_bytes(first, path)
    if found is None or found.kind not in (Kind.DOCUMENT, Kind.ZIP):
        return named
    if found.packed and named.packed:
        return named
    return found if found.packed or found.kind is not named.kind else named


def payload_name(path: str) -> str:
    """Names what a .gz holds: its name without the suffix."""
    name = last_name(path)
    return name[: -len(".gz")] if name.lower().endswith(".gz") else name


def kept_name(path: str) -> str:
    """A file name for a refused member in failed/, whatever the archive calls it.

    The last part of its path, printable, not hidden, short, and one that is taken for import when
    it is put back into the drop folder.
    """
    last = last_name(path.rpartition("!")[2])
    shown = "".join(each if each.isprintable() else "_" for each in last)
    stem, dot, suffix = shown.rpartition(".")
    if f".{suffix.lower()}" not in (".xml", *SUFFIXES):
        stem, dot, suffix = shown, ".", "xml"
    raw = stem.encode("utf-8", "replace")[:_MAX_NAME_BYTES]
    return f"{raw.decode('utf-8', 'ignore').lstrip('.~$ ') or 'member'}{dot}{suffix}"


def partly_read(listing: Listing) -> Refused:
    """Refuses an archive that holds what may be documents and is not opened; the rest is stored."""
    names = [each.path for each in listing.unread]
    error = ArchivePartlyRead(
        Message(
            "a member was not read, the others ({others:,}) were: {names}",
            "{count:,} members were not read, the others ({others:,}) were: {names}",
            count=len(names),
            others=len(listing.members),
            names=_named(names, len(names), _NAMED),
        )
    )
    refused = (
        Message("{path}: {why}", path=inside_of(each.path), why=each.refused.error)
        for each in listing.members
        if each.refused is not None
    )
    unread = (Message("{path}: {why}", path=each.path, why=each.why) for each in listing.unread)
    ignored = (each.text for each in ignored_in(listing))
    error.findings = tuple(("ARCHIVE", each) for each in (*unread, *refused, *ignored))
    return refusal(error)


def ignored_in(listing: Listing) -> tuple[Finding, ...]:
    """A finding that names what an archive held that is no document."""
    if not listing.ignored:
        return ()
    names = _named(listing.ignored_names, listing.ignored, len(listing.ignored_names))
    text = Message(
        "a member is no document: {names}",
        "{count:,} members are no documents: {names}",
        count=listing.ignored,
        names=names,
    )
    return (Finding("ARCHIVE", text),)


def without_documents(names: Sequence[str], count: int) -> ArchiveWithoutDocuments:
    """Refuses an archive that yields nothing, and says what it does hold."""
    if not count:
        return ArchiveWithoutDocuments(Message("it holds no file"))
    return ArchiveWithoutDocuments(
        Message("it holds no document: {names}", names=_named(names, count, _NAMED))
    )


def _named(names: Sequence[str], count: int, most: int) -> str | Message:
    first = ", ".join(names[:most])
    more = count - len(names[:most])
    return Message("{names} and {more:,} more", names=first, more=more) if more > 0 else first


def inside_of(path: str) -> str:
    """A member's path without the archive's own name."""
    return path.partition("!")[2]


def last_name(path: str) -> str:
    """The last part of a path, however its folders are separated."""
    return path.replace("\\", "/").rpartition("/")[2]
