"""Builds archives for tests, honest and hostile."""

import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from email.message import EmailMessage

import py7zr


def zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these, in order; names may occur twice."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that are there already
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, content)
    return buffer.getvalue()


def encrypted(archive: bytes) -> bytes:
    """With the flag that says so, in every header."""
    changed = bytearray(archive)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = changed.find(signature)
        while found >= 0:
            changed[found + at] |= 1
            found = changed.find(signature, found + 1)
    return bytes(changed)


def tarred(members: Iterable[tuple[str, bytes] | tarfile.TarInfo], mode: str = "w") -> bytes:
    """A tar of these; a TarInfo alone is a link or a device. `w:gz` packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for each in members:
            if isinstance(each, tarfile.TarInfo):
                archive.addfile(each)
                continue
            name, content = each
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def mailed(attachments: Iterable[tuple[str, bytes]]) -> bytes:
    """A mail with a text and these attachments."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "Nota fiscal"
    mail.set_content("Segue a nota.")
    for name, content in attachments:
        mail.add_attachment(content, "application", "octet-stream", filename=name)
    return mail.as_bytes()


def seven_zipped(
    members: Iterable[tuple[str, bytes]], password: str | None = None, *, plain_header: bool = False
) -> bytes:
    """A .7z of these, packed as one."""
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password) as archive:
        archive.set_encoded_header_mode(not plain_header)
        for name, content in members:
            archive.writestr(content, name)
    return buffer.getvalue()


def rarred(
    members: Iterable[tuple[str, bytes]],
    *,
    method: int = 0x30,
    flags: int = 0,
    mode: int = 0o100644,
) -> bytes:
    """A .rar (format 3) of these, stored; a `method` over 0x30 claims that they are packed."""

    def header(kind: int, flags: int, fields: bytes) -> bytes:
        block = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(block) & 0xFFFF) + block

    found = b"Rar!\x1a\x07\x00" + header(0x73, 0, bytes(6))
    for name, content in members:
        raw, size = name.encode("ascii"), len(content)
        fields = struct.pack(
            "<LLBLLBBHL", size, size, 3, zlib.crc32(content), 0, 29, method, len(raw), mode
        )
        found += header(0x74, 0x8000 | flags, fields + raw) + content
    return found + header(0x7B, 0x4000, b"")
