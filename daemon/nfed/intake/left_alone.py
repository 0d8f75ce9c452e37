"""Says why something that lies in the drop folder is not taken, and what to do about it."""

import os
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from nfed.core.archive import (
    IGNORED,
    SNIFFED_BYTES,
    Form,
    Kind,
    form_by_bytes,
    form_of,
    is_archive,
    is_hidden,
)
from nfed.words import Message

_JUNK = frozenset(
    ("thumbs.db", "desktop.ini", "lost+found", "$recycle.bin", "@eadir", "#recycle",
     "system volume information")
)  # fmt: skip
_IN_TRANSFER = (
    ".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".lock", ".lck",
)  # fmt: skip
_TRANSFER_SECONDS = 3600.0
_RAR_TOOLS = ("unrar", "unar", "7z", "7zz", "bsdtar")


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """One thing that lies in the drop folder and is not taken."""

    path: str
    """Relative to the folder."""
    reason: Message
    advice: Message


def is_candidate(name: str) -> bool:
    """Whether a file of this name is meant for import.

    It ends in .xml or as an archive that can be opened does, in any case, is not hidden, and is no
    temporary of a writer; that leaves out `~$note.xml` of office programs and `note.xml.part`.
    """
    lower = name.lower()
    if lower.startswith((".", "~$")):
        return False
    return lower.endswith(".xml") or (is_archive(lower) and not _is_missing(form_of(lower).kind))


def counts(name: str, modified: float, now: float) -> bool:
    """Whether it is worth a word that a file or folder of this name is not taken.

    Not what file managers leave behind, nor, for an hour, what bears the name of a transfer.
    """
    lower = name.lower()
    if is_hidden(name) or lower in _JUNK:
        return False
    return not lower.endswith(_IN_TRANSFER) or now - modified > _TRANSFER_SECONDS


def of_entry(path: str, whole: str) -> LeftAlone | None:
    """Looks at what lies there; None: gone."""
    try:
        status = os.lstat(whole)
    except OSError:
        return None
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return LeftAlone(
            path,
            Message("a folder"),
            Message("set recursive=true (NFED_RECURSIVE) to take what lies in it, or move it up"),
        )
    if stat.S_ISLNK(mode):
        return LeftAlone(
            path, Message("a symbolic link"), Message("put the file itself into the folder")
        )
    if not stat.S_ISREG(mode):
        return LeftAlone(path, Message("no regular file"), Message("take it away"))
    return _of_file(path, form_of(path), first_bytes(whole))


def first_bytes(whole: str) -> bytes:
    """The beginning of a file; empty where it cannot be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with suppress(OSError):
        descriptor = os.open(whole, flags)
        try:
            return os.read(descriptor, SNIFFED_BYTES)
        finally:
            os.close(descriptor)
    return b""


def counts_now(path: str, whole: str) -> bool:
    """The same as `counts`, by the file's time and the clock's."""
    name = os.path.basename(path)
    if not name.lower().endswith(_IN_TRANSFER):
        return counts(name, 0.0, 0.0)
    try:
        return counts(name, os.lstat(whole).st_mtime, time.time())
    except OSError:
        return False


def _of_file(path: str, form: Form, first: bytes) -> LeftAlone:
    lower = path.lower()
    if lower.endswith(_IN_TRANSFER):
        return LeftAlone(
            path,
            Message("the name of a transfer that has not ended"),
            Message("have it transferred again, or give it its name"),
        )
    if _is_missing(form.kind):
        return LeftAlone(
            path,
            Message("an archive that is opened with nfed[archives]"),
            Message("unpack it; or install nfed[archives], and for a .rar also unrar or bsdtar"),
        )
    if lower.endswith(".msg"):
        return LeftAlone(
            path, Message("a message of Outlook"), Message("save its attachments into the folder")
        )
    if form.kind is Kind.OTHER_ARCHIVE:
        return LeftAlone(path, Message("an archive that nfed does not open"), Message("unpack it"))
    found = form_by_bytes(first, path) if form == IGNORED else None
    if found is not None and (found.packed or found.kind in (Kind.DOCUMENT, Kind.ZIP)):
        what = Message("an archive under another name")
        if not found.packed and found.kind is Kind.DOCUMENT:
            what = Message("XML under another name")
        return LeftAlone(
            path,
            what,
            Message(
                "give it its suffix (.xml, .zip, .gz); or set by_content=true (NFED_BY_CONTENT) "
                "to take files by their first bytes"
            ),
        )
    if lower.endswith(".pdf"):
        return LeftAlone(
            path,
            Message("no XML"),
            Message("nfed takes the XML of a document and not its print: take it away"),
        )
    return LeftAlone(path, Message("neither XML nor an archive"), Message("take it away"))


@cache
def _is_missing(kind: Kind) -> bool:
    """Whether nothing here opens archives of this kind."""
    if kind is Kind.SEVEN:
        return find_spec("py7zr") is None
    if kind is Kind.RAR:
        return find_spec("rarfile") is None or not any(map(shutil.which, _RAR_TOOLS))
    return False
