"""Serves Resumo: what one company sold and bought in a month, with its taxes, by its notes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from nfed.stores.summaries import Operation, Papel, Summary
from nfed.stores.summaries.questions import MONTHS, MOST
from nfed.web.access import Looking
from nfed.web.answers import page, told
from nfed.web.charts import Chart, bars
from nfed.web.filters import ENVIRONMENTS, Filters, month_in, tax_number_in
from nfed.web.place import Here
from nfed.web.routes import ScreenRoute

HOME = "/painel/resumo"
ROLES = {Papel.EMITENTE: "notes issued", Papel.DESTINATARIO: "notes received"}
KINDS = {
    (Papel.EMITENTE, "1", "1"): "Sales",
    (Papel.DESTINATARIO, "1", "1"): "Purchases",
    (Papel.EMITENTE, "1", "4"): "Returned to suppliers",
    (Papel.DESTINATARIO, "1", "4"): "Returned by customers",
    (Papel.EMITENTE, "0", "1"): "Taken in by a note of its own",
    (Papel.DESTINATARIO, "0", "1"): "Taken in by a note of the other's",
    (Papel.EMITENTE, "0", "4"): "Returned by customers, by a note of its own",
    (Papel.DESTINATARIO, "0", "4"): "Returned to suppliers, by a note of the other's",
}
"""What operations are called, by the role, tpNF and finNFe; any other is named by these."""
TAXES = {
    "valor_icms": "ICMS",
    "valor_icms_st": "ICMS ST",
    "valor_ipi": "IPI",
    "valor_pis": "PIS",
    "valor_cofins": "COFINS",
    "valor_ibs": "IBS",
    "valor_cbs": "CBS",
    "valor_issqn": "ISS",
}
_SALES = (Papel.EMITENTE, "1", "1")
_PURCHASES = (Papel.DESTINATARIO, "1", "1")
_SUMMED = "autorizada"

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@dataclass(frozen=True, slots=True)
class Month:
    """A month in short."""

    mes: str
    sales: Decimal
    sales_count: int
    purchases: Decimal
    purchases_count: int


@router.get(HOME)
async def summary(
    request: Request,
    here: Here,
    visitor: Looking,
    empresa: Annotated[str, Query(max_length=200)] = "",
    mes: Annotated[str, Query(max_length=10)] = "",
    ambiente: str = "1",
) -> Response:
    """A company's month; without a company, whose there are."""
    number = tax_number_in(empresa)
    environment = ambiente if ambiente in ENVIRONMENTS else "1"
    found, lately = None, []
    if here.summaries is not None and number is not None:
        found = await here.summaries.month(number, month_in(mes), environment)
    elif here.summaries is not None:
        lately = await here.summaries.lately()
    kept = {"empresa": number or "", "ambiente": "" if environment == "1" else environment}
    return page(
        request,
        "summary.html",
        screen="summary",
        home=HOME,
        is_possible=here.summaries is not None,
        empresa=empresa,
        is_understood=not empresa or number is not None,
        lately=lately,
        month=found.mes if found else mes if month_in(mes) else "",
        environment=environment,
        environments=ENVIRONMENTS,
        found=found,
        shown=None if found is None else Shown.of(found),
        most=MOST,
        roles=ROLES,
        taxes=TAXES,
        notes_of=None if found is None else _notes_of(found),
        address=lambda **changed: f"{HOME}?{told({**kept, **changed})}",
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A summary as the screen has it."""

    sales: Decimal
    sales_count: int
    purchases: Decimal
    purchases_count: int
    operations: Sequence[tuple[str, Operation]]
    """Those that are summed, with what each is called; empty: it has no name."""
    others: Sequence[Operation]
    """Those that are not."""
    months: Sequence[Month]
    chart: Chart

    @staticmethod
    def of(found: Summary) -> "Shown":
        """Sorts what was read."""
        summed = [each for each in found.operacoes if each.status == _SUMMED]
        months = [_month(mes, found.meses) for mes in _months_to(found.mes)]
        return Shown(
            *_total(summed, _SALES),
            *_total(summed, _PURCHASES),
            [(KINDS.get(_kind(each), ""), each) for each in summed],
            [each for each in found.operacoes if each.status != _SUMMED],
            months,
            bars(
                [each.mes for each in months],
                [[each.sales for each in months], [each.purchases for each in months]],
            ),
        )


def _notes_of(found: Summary) -> Callable[..., str]:
    """Makes the address of the notes that a figure is made of."""

    def address(papel: str, **more: str) -> str:
        role = papel if papel != Papel.EMITENTE else ""
        of_month = {"mes": found.mes, "ambiente": found.ambiente, "status": _SUMMED}
        return Filters(q=found.cpf_cnpj, papel=role, **(of_month | more)).address()

    return address


def _kind(operation: Operation) -> tuple[Papel, str, str]:
    return operation.papel, operation.tipo_operacao, operation.finalidade


def _total(operations: Iterable[Operation], kind: tuple[Papel, str, str]) -> tuple[Decimal, int]:
    found = [each for each in operations if _kind(each) == kind]
    return sum((each.total for each in found), Decimal("0.00")), sum(each.notas for each in found)


def _month(mes: str, operations: Iterable[Operation]) -> Month:
    own = [each for each in operations if each.mes == mes]
    return Month(mes, *_total(own, _SALES), *_total(own, _PURCHASES))


def _months_to(mes: str) -> list[str]:
    """The months that are drawn, this one last."""
    if not mes:
        return []
    last = 12 * int(mes[:4]) + int(mes[5:]) - 1
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(last - MONTHS + 1, last + 1)]
