"""Which total is the sum of what, and where all that the rules look at stands (group W)."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import groupby

from daemon.documents.places import Place, place_of

_TOTAL = "NFe/infNFe/total"
_ICMS_TOT = f"{_TOTAL}/ICMSTot"
_ISSQN_TOT = f"{_TOTAL}/ISSQNtot"
_IBSCBS_TOT = f"{_TOTAL}/IBSCBSTot"
_DET = "NFe/infNFe/det"
_ICMS = f"{_DET}/imposto/ICMS/*"
_IBSCBS = f"{_DET}/imposto/IBSCBS/gIBSCBS"


class Of(Enum):
    """Which items a total is the sum of."""

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
    total: Place
    part: Place
    of: Of
    adds_all: bool
    """Whatever is found in an item counts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The places of all that the rules look at."""

    sums: tuple[tuple[str, tuple[Sum, ...]], ...]
    """By the table of their totals."""
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


@cache
def totals_plan() -> Plan:
    """The plan, made once a process."""
    prod = f"{_DET}/prod"
    sums = (
        Sum(
            code,
            total.rpartition("total/")[2],
            place_of(total),
            place_of(part),
            of,
            adds_all=of in (Of.ALL, Of.STATED),
        )
        for code, total, part, of in _SUMS
    )
    return Plan(
        sums=tuple((table, tuple(rules)) for table, rules in groupby(sums, _table_of_total)),
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


def _table_of_total(rule: Sum) -> str:
    return rule.total.table
