"""Amounts as whole cents, and products of decimals, exactly and without Decimal's costs."""

from decimal import ROUND_HALF_UP, Decimal

from daemon.documents.extract import Value

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
    """Whether the product, rounded to cents, is more than one cent off `amount` (in cents)."""
    if abs(amount) < _DOUBLES and abs(float(first) * float(second) * 100 - amount) < 1.4:
        return False  # what nearly all are; nearer to the limit, whole numbers decide
    digits, places = _scaled(first)
    more_digits, more_places = _scaled(second)
    scale: int = 10 ** (places + more_places)
    return 2 * abs(digits * more_digits * 100 - amount * scale) > 3 * scale


def percentage_differs(base: int, percent: str, amount: int) -> bool:
    """Whether `percent` of `base` is more than one cent off `amount`; both in cents."""
    if abs(amount) < _DOUBLES and abs(base * float(percent) / 100 - amount) < 1.4:
        return False
    digits, places = _scaled(percent)
    scale: int = 100 * 10**places
    return 2 * abs(base * digits - amount * scale) > 3 * scale


def shown(amount: int) -> str:
    """Cents as a decimal."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _scaled(text: str) -> tuple[int, int]:
    whole, _, part = text.partition(".")
    return int(whole + part), len(part)
