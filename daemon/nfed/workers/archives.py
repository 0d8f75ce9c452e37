"""Opens archives inside a worker process: lists one, and unpacks its members one by one.

Of an archive no more is in memory than its directory and one member. `containers` opens the kinds;
here they are held against the limits, and an archive inside is opened as a container of its own.
"""

import errno
import gzip
import io
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import IO, BinaryIO

from nfed.core.archive import (
    SNIFFED_BYTES,
    ArchiveLimits,
    Form,
    Kind,
    Listing,
    Member,
    Unread,
    form_by_bytes,
    form_by_content,
    form_of,
    inside_of,
    is_hidden,
    payload_name,
    without_documents,
)
from nfed.core.arrival import Version
from nfed.core.outcome import refusal
from nfed.errors import (
    ArchiveError,
    ArchiveTooDeep,
    ArchiveTooLarge,
    ArchiveTruncated,
    ArchiveWithoutDocuments,
    DocumentError,
    FileTooLarge,
    Misnamed,
)
from nfed.words import Message
from nfed.workers.containers import Container, ContainerEntry, container, damage, on_disk
from nfed.workers.read import version_of

_MOST_NAMED = 100
_MOST_UNREAD = 1000


class ArchiveChanged(Exception):
    """Another file stands at the path than the one that had settled."""


class OpenArchive:
    """One archive, and at most one archive inside it, open."""

    def __init__(
        self,
        path: str,
        version: Version,
        limits: ArchiveLimits,
        max_file_bytes: int,
        *,
        by_content: bool = False,
    ) -> None:
        self.path = path
        self.version = version
        self._limits = limits
        self._max_file_bytes = max_file_bytes
        self._by_content = by_content
        self._name = os.path.basename(path)
        self._outer: Container | None = None
        self._inner: tuple[int, Container] | None = None
        self._file = _opened(path)
        try:
            self.check()
            self._form = self._own_form()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the archive."""
        self._let_go_of_inner()
        if self._outer is not None:
            self._outer.close()
        self._file.close()

    def check(self) -> None:
        """Raises ArchiveChanged, or OSError."""
        if version_of(os.fstat(self._file.fileno())) != self.version:
            raise ArchiveChanged
        if version_of(os.stat(self.path, follow_symlinks=False)) != self.version:
            raise ArchiveChanged

    def listing(self) -> Listing:
        """Lists what it holds. Raises ArchiveError when the whole is to be refused."""
        size = self.version[1]
        if size > self._limits.max_bytes:
            raise ArchiveTooLarge(
                Message(
                    "{size:,} bytes; max_archive_bytes allows {max_bytes:,}",
                    size=size,
                    max_bytes=self._limits.max_bytes,
                )
            )
        if not self._form.is_container:
            if self._form.kind is not Kind.DOCUMENT or not self._form.packed:
                raise self._nothing_in_gz()
            content = self.content(Member("", (), 0))
            path = f"{self._name}!{payload_name(self._name)}"
            return Listing((Member(path, (), len(content)),), 0)
        walk = _Walk(self._limits, self._max_file_bytes)
        members = tuple(self._members(walk))
        if not members and not walk.unread:
            raise without_documents(walk.ignored_names, walk.ignored)
        return Listing(members, walk.ignored, tuple(walk.ignored_names), tuple(walk.unread))

    def content(self, member: Member) -> bytes:
        """A member's bytes, of a .gz those that it holds. Raises ArchiveError, FileTooLarge."""
        if not member.position:
            self._file.seek(0)
            with damage():
                return self._gunzip(self._file, self.version[1])
        *outer, number = member.position
        with damage():
            opened = self._container_inside(outer[0]) if outer else self._container()
            entry = opened.entries[number]
            if entry.size_bytes > self._max_file_bytes:
                raise self._too_large(f"{entry.size_bytes:,}")
            with opened.open(number) as file:
                content = file.read(entry.size_bytes + 1)
            if member.refused is None and self._form_in(opened, number).packed:
                return self._gunzip(io.BytesIO(content), len(content))
        return content

    def _own_form(self) -> Form:
        """What the file is; raises Misnamed for one whose name says something else."""
        named = form_of(self._name)
        first = self._file.read(4 * SNIFFED_BYTES)
        if self._by_content:
            taken = form_by_content(first, self._name)
            is_gz = taken.packed and taken.kind is Kind.DOCUMENT and taken != named
            return self._packed_form(first) if is_gz else taken
        found = form_by_bytes(first, self._name)
        if found is None or (found.packed and named.packed):
            return named
        if found.packed or named.packed or found.kind is not named.kind:
            raise Misnamed(
                Message(
                    "it begins as {found} does, and is no {suffix}",
                    found=_said(found),
                    suffix=_suffix(self._name),
                )
            )
        return named

    def _packed_form(self, first: bytes) -> Form:
        """What gzip is around."""
        named = payload_name(self._name)
        inner = form_by_content(self._gunzipped_first(first), named)
        return Form(inner.kind, packed=True)

    def _gunzipped_first(self, first: bytes) -> bytes:
        """As many of the bytes as can be had of a beginning."""
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(first)) as packed:
                return packed.read1(SNIFFED_BYTES)
        except (OSError, EOFError, ValueError):
            return b""

    def _nothing_in_gz(self) -> ArchiveWithoutDocuments:
        self._file.seek(0)
        name = payload_name(self._name)
        first = self._gunzipped_first(self._file.read(4 * SNIFFED_BYTES))
        found = form_by_bytes(first, name)
        if found is None:
            return without_documents([name], 1)
        return ArchiveWithoutDocuments(
            Message("it holds {name}: {what}", name=name, what=_under_another_name(found))
        )

    def _members(self, walk: "_Walk") -> Iterator[Member]:
        opened = self._container()
        with damage():
            walk.enters(opened, self.version[1])
        for number, entry in enumerate(opened.entries):
            form = self._sniffed(walk, opened, number, f"{self._name}!")
            if form is None:
                continue
            member = walk.member(f"{self._name}!", (number,), entry, form)
            if member.refused is None and form.is_container:
                yield from self._inside(walk, member, form)
            else:
                yield member

    def _inside(self, walk: "_Walk", member: Member, form: Form) -> Iterator[Member]:
        """The members of an archive in the archive; or itself, when it cannot be opened."""
        (number,) = member.position
        walk.packs(member.size_bytes)
        before = walk.mark()
        try:
            with damage():
                inner = self._container_inside(number, form)
                walk.enters(inner, member.size_bytes)
            found = list(self._below(walk, member, inner))
            if not found and walk.mark()[1] == before[1]:
                names = [name.rpartition("!")[2] for name in walk.ignored_names[before[2] :]]
                raise without_documents(names, walk.ignored - before[0])
        except ArchiveTooLarge:
            raise  # as a whole: this is how bombs are built
        except ArchiveError as error:
            walk.back_to(before)
            yield replace(member, refused=refusal(error))
            return
        yield from found

    def _below(self, walk: "_Walk", member: Member, inner: Container) -> Iterator[Member]:
        (number,) = member.position
        for below, entry in enumerate(inner.entries):
            form = self._sniffed(walk, inner, below, f"{member.path}!")
            if form is None:
                continue
            each = walk.member(f"{member.path}!", (number, below), entry, form)
            if each.refused is None and form.is_container:
                deep = ArchiveTooDeep(
                    Message("a zip in a zip in a zip; expected one in one at most")
                )
                each = replace(each, refused=refusal(deep))
            yield each

    def _sniffed(self, walk: "_Walk", opened: Container, number: int, prefix: str) -> Form | None:
        """What an entry is; None: it is not taken, and the walk has heard why."""
        entry = opened.entries[number]
        if entry.is_folder:
            return None
        form = self._form_in(opened, number)
        path = f"{prefix}{entry.name}"
        if entry.what is not None:
            walk.ignores(f"{path} ({entry.what})")
        elif form.kind is Kind.OTHER_ARCHIVE:
            walk.cannot_read(path, Message("an archive that nfed does not open"))
        elif form.kind is Kind.IGNORED:
            found = self._by_first_bytes(opened, number, form)
            if found is None:
                walk.ignores(path)
            else:
                walk.cannot_read(path, _under_another_name(found))
        else:
            return form
        return None

    def _form_in(self, opened: Container, number: int) -> Form:
        """An entry's form, by its name, or by its first bytes where that is asked for."""
        entry = opened.entries[number]
        named = form_of(entry.name)
        if not self._by_content or entry.what is not None or is_hidden(entry.name):
            return named
        first = self._first_bytes(opened, number)
        found = form_by_content(first, entry.name)
        if found == Form(Kind.DOCUMENT, packed=True) and found != named:
            inner = form_by_content(self._gunzipped_first(first), payload_name(entry.name))
            return Form(inner.kind, packed=True)
        return found

    def _by_first_bytes(self, opened: Container, number: int, form: Form) -> Form | None:
        name = opened.entries[number].name
        name = payload_name(name) if form.packed else name
        if form_by_bytes(b"<", name) is None:
            return None  # a name that is believed
        first = self._first_bytes(opened, number)
        return form_by_bytes(self._gunzipped_first(first) if form.packed else first, name)

    def _first_bytes(self, opened: Container, number: int) -> bytes:
        entry = opened.entries[number]
        if entry.refused is not None or not entry.size_bytes:
            return b""
        try:
            with damage(), opened.open(number) as file:
                return file.read(SNIFFED_BYTES)
        except ArchiveError:
            return b""

    def _container(self) -> Container:
        if self._outer is None:
            form, size = self._form, self.version[1]
            file: BinaryIO = os.fdopen(os.dup(self._file.fileno()), "rb")
            path = self.path
            with damage():
                try:
                    if form.packed:
                        file = self._unpacked(file, form, size)
                        path = _path_of(file)
                    file.seek(0)
                    self._outer = self._opened(form, file, path)
                except BaseException:
                    file.close()
                    raise
        return self._outer

    def _container_inside(self, number: int, form: Form | None = None) -> Container:
        if self._inner is None or self._inner[0] != number:
            self._let_go_of_inner()
            outer = self._container()
            inside = form or self._form_in(outer, number)
            size = outer.entries[number].size_bytes
            with outer.open(number) as stream:
                file = on_disk(stream, size, None)
            try:
                if inside.packed:
                    file = self._unpacked(file, inside, size)
                opened = self._opened(inside, file, _path_of(file))
            except BaseException:
                file.close()
                raise
            self._inner = (number, opened)
        return self._inner[1]

    def _opened(self, form: Form, file: BinaryIO, path: str) -> Container:
        try:
            return container(form.kind, file, path, self._limits.max_members)
        except ArchiveTruncated as error:
            if form.packed:  # and that has its end, so nothing is to come
                raise ArchiveError(str(error)) from error
            raise

    def _unpacked(self, file: BinaryIO, form: Form, size: int) -> BinaryIO:
        """What gzip is around, on the disk; closes the file."""
        with file:
            self._check_not_empty(size)
            file.seek(0)
            limits = self._limits
            if form.kind is Kind.TAR:
                by_ratio = max(self._max_file_bytes, limits.max_ratio * size)
                most, setting = min(
                    (limits.max_unpacked_bytes, "max_archive_unpacked_bytes"),
                    (by_ratio, "max_archive_ratio"),
                )
            else:
                most, setting = limits.max_bytes, "max_archive_bytes"
            with gzip.GzipFile(fileobj=file) as packed:
                return on_disk(packed, most, setting)

    def _let_go_of_inner(self) -> None:
        if self._inner is not None:
            self._inner[1].close()
            self._inner = None

    def _gunzip(self, file: BinaryIO, size: int) -> bytes:
        self._check_not_empty(size)
        with gzip.GzipFile(fileobj=file) as packed:
            content = packed.read(self._max_file_bytes + 1)
            if len(content) > self._max_file_bytes:
                raise self._too_large(f"more than {self._max_file_bytes:,}")
            return content

    def _check_not_empty(self, size: int) -> None:
        if not size:
            raise ArchiveTruncated(
                Message("no byte of it is there")
            )  # gzip takes it for an empty file

    def _too_large(self, size: str) -> FileTooLarge:
        return FileTooLarge(
            Message(
                "{size} bytes unpacked; max_file_bytes allows {max_file_bytes:,}",
                size=size,
                max_file_bytes=self._max_file_bytes,
            )
        )


class _Walk:
    """Walks through an archive, and holds what it meets against the limits."""

    def __init__(self, limits: ArchiveLimits, max_file_bytes: int) -> None:
        self._limits = limits
        self._max_file_bytes = max_file_bytes
        self._members = 0
        self._unpacked = 0
        self._packed = 0
        self.ignored = 0
        self.ignored_names: list[str] = []
        self.unread: list[Unread] = []

    def enters(self, opened: Container, size: int) -> None:
        """Looks at an archive's directory as a whole. Raises ArchiveTooLarge."""
        limits = self._limits
        unpacked = sum(entry.size_bytes for entry in opened.entries)
        self._members += len(opened.entries)
        self._unpacked += unpacked
        if self._members > limits.max_members:
            raise ArchiveTooLarge(
                Message(
                    "{members:,} members; max_archive_members allows {max_members:,}",
                    members=self._members,
                    max_members=limits.max_members,
                )
            )
        if self._unpacked > limits.max_unpacked_bytes:
            raise ArchiveTooLarge(
                Message(
                    "{unpacked:,} bytes unpacked; max_archive_unpacked_bytes allows "
                    "{max_unpacked_bytes:,}",
                    unpacked=self._unpacked,
                    max_unpacked_bytes=limits.max_unpacked_bytes,
                )
            )
        if unpacked > max(self._max_file_bytes, limits.max_ratio * size):
            raise ArchiveTooLarge(
                Message(
                    "{size:,} bytes unpack to {unpacked:,}; max_archive_ratio allows "
                    "{max_ratio} for one",
                    size=size,
                    unpacked=unpacked,
                    max_ratio=limits.max_ratio,
                )
            )

    def packs(self, size: int) -> None:
        """Meets an archive inside the archive. Raises ArchiveTooLarge."""
        self._packed += size
        if self._packed > self._limits.max_bytes:
            raise ArchiveTooLarge(
                Message(
                    "the archives inside have {packed:,} bytes; max_archive_bytes allows "
                    "{max_bytes:,}",
                    packed=self._packed,
                    max_bytes=self._limits.max_bytes,
                )
            )

    def member(
        self, prefix: str, position: tuple[int, ...], entry: ContainerEntry, form: Form
    ) -> Member:
        """The member as it is listed."""
        path = f"{prefix}{entry.name}"
        if form.packed and form.kind is Kind.DOCUMENT:
            path += f"!{payload_name(entry.name)}"
        refused: DocumentError | None = entry.refused
        return Member(path, position, entry.size_bytes, refusal(refused) if refused else None)

    def ignores(self, path: str) -> None:
        """Meets what is no document; counts it, and names the first of them."""
        self.ignored += 1
        if len(self.ignored_names) < _MOST_NAMED:
            self.ignored_names.append(inside_of(path))

    def cannot_read(self, path: str, why: str) -> None:
        """Meets what may hold documents and is not opened."""
        if len(self.unread) < _MOST_UNREAD:
            self.unread.append(Unread(inside_of(path), why))

    def mark(self) -> tuple[int, int, int]:
        """How much was met so far."""
        return self.ignored, len(self.unread), len(self.ignored_names)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Forgets what was met since: it is refused as a whole."""
        self.ignored = mark[0]
        del self.unread[mark[1] :]
        del self.ignored_names[mark[2] :]


def _under_another_name(form: Form) -> Message:
    if form.kind is Kind.DOCUMENT and not form.packed:
        return Message("XML under another name; by_content=true takes it")
    if form.packed or form.kind is Kind.ZIP:
        return Message("an archive under another name; by_content=true takes it")
    return Message("an archive under another name")


def _said(form: Form) -> str:
    names = {Kind.DOCUMENT: "XML", Kind.SEVEN: "a .7z"}
    return "a .gz" if form.packed else names.get(form.kind, f"a .{form.kind.name.lower()}")


def _suffix(name: str) -> str:
    return f".{name.rpartition('.')[2]}"


def _path_of(file: IO[bytes]) -> str:
    """A path to an open file, for other processes of this user."""
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"


def _opened(path: str) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENOTSUP, "no longer a regular file", path)
    return os.fdopen(descriptor, "rb")


class Archives:
    """Keeps the archive that was asked for last open."""

    def __init__(
        self, limits: ArchiveLimits, max_file_bytes: int, *, by_content: bool = False
    ) -> None:
        self._by_content = by_content
        self._limits = limits
        self._max_file_bytes = max_file_bytes
        self._open: OpenArchive | None = None

    def close(self) -> None:
        """Lets go of what is open."""
        if self._open is not None:
            with suppress(OSError):
                self._open.close()
            self._open = None

    def at(self, path: str, version: Version) -> OpenArchive:
        """The archive at the path. Raises ArchiveChanged, OSError."""
        known = self._open
        if known is None or (known.path, known.version) != (path, version):
            self.close()
            self._open = OpenArchive(
                path, version, self._limits, self._max_file_bytes, by_content=self._by_content
            )
        else:
            known.check()
        assert self._open is not None
        return self._open
