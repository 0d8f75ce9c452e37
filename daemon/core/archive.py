"""Archives: which files are some, what their members are called, and how much they may hold."""

from dataclasses import dataclass
from enum import Enum, auto

from daemon.core.outcome import Refused

SUFFIXES = (".zip", ".gz")
_MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may ask of the machine; one that asks for more is refused as a whole."""

    max_bytes: int = 1 << 30
    """Of the archive's own, and of all zips inside it together."""
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
    """Its number in the archive's directory, and in that of a zip inside; none in a .gz."""
    size_bytes: int
    """As the archive declares it."""
    refused: Refused | None = None
    """Why it cannot be opened, known before it is read: a damaged zip inside a zip."""


@dataclass(frozen=True)
class Listing:
    """What an archive holds."""

    members: tuple[Member, ...]
    ignored: int
    """Members that are neither .xml, .zip nor .gz, or are hidden; folders are not counted."""


class Kind(Enum):
    """What a member is, by its name."""

    DOCUMENT = auto()
    PACKED_DOCUMENT = auto()
    """A .gz of a document."""
    ZIP = auto()
    PACKED_ZIP = auto()
    IGNORED = auto()


def is_archive(name: str) -> bool:
    """Whether a file of this name in the drop folder is opened as an archive."""
    return name.lower().endswith(SUFFIXES)


def kind_of(path: str) -> Kind:
    """What the member at this path is; hidden files are what file managers leave behind."""
    name = _last(path).lower()
    if name.startswith((".", "~$")):
        return Kind.IGNORED
    if name.endswith(".xml"):
        return Kind.DOCUMENT
    if name.endswith(".zip"):
        return Kind.ZIP
    if name.endswith(".gz"):
        inner = payload_name(name)
        if inner.endswith(".zip"):
            return Kind.PACKED_ZIP
        if inner.endswith(".xml") or "." not in inner:
            return Kind.PACKED_DOCUMENT
    return Kind.IGNORED


def payload_name(path: str) -> str:
    """What a .gz holds: its name without the suffix."""
    return _last(path)[: -len(".gz")]


def kept_name(path: str) -> str:
    """A file name for a refused member in failed/, whatever the archive calls it.

    The last part of its path, printable, not hidden, short, and one that is taken for import when
    it is put back into the drop folder.
    """
    last = _last(path.rpartition("!")[2])
    shown = "".join(each if each.isprintable() else "_" for each in last)
    stem, dot, suffix = shown.rpartition(".")
    if f".{suffix.lower()}" not in (".xml", *SUFFIXES):
        stem, dot, suffix = shown, ".", "xml"
    raw = stem.encode("utf-8", "replace")[:_MAX_NAME_BYTES]
    return f"{raw.decode('utf-8', 'ignore').lstrip('.~$ ') or 'member'}{dot}{suffix}"


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
