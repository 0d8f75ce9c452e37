"""Compares amounts exactly, as whole cents and as products of decimals."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from nfed.documents.layout import tables
from nfed.documents.rows.extract import Rows, Value

TOLERANCE = 1
"""Cents by which a sum may be off (NT 2011/004)."""
_DOUBLES = 1_000_000_000_000
"""Up to so many cents, a product of doubles is off by less than a thousandth of a cent."""


def cents(value: Value) -> int:
    """An amount's text, as the extraction has checked it, in cents; none counts as 0.

    The schema allows two places; more are rounded half up.
    """
    if value is None or value == "0.00":
        return 0
    if isinstance(value, int):
        return value * 100
    if value[-3:-2] == ".":
        return int(value.replace(".", ""))
    if "." not in value:
        return int(value) * 100
    return int((Decimal(value) * 100).to_integral_value(ROUND_HALF_UP))


def product_differs(first: str, second: str, amount: int) -> bool:
    """Tells whether the product, rounded to cents, is over one cent off `amount` (in cents)."""
    if abs(amount) < _DOUBLES and abs(float(first) * float(second) * 100 - amount) < 1.4:
        return False  # what nearly all are; nearer to the limit, whole numbers decide
    digits, places = _scaled(first)
    more_digits, more_places = _scaled(second)
    scale: int = 10 ** (places + more_places)
    return 2 * abs(digits * more_digits * 100 - amount * scale) > 3 * scale


def percentage_differs(base: int, percent: str, amount: int) -> bool:
    """Tells whether `percent` of `base` is over one cent off `amount`; both in cents."""
    if abs(amount) < _DOUBLES and abs(base * float(percent) / 100 - amount) < 1.4:
        return False
    digits, places = _scaled(percent)
    scale: int = 100 * 10**places
    return 2 * abs(base * digits - amount * scale) > 3 * scale


def reais(amount: int) -> str:
    """Cents as a decimal."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _scaled(text: str) -> tuple[int, int]:
    whole, _, part = text.partition(".")
    return int(whole + part), len(part)


@dataclass(frozen=True, slots=True)
class Field:
    """A table and a position in its rows."""

    table: str
    position: int

    def first(self, rows: Rows) -> Value:
        """The value in the table's first row; None where there is no row."""
        found = rows.get(self.table)
        return found[0][self.position] if found else None

    def column(self, rows: Rows) -> list[Value]:
        """The value in each of the table's rows."""
        position = self.position
        return [row[position] for row in rows.get(self.table, ())]


def field_at(path: str) -> Field:
    """The place of an XML path, such as NFe/infNFe/total/ICMSTot/vNF.

    Raises KeyError for a path that the layout does not store.
    """
    return _fields()[path]


@cache
def _fields() -> dict[str, Field]:
    return {
        f"{element}/{path}" if element else path: Field(table.name, table.position(column.name))
        for table in tables().values()
        if table.name != "empresas"  # derived from nf_partes, without rows of its own
        for column in table.columns
        for element in (table.element or "").split("|")
        for path in (column.path or "").split("|")
        if path
    }
