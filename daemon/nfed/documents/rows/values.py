"""Converts an element's text into a column's value, by the column's kind."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache

from nfed.documents.layout.columns import Date, Day, Integer, Kind, Moment, Month, Number, Text
from nfed.words import Message

type Value = str | int | None
type Convert = Callable[[str], Value]

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?([+-][0-9]{2}:[0-9]{2}|Z)?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST = 100  # characters of a decimal, leading zeros and all

AS_WRITTEN: dict[Convert | None, Callable[[str], object] | None] = {None: None}
"""By converter: what is true of a text that it leaves as it is (None: nothing need be)."""


DIGITS: dict[Convert, tuple[int, int]] = {}
"""By converter of decimals: the digits before the point, and after it, that its column holds."""


class UnreadableError(ValueError):
    """Says what was expected."""


class NoOffsetError(UnreadableError):
    """A date and time without an offset, as layouts before 3.10 have it: no instant."""


def converters(kind: Kind) -> tuple[Convert | None, ...]:
    """One for each of Column.stored_names."""
    match kind:
        case Text():
            return (None,)
        case Number(lenient=True):
            return (_number_or_nothing,)
        case Number(digits=digits, places=places):
            convert = _decimal(digits, places)
            return (convert, convert) if kind.needs_twin else (convert,)
        case Integer():
            return (_whole,)
        case Date():
            return (_date,)
        case Day():
            return (_day,)
        case Month():
            return (_month,)
        case Moment():
            return (_wall_clock, _moment)


@cache
def _decimal(digits: int, places: int) -> Convert:
    """For a column that holds so many digits; more would be rounded by PostgreSQL, silently."""
    whole = digits - places
    # What nearly all of them look like; zeros at the end are no further places.
    usual = re.compile(rf"[0-9]{{1,{whole}}}(?:\.[0-9]{{1,{places}}}0{{0,8}})?")

    def convert(text: str) -> Value:
        value = text.strip()
        if not value:
            return None
        if _DECIMAL.fullmatch(value) is None:
            raise UnreadableError(Message("a decimal such as 1234.50"))
        before, _, after = value.lstrip("-").partition(".")
        too_long = len(before.lstrip("0")) > whole or len(after.rstrip("0")) > places
        if too_long or len(value) > _LONGEST:
            raise UnreadableError(
                Message(
                    "a decimal of {whole} digits at most, and {places} places",
                    whole=whole,
                    places=places,
                )
            )
        return value

    AS_WRITTEN[convert] = usual.fullmatch
    DIGITS[convert] = (whole, places)
    return convert


def _number_or_nothing(text: str) -> Value:
    value = text.strip()
    return value if len(value) <= 20 and _DECIMAL.fullmatch(value) else None


def _whole(text: str) -> Value:
    value = text.strip()
    if not value:
        return None
    if _WHOLE.fullmatch(value) is None:
        raise UnreadableError(Message("a whole number of at most 18 digits"))
    return int(value)


def _date(text: str) -> Value:
    value = text.strip()
    if not value:
        return None
    try:
        # fromisoformat also takes week dates and dates without dashes
        if len(value) != 10 or value[4] != "-" or value[7] != "-":
            raise ValueError(value)
        date.fromisoformat(value)
    except ValueError:
        raise UnreadableError(Message("a date, AAAA-MM-DD")) from None
    return value


def _day(text: str) -> Value:
    """The calendar day of a date or of a moment."""
    return _date(text.strip()[:10])


def _month(text: str) -> Value:
    """The month of a date or of a moment."""
    day = _day(text)
    return None if day is None else str(day)[:7]


def _moment(text: str) -> Value:
    """Date, time and offset as written; None for a date alone, which is no instant."""
    value = text.strip()
    if not value or _DAY.fullmatch(value):
        return None
    expected = "date, time and offset, AAAA-MM-DDThh:mm:ss-03:00"
    form = _MOMENT.fullmatch(value)
    if form is None or not _is_in_calendar(value):
        raise UnreadableError(expected)
    if form[1] is None:
        raise NoOffsetError(expected)
    return value


def _is_in_calendar(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _wall_clock(text: str) -> Value:
    """The issuer's own date and time, AAAA-MM-DD hh:mm:ss; known even without an offset."""
    value = text.strip()[:19]
    if _DAY.fullmatch(value):
        value += "T00:00:00"
    if len(value) != 19 or not _is_in_calendar(value):
        return None  # `_moment` says so
    return f"{value[:10]} {value[11:]}"
