"""Builds archives for tests, honest and hostile."""

import io
import warnings
import zipfile
from collections.abc import Iterable


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
