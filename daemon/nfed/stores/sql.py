"""Reads the SQL files that lie beside the stores: one statement, or a piece of one, a file.

A `{name}` in a file stands for what the layout knows (columns, tables) or for what differs from one
database to the other: `{public}` before every table is `public.` in PostgreSQL, whose functions run
with an empty search_path, and nothing in SQLite. No value ever goes in that way.
"""

from functools import cache
from importlib import resources


def statement(path: str, /, **names: str) -> str:
    """The text of a file below `stores/`, with its `{names}` filled."""
    return _text(path).format(**names)


@cache
def _text(path: str) -> str:
    return (resources.files("nfed.stores") / path).read_text("utf-8").strip()
