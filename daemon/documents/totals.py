"""Whether a note's amounts add up: items against totals (group W), by the tax office's own rules.

A rule's code ends in the rejection that the tax office answers with (MOC 7.0, Anexo I; NT
2011/004, 2013/005 and 2016/002). A cent of difference is tolerated, as the rules do. Where a
rule's condition is told differently by different states, every reading is accepted.
"""

from collections.abc import Collection, Iterator
from itertools import combinations

from daemon.documents.amounts import TOLERANCE, cents, percentage_differs, product_differs, shown
from daemon.documents.checks import Finding
from daemon.documents.extract import Rows, Value
from daemon.documents.places import Place
from daemon.documents.totals_plan import Of, Plan, Sum, totals_plan

_NOT_OF_CONSUMERS = frozenset(("859", "862", "863"))  # rules of modelo 55 alone
_BY_RATE = frozenset(("00", "10", "20", "70"))  # CST of which vICMS is vBC × pICMS


def totals_findings(rows: Rows) -> list[Finding]:
    """Where the amounts of a note contradict each other."""
    plan = totals_plan()
    services = frozenset(row[0] for row in rows.get("nf_itens_issqn", ()))
    return [
        *_sum_findings(rows, plan, services),
        *_note_total_findings(rows, plan),
        *_item_findings(rows, plan),
    ]


def _sum_findings(rows: Rows, plan: Plan, services: Collection[object]) -> Iterator[Finding]:
    for table, rules in plan.sums:
        found = rows.get(table)
        if not found:
            continue
        totals = found[0]
        for rule in rules:
            said = totals[rule.total.position]
            if said is None:
                continue
            if rule.adds_all or (not services and rule.of is Of.GOODS):
                position = rule.part.position
                values = [
                    value
                    for row in rows.get(rule.part.table, ())  # this is where the time goes
                    if (value := row[position]) is not None and value != "0.00"
                ]
                if not values and said == "0.00":
                    continue
                added = sum(map(cents, values))
            else:
                added = _added(rule, rows, plan, services)
            stated = cents(said)
            if abs(stated - added) > TOLERANCE and not _is_read_otherwise(
                rule, rows, plan, services, stated
            ):
                yield Finding(
                    f"TOT-{rule.code}",
                    f"<{rule.tag}> is {shown(stated)}, the items add up to {shown(added)}",
                )


def _added(rule: Sum, rows: Rows, plan: Plan, services: Collection[object]) -> int:
    values = _by_item(rule.part, rows)
    match rule.of:
        case Of.SERVICES:
            return sum(cents(value) for item, value in values if item in services)
        case Of.COUNTED:
            counts = plan.counts.column(rows)
            return sum(
                cents(value)
                for item, value in values
                if item not in services and counts[item] != "0"
            )
        case Of.GOODS:
            return sum(cents(value) for item, value in values if item not in services)
        case Of.STATED | Of.ALL:
            return sum(cents(value) for _, value in values)


def _by_item(part: Place, rows: Rows) -> list[tuple[int, Value]]:
    """Each value with the place of its item."""
    found = rows.get(part.table, ())
    if part.table == "nf_itens":
        return [(item, row[part.position]) for item, row in enumerate(found)]
    return [(int(row[0] or 0), row[part.position]) for row in found]


def _is_read_otherwise(
    rule: Sum, rows: Rows, plan: Plan, services: Collection[object], stated: int
) -> bool:
    """Whether the total is the sum of the items that another reading of the rule takes."""
    values = _by_item(rule.part, rows)
    if rule.of is Of.STATED and all(value is None for _, value in values):
        return True
    if rule.code in _NOT_OF_CONSUMERS and plan.model.first(rows) == "65":
        return True
    counts = plan.counts.column(rows)
    counted = {item for item, indicator in enumerate(counts) if indicator != "0"}
    goods = {item for item, _ in enumerate(counts) if item not in services}
    match rule.of:
        case Of.SERVICES:
            readings = [counted - goods]
        case Of.COUNTED:  # in a note of adjustment services count as products
            readings = [counted]
        case _:
            readings = [counted, goods, counted & goods, counted | goods]
    return any(
        abs(stated - sum(cents(value) for item, value in values if item in reading)) <= TOLERANCE
        for reading in readings
    )


def _note_total_findings(rows: Rows, plan: Plan) -> Iterator[Finding]:
    """vNF (rule W16-10). Imports (CFOP 3xxx) are made up otherwise and are not checked."""
    said = plan.total.first(rows)
    if said is None or any(str(cfop or "").startswith("3") for cfop in plan.cfop.column(rows)):
        return
    stated = cents(said)
    added = (
        sum(cents(place.first(rows)) for place in plan.made_up_of)
        + cents(plan.services.first(rows))
        - cents(plan.discount.first(rows))
    )
    relieved = cents(plan.relieved.first(rows))
    if abs(stated - (added - relieved)) <= TOLERANCE:
        return
    # vICMSDeson is deducted or not (indDeduzDeson); monophasic ICMS withheld, and PIS and COFINS
    # under substitution, are part of the total in some operations; the ST of a vehicle that its
    # maker invoices directly (tpOp 2) is not.
    optional = [-relieved, cents(plan.withheld_mono.first(rows))]
    optional += [sum(map(cents, place.column(rows))) for place in plan.substituted]
    if "2" in plan.vehicle.column(rows):
        optional.append(-sum(cents(place.first(rows)) for place in plan.st))
    some = [amount for amount in optional if amount]
    for size in range(len(some) + 1):
        for chosen in combinations(some, size):
            if abs(stated - added - sum(chosen)) <= TOLERANCE:
                return
    yield Finding(
        "TOT-610",
        f"<vNF> is {shown(stated)}, the totals that make it up come to {shown(added - relieved)}",
    )


def _item_findings(rows: Rows, plan: Plan) -> Iterator[Finding]:
    """What is a product of two others, in notes of an ordinary sale (finNFe 1)."""
    if plan.purpose.first(rows) != "1":
        return
    gross = [cents(value) for value in plan.gross.column(rows)]
    for code, factors, quantity, price in plan.products:
        pairs = zip(quantity.column(rows), price.column(rows), gross, strict=True)
        for item, (many, each, stated) in enumerate(pairs, 1):
            if many is None or each is None:
                continue
            if product_differs(str(many), str(each), stated):
                text = f"item {item}: <vProd> is {shown(stated)}, not {factors} ({many} × {each})"
                yield Finding(code, text)
                break
    for row in rows.get(plan.cst.table, ()):
        cst, base, rate = row[plan.cst.position], row[plan.base.position], row[plan.rate.position]
        stated_icms = row[plan.icms.position]
        if cst not in _BY_RATE or None in (base, rate, stated_icms) or row[plan.share.position]:
            continue
        if percentage_differs(cents(base), str(rate), cents(stated_icms)):
            yield Finding(
                "TOT-528",
                f"item {int(row[0] or 0) + 1}: <vICMS> is {stated_icms}, not {rate} % of {base}",
            )
            break
