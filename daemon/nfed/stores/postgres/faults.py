"""Tells whose fault it is that PostgreSQL refuses a row: the file's, or the database's."""

import re

from nfed.documents.layout import tables
from nfed.errors import StoreRejected, StoreUnavailable
from nfed.stores.tables import Backend, stored_columns
from nfed.words import Message

# Data exceptions, integrity constraint violations, what is too long for an index or a page.
_CONTENT = ("22", "23", "54")
_RAISED = "P0001"  # by a trigger or function of the owner's, about what it was given
_NOT_NULL = "23502"
_NO_MORE_NUMBERS = "2200H"  # of a sequence: no file fares better
_FORBIDDEN = "42501"
CANCELLED = "57014"  # the server's own limit of time
_QUOTED = re.compile(r'"([^"]+)"')
_OWN = frozenset(("id", "created_at", "updated_at"))


class StatementCancelled(StoreUnavailable):
    """The server could not do it in time: it is busy, or it was too much at once."""


class RequestTooLarge(StoreRejected):
    """The server takes no request of that size: send less at once."""

    def __init__(self, message: str, size_bytes: int) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes


def is_about_content(sqlstate: str, message: str) -> bool:
    """Whether another file may fare better, so that this one alone is refused.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if sqlstate == _NO_MORE_NUMBERS or _foreign_column(sqlstate, message) is not None:
        return False
    return sqlstate[:2] in _CONTENT or sqlstate == _RAISED


def advice(sqlstate: str, message: str) -> str:
    """What the database's owner can do about it, to be added to the message; often nothing."""
    if sqlstate == _FORBIDDEN and "nfed_" in message:
        return Message("; let the owner of the tables run `nfed db migrate`, which grants it")
    column = _foreign_column(sqlstate, message)
    if column is None:
        return ""
    return Message(
        '; "{column}" is no column of nfed\'s: give it a default, or let it be null', column=column
    )


def _foreign_column(sqlstate: str, message: str) -> str | None:
    """A column of the owner's that must not be null: no file can fill it.

    Messages name column and table in quotes, in whatever language.
    """
    if sqlstate != _NOT_NULL:
        return None
    names = _QUOTED.findall(message)
    table = next((tables()[name] for name in names if name in tables()), None)
    if table is None:
        return None
    known = _OWN | {table.name, table.link} | stored_columns(table, Backend.POSTGRES).keys()
    return next((name for name in names if name not in known), None)
