"""Whether what is paid fits the note: instalments (group Y) and payments (group YA)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from daemon.documents.amounts import TOLERANCE, cents, shown
from daemon.documents.checks import Finding
from daemon.documents.extract import Rows
from daemon.documents.places import Place, place_of

_WITHOUT_PAYMENT = "90"
_ORDINARY = ("1", "2")  # finNFe: normal, complementar


@dataclass(frozen=True, slots=True)
class _Plan:
    layout: Place
    model: Place
    purpose: Place
    total: Place
    total_with_reform: Place
    means: Place
    paid: Place
    change: Place
    instalment: Place
    net: Place
    original: Place
    discount: Place


def payment_findings(rows: Rows) -> list[Finding]:
    """Where payments or instalments contradict the total; the rules are of layout 4.00."""
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
            f"<cobr/fat/vLiq> is {shown(due)}, the instalments add up to {shown(added)}",
        )


def _payment_findings(rows: Rows, plan: _Plan) -> Iterator[Finding]:
    means, amounts = plan.means.column(rows), [cents(each) for each in plan.paid.column(rows)]
    for tag, amount in zip(means, amounts, strict=True):
        if tag == _WITHOUT_PAYMENT and amount:
            yield Finding("TOT-904", f"<tPag> 90, without payment, holds {shown(amount)}")
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
    stated = shown(cents(said))
    if paid < min(totals) - TOLERANCE:
        if plan.model.first(rows) == "65":
            yield Finding("TOT-865", f"<vNF> is {stated}, the payments add up to {shown(paid)}")
    elif change:
        if all(abs(paid - change - total) > TOLERANCE for total in totals):
            text = f"<vTroco> is {shown(change)}, payments {shown(paid)} for a total of {stated}"
            yield Finding("TOT-869", text)
    elif paid > max(totals) + TOLERANCE:
        yield Finding("TOT-866", f"<vNF> is {stated}, paid {shown(paid)}, and no <vTroco> is given")


@cache
def _plan() -> _Plan:
    inf = "NFe/infNFe"
    return _Plan(
        layout=place_of(f"{inf}/@versao"),
        model=place_of(f"{inf}/ide/mod"),
        purpose=place_of(f"{inf}/ide/finNFe"),
        total=place_of(f"{inf}/total/ICMSTot/vNF"),
        total_with_reform=place_of(f"{inf}/total/vNFTot"),
        means=place_of(f"{inf}/pag/detPag/tPag"),
        paid=place_of(f"{inf}/pag/detPag/vPag"),
        change=place_of(f"{inf}/pag/vTroco"),
        instalment=place_of(f"{inf}/cobr/dup/vDup"),
        net=place_of(f"{inf}/cobr/fat/vLiq"),
        original=place_of(f"{inf}/cobr/fat/vOrig"),
        discount=place_of(f"{inf}/cobr/fat/vDesc"),
    )
