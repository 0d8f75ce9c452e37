"""Opaque cursors: where a page ended, as text that fits an address."""

import base64
import binascii
import json

from daemon.api.problems import Problem


def cursor_for(*place: str | int) -> str:
    """What leads on from this place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_in[First: (str, int)](cursor: str, first: type[First]) -> First:
    """A place of one part. Raises a 404 problem for what is no cursor of ours."""
    (found,) = _parts(cursor, (first,))
    assert isinstance(found, first)
    return found


def pair_in[Second: (str, int)](cursor: str, second: type[Second]) -> tuple[str, Second]:
    """A place of two parts, the first of them text. Raises a 404 problem."""
    one, two = _parts(cursor, (str, second))
    assert isinstance(one, str)
    assert isinstance(two, second)
    return one, two


def _parts(cursor: str, kinds: tuple[type, ...]) -> list[object]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        parts = None
    if not (
        isinstance(parts, list)
        and len(parts) == len(kinds)
        and all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))
        and all(not isinstance(part, int) or abs(part) < 1 << 63 for part in parts)
        and all(not isinstance(part, str) or part.isprintable() for part in parts)
    ):
        raise Problem(404, "there is no such page: expected a next_cursor as it was given")
    return parts
