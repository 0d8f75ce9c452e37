"""Turns the words of a command or of an address into a selection, and says what is wrong with one.

The words are the same wherever somebody asks, so they are understood in one place.
"""

import re
from calendar import monthrange
from datetime import date

from nfed.stores.pages import Papel, Selection

_PUNCTUATION = re.compile(r"[./\-\s]")
_CPF_CNPJ = re.compile(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_MODELO = re.compile(r"[0-9]{2}")
STATUSES = (
    "emitida", "autorizada", "cancelada", "denegada", "rejeitada", "inutilizada", "registrado",
)  # fmt: skip


def selection(
    *,
    empresa: str | None = None,
    role: str | None = None,
    mes: str | None = None,
    de: str | None = None,
    ate: str | None = None,
    status: str | None = None,
    modelo: str | None = None,
) -> Selection:
    """Raises ValueError that names the word, what it holds and what was expected."""
    company = None if empresa is None else _PUNCTUATION.sub("", empresa).upper()
    if company is not None and not _CPF_CNPJ.fullmatch(company):
        raise ValueError(f"empresa: {empresa!r} is no CNPJ or CPF")
    if role is not None and role not in list(Papel):
        raise ValueError(f"role: {role!r} is neither emitente nor destinatario")
    if role is not None and company is None:
        raise ValueError("role: needs empresa: whose role is it?")
    if mes is not None and (de is not None or ate is not None):
        raise ValueError("mes: expected either mes, or de and ate")
    first, last = _day("de", de), _day("ate", ate)
    if mes is not None:
        first, last = _month(mes)
    if first is not None and last is not None and first > last:
        raise ValueError(f"de: {first} is after ate, {last}")
    if modelo is not None and not _MODELO.fullmatch(modelo):
        raise ValueError(f"modelo: {modelo!r} is not two digits, such as 55")
    return Selection(company, None if role is None else Papel(role), first, last, status, modelo)


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if len(text) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no date such as 2026-01-31") from None


def _month(text: str) -> tuple[date, date]:
    found = _MONTH.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        first = date(int(found[1]), int(found[2]), 1)
    except ValueError:
        raise ValueError(f"mes: {text!r} is no month such as 2026-01") from None
    return first, first.replace(day=monthrange(first.year, first.month)[1])
