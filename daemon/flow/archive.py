"""Opens archives inside a worker process: what one holds, and its members one by one.

Nothing is ever unpacked under a name that an archive gives, and of an archive no more is in memory
than its directory and one member.
"""

import errno
import gzip
import io
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from daemon.core.archive import ArchiveLimits, Kind, Listing, Member, kind_of, payload_name
from daemon.core.outcome import refusal
from daemon.errors import (
    ArchiveEncrypted,
    ArchiveError,
    ArchiveTooDeep,
    ArchiveTooLarge,
    ArchiveTruncated,
    FileTooLarge,
)
from daemon.flow.zip_end import check_end

_PIECE = 1 << 20
_ENCRYPTED = 1  # APPNOTE.TXT 4.4.4, bit 0; bit 13: its directory is
_MASKED = 1 << 13
_DISK = "/var/tmp"  # not /tmp, which is memory on many systems

type Version = tuple[int, int, int, int]


class ArchiveChanged(Exception):
    """Another file stands at the path than the one that had settled."""


class OpenArchive:
    """One archive, and at most one zip inside it, open."""

    def __init__(
        self, path: str, version: Version, limits: ArchiveLimits, max_file_bytes: int
    ) -> None:
        self.path = path
        self.version = version
        self._limits = limits
        self._max_file_bytes = max_file_bytes
        self._name = os.path.basename(path)
        self._outer: ZipFile | None = None
        self._inner: tuple[int, ZipFile] | None = None
        self._file = _opened(path)
        try:
            self.check()
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
        if _version(os.fstat(self._file.fileno())) != self.version:
            raise ArchiveChanged
        if _version(os.stat(self.path, follow_symlinks=False)) != self.version:
            raise ArchiveChanged

    def listing(self) -> Listing:
        """What it holds. Raises ArchiveError when the whole is to be refused."""
        size = self.version[1]
        if size > self._limits.max_bytes:
            raise ArchiveTooLarge(
                f"{size:,} bytes; max_archive_bytes allows {self._limits.max_bytes:,}"
            )
        match kind_of(self._name):
            case Kind.IGNORED | Kind.DOCUMENT:
                return Listing((), 1)
            case Kind.PACKED_DOCUMENT:
                content = self.content(Member("", (), 0))
                path = f"{self._name}!{payload_name(self._name)}"
                return Listing((Member(path, (), len(content)),), 0)
            case Kind.ZIP | Kind.PACKED_ZIP:
                walk = _Walk(self._limits, self._max_file_bytes)
                return Listing(tuple(self._members(walk)), walk.ignored)

    def content(self, member: Member) -> bytes:
        """A member's bytes, of a .gz those that it holds. Raises ArchiveError, FileTooLarge."""
        if not member.position:
            self._file.seek(0)
            with _damage():
                return self._gunzip(self._file, self.version[1])
        *outer, number = member.position
        with _damage():
            archive = self._zip_inside(outer[0]) if outer else self._zip()
            info = archive.infolist()[number]
            if info.file_size > self._max_file_bytes:
                raise self._too_large(f"{info.file_size:,}")
            with archive.open(info) as file:
                content = file.read(info.file_size + 1)
            if kind_of(info.filename) is Kind.PACKED_DOCUMENT:
                return self._gunzip(io.BytesIO(content), len(content))
        return content

    def _members(self, walk: "_Walk") -> Iterator[Member]:
        archive = self._zip()
        walk.enters(archive, self.version[1])
        for number, info in enumerate(archive.infolist()):
            member = walk.member(f"{self._name}!", (number,), info)
            if member is None:
                continue
            if member.refused is None and kind_of(info.filename) is Kind.ZIP:
                yield from self._inside(walk, member, info)
            else:
                yield member

    def _inside(self, walk: "_Walk", member: Member, info: ZipInfo) -> Iterator[Member]:
        """The members of a zip in the zip; or the zip itself, when it cannot be opened."""
        walk.packs(info)
        (number,) = member.position
        before = walk.ignored
        try:
            with _damage():
                inner = self._zip_inside(number)
                walk.enters(inner, info.file_size)
        except ArchiveTooLarge:
            raise  # as a whole: this is how bombs are built
        except ArchiveError as error:
            walk.ignored = before
            yield replace(member, refused=refusal(error))
            return
        for below, found in enumerate(inner.infolist()):
            each = walk.member(f"{member.path}!", (number, below), found)
            if each is None:
                continue
            if each.refused is None and kind_of(found.filename) is Kind.ZIP:
                deep = ArchiveTooDeep("a zip in a zip in a zip; expected one in one at most")
                each = replace(each, refused=refusal(deep))
            yield each

    def _zip(self) -> ZipFile:
        if self._outer is None:
            file: BinaryIO = self._file
            size = self.version[1]
            with _damage():
                if kind_of(self._name) is Kind.PACKED_ZIP:
                    self._check_not_empty(size)
                    file.seek(0)
                    with gzip.GzipFile(fileobj=file) as packed:
                        file = self._on_disk(packed, self._limits.max_bytes)
                    size = file.seek(0, os.SEEK_END)
                check_end(file, size, self._limits.max_members)
                self._outer = ZipFile(file)
        return self._outer

    def _zip_inside(self, number: int) -> ZipFile:
        if self._inner is None or self._inner[0] != number:
            self._let_go_of_inner()
            archive = self._zip()
            info = archive.infolist()[number]
            with archive.open(info) as packed:
                file = self._on_disk(packed, info.file_size)
            try:
                check_end(file, info.file_size, self._limits.max_members)
                self._inner = (number, ZipFile(file))
            except BaseException:
                file.close()
                raise
        return self._inner[1]

    def _let_go_of_inner(self) -> None:
        if self._inner is not None:
            file = self._inner[1].fp
            self._inner[1].close()
            if file is not None:
                file.close()
            self._inner = None

    def _on_disk(self, stream: IO[bytes] | gzip.GzipFile, most: int) -> BinaryIO:
        """A file without a name that holds the stream."""
        folder = _DISK if os.access(_DISK, os.W_OK) else None
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the archive
        try:
            size = 0
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise ArchiveTooLarge(f"a zip inside it has more than {most:,} bytes")
                file.write(piece)
        except BaseException:
            file.close()
            raise
        return file

    def _gunzip(self, file: BinaryIO, size: int) -> bytes:
        self._check_not_empty(size)
        with gzip.GzipFile(fileobj=file) as packed:
            content = packed.read(self._max_file_bytes + 1)
            if len(content) > self._max_file_bytes:
                raise self._too_large(f"more than {self._max_file_bytes:,}")
            return content

    def _check_not_empty(self, size: int) -> None:
        if not size:
            raise ArchiveTruncated("no byte of it is there")  # gzip takes it for an empty file

    def _too_large(self, size: str) -> FileTooLarge:
        return FileTooLarge(
            f"{size} bytes unpacked; max_file_bytes allows {self._max_file_bytes:,}"
        )


class _Walk:
    """What was met on the way through an archive, held against the limits."""

    def __init__(self, limits: ArchiveLimits, max_file_bytes: int) -> None:
        self._limits = limits
        self._max_file_bytes = max_file_bytes
        self._members = 0
        self._unpacked = 0
        self._packed = 0
        self.ignored = 0

    def enters(self, archive: ZipFile, size: int) -> None:
        """Looks at a zip's directory as a whole. Raises ArchiveEncrypted, ArchiveTooLarge."""
        infos = archive.infolist()
        limits = self._limits
        unpacked = sum(info.file_size for info in infos)
        self._members += len(infos)
        self._unpacked += unpacked
        if self._members > limits.max_members:
            raise ArchiveTooLarge(
                f"{self._members:,} members; max_archive_members allows {limits.max_members:,}"
            )
        if self._unpacked > limits.max_unpacked_bytes:
            raise ArchiveTooLarge(
                f"{self._unpacked:,} bytes unpacked; max_archive_unpacked_bytes allows "
                f"{limits.max_unpacked_bytes:,}"
            )
        if unpacked > max(self._max_file_bytes, limits.max_ratio * size):
            raise ArchiveTooLarge(
                f"{size:,} bytes unpack to {unpacked:,}; max_archive_ratio allows "
                f"{limits.max_ratio} for one"
            )
        for info in infos:
            if info.flag_bits & (_ENCRYPTED | _MASKED):
                raise ArchiveEncrypted(f"{info.filename!r} is encrypted")

    def packs(self, info: ZipInfo) -> None:
        """Meets a zip inside the zip. Raises ArchiveTooLarge."""
        self._packed += info.file_size
        if self._packed > self._limits.max_bytes:
            raise ArchiveTooLarge(
                f"the zips inside have {self._packed:,} bytes; max_archive_bytes allows "
                f"{self._limits.max_bytes:,}"
            )

    def member(self, prefix: str, position: tuple[int, ...], info: ZipInfo) -> Member | None:
        """The member as it is listed; None: it is none, and counted if it is a file."""
        if info.is_dir():
            return None
        kind = kind_of(info.filename)
        path = f"{prefix}{info.filename}"
        refused: ArchiveError | None = None
        match kind:
            case Kind.IGNORED:
                self.ignored += 1
                return None
            case Kind.PACKED_DOCUMENT:
                path += f"!{payload_name(info.filename)}"
            case Kind.PACKED_ZIP:
                refused = ArchiveTooDeep("a packed zip inside a zip; expected it unpacked")
            case Kind.DOCUMENT | Kind.ZIP:
                pass
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            refused = ArchiveError(
                f"packed by method {info.compress_type}; expected 0 (stored) or 8 (deflate)"
            )
        return Member(path, position, info.file_size, refusal(refused) if refused else None)


@contextmanager
def _damage() -> Iterator[None]:
    """Turns what zipfile, gzip and zlib raise for bad archives into ArchiveError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile) as error:
        if isinstance(error, EOFError):
            raise ArchiveTruncated(str(error) or "it ends too early") from error
        raise ArchiveError(str(error)) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a seek to where no file goes on
            raise
        raise ArchiveError(f"its directory leads nowhere: {error.strerror}") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        ValueError,
        OverflowError,
        LookupError,
        RuntimeError,  # and NotImplementedError: what zipfile does not do
    ) as error:
        raise ArchiveError(f"{error}") from error


def _opened(path: str) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENOTSUP, "no longer a regular file", path)
    return os.fdopen(descriptor, "rb")


def _version(status: os.stat_result) -> Version:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Archives:
    """Keeps the archive that was asked for last open."""

    def __init__(self, limits: ArchiveLimits, max_file_bytes: int) -> None:
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
            self._open = OpenArchive(path, version, self._limits, self._max_file_bytes)
        else:
            known.check()
        assert self._open is not None
        return self._open
