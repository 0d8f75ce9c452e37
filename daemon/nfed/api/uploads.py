"""Takes uploaded files: streams them to hidden files in the drop folder, then renames them in."""

import asyncio
import errno
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from nfed.api.problems import Problem
from nfed.core import archive
from nfed.intake.left_alone import first_bytes
from nfed.intake.rename import free_names, move_without_replacing

PREFIX = ".nfed-upload-"
SUFFIXES = (".xml", *archive.SUFFIXES)
SUFFIX_BY_TYPE = {
    b"application/xml": ".xml",
    b"text/xml": ".xml",
    b"application/zip": ".zip",
    b"application/gzip": ".gz",
}
_MAX_NAME_BYTES = 200
_MAX_HEADER_BYTES = 8192
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that lies hidden in the drop folder, whole and on the disk."""

    path: str
    name: str
    """What it is to be called; not yet known to be free."""


async def received(
    request: Request, root: Path, *, max_files: int, max_bytes: int, by_content: bool = False
) -> list[Staged]:
    """Streams a multipart body to disk. Raises a problem, leaving nothing behind.

    415 for a name (with `by_content`, for bytes) that the drop folder does not take, 413 for too
    many files or bytes, 408 for a client that stops sending, 422 for what is no multipart or holds
    no file, 507 for a full disk.
    """
    content_type = request.headers.get("content-type", "")
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Problem(422, "the Content-Type names no boundary")
    declared = request.headers.get("content-length", "")
    # What the multipart's own lines take is not counted as the files' bytes.
    most = max_bytes + max_files * _MAX_HEADER_BYTES
    if declared.isdigit() and int(declared) > most:
        raise too_large(max_bytes)
    receiver = _Receiver(
        root, boundary, max_files=max_files, max_bytes=max_bytes, by_content=by_content
    )
    try:
        async for chunk in chunks_of(request):
            await asyncio.to_thread(receiver.feed, chunk)
        return await asyncio.to_thread(receiver.finished)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(receiver.discard))
        raise


async def chunks_of(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises a 408 problem for a client that stops sending."""
    chunks = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Problem(
                408, f"nothing came for {_IDLE_SECONDS:g} s", headers={"Connection": "close"}
            ) from None
        if chunk:
            yield chunk


def placed(
    root: Path,
    files: Sequence[Staged],
    claim: Callable[[str], bool],
    release: Callable[[str], None],
) -> list[str]:
    """Renames staged files in, never over a namesake; returns their names, which are claimed.

    `claim` and `release` keep others from taking a file before all are there.
    """
    names: list[str] = []
    try:
        names.extend(_placed(root, file, claim, release) for file in files)
    except OSError as error:
        for name in names:
            release(name)  # they are whole, and the next scan takes them
        discard(files)
        raise disk_problem(error) from error
    _fsync(root)
    return names


def _placed(
    root: Path, file: Staged, claim: Callable[[str], bool], release: Callable[[str], None]
) -> str:
    for name in free_names(file.name):
        if not claim(name):
            continue
        try:
            move_without_replacing(file.path, os.path.join(root, name))
        except FileExistsError:
            release(name)
            continue
        except OSError:
            release(name)
            raise
        return name
    raise AssertionError("free_names never ends")


def discard(files: Sequence[Staged]) -> None:
    """Takes away what still lies hidden."""
    for file in files:
        with suppress(FileNotFoundError):
            os.unlink(file.path)


def discard_leftovers(root: Path) -> None:
    """Removes what an interrupted upload left hidden; only for the owner of the folder."""
    with suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with suppress(OSError):
                    os.unlink(entry.path)


def harmless(name: str, otherwise: str | None = None) -> str | None:
    """A file name to use in the drop folder, of whatever a client calls its file.

    The last part of any path, printable, not hidden, short; one without a suffix that the folder
    takes gets the suffix `otherwise`, and None where there is none.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each if each.isprintable() else "_" for each in last).strip()
    stem, suffix = os.path.splitext(shown)
    if not suffix:  # os.path takes a lone .xml for a hidden file without a suffix
        stem, suffix = ("", stem) if stem.startswith(".") else (stem, "")
    if suffix.lower() not in SUFFIXES:
        if otherwise is None:
            return None
        stem, suffix = f"{stem}{suffix}", otherwise
    raw = (stem.lstrip(".~$ ") or "upload").encode("utf-8", "replace")[:_MAX_NAME_BYTES]
    return f"{raw.decode('utf-8', 'ignore')}{suffix}"


class _Receiver:
    """Feeds the parser, and writes what it finds; used by one thread at a time."""

    def __init__(
        self, root: Path, boundary: bytes, *, max_files: int, max_bytes: int, by_content: bool
    ) -> None:
        self._root = root
        self._otherwise = "" if by_content else None
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._files: list[Staged] = []
        self._open: BinaryIO | None = None
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise Problem(422, f"the body is no multipart: {error}") from error
        except OSError as error:
            raise disk_problem(error) from error

    def finished(self) -> list[Staged]:
        if not self._ended:
            raise Problem(422, "the body ends too early")
        if not self._files:
            raise Problem(422, "expected at least one file with a name")
        return self._files

    def discard(self) -> None:
        if self._open is not None:
            self._open.close()
        discard(self._files)

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._header_bytes = 0

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._header_bytes += end - start
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise Problem(413, f"a part has more than {_MAX_HEADER_BYTES} bytes of headers")

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        said = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        named = said.get(b"filename")
        if named is None:
            return  # a field, of which none is needed
        kind = self._headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        suffix = SUFFIX_BY_TYPE.get(kind, self._otherwise)
        name = harmless(named.decode("utf-8", "replace"), suffix)
        if name is None:
            raise _unwanted(harmless_text(named))
        if len(self._files) >= self._max_files:
            raise Problem(413, f"more than {self._max_files} files; send them in several requests")
        path, self._open = hidden_file(self._root)
        self._files.append(Staged(path, name))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._left -= end - start
        if self._left < 0:
            raise too_large(self._max_bytes)
        if self._open is not None:
            self._open.write(data[start:end])

    def _on_part_end(self) -> None:
        if self._open is not None:
            self._open.flush()
            os.fsync(self._open.fileno())
            self._open.close()
            self._open = None
            check_wanted(self._files[-1])

    def _on_end(self) -> None:
        self._ended = True


def hidden_file(root: Path) -> tuple[str, BinaryIO]:
    """A new one in the drop folder, which no scan takes; its path, and it, open to be written."""
    path = os.path.join(root, f"{PREFIX}{secrets.token_hex(8)}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    return path, os.fdopen(descriptor, "wb")


def check_wanted(file: Staged) -> None:
    """Raises a 415 problem for one that the drop folder takes neither by its name nor its bytes."""
    if not file.name.lower().endswith(SUFFIXES):
        form = archive.form_by_content(first_bytes(file.path), file.name)
        if form.kind not in (archive.Kind.DOCUMENT, archive.Kind.ZIP):
            raise _unwanted(file.name)


def _unwanted(shown: str) -> Problem:
    return Problem(415, f"{shown}: expected a name that ends in {', '.join(SUFFIXES)}")


def harmless_text(name: bytes) -> str:
    """A client's words in a message."""
    text = name.decode("utf-8", "replace")[:100]
    return "".join(each if each.isprintable() else "_" for each in text)


def too_large(max_bytes: int) -> Problem:
    """The files have more bytes than one upload may."""
    return Problem(
        413,
        f"more than {max_bytes:,} bytes; send the files in several requests",
        headers={"Connection": "close"},
    )


def disk_problem(error: OSError) -> Problem:
    """The drop folder cannot be written to."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return Problem(507 if full else 503, f"drop folder: {error.strerror}")


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
