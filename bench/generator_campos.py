"""How the generator writes a field: leaf tags, groups, and the check digits of Brazilian numbers.

Everything is written in canonical form (C14N 1.0) from the start: no optional blanks, the three
escapes and no others. So the text that is hashed is the text that was written.
"""

from decimal import ROUND_HALF_UP, Context, Decimal

type Campo = str | int | Decimal | None

# The longest product is an 11v4 quantity times an 11v10 unit price: 36 digits.
MONEY = Context(prec=60, rounding=ROUND_HALF_UP)

ZERO = Decimal("0.00")
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)

_KEY_WEIGHTS = tuple(2 + place % 8 for place in reversed(range(43)))
_CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def tags(**fields: Campo) -> str:
    """Leaf elements in the order given; a field that is None is left out."""
    return "".join(
        [
            f"<{name}>{escape(value) if isinstance(value, str) else str(value)}</{name}>"
            for name, value in fields.items()
            if value is not None
        ]
    )


def group(name: str, *inside: str) -> str:
    """An element around XML that is already written."""
    return f"<{name}>{''.join(inside)}</{name}>"


def optional_group(name: str, inside: str) -> str:
    """The element, or nothing at all when there is nothing to put inside."""
    return group(name, inside) if inside else ""


def escape(text: str) -> str:
    """Text of an element, escaped the way canonical XML does it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text


def money(amount: Decimal) -> Decimal:
    """Rounded to two places, half up."""
    return amount.quantize(_CENT, context=MONEY)


def percent(base: Decimal, rate: Decimal) -> Decimal:
    """`rate` per cent of `base`, as money."""
    return money(MONEY.multiply(base, rate) / _HUNDRED)


def unit_price(price: Decimal) -> str:
    """A unit price in full: str() would write a small one as 1.2E-7."""
    return f"{price:f}"


def check_digit(first_43: str) -> str:
    """Modulo 11 over the first 43 characters of an access key (MOC 7.0, Visão Geral, 5.4).

    A letter counts as its ASCII code minus 48, which leaves digits at their own value
    (NT Conjunta 2025.001).
    """
    return _modulo_11(first_43, _KEY_WEIGHTS)


def cnpj(first_12: str) -> str:
    """The whole CNPJ, 14 characters; letters count as in `check_digit`."""
    first_13 = first_12 + _modulo_11(first_12, _CNPJ_WEIGHTS[1:])
    return first_13 + _modulo_11(first_13, _CNPJ_WEIGHTS)


def cpf(first_9: str) -> str:
    """The whole CPF, 11 digits."""
    first_10 = first_9 + _modulo_11(first_9, tuple(range(10, 1, -1)))
    return first_10 + _modulo_11(first_10, tuple(range(11, 1, -1)))


def gtin13(first_12: str) -> str:
    """The whole GTIN-13, with its modulo 10 check digit."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_12))
    return first_12 + str(-total % 10)


def access_key(
    *, c_uf: str, aamm: str, cnpj: str, mod: str, serie: int, numero: int, emissao: str, codigo: str
) -> str:
    """A chave de acesso: 43 characters composed from the fields, and the check digit."""
    first_43 = f"{c_uf}{aamm}{cnpj}{mod}{serie:03d}{numero:09d}{emissao}{codigo}"
    return first_43 + check_digit(first_43)


def _modulo_11(text: str, weights: tuple[int, ...]) -> str:
    total = sum((code - 48) * weight for code, weight in zip(text.encode(), weights, strict=True))
    rest = total % 11
    return "0" if rest < 2 else str(11 - rest)
