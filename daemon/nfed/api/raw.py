"""Takes one file that is the whole body of a request, as programs send XML."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from python_multipart.multipart import parse_options_header

from nfed.api.problems import Problem
from nfed.api.uploads import (
    SUFFIX_BY_TYPE,
    Staged,
    chunks_of,
    disk_problem,
    harmless,
    hidden_file,
    too_large,
)


def suffix_of(kind: str) -> str | None:
    """What a file of this Content-Type is called; None: it is none that may be a body."""
    return SUFFIX_BY_TYPE.get(kind.encode("utf-8", "replace"))


async def received_whole(
    request: Request, root: Path, suffix: str, *, max_bytes: int
) -> list[Staged]:
    """Streams the body to disk, under the name of Content-Disposition or `upload`.

    Raises a problem, leaving nothing behind: 408 for a client that stops sending, 413 for too many
    bytes, 422 for an empty body, 507 for a full disk.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large(max_bytes)
    said = parse_options_header(request.headers.get("content-disposition", ""))[1]
    name = harmless(said.get(b"filename", b"").decode("utf-8", "replace"), suffix)
    try:
        path, file = await asyncio.to_thread(hidden_file, root)
    except OSError as error:
        raise disk_problem(error) from error
    try:
        with file:
            await _write(request, file, max_bytes)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(path)
        if isinstance(error, OSError):
            raise disk_problem(error) from error
        raise
    return [Staged(path, name or f"upload{suffix}")]


async def _write(request: Request, file: BinaryIO, max_bytes: int) -> None:
    left = max_bytes
    async for chunk in chunks_of(request):
        left -= len(chunk)
        if left < 0:
            raise too_large(max_bytes)
        await asyncio.to_thread(file.write, chunk)
    if left == max_bytes:
        raise Problem(422, "the body is empty")
    await asyncio.to_thread(_sync, file)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
