"""Adds up a note's amounts: items against totals (group W), by the tax office's own rules.

A rule's code ends in the rejection that the tax office answers with (MOC 7.0, Anexo I; NT
2011/004, 2013/005 and 2016/002). A cent of difference is tolerated, as the rules do. Where a
rule's condition is told differently by different states, every reading is accepted.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import groupby, product

from nfed.documents.checks import Finding
from nfed.documents.checks.amounts import (
    TOLERANCE,
    Field,
    cents,
    field_at,
    percentage_differs,
    product_differs,
    reais,
)
from nfed.documents.rows.extract import Rows, Value
from nfed.words import Message

_TOTAL = "NFe/infNFe/total"
_ICMS_TOT = f"{_TOTAL}/ICMSTot"
_ISSQN_TOT = f"{_TOTAL}/ISSQNtot"
_IBSCBS_TOT = f"{_TOTAL}/IBSCBSTot"
_DET = "NFe/infNFe/det"
_ICMS = f"{_DET}/imposto/ICMS/*"
_IBSCBS = f"{_DET}/imposto/IBSCBS/gIBSCBS"


class Of(Enum):
    """The items that a total is the sum of."""

    ALL = "all"
    GOODS = "under ICMS"
    COUNTED = "under ICMS, indTot 1"
    SERVICES = "under ISSQN"
    STATED = "all, where any states it"


# Rejection, total, value of an item, items.
_SUMS = (
    ("531", f"{_ICMS_TOT}/vBC", f"{_ICMS}/vBC", Of.ALL),
    ("532", f"{_ICMS_TOT}/vICMS", f"{_ICMS}/vICMS", Of.ALL),
    ("795", f"{_ICMS_TOT}/vICMSDeson", f"{_ICMS}/vICMSDeson", Of.ALL),
    ("861", f"{_ICMS_TOT}/vFCP", f"{_ICMS}/vFCP", Of.ALL),
    ("533", f"{_ICMS_TOT}/vBCST", f"{_ICMS}/vBCST", Of.ALL),
    ("534", f"{_ICMS_TOT}/vST", f"{_ICMS}/vICMSST", Of.ALL),
    ("862", f"{_ICMS_TOT}/vFCPST", f"{_ICMS}/vFCPST", Of.ALL),
    ("859", f"{_ICMS_TOT}/vFCPSTRet", f"{_ICMS}/vFCPSTRet", Of.ALL),
    ("564", f"{_ICMS_TOT}/vProd", f"{_DET}/prod/vProd", Of.COUNTED),
    ("535", f"{_ICMS_TOT}/vFrete", f"{_DET}/prod/vFrete", Of.ALL),
    ("536", f"{_ICMS_TOT}/vSeg", f"{_DET}/prod/vSeg", Of.ALL),
    ("537", f"{_ICMS_TOT}/vDesc", f"{_DET}/prod/vDesc", Of.ALL),
    ("601", f"{_ICMS_TOT}/vII", f"{_DET}/imposto/II/vII", Of.ALL),
    ("538", f"{_ICMS_TOT}/vIPI", f"{_DET}/imposto/IPI/IPITrib/vIPI", Of.ALL),
    ("863", f"{_ICMS_TOT}/vIPIDevol", f"{_DET}/impostoDevol/IPI/vIPIDevol", Of.ALL),
    ("602", f"{_ICMS_TOT}/vPIS", f"{_DET}/imposto/PIS/*/vPIS", Of.GOODS),
    ("603", f"{_ICMS_TOT}/vCOFINS", f"{_DET}/imposto/COFINS/*/vCOFINS", Of.GOODS),
    ("604", f"{_ICMS_TOT}/vOutro", f"{_DET}/prod/vOutro", Of.ALL),
    ("605", f"{_ISSQN_TOT}/vServ", f"{_DET}/prod/vProd", Of.SERVICES),
    ("606", f"{_ISSQN_TOT}/vBC", f"{_DET}/imposto/ISSQN/vBC", Of.SERVICES),
    ("607", f"{_ISSQN_TOT}/vISS", f"{_DET}/imposto/ISSQN/vISSQN", Of.SERVICES),
    ("608", f"{_ISSQN_TOT}/vPIS", f"{_DET}/imposto/PIS/*/vPIS", Of.SERVICES),
    ("609", f"{_ISSQN_TOT}/vCOFINS", f"{_DET}/imposto/COFINS/*/vCOFINS", Of.SERVICES),
    ("685", f"{_ICMS_TOT}/vTotTrib", f"{_DET}/imposto/vTotTrib", Of.STATED),
    ("VBCIBSCBS", f"{_IBSCBS_TOT}/vBCIBSCBS", f"{_IBSCBS}/vBC", Of.STATED),
    ("VIBSUF", f"{_IBSCBS_TOT}/gIBS/gIBSUF/vIBSUF", f"{_IBSCBS}/gIBSUF/vIBSUF", Of.STATED),
    ("VIBSMUN", f"{_IBSCBS_TOT}/gIBS/gIBSMun/vIBSMun", f"{_IBSCBS}/gIBSMun/vIBSMun", Of.STATED),
    ("VIBS", f"{_IBSCBS_TOT}/gIBS/vIBS", f"{_IBSCBS}/vIBS", Of.STATED),
    ("VCBS", f"{_IBSCBS_TOT}/gCBS/vCBS", f"{_IBSCBS}/gCBS/vCBS", Of.STATED),
    ("VIS", f"{_TOTAL}/ISTot/vIS", f"{_DET}/imposto/IS/vIS", Of.ALL),
)
_MADE_UP_OF = ("vProd", "vST", "vFCPST", "vFrete", "vSeg", "vOutro", "vII", "vIPI", "vIPIDevol")
"""Of vNF, in ICMSTot; and ISSQNtot/vServ, less vDesc."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A total, and what it is the sum of."""

    code: str
    tag: str
    total: Field
    part: Field
    of: Of
    adds_all: bool
    """Whatever is found in an item counts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The places of all that the rules look at."""

    sums: tuple[tuple[str, tuple[Sum, ...]], ...]
    """By the table of their totals."""
    counts: Field
    model: Field
    purpose: Field
    cfop: Field
    vehicle: Field
    cst: Field
    base: Field
    rate: Field
    share: Field
    icms: Field
    gross: Field
    products: tuple[tuple[str, str, Field, Field], ...]
    made_up_of: tuple[Field, ...]
    services: Field
    discount: Field
    total: Field
    relieved: Field
    withheld_mono: Field
    st: tuple[Field, Field]
    substituted: tuple[tuple[Field, Field], ...]
    """Amounts, and by which of them the item says that they count."""
    deducted: tuple[Field, Field]
    st_of_item: tuple[Field, ...]


@cache
def totals_plan() -> Plan:
    """The plan, made once a process."""
    prod = f"{_DET}/prod"
    sums = (
        Sum(
            code,
            total.rpartition("total/")[2],
            field_at(total),
            field_at(part),
            of,
            adds_all=of in (Of.ALL, Of.STATED),
        )
        for code, total, part, of in _SUMS
    )
    return Plan(
        sums=tuple((table, tuple(rules)) for table, rules in groupby(sums, _table_of_total)),
        counts=field_at(f"{prod}/indTot"),
        model=field_at("NFe/infNFe/ide/mod"),
        purpose=field_at("NFe/infNFe/ide/finNFe"),
        cfop=field_at(f"{prod}/CFOP"),
        vehicle=field_at(f"{prod}/veicProd/tpOp"),
        cst=field_at(f"{_ICMS}/CST"),
        base=field_at(f"{_ICMS}/vBC"),
        rate=field_at(f"{_ICMS}/pICMS"),
        share=field_at(f"{_ICMS}/pBCOp"),
        icms=field_at(f"{_ICMS}/vICMS"),
        gross=field_at(f"{prod}/vProd"),
        products=(
            ("TOT-629", "qCom × vUnCom", field_at(f"{prod}/qCom"), field_at(f"{prod}/vUnCom")),
            ("TOT-630", "qTrib × vUnTrib", field_at(f"{prod}/qTrib"), field_at(f"{prod}/vUnTrib")),
        ),
        made_up_of=tuple(field_at(f"{_ICMS_TOT}/{tag}") for tag in _MADE_UP_OF),
        services=field_at(f"{_ISSQN_TOT}/vServ"),
        discount=field_at(f"{_ICMS_TOT}/vDesc"),
        total=field_at(f"{_ICMS_TOT}/vNF"),
        relieved=field_at(f"{_ICMS_TOT}/vICMSDeson"),
        withheld_mono=field_at(f"{_ICMS_TOT}/vICMSMonoReten"),
        st=(field_at(f"{_ICMS_TOT}/vST"), field_at(f"{_ICMS_TOT}/vFCPST")),
        substituted=tuple(
            (
                field_at(f"{_DET}/imposto/{tax}ST/v{tax}"),
                field_at(f"{_DET}/imposto/{tax}ST/indSoma{tax}ST"),
            )
            for tax in ("PIS", "COFINS")
        ),
        deducted=(field_at(f"{_ICMS}/vICMSDeson"), field_at(f"{_ICMS}/indDeduzDeson")),
        st_of_item=(field_at(f"{_ICMS}/vICMSST"), field_at(f"{_ICMS}/vFCPST")),
    )


def _table_of_total(rule: Sum) -> str:
    return rule.total.table


_NOT_OF_CONSUMERS = frozenset(("859", "862", "863"))  # rules of modelo 55 alone
_BY_RATE = frozenset(("00", "10", "20", "70"))  # CST of which vICMS is vBC × pICMS


def totals_findings(rows: Rows) -> list[Finding]:
    """Finds amounts of a note that contradict each other."""
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
                    Message(
                        "<{tag}> is {stated}, the items add up to {added}",
                        tag=rule.tag,
                        stated=reais(stated),
                        added=reais(added),
                    ),
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


def _by_item(part: Field, rows: Rows) -> list[tuple[int, Value]]:
    """Each value with the place of its item."""
    found = rows.get(part.table, ())
    if part.table == "nf_itens":
        return [(item, row[part.position]) for item, row in enumerate(found)]
    return [(int(row[0] or 0), row[part.position]) for row in found]


def _is_read_otherwise(
    rule: Sum, rows: Rows, plan: Plan, services: Collection[object], stated: int
) -> bool:
    """Tells whether another reading of the rule takes items that add up to the total."""
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
    # vICMSDeson is deducted or not, by each item's own indDeduzDeson; monophasic ICMS withheld, and
    # PIS and COFINS under substitution (indSomaPISST, indSomaCOFINSST), are part of the total in
    # some operations; the ST of a vehicle that its maker invoices directly (tpOp 2) is not.
    readings: list[set[int]] = [
        {0, -relieved, -_flagged(plan.deducted, rows)},
        {0, cents(plan.withheld_mono.first(rows))},
    ]
    for amount, flag in plan.substituted:
        readings.append({0, sum(map(cents, amount.column(rows))), _flagged((amount, flag), rows)})
    vehicles = {item for item, kind in enumerate(_of_items(plan.vehicle, rows)) if kind == "2"}
    if vehicles:
        by_item = sum(
            cents(value)
            for amount in plan.st_of_item
            for item, value in _by_item(amount, rows)
            if item in vehicles
        )
        readings.append({0, -by_item, -sum(cents(place.first(rows)) for place in plan.st)})
    if any(abs(stated - added - sum(chosen)) <= TOLERANCE for chosen in product(*readings)):
        return
    yield Finding(
        "TOT-610",
        Message(
            "<vNF> is {stated}, the totals that make it up come to {added}",
            stated=reais(stated),
            added=reais(added - relieved),
        ),
    )


def _flagged(pair: tuple[Field, Field], rows: Rows) -> int:
    """Adds up the amounts of the items whose indicator is 1."""
    amount, flag = pair
    return sum(
        cents(value)
        for value, indicator in zip(amount.column(rows), flag.column(rows), strict=True)
        if indicator == "1"
    )


def _of_items(field: Field, rows: Rows) -> list[Value]:
    """A value of each item, by its place."""
    found: list[Value] = [None] * len(rows.get("nf_itens", ()))
    for item, value in _by_item(field, rows):
        if item < len(found):
            found[item] = value
    return found


def _wrong_product(quantities: list[Value], prices: list[Value], gross: list[int]) -> int | None:
    """The first item whose gross amount is not quantity × price; None: there is none."""
    for item, (many, each, stated) in enumerate(zip(quantities, prices, gross, strict=True)):
        if many is not None and each is not None and product_differs(str(many), str(each), stated):
            return item
    return None


def _item_findings(rows: Rows, plan: Plan) -> Iterator[Finding]:
    """Checks the products in items of an ordinary sale (finNFe 1)."""
    if plan.purpose.first(rows) != "1":
        return
    gross = [cents(value) for value in plan.gross.column(rows)]
    compared: tuple[list[Value], list[Value]] | None = None
    wrong: int | None = None
    for code, factors, quantity, price in plan.products:
        pair = quantity.column(rows), price.column(rows)
        if pair != compared:  # most items are taxed in the unit that they are sold in
            compared, wrong = pair, _wrong_product(*pair, gross)
        if wrong is not None:
            many, each, stated = pair[0][wrong], pair[1][wrong], reais(gross[wrong])
            text = Message(
                "item {number}: <vProd> is {stated}, not {factors} ({quantity} × {price})",
                number=wrong + 1,
                stated=stated,
                factors=factors,
                quantity=many,
                price=each,
            )
            yield Finding(code, text)
    for row in rows.get(plan.cst.table, ()):
        cst, base, rate = row[plan.cst.position], row[plan.base.position], row[plan.rate.position]
        stated_icms = row[plan.icms.position]
        if cst not in _BY_RATE or None in (base, rate, stated_icms) or row[plan.share.position]:
            continue
        if percentage_differs(cents(base), str(rate), cents(stated_icms)):
            yield Finding(
                "TOT-528",
                Message(
                    "item {number}: <vICMS> is {stated}, not {rate} % of {base}",
                    number=int(row[0] or 0) + 1,
                    stated=stated_icms,
                    rate=rate,
                    base=base,
                ),
            )
            break
