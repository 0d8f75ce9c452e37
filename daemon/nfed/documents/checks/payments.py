"""Checks that instalments (group Y) and payments (group YA) fit the note's total."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from nfed.documents.checks import Finding
from nfed.documents.checks.amounts import TOLERANCE, Field, cents, field_at, reais
from nfed.documents.rows.extract import Rows
from nfed.words import Message

_WITHOUT_PAYMENT = "90"
_ORDINARY = ("1", "2")  # finNFe: normal, complementar


@dataclass(frozen=True, slots=True)
class _Plan:
    layout: Field
    model: Field
    purpose: Field
    total: Field
    total_with_reform: Field
    means: Field
    paid: Field
    change: Field
    instalment: Field
    net: Field
    original: Field
    discount: Field


def payment_findings(rows: Rows) -> list[Finding]:
    """Finds payments or instalments that contradict the total; the rules are of layout 4.00."""
    plan = _plan()
    if plan.layout.first(rows) != "4.00":
        return []
    return [*_instalment_findings(rows, plan), *_payment_findings(rows, plan)]


def _instalment_findings(rows: Rows, plan: _Plan) -> Iterator[Finding]:
    instalments = plan.instalment.column(rows)
    net, original = plan.net.first(rows), plan.original.first(rows)
    if not instalments or (net is None and original is None):
        return
    due = cents(net)
    if net is None:
        due = cents(original) - cents(plan.discount.first(rows))
    added = sum(map(cents, instalments))
    if abs(added - due) > TOLERANCE:
        yield Finding(
            "TOT-851",
            Message(
                "<cobr/fat/vLiq> is {due}, the instalments add up to {added}",
                due=reais(due),
                added=reais(added),
            ),
        )


def _payment_findings(rows: Rows, plan: _Plan) -> Iterator[Finding]:
    means, amounts = plan.means.column(rows), [cents(each) for each in plan.paid.column(rows)]
    for tag, amount in zip(means, amounts, strict=True):
        if tag == _WITHOUT_PAYMENT and amount:
            yield Finding(
                "TOT-904",
                Message("<tPag> 90, without payment, holds {amount}", amount=reais(amount)),
            )
            break
    said = plan.total.first(rows)
    if (
        said is None
        or not means
        or _WITHOUT_PAYMENT in means
        or plan.purpose.first(rows) not in _ORDINARY
    ):
        return
    paid, change = sum(amounts), cents(plan.change.first(rows))
    # IBS, CBS and IS come on top of vNF, and whoever pays them pays vNFTot.
    totals = {cents(said), cents(plan.total_with_reform.first(rows) or said)}
    stated = reais(cents(said))
    if paid < min(totals) - TOLERANCE:
        if plan.model.first(rows) == "65":
            yield Finding(
                "TOT-865",
                Message(
                    "<vNF> is {stated}, the payments add up to {paid}",
                    stated=stated,
                    paid=reais(paid),
                ),
            )
    elif change:
        if all(abs(paid - change - total) > TOLERANCE for total in totals):
            text = Message(
                "<vTroco> is {change}, payments {paid} for a total of {stated}",
                change=reais(change),
                paid=reais(paid),
                stated=stated,
            )
            yield Finding("TOT-869", text)
    elif paid > max(totals) + TOLERANCE:
        yield Finding(
            "TOT-866",
            Message(
                "<vNF> is {stated}, paid {paid}, and no <vTroco> is given",
                stated=stated,
                paid=reais(paid),
            ),
        )


@cache
def _plan() -> _Plan:
    inf = "NFe/infNFe"
    return _Plan(
        layout=field_at(f"{inf}/@versao"),
        model=field_at(f"{inf}/ide/mod"),
        purpose=field_at(f"{inf}/ide/finNFe"),
        total=field_at(f"{inf}/total/ICMSTot/vNF"),
        total_with_reform=field_at(f"{inf}/total/vNFTot"),
        means=field_at(f"{inf}/pag/detPag/tPag"),
        paid=field_at(f"{inf}/pag/detPag/vPag"),
        change=field_at(f"{inf}/pag/vTroco"),
        instalment=field_at(f"{inf}/cobr/dup/vDup"),
        net=field_at(f"{inf}/cobr/fat/vLiq"),
        original=field_at(f"{inf}/cobr/fat/vOrig"),
        discount=field_at(f"{inf}/cobr/fat/vDesc"),
    )
