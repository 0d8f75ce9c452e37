"""Names fiscal documents that nfed does not import, by the elements and namespaces of their kinds.

They are looked for only where no document was found, so a kind that nfed learns leaves this list
by itself.
"""

import re
from collections.abc import Iterable
from itertools import islice

from lxml import etree

_BY_GROUP = {
    "InfNfse": "NFS-e municipal",
    "InfDeclaracaoPrestacaoServico": "RPS",
    "InfRps": "RPS",
    "infDCe": "DC-e",
    "infNFGas": "NFGas",
    "infNFAg": "NFAg",
    "TDadosGNRE": "GNRE",
    "evtMonit": "eSocial",
}
"""By the local name of the group that holds the document's content, or of a part of it."""

_BY_NAME = {
    "CompNfse": "NFS-e municipal",
    "Nfse": "NFS-e municipal",
    "tcCompNfse": "NFS-e municipal",
    "ListaNfse": "NFS-e municipal",
    "ChaveNFe": "NFS-e municipal",  # of São Paulo: NFe/ChaveNFe/InscricaoPrestador
    "ChaveNFeRPS": "NFS-e municipal",
    "Rps": "RPS",
    "RPS": "RPS",
    "LoteRps": "RPS",
    "eSocial": "eSocial",
    "Reinf": "EFD-Reinf",
    "TLote_GNRE": "GNRE",
}

_BY_NAMESPACE = (
    (re.compile(r"abrasf|nfse|ginfes|betha|issnet|prefeitura|/iss", re.I), "NFS-e municipal"),
    (re.compile(r"reinf", re.I), "EFD-Reinf"),
    (re.compile(r"esocial", re.I), "eSocial"),
    (re.compile(r"gnre", re.I), "GNRE"),
)


_MOST = 10_000  # elements looked at: a document names itself near its beginning


def unsupported_in(elements: Iterable[etree._Element]) -> str | None:
    """The kind of the first fiscal document that nfed does not import; None: there is none."""
    by_namespace: str | None = None
    for each in islice(elements, _MOST):
        name = etree.QName(each)
        kind = _BY_GROUP.get(name.localname) or _BY_NAME.get(name.localname)
        if kind is not None:
            return kind
        if by_namespace is None and name.namespace:
            by_namespace = next(
                (kind for form, kind in _BY_NAMESPACE if form.search(name.namespace)), None
            )
    return by_namespace


def matters(root: etree._Element) -> etree._Element:
    """The element inside a SOAP envelope, as deep as it goes; the root where there is none."""
    element = root
    while "soap" in str(element.tag).lower() and len(element):
        body = next((each for each in element if str(each.tag).endswith("}Body")), None)
        element = element[-1] if body is None else body
    return element
