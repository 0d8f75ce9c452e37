"""Writes a file's name into an address, whatever bytes it is of."""

import base64
import os

from nfed.api.problems import Problem
from nfed.words import Message


def mark_of(name: str) -> str:
    """The name as letters and digits that any address can hold."""
    return base64.urlsafe_b64encode(os.fsencode(name)).decode().rstrip("=")


def name_of(mark: str) -> str:
    """The reverse. Raises a 404 problem for what is no mark."""
    try:
        raw = base64.b64decode(mark.encode("ascii") + b"=" * (-len(mark) % 4), b"-_", validate=True)
    except ValueError:
        raise Problem(404, Message("there is no such file")) from None
    return os.fsdecode(raw)
