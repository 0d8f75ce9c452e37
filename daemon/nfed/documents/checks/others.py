"""Adds up the amounts of documents that are not notes: CT-e, MDF-e and the national NFS-e.

Only what the manuals give a formula for (MOC CT-e 4.00, groups vPrest and imp; MOC MDF-e 3.00,
group tot; the national NFS-e's annex of leaves, vLiq), and only where both sides are there. A cent
of difference is tolerated, as in a note.
"""

from collections import Counter
from collections.abc import Iterator

from nfed.documents.checks import Checks, Finding, Policy
from nfed.documents.checks.amounts import TOLERANCE, cents, percentage_differs, reais
from nfed.documents.layout import positions
from nfed.documents.rows.extract import Row, Rows, Value
from nfed.errors import WrongTotals
from nfed.words import Message

_TAXED = ("00", "20")
"""CST of which vICMS is vBC × pICMS."""
# By column: the elements that it counts.
_COUNTED = {
    "quantidade_cte": "infCTe",
    "quantidade_nfe": "infNFe",
    "quantidade_mdfe": "infMDFeTransp",
}
_DEDUCTED = ("valor_desconto_incondicionado", "valor_desconto_condicionado", "valor_total_retido")


def check(rows: Rows, chave: str, policy: Checks) -> list[Finding]:
    """What is wrong with the totals of a document. Raises WrongTotals where the policy refuses."""
    if policy.totals is Policy.OFF:
        return []
    found = [*_cte(rows), *_mdfe(rows), *_nfse(rows)]
    if found and policy.totals is Policy.REFUSE:
        raise WrongTotals(chave, tuple((each.code, each.text) for each in found))
    return found


def _cte(rows: Rows) -> Iterator[Finding]:
    own = rows.get("cte")
    if not own:
        return
    row = own[0]
    total = _of("cte", row, "valor_prestacao")
    parts = [_of("dfe_componentes", each, "valor") for each in rows.get("dfe_componentes", ())]
    # A CT-e OS lists a GTV-e's components as well, and a simplified one those of each delivery.
    is_plain = "dfe_itens" not in rows and _of("cte", row, "tipo_cte") not in ("4", "5", "6")
    if total is not None and parts and is_plain:
        added = sum(map(cents, parts))
        if abs(added - cents(total)) > TOLERANCE:
            yield Finding(
                "TOT-CTE-COMP",
                Message(
                    "vPrest/vTPrest is {total}, its components add up to {added}",
                    total=reais(cents(total)),
                    added=reais(added),
                ),
            )
    base, rate, tax = (
        _of("cte", row, f"icms_{name}") for name in ("valor_bc", "aliquota", "valor")
    )
    is_taxed = _of("cte", row, "icms_cst") in _TAXED and base and rate and tax
    if is_taxed and percentage_differs(cents(base), str(rate), cents(tax)):
        yield Finding(
            "TOT-CTE-ICMS",
            Message(
                "vICMS is {tax}, expected {rate} % of vBC {base}",
                tax=reais(cents(tax)),
                rate=str(rate),
                base=reais(cents(base)),
            ),
        )


def _mdfe(rows: Rows) -> Iterator[Finding]:
    own = rows.get("mdfe")
    if not own:
        return
    documents = rows.get("mdfe_documentos", ())
    if not documents:  # loaded later (indCarregaPosterior)
        return
    held = Counter(str(_of("mdfe_documentos", each, "elemento")) for each in documents)
    for column, element in _COUNTED.items():
        said = _of("mdfe", own[0], column)
        counted = held[element]
        if said is not None and int(said) != counted:
            yield Finding(
                "TOT-MDFE-QTD",
                Message(
                    "tot says {said} documents ({column}), {counted} are listed",
                    said=int(said),
                    column=column,
                    counted=counted,
                ),
            )


def _nfse(rows: Rows) -> Iterator[Finding]:
    own = rows.get("nfse")
    if not own or _of("nfse", own[0], "numero_dfse") is None:  # of a municipality, or a DPS
        return
    row = own[0]
    total, net = _of("nfse", row, "valor_servico"), _of("nfse", row, "valor_liquido")
    if total is None or net is None:
        return
    expected = cents(total) - sum(cents(_of("nfse", row, name)) for name in _DEDUCTED)
    if abs(expected - cents(net)) > TOLERANCE:
        yield Finding(
            "TOT-NFSE-LIQ",
            Message(
                "vLiq is {net}, vServ less discounts and what is withheld is {expected}",
                net=reais(cents(net)),
                expected=reais(expected),
            ),
        )


def _of(table: str, row: Row, column: str) -> Value:
    return row[positions(table)[column]]
