"""Sums up what one company issued and received: a month in full, and the months before it in short.

A summary is one view of the database. Every question but that for voided numbers walks the notes of
one company along the index of its dates, so that it costs what the company's months hold, however
much else is stored.

What is summed are authorised notes of one environment (tpAmb): what is cancelled or denied is
counted by itself. Amounts are exact: SQLite holds them as doubles, which its queries sum as whole
cents, and PostgreSQL as numerics.

`questions` names the SQL and says what is asked of it; `sqlite/summaries` and `postgres/summaries`
ask. Supabase's API answers functions alone, of which there is none for this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from nfed.core.ports import NoteFilter
from nfed.stores.pages import Papel

__all__ = [
    "Code",
    "Company",
    "Gap",
    "Operation",
    "Papel",
    "Partner",
    "Summaries",
    "Summary",
    "Totals",
]


@dataclass(frozen=True, slots=True)
class Company:
    """A company, and how much there is of it."""

    cpf_cnpj: str
    razao_social: str
    notas: int
    mes: str
    """AAAA-MM of its newest note."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Notes of one month that a company issued or received, alike in what they are."""

    mes: str
    """AAAA-MM by the issuer's clock."""
    papel: Papel
    """What the company is in them."""
    tipo_operacao: str
    """tpNF; 0: goods come to the issuer, 1: they leave it."""
    finalidade: str
    """finNFe; 1: usual, 2: complement, 3: adjustment, 4: goods going back."""
    status: str
    notas: int
    total: Decimal
    """vNF, BRL."""
    impostos: Mapping[str, Decimal]
    """BRL by questions.TAXES; of a month in short, none."""


@dataclass(frozen=True, slots=True)
class Code:
    """Items of authorised notes under one CFOP or NCM."""

    papel: Papel
    codigo: str
    notas: int
    itens: int
    valor: Decimal
    """vProd, BRL."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom a company sold to (papel emitente) or bought from (destinatario)."""

    papel: Papel
    cpf_cnpj: str
    """Empty where the notes name nobody, as those of consumers may."""
    razao_social: str
    notas: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a series that no note has and that are not void."""

    modelo: str
    serie: str
    de: int
    ate: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A company's month. The lists are cut after questions.MOST entries."""

    cpf_cnpj: str
    razao_social: str
    mes: str
    ambiente: str
    """tpAmb of the notes; 1: production, 2: test."""
    outros: int
    """How many notes of the month are of the other environment."""
    meses: Sequence[Operation]
    """The authorised notes of twelve months, this one last, in short."""
    operacoes: Sequence[Operation]
    """All notes of the month."""
    cfops: Sequence[Code]
    ncms: Sequence[Code]
    parceiros: Sequence[Partner]
    lacunas: Sequence[Gap]
    """Before a number of this month and after one of a note of the month before, or of this one;
    a note that is dated more than a month away fills none."""
    faltam: int
    """How many numbers are in all the gaps, also those that the list was cut of."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a filter chooses, summed."""

    notas: int
    total: Decimal
    """vNF, BRL."""
    autorizadas: int
    total_autorizadas: Decimal


class Summaries(Protocol):
    """Reads summaries. Raises StoreUnavailable."""

    async def lately(self) -> list[Company]:
        """Those who issued or received the notes issued last, the most frequent first."""
        ...

    async def totals(self, wanted: NoteFilter) -> Totals | None:
        """Sums what a list shows; None: more notes would have to be looked at than for a page."""
        ...

    async def month(self, cpf_cnpj: str, mes: str | None, ambiente: str) -> Summary | None:
        """The company's month, AAAA-MM from 1900 to 9998; without one, that of its newest note.

        None: no such company is stored.
        """
        ...
