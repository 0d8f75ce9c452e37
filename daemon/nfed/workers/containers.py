"""Opens archives of every kind, each as a list of entries that can be read one by one.

Nothing is ever unpacked under a name that an archive gives: what cannot be read where it lies goes
through a file without a name. The kinds differ in how they are opened, and in nothing else.
"""

import email
import errno
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message as Mail
from typing import IO, BinaryIO, Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from nfed.core.archive import Kind, form_of
from nfed.errors import (
    ArchiveBeyondReach,
    ArchiveEncrypted,
    ArchiveError,
    ArchiveTooLarge,
    ArchiveTruncated,
    ExtraMissing,
)
from nfed.words import Message, recognise

_PIECE = 1 << 20
_ENCRYPTED = 1  # APPNOTE.TXT 4.4.4, bit 0; bit 13: its directory is
_MASKED = 1 << 13
_UTF_8 = 1 << 11
_UNICODE_PATH = 0x7075  # APPNOTE.TXT 4.6.9
SENTENCES = (
    "File is not a zip file",
    "Bad CRC-32 for file {name}",
    "Bad magic number for central directory",
    "Bad magic number for file header",
    "Bad offset for central directory",
    "Truncated central directory",
    "Truncated file header",
    "Corrupt extra field {field}",
    "File name in directory {name} and header {other} differ.",
    "Overlapped entries: {name} (possible zip bomb)",
    "CRC check failed {found} != {expected}",
    "Incorrect length of data produced",
    "Not a gzipped file ({content})",
    "Unknown compression method",
    "bad checksum",
    "empty header",
    "invalid header",
    "truncated header",
    "unexpected end of data",
    "not a 7z file",
    "Not a RAR file",
)
"""Of zipfile, gzip, tarfile, py7zr and rarfile."""
_DISK = "/var/tmp"  # not /tmp, which is memory on many systems
_TAR_BLOCK = 512
_MAX_MAIL_BYTES = 128 << 20  # a mail is taken apart in memory, and mail servers allow less
_MAX_DICTIONARY_BYTES = 256 << 20
_MAX_HELD_BYTES = 256 << 20
_MAX_SOLID_BYTES = 16 << 30  # unpacked for all members of a solid .rar, each from the beginning


@dataclass(frozen=True, slots=True)
class ContainerEntry:
    """One line of an archive's directory."""

    name: str
    size_bytes: int
    """As the archive declares it."""
    is_folder: bool = False
    what: str | None = None
    """What it is, where it is no file: a link, a device."""
    refused: ArchiveError | None = None
    """Why it cannot be read, known beforehand."""


class Container(Protocol):
    """One archive, open."""

    @property
    def entries(self) -> Sequence[ContainerEntry]:
        """In the archive's order."""
        ...

    def open(self, number: int) -> IO[bytes]:
        """A stream of one entry's bytes."""
        ...

    def close(self) -> None:
        """Lets go of it, and of its file."""
        ...


def container(kind: Kind, file: BinaryIO, path: str, max_members: int) -> Container:
    """Opens an archive that a seekable file holds; `path` leads to that, for other programs.

    Raises ArchiveError; whatever zipfile and its like raise is told by `damage`.
    """
    match kind:
        case Kind.ZIP:
            return ZipContainer(file, max_members)
        case Kind.TAR:
            return TarContainer(file, max_members)
        case Kind.MAIL:
            return MailContainer(file)
        case Kind.SEVEN:
            return SevenContainer(file)
        case Kind.RAR:
            return RarContainer(file, path)
        case _:
            raise ArchiveError(Message("it is no archive: {name}", name=kind.name))


@contextmanager
def damage() -> Iterator[None]:
    """Turns what zipfile and its like raise for bad archives into ArchiveError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile) as error:
        if isinstance(error, EOFError):
            raise ArchiveTruncated(Message("it ends too early")) from error
        fault = recognise(str(error), SENTENCES)
        raise ArchiveError(Message("it is no gzip: {error}", error=fault)) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a seek to where no file goes on
            raise
        raise ArchiveError(
            Message("its directory leads nowhere: {strerror}", strerror=error.strerror)
        ) from error
    except (zlib.error, lzma.LZMAError) as error:  # their words are for programmers
        raise ArchiveError(Message("its packed data is damaged")) from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        struct.error,
        ValueError,
        OverflowError,
        LookupError,
        RuntimeError,  # and NotImplementedError: what zipfile does not do
    ) as error:
        fault = recognise(str(error), SENTENCES)
        raise ArchiveError(Message("it is damaged: {error}", error=fault)) from error


def on_disk(stream: IO[bytes] | gzip.GzipFile, most: int, setting: str | None) -> BinaryIO:
    """A file without a name that holds the stream; `setting` is where `most` comes from; None:
    from the directory of the archive that it is in.

    Raises ArchiveTooLarge, or ArchiveError for more than that directory says.
    """
    folder = _DISK if os.access(_DISK, os.W_OK) else None
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the archive
    try:
        size = 0
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > most:
                raise _swollen(most, setting)
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _swollen(most: int, setting: str | None) -> ArchiveError:
    if setting is None:
        return ArchiveError(
            Message(
                "an archive inside it has more than the {most:,} bytes that it is listed with",
                most=most,
            )
        )
    return ArchiveTooLarge(
        Message(
            "it unpacks to more than the {most:,} bytes of {setting}", most=most, setting=setting
        )
    )


class ZipContainer:
    """A .zip."""

    def __init__(self, file: BinaryIO, max_members: int) -> None:
        size = file.seek(0, os.SEEK_END)
        check_end(file, size, max_members)
        self._file = file
        self._zip = ZipFile(file)
        self._infos = self._zip.infolist()
        for info in self._infos:
            if info.flag_bits & (_ENCRYPTED | _MASKED):
                raise ArchiveEncrypted(Message("{name!r} is encrypted", name=_zip_name(info)))
        self.entries: Sequence[ContainerEntry] = [_zip_entry(info) for info in self._infos]

    def open(self, number: int) -> IO[bytes]:
        """See Container."""
        return self._zip.open(self._infos[number])

    def close(self) -> None:
        """See Container."""
        self._zip.close()
        self._file.close()


def _zip_entry(info: ZipInfo) -> ContainerEntry:
    refused = None
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        refused = ArchiveError(
            Message(
                "packed by method {compress_type}; expected 0 (stored) or 8 (deflate)",
                compress_type=info.compress_type,
            )
        )
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return ContainerEntry(
        _zip_name(info),
        info.file_size,
        is_folder=info.is_dir(),
        what="a link" if is_link else None,
        refused=refused,
    )


def _zip_name(info: ZipInfo) -> str:
    """The name in letters: what says that it is UTF-8 is, and the rest is what Windows packs.

    zipfile takes such names for cp437, which differs from the cp850 of Western Windows in the
    letters of Portuguese; programs of other systems write UTF-8 and do not say so.
    """
    if info.flag_bits & _UTF_8 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    try:
        return _unicode_path(info.extra, info.orig_filename.encode("cp437")) or raw.decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return raw.decode("cp850")


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name that Info-ZIP puts beside the other, if it is of that one."""
    while len(extra) >= 4:
        number, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if number == _UNICODE_PATH and len(field) > 5:
            (crc,) = struct.unpack_from("<L", field, 1)
            return field[5:].decode("utf-8") if crc == zlib.crc32(raw) else None
    return None


_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\x06\x06"
_LOCATOR_BYTES = 20
_MAX_COMMENT = 0xFFFF
_MEMBER = b"PK\x03\x04"
_ENTRY_BYTES = 512  # of the directory, for one member with a long name
_LEAST_BYTES = 1 << 16


def check_end(file: BinaryIO, size: int, max_members: int) -> None:
    """Raises ArchiveTruncated when the end is missing, ArchiveTooLarge for a directory that cannot
    be one of so few members, ArchiveError for what is no zip."""
    file.seek(0)
    start = file.read(len(_MEMBER))
    is_begun = bool(start) and _MEMBER.startswith(start)
    begin = max(size - _END.size - _MAX_COMMENT, 0)
    file.seek(begin)
    tail = file.read(size - begin)
    found = tail.rfind(_END_SIGNATURE)
    if found < 0 or len(tail) - found < _END.size:
        if is_begun or not size:
            raise ArchiveTruncated(
                Message("{size:,} bytes without the directory that ends a zip", size=size)
            )
        raise ArchiveError(Message("it is no zip: neither its beginning nor its end is there"))
    end = begin + found
    directory_bytes, directory_at = _END.unpack_from(tail, found)[5:7]
    file.seek(max(end - _LOCATOR_BYTES - _END64.size, 0))
    record = file.read(_END64.size)
    if record.startswith(_END64_SIGNATURE) and len(record) == _END64.size:
        directory_bytes, directory_at = _END64.unpack(record)[8:10]
        end -= _LOCATOR_BYTES + _END64.size
    if is_begun and directory_at + directory_bytes < end:
        raise ArchiveTruncated(Message("the directory at its end is that of a zip inside it"))
    if directory_bytes > max(max_members * _ENTRY_BYTES, _LEAST_BYTES):
        raise ArchiveTooLarge(
            Message(
                "a directory of {directory_bytes:,} bytes; max_archive_members allows "
                "{max_members:,} members",
                directory_bytes=directory_bytes,
                max_members=max_members,
            )
        )
    file.seek(0, os.SEEK_SET)


class TarContainer:
    """A .tar, whose headers are read one after the other; links and devices are only named."""

    def __init__(self, file: BinaryIO, max_members: int) -> None:
        self._file = file
        file.seek(0)
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:", encoding="utf-8")  # noqa: SIM115
        except tarfile.ReadError as error:
            size = file.seek(0, os.SEEK_END)
            if size < _TAR_BLOCK:
                raise ArchiveTruncated(
                    Message("{size:,} bytes, less than one header of a tar", size=size)
                ) from error
            raise ArchiveError(
                Message("it is no tar: {error}", error=recognise(str(error), SENTENCES))
            ) from error
        self._infos: list[tarfile.TarInfo] = []
        try:
            while (info := self._tar.next()) is not None:
                self._infos.append(info)
                if len(self._infos) > max_members:
                    raise ArchiveTooLarge(
                        Message(
                            "more than {max_members:,} members; max_archive_members allows no more",
                            max_members=max_members,
                        )
                    )
        except tarfile.ReadError as error:
            raise ArchiveTruncated(str(error)) from error
        self._check_end()
        self.entries: Sequence[ContainerEntry] = [_tar_entry(info) for info in self._infos]

    def open(self, number: int) -> IO[bytes]:
        """See Container."""
        stream = self._tar.extractfile(self._infos[number])
        if stream is None:
            raise ArchiveError(Message("it is no file"))
        return stream

    def close(self) -> None:
        """See Container."""
        self._tar.close()
        self._file.close()

    def _check_end(self) -> None:
        """A block of zeros ends a tar (POSIX ustar)."""
        self._file.seek(self._tar.offset)
        block = self._file.read(_TAR_BLOCK)
        if len(block) < _TAR_BLOCK:
            raise ArchiveTruncated(Message("it has no block of zeros at its end"))
        if block.strip(b"\0"):
            raise ArchiveError(Message("a header in it is damaged"))


def _tar_entry(info: tarfile.TarInfo) -> ContainerEntry:
    refused = ArchiveError(Message("a sparse file in a tar")) if info.issparse() else None
    what = None
    if info.issym() or info.islnk():
        what = "a link"
    elif not (info.isfile() or info.isdir()):
        what = "a device"
    return ContainerEntry(info.name, info.size, info.isdir(), what, refused)


class MailContainer:
    """A mail (.eml, RFC 5322), whose attachments are its entries; those of mails inside, too."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        if size > _MAX_MAIL_BYTES:
            raise ArchiveBeyondReach(
                Message("{size:,} bytes; a mail may have {most:,}", size=size, most=_MAX_MAIL_BYTES)
            )
        file.seek(0)
        mail = email.message_from_binary_file(file)
        if not mail.keys():
            raise ArchiveError(Message("it is no mail: it has no header"))
        if any("BoundaryNotFound" in type(each).__name__ for each in mail.defects):
            raise ArchiveTruncated(Message("the mail's last boundary is missing"))
        self._parts = [part for part in mail.walk() if _is_attached(part)]
        self.entries: Sequence[ContainerEntry] = [
            ContainerEntry(_attached_name(part, number), len(self._content(number)))
            for number, part in enumerate(self._parts)
        ]

    def open(self, number: int) -> IO[bytes]:
        """See Container."""
        return io.BytesIO(self._content(number))

    def close(self) -> None:
        """See Container."""
        self._file.close()

    def _content(self, number: int) -> bytes:
        content = self._parts[number].get_payload(decode=True)
        return content if isinstance(content, bytes) else b""


def _is_attached(part: "Mail[str, str]") -> bool:
    if part.is_multipart():
        return False
    return part.get_filename() is not None or part.get_content_subtype() in (
        "xml", "zip", "gzip", "x-zip-compressed", "pkcs7-mime", "ms-tnef",
    )  # fmt: skip


def _attached_name(part: "Mail[str, str]", number: int) -> str:
    """As the sender wrote it, in letters."""
    named = part.get_filename()
    if not named:
        suffix = {"xml": "xml", "gzip": "gz", "pkcs7-mime": "p7m", "ms-tnef": "dat"}
        return f"{number + 1}.{suffix.get(part.get_content_subtype(), 'zip')}"
    try:
        return str(make_header(decode_header(named)))
    except (LookupError, ValueError):
        return named


class SevenContainer:
    """A .7z, by py7zr; what is needed is unpacked together, as its members are packed."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            import py7zr
        except ImportError as error:
            raise ExtraMissing(".7z") from error
        self._file = file
        file.seek(0)
        try:
            self._seven = py7zr.SevenZipFile(file)
        except py7zr.exceptions.PasswordRequired as error:
            raise ArchiveEncrypted(Message("its directory is encrypted")) from error
        except py7zr.exceptions.ArchiveError as error:
            if len(file.read(1)) == 0 and file.seek(0, os.SEEK_END) < 32:
                raise ArchiveTruncated(
                    Message("it has less bytes than a .7z begins with")
                ) from error
            raise ArchiveError(
                Message("it is no .7z, or damaged: {error}", error=recognise(str(error), SENTENCES))
            ) from error
        if self._seven.needs_password():
            raise ArchiveEncrypted(Message("it is encrypted"))
        self._check_memory()
        self._files = list(self._seven.files)
        self.entries: Sequence[ContainerEntry] = [
            ContainerEntry(
                each.filename,
                each.uncompressed,
                each.is_directory,
                "a link" if each.is_symlink or each.is_junction else None,
            )
            for each in self._files
        ]
        self._spool: BinaryIO | None = None
        self._sections: dict[int, tuple[int, int]] = {}

    def open(self, number: int) -> IO[bytes]:
        """See Container."""
        if self._spool is None:
            self._unpack()
        assert self._spool is not None
        begin, size = self._sections.get(number, (0, 0))
        _check_size(size)
        self._spool.seek(begin)
        return io.BytesIO(self._spool.read(size))

    def close(self) -> None:
        """See Container."""
        self._seven.close()
        self._file.close()
        if self._spool is not None:
            self._spool.close()

    def _check_memory(self) -> None:
        """A dictionary is memory that the archive asks for."""
        streams = self._seven.header.main_streams
        folders = streams.unpackinfo.folders if streams is not None else ()
        for folder in folders:
            for coder in folder.coders:
                properties = coder.get("properties") or b""
                asked = 0
                if coder["method"] == b"\x21" and properties:  # LZMA2
                    asked = (2 | (properties[0] & 1)) << (properties[0] // 2 + 11)
                elif coder["method"] in (b"\x03\x01\x01", b"\x03\x04\x01") and len(properties) >= 5:
                    (asked,) = struct.unpack_from("<L", properties, 1)  # LZMA, PPMd
                if asked > _MAX_DICTIONARY_BYTES:
                    raise ArchiveBeyondReach(
                        Message(
                            "it asks for {asked:,} bytes of memory, expected at most {most:,}",
                            asked=asked,
                            most=_MAX_DICTIONARY_BYTES,
                        )
                    )

    def _unpack(self) -> None:
        import py7zr

        wanted = {
            number: each.name
            for number, each in enumerate(self.entries)
            if not each.is_folder and each.what is None
        }
        folder = _DISK if os.access(_DISK, os.W_OK) else None
        spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the archive
        sections: list[list[int]] = []

        class Section(py7zr.io.Py7zIO):
            def __init__(self) -> None:
                self._own = [spool.seek(0, os.SEEK_END), 0]
                sections.append(self._own)

            def write(self, s: bytes | bytearray) -> int:
                self._own[1] += len(s)
                return spool.write(s)

            def read(self, size: int | None = None) -> bytes:
                return b""

            def seek(self, offset: int, whence: int = 0) -> int:
                return 0

            def flush(self) -> None:
                return None

            def size(self) -> int:
                return self._own[1]

        class Sections(py7zr.io.WriterFactory):
            def create(self, filename: str) -> py7zr.io.Py7zIO:
                return Section()

        try:
            self._seven.reset()
            self._seven.extract(targets=list(wanted.values()), factory=Sections())
        except (py7zr.exceptions.ArchiveError, py7zr.exceptions.AbsolutePathError) as error:
            spool.close()
            raise ArchiveError(str(error) or type(error).__name__) from error
        except BaseException:
            spool.close()
            raise
        self._spool = spool
        filled = [number for number in wanted if self.entries[number].size_bytes]
        found = [each for each in sections if each[1]]
        if len(filled) != len(found):
            raise ArchiveError(Message("its members are not those of its directory"))
        self._sections = {
            number: (begin, size) for number, (begin, size) in zip(filled, found, strict=True)
        }


def _check_size(size: int) -> None:
    """A member of these is read into memory."""
    if size > _MAX_HELD_BYTES:
        raise ArchiveBeyondReach(
            Message(
                "a member of {size:,} bytes; at most {most:,} are read",
                size=size,
                most=_MAX_HELD_BYTES,
            )
        )


class RarContainer:
    """A .rar, by rarfile and the program that it finds: unrar, unar, 7z or bsdtar."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        try:
            import rarfile
        except ImportError as error:
            raise ExtraMissing(".rar") from error
        self._file = file
        size = file.seek(0, os.SEEK_END)
        try:
            self._rar = rarfile.RarFile(path)
            self._infos = list(self._rar.infolist())
        except rarfile.NeedFirstVolume as error:
            raise ArchiveError(Message("it is a later part of an archive of several")) from error
        except (rarfile.PasswordRequired, rarfile.RarWrongPassword) as error:
            raise ArchiveEncrypted(Message("its directory is encrypted")) from error
        except rarfile.Error as error:
            if not size:
                raise ArchiveTruncated(Message("no byte of it is there")) from error
            raise ArchiveError(
                Message(
                    "it is no .rar, or damaged: {error}", error=recognise(str(error), SENTENCES)
                )
            ) from error
        if self._rar.needs_password():
            raise ArchiveEncrypted(Message("it is encrypted"))
        if len(self._rar.volumelist()) > 1:
            raise ArchiveError(Message("it is one part of an archive of several"))
        self.entries: Sequence[ContainerEntry] = [
            ContainerEntry(
                each.filename,
                each.file_size or 0,
                each.is_dir(),
                "a link" if each.is_symlink() else None,
            )
            for each in self._infos
        ]
        files = sum(1 for each in self.entries if form_of(each.name).kind is not Kind.IGNORED)
        unpacked = sum(each.size_bytes for each in self.entries)
        if self._rar.is_solid() and unpacked * files > _MAX_SOLID_BYTES:
            raise ArchiveBeyondReach(
                Message(
                    "{files:,} members packed as one (solid), {unpacked:,} bytes; each "
                    "would be unpacked from the beginning",
                    files=files,
                    unpacked=unpacked,
                )
            )

    def open(self, number: int) -> IO[bytes]:
        """See Container."""
        import rarfile

        _check_size(self.entries[number].size_bytes)
        try:
            stream: IO[bytes] = self._rar.open(self._infos[number])
            return io.BytesIO(stream.read(self.entries[number].size_bytes + 1))
        except rarfile.RarCannotExec as error:
            raise ExtraMissing(".rar", Message("unrar or bsdtar")) from error
        except rarfile.Error as error:
            raise ArchiveError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """See Container."""
        self._rar.close()
        self._file.close()
