"""Says in SQL what a summary asks, and makes a Summary of the answers, once for every store.

In the files, `nfed_sum(x)` stands for an exact sum of amounts, which each database spells its own
way, and `:name` for a value.
"""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nfed.core.ports import ListOrder, NoteFilter
from nfed.stores.lists import MOST_SCANNED, values_of
from nfed.stores.lists.listings import NOTES, conditions
from nfed.stores.pages import Papel
from nfed.stores.sql import statement
from nfed.stores.summaries import Code, Company, Gap, Operation, Partner, Summary, Totals
from nfed.stores.tables import Backend

MOST = 50
"""Entries of a list."""
MONTHS = 12
TAXES = (
    ("valor_icms", "n.valor_icms"),
    ("valor_icms_st", "n.valor_icms_st"),
    ("valor_ipi", "n.valor_ipi"),
    ("valor_pis", "coalesce(n.valor_pis, 0) + coalesce(n.valor_pis_servicos, 0)"),
    ("valor_cofins", "coalesce(n.valor_cofins, 0) + coalesce(n.valor_cofins_servicos, 0)"),
    ("valor_ibs", "n.valor_ibs"),
    ("valor_cbs", "n.valor_cbs"),
    ("valor_issqn", "n.valor_issqn"),
)
"""What is summed for each; PIS and COFINS have totals of their own for services."""
TYPES = {
    "company": "bigint",
    "first": "timestamp",
    "since": "timestamp",
    "until": "timestamp",
    "before": "timestamp",
    "after": "timestamp",
    "from": "timestamp",
    "numero": "bigint",
    "least": "numeric",
    "most": "numeric",
}
"""Of the values by name, as PostgreSQL takes them; any other is text. `company` is empresas.id; the
month is from `since` to `until`, twelve from `first`; `before` and `after` are a month further."""
_SUM = re.compile(r"nfed_sum\(((?:[^()]|\([^()]*\))*)\)")
_MARK = re.compile(r"(?<![:\w]):([a-z]+)")
_SIDES = {Papel.EMITENTE: Papel.DESTINATARIO, Papel.DESTINATARIO: Papel.EMITENTE}
_CENTS = "cast(round(({}) * 100) as integer)"
_AMOUNTS = ("least", "most")
_MILLION = 1_000_000

type Cell = str | int | Decimal | None
type Row = Sequence[Cell]
type Values = Mapping[str, str | int | float | None]
type Asking[T] = Generator[tuple[str, Values], list[Row], T]
"""Yields questions with their values, and is sent the rows that answer each."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions in the SQL of one database."""

    backend: Backend
    most_scanned: int = MOST_SCANNED
    """How many notes totals are made of at most."""

    def lately(self) -> Asking[list[Company]]:
        """See Summaries."""
        rows = yield self._sql("empresas"), {}
        return [Company(_text(a), _text(b), _whole(c), _text(d)) for a, b, c, d in rows]

    def totals(self, wanted: NoteFilter) -> Asking[Totals | None]:
        """See Summaries."""
        values = values_of(wanted)
        walked = NOTES.walked(values.keys(), ListOrder.NEWEST)
        known = conditions(NOTES, self.backend, lambda name: f":{name}", walked)
        query = self._sql(
            "totais",
            walked=_all(known[name] for name in values if name in walked),
            rest=_all(known[name] for name in values if name in known and name not in walked),
            most_scanned=str(self.most_scanned),
        )
        is_sqlite = self.backend is Backend.SQLITE
        amounts = {name: float(values[name]) for name in _AMOUNTS if is_sqlite and name in values}
        ((scanned, count, total, own, own_total),) = yield (
            query,
            {"codigo": None, **values, **amounts},
        )
        if _whole(scanned) > self.most_scanned:
            return None
        return Totals(_whole(count), _amount(total), _whole(own), _amount(own_total))

    def month(self, cpf_cnpj: str, mes: str | None, ambiente: str) -> Asking[Summary | None]:
        """See Summaries."""
        found = yield self._sql("empresa"), {"number": cpf_cnpj}
        if not found:
            return None
        (company, name, newest) = found[0]
        values: Values = {"company": _whole(company), "number": cpf_cnpj, "ambiente": ambiente}
        month = mes or _text(newest)
        if not month:
            return Summary(cpf_cnpj, _text(name), "", ambiente, 0, (), (), (), (), (), (), 0)
        values = {**values, **_moments(month)}
        heads = yield from self._sides("operacoes", values)
        short = yield from self._sides("meses", values)
        cfops = yield from self._sides("itens", values, code="i.cfop")
        ncms = yield from self._sides("itens", values, code="i.ncm")
        partners = yield from self._sides("parceiros", values)
        gaps = yield self._sql("lacunas"), values
        others = sum(_whole(row[4]) for _, row in heads if row[0] != ambiente)
        return Summary(
            cpf_cnpj,
            _text(name),
            month,
            ambiente,
            others,
            [_operation(papel, row[0], row[1:]) for papel, row in short],
            [_operation(papel, month, row[1:]) for papel, row in heads if row[0] == ambiente],
            [
                Code(side, _text(a), _whole(b), _whole(c), _amount(d))
                for side, (a, b, c, d) in cfops
            ],
            [Code(side, _text(a), _whole(b), _whole(c), _amount(d)) for side, (a, b, c, d) in ncms],
            [
                Partner(side, _text(a), _text(b), _whole(c), _amount(d))
                for side, (a, b, c, d) in partners
            ],
            [Gap(_text(a), _text(b), _whole(c), _whole(d)) for a, b, c, d, _ in gaps],
            _whole(gaps[0][4]) if gaps else 0,
        )

    def _sides(self, file: str, values: Values, **names: str) -> Asking[list[tuple[Papel, Row]]]:
        """The same question about what the company issued, and about what it received."""
        found: list[tuple[Papel, Row]] = []
        for own, other in _SIDES.items():
            rows = yield self._sql(file, own=own, other=other, **names), values
            found += [(own, row) for row in rows]
        return found

    def _sql(self, file: str, **names: str) -> str:
        taxes = ",\n       ".join(f"nfed_sum({text}) as {name}" for name, text in TAXES)
        is_sqlite = self.backend is Backend.SQLITE
        public = "" if is_sqlite else "public."
        text = statement(
            f"summaries/{file}.sql", public=public, taxes=taxes, most=str(MOST), **names
        )
        return _SUM.sub(_in_cents if is_sqlite else r"cast(sum(\1) as text)", text)


def _all(found: Iterable[str]) -> str:
    return "\n     and ".join(found) or "true"


def marked(query: str) -> tuple[str, list[str]]:
    """The query as PostgreSQL has it, with the names of its values in their order."""
    names: list[str] = []

    def mark(found: re.Match[str]) -> str:
        name = found[1]
        if name not in names:
            names.append(name)
        kind = TYPES.get(name, "text")
        # As text on the way, which every driver can send.
        return f"cast(cast(${names.index(name) + 1} as text) as {kind})"

    return _MARK.sub(mark, query), names


def _in_cents(found: re.Match[str]) -> str:
    """Two sums, of millions of cents and of the rest: one would overflow for great amounts."""
    cents = _CENTS.format(found[1])
    return f"(sum({cents} / {_MILLION}) || ' ' || sum({cents} % {_MILLION}))"


def _amount(value: Cell) -> Decimal:
    if value is None:
        return Decimal("0.00")
    text = str(value)
    if " " not in text:
        return Decimal(text)
    millions, rest = text.split(" ")
    return Decimal(int(millions) * _MILLION + int(rest)).scaleb(-2)


def _operation(papel: Papel, mes: Cell, row: Row) -> Operation:
    tipo, finalidade, status, count, total, *taxes = row
    named = zip((name for name, _ in TAXES), taxes, strict=False)
    return Operation(
        _text(mes),
        papel,
        _text(tipo),
        _text(finalidade),
        _text(status),
        _whole(count),
        _amount(total),
        {name: _amount(value) for name, value in named},
    )


def _moments(month: str) -> dict[str, str]:
    year, number = int(month[:4]), int(month[5:])
    at = {"first": 1 - MONTHS, "before": -1, "since": 0, "until": 1, "after": 2}
    return {name: _midnight(12 * year + number - 1 + shift) for name, shift in at.items()}


def _midnight(months: int) -> str:
    return f"{months // 12:04}-{months % 12 + 1:02}-01 00:00:00"


def _text(value: Cell) -> str:
    return "" if value is None else str(value)


def _whole(value: Cell) -> int:
    return int(str(value))
