"""Describes the parameters that several routes take."""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BeforeValidator

from nfed.core.ports import ListOrder
from nfed.exports.chosen import STATUSES

Chave = Annotated[
    str,
    Path(
        pattern="^[0-9]{6}[0-9A-Z]{12}[0-9]{26}$",
        description="44 characters",
        examples=["35260311222333000181550010000000771000000070"],
    ),
]
CpfCnpj = Annotated[
    str | None,
    Query(
        pattern="^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$",
        description="CPF or CNPJ without punctuation",
    ),
]


def _written_as_date(value: object) -> object:
    """pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("expected a date such as 2026-01-31")
    return value


type Day = Annotated[date | None, BeforeValidator(_written_as_date)]
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
Ambiente = Annotated[
    str | None, Query(pattern="^[12]$", description="tpAmb; 1: production, 2: test")
]
Status = Annotated[str | None, Query(pattern=f"^({'|'.join(STATUSES)})$")]
Serie = Annotated[str | None, Query(pattern="^[0-9]{1,3}$")]
Numero = Annotated[int | None, Query(ge=1, le=999_999_999, description="its number, nNF")]
Text = Annotated[
    str | None,
    Query(
        max_length=100,
        description="part of a party's name or number, of an item's description or code, or of "
        "infCpl, whatever its accents and capitals",
    ),
]
Order = Annotated[ListOrder, Query(description="by issue or by value; what has none comes last")]


def _amount(description: str) -> Any:
    return Query(pattern="^[0-9]{1,13}([.][0-9]{1,2})?$", description=description)


Least = Annotated[str | None, _amount("a total of this or more, such as 1500.00")]
Most = Annotated[str | None, _amount("a total of this or less")]
