"""Whether a note's amounts add up: items against totals (group W), by the tax office's own rules.

A rule's code ends in the rejection that the tax office answers with (MOC 7.0, Anexo I; NT
2011/004, 2013/005 and 2016/002). A cent of difference is tolerated, as the rules do. Where a
rule's condition is told differently by different states, every reading is accepted.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import combinations

from daemon.documents.amounts import TOLERANCE, cents, percentage_differs, product_differs, shown
from daemon.documents.checks import Finding
from daemon.documents.extract import Rows, Value
from daemon.documents.places import Place, place_of

_TOTAL = "NFe/infNFe/total"
_ICMS_TOT = f"{_TOTAL}/ICMSTot"
_ISSQN_TOT = f"{_TOTAL}/ISSQNtot"
_IBSCBS_TOT = f"{_TOTAL}/IBSCBSTot"
_DET = "NFe/infNFe/det"
_ICMS = f"{_DET}/imposto/ICMS/*"
_IBSCBS = f"{_DET}/imposto/IBSCBS/gIBSCBS"


class _Of(Enum):
    """Which items a total is the sum of."""

    ALL = "all"
    GOODS = "under ICMS"
    COUNTED = "under ICMS, indTot 1"
    SERVICES = "under ISSQN"
    STATED = "all, where any states it"


# Rejection, total, value of an item, items.
_SUMS = (
    ("531", f"{_ICMS_TOT}/vBC", f"{_ICMS}/vBC", _Of.ALL),
    ("532", f"{_ICMS_TOT}/vICMS", f"{_ICMS}/vICMS", _Of.ALL),
    ("795", f"{_ICMS_TOT}/vICMSDeson", f"{_ICMS}/vICMSDeson", _Of.ALL),
    ("861", f"{_ICMS_TOT}/vFCP", f"{_ICMS}/vFCP", _Of.ALL),
    ("533", f"{_ICMS_TOT}/vBCST", f"{_ICMS}/vBCST", _Of.ALL),
    ("534", f"{_ICMS_TOT}/vST", f"{_ICMS}/vICMSST", _Of.ALL),
    ("862", f"{_ICMS_TOT}/vFCPST", f"{_ICMS}/vFCPST", _Of.ALL),
    ("859", f"{_ICMS_TOT}/vFCPSTRet", f"{_ICMS}/vFCPSTRet", _Of.ALL),
    ("564", f"{_ICMS_TOT}/vProd", f"{_DET}/prod/vProd", _Of.COUNTED),
    ("535", f"{_ICMS_TOT}/vFrete", f"{_DET}/prod/vFrete", _Of.ALL),
    ("536", f"{_ICMS_TOT}/vSeg", f"{_DET}/prod/vSeg", _Of.ALL),
    ("537", f"{_ICMS_TOT}/vDesc", f"{_DET}/prod/vDesc", _Of.ALL),
    ("601", f"{_ICMS_TOT}/vII", f"{_DET}/imposto/II/vII", _Of.ALL),
    ("538", f"{_ICMS_TOT}/vIPI", f"{_DET}/imposto/IPI/IPITrib/vIPI", _Of.ALL),
    ("863", f"{_ICMS_TOT}/vIPIDevol", f"{_DET}/impostoDevol/IPI/vIPIDevol", _Of.ALL),
    ("602", f"{_ICMS_TOT}/vPIS", f"{_DET}/imposto/PIS/*/vPIS", _Of.GOODS),
    ("603", f"{_ICMS_TOT}/vCOFINS", f"{_DET}/imposto/COFINS/*/vCOFINS", _Of.GOODS),
    ("604", f"{_ICMS_TOT}/vOutro", f"{_DET}/prod/vOutro", _Of.ALL),
    ("605", f"{_ISSQN_TOT}/vServ", f"{_DET}/prod/vProd", _Of.SERVICES),
    ("606", f"{_ISSQN_TOT}/vBC", f"{_DET}/imposto/ISSQN/vBC", _Of.SERVICES),
    ("607", f"{_ISSQN_TOT}/vISS", f"{_DET}/imposto/ISSQN/vISSQN", _Of.SERVICES),
    ("608", f"{_ISSQN_TOT}/vPIS", f"{_DET}/imposto/PIS/*/vPIS", _Of.SERVICES),
    ("609", f"{_ISSQN_TOT}/vCOFINS", f"{_DET}/imposto/COFINS/*/vCOFINS", _Of.SERVICES),
    ("685", f"{_ICMS_TOT}/vTotTrib", f"{_DET}/imposto/vTotTrib", _Of.STATED),
    ("VBCIBSCBS", f"{_IBSCBS_TOT}/vBCIBSCBS", f"{_IBSCBS}/vBC", _Of.STATED),
    ("VIBSUF", f"{_IBSCBS_TOT}/gIBS/gIBSUF/vIBSUF", f"{_IBSCBS}/gIBSUF/vIBSUF", _Of.STATED),
    ("VIBSMUN", f"{_IBSCBS_TOT}/gIBS/gIBSMun/vIBSMun", f"{_IBSCBS}/gIBSMun/vIBSMun", _Of.STATED),
    ("VIBS", f"{_IBSCBS_TOT}/gIBS/vIBS", f"{_IBSCBS}/vIBS", _Of.STATED),
    ("VCBS", f"{_IBSCBS_TOT}/gCBS/vCBS", f"{_IBSCBS}/gCBS/vCBS", _Of.STATED),
    ("VIS", f"{_TOTAL}/ISTot/vIS", f"{_DET}/imposto/IS/vIS", _Of.ALL),
)
_MADE_UP_OF = ("vProd", "vST", "vFCPST", "vFrete", "vSeg", "vOutro", "vII", "vIPI", "vIPIDevol")
"""Of vNF, in ICMSTot; and ISSQNtot/vServ, less vDesc."""
_NOT_OF_CONSUMERS = frozenset(("859", "862", "863"))  # rules of modelo 55 alone
_BY_RATE = frozenset(("00", "10", "20", "70"))  # CST of which vICMS is vBC × pICMS


@dataclass(frozen=True, slots=True)
class _Sum:
    """A total, and what it is the sum of."""

    code: str
    tag: str
    total: Place
    part: Place
    of: _Of


@dataclass(frozen=True, slots=True)
class _Plan:
    """The places of all that the rules look at."""

    sums: tuple[_Sum, ...]
    counts: Place
    model: Place
    purpose: Place
    cfop: Place
    vehicle: Place
    cst: Place
    base: Place
    rate: Place
    share: Place
    icms: Place
    gross: Place
    products: tuple[tuple[str, str, Place, Place], ...]
    made_up_of: tuple[Place, ...]
    services: Place
    discount: Place
    total: Place
    relieved: Place
    withheld_mono: Place
    st: tuple[Place, Place]
    substituted: tuple[Place, Place]


def totals_findings(rows: Rows) -> list[Finding]:
    """Where the amounts of a note contradict each other."""
    plan = _plan()
    services = frozenset(row[0] for row in rows.get("nf_itens_issqn", ()))
    return [
        *_sum_findings(rows, plan, services),
        *_note_total_findings(rows, plan),
        *_item_findings(rows, plan),
    ]


def _sum_findings(rows: Rows, plan: _Plan, services: Collection[object]) -> Iterator[Finding]:
    for rule in plan.sums:
        said = rule.total.first(rows)
        if said is None:
            continue
        stated = cents(said)
        if rule.of is _Of.ALL or (not services and rule.of is _Of.GOODS):
            position, added = rule.part.position, 0
            for row in rows.get(rule.part.table, ()):  # this is where the time goes
                value = row[position]
                if value is not None and value != "0.00":
                    added += cents(value)
        else:
            added = _added(rule, rows, plan, services)
        if abs(stated - added) > TOLERANCE and not _is_read_otherwise(
            rule, rows, plan, services, stated
        ):
            yield Finding(
                f"TOT-{rule.code}",
                f"<{rule.tag}> is {shown(stated)}, the items add up to {shown(added)}",
            )


def _added(rule: _Sum, rows: Rows, plan: _Plan, services: Collection[object]) -> int:
    values = _by_item(rule.part, rows)
    match rule.of:
        case _Of.SERVICES:
            return sum(cents(value) for item, value in values if item in services)
        case _Of.COUNTED:
            counts = plan.counts.column(rows)
            return sum(
                cents(value)
                for item, value in values
                if item not in services and counts[item] != "0"
            )
        case _Of.GOODS:
            return sum(cents(value) for item, value in values if item not in services)
        case _Of.STATED | _Of.ALL:
            return sum(cents(value) for _, value in values)


def _by_item(part: Place, rows: Rows) -> list[tuple[int, Value]]:
    """Each value with the place of its item."""
    found = rows.get(part.table, ())
    if part.table == "nf_itens":
        return [(item, row[part.position]) for item, row in enumerate(found)]
    return [(int(row[0] or 0), row[part.position]) for row in found]


def _is_read_otherwise(
    rule: _Sum, rows: Rows, plan: _Plan, services: Collection[object], stated: int
) -> bool:
    """Whether the total is the sum of the items that another reading of the rule takes."""
    values = _by_item(rule.part, rows)
    if rule.of is _Of.STATED and all(value is None for _, value in values):
        return True
    if rule.code in _NOT_OF_CONSUMERS and plan.model.first(rows) == "65":
        return True
    counts = plan.counts.column(rows)
    counted = {item for item, indicator in enumerate(counts) if indicator != "0"}
    goods = {item for item, _ in enumerate(counts) if item not in services}
    match rule.of:
        case _Of.SERVICES:
            readings = [counted - goods]
        case _Of.COUNTED:  # in a note of adjustment services count as products
            readings = [counted]
        case _:
            readings = [counted, goods, counted & goods, counted | goods]
    return any(
        abs(stated - sum(cents(value) for item, value in values if item in reading)) <= TOLERANCE
        for reading in readings
    )


def _note_total_findings(rows: Rows, plan: _Plan) -> Iterator[Finding]:
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


def _item_findings(rows: Rows, plan: _Plan) -> Iterator[Finding]:
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


@cache
def _plan() -> _Plan:
    prod = f"{_DET}/prod"
    return _Plan(
        sums=tuple(
            _Sum(code, total.rpartition("total/")[2], place_of(total), place_of(part), of)
            for code, total, part, of in _SUMS
        ),
        counts=place_of(f"{prod}/indTot"),
        model=place_of("NFe/infNFe/ide/mod"),
        purpose=place_of("NFe/infNFe/ide/finNFe"),
        cfop=place_of(f"{prod}/CFOP"),
        vehicle=place_of(f"{prod}/veicProd/tpOp"),
        cst=place_of(f"{_ICMS}/CST"),
        base=place_of(f"{_ICMS}/vBC"),
        rate=place_of(f"{_ICMS}/pICMS"),
        share=place_of(f"{_ICMS}/pBCOp"),
        icms=place_of(f"{_ICMS}/vICMS"),
        gross=place_of(f"{prod}/vProd"),
        products=(
            ("TOT-629", "qCom × vUnCom", place_of(f"{prod}/qCom"), place_of(f"{prod}/vUnCom")),
            ("TOT-630", "qTrib × vUnTrib", place_of(f"{prod}/qTrib"), place_of(f"{prod}/vUnTrib")),
        ),
        made_up_of=tuple(place_of(f"{_ICMS_TOT}/{tag}") for tag in _MADE_UP_OF),
        services=place_of(f"{_ISSQN_TOT}/vServ"),
        discount=place_of(f"{_ICMS_TOT}/vDesc"),
        total=place_of(f"{_ICMS_TOT}/vNF"),
        relieved=place_of(f"{_ICMS_TOT}/vICMSDeson"),
        withheld_mono=place_of(f"{_ICMS_TOT}/vICMSMonoReten"),
        st=(place_of(f"{_ICMS_TOT}/vST"), place_of(f"{_ICMS_TOT}/vFCPST")),
        substituted=(
            place_of(f"{_DET}/imposto/PISST/vPIS"),
            place_of(f"{_DET}/imposto/COFINSST/vCOFINS"),
        ),
    )
