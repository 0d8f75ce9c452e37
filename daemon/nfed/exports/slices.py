"""Gives a file's bytes slice by slice, for formats that are whole only at their end."""

import asyncio
from collections.abc import AsyncIterator

_SLICE_BYTES = 1 << 20


async def slices(path: str) -> AsyncIterator[bytes]:
    """The bytes of the file."""
    file = await asyncio.to_thread(open, path, "rb")
    with file:
        while part := await asyncio.to_thread(file.read, _SLICE_BYTES):
            yield part
