"""Takes values out of the ledger's rows, whatever a damaged file, or another program, put there."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from nfed.ledger.file import plain_text
from nfed.words import Message


def text_of(value: object) -> str:
    """As text; a blob as the text that its bytes are."""
    return plain_text(value) if isinstance(value, bytes) else str(value)


def text_or_none(value: object) -> str | None:
    """The same; None where there is no value."""
    return None if value is None else text_of(value)


def count_of(value: object, otherwise: int = 0) -> int:
    """A whole number; `otherwise` for what is none."""
    return value if isinstance(value, int) else otherwise


def milliseconds_of(value: object) -> float | None:
    """A number; None for what is none."""
    return value if isinstance(value, int | float) else None


def object_of(value: object) -> dict[str, object]:
    """A JSON object; an empty one for what is none."""
    found = _json_of(value)
    return found if isinstance(found, dict) else {}


def pairs_of(value: object) -> list[list[str]]:
    """Code and text of each warning; what cannot be read is the text of one without a code."""
    found = _json_of(value)
    if isinstance(found, list) and all(map(_is_pair, found)):
        return found
    return [["", text_of(value)]] if value else []


def worded(text: str | None, message: object) -> str | None:
    """The text as the message that it was made of, where that says the same."""
    found = Message.from_json(message)
    return found if found is not None and found == text else text


def error_of(row: Mapping[str, object]) -> str | None:
    """A file's error, as the message that it was made of where there is one."""
    return worded(text_or_none(row["error"]), object_of(row["message"]).get("error"))


def seconds_between(started: str | None, ended: str | None) -> float | None:
    """None where one of the moments is missing, or is none."""
    if started is None or ended is None:
        return None
    with suppress(ValueError, TypeError):  # TypeError: one has no zone
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    return None


def _json_of(value: object) -> object:
    if value is None:
        return None
    with suppress(ValueError, RecursionError):
        return json.loads(text_of(value))
    return None


def _is_pair(each: object) -> bool:
    return isinstance(each, list) and len(each) == 2 and all(isinstance(one, str) for one in each)
