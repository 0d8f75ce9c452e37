"""Validates a document against the official XSD of its kind and version.

The XSDs are those of nfelib's wheel; libxml2 compiles each once a process and is the only judge.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from lxml import etree

from nfed.documents.checks import Finding, Policy
from nfed.documents.xml.find import Part, child, local_name
from nfed.documents.xml.libxml2 import in_words
from nfed.documents.xml.parse import NAMESPACE
from nfed.errors import SchemaViolation
from nfed.words import Message, listed

_SHOWN = 5
_PREFIX = "{http://www.portalfiscal.inf.br/"


@dataclass(frozen=True, slots=True)
class _Schemas:
    """XSDs of one kind and version."""

    folder: str
    version: str
    """Of the layout that they are for; other versions are not validated."""
    alone: str | None
    """For what was asked, on its own."""
    pair: str | None
    """For it and its answer together."""
    element: str = ""
    """Of the pair."""


def _nfe_event(folder: str, alone: str | None, pair: str) -> _Schemas:
    return _Schemas(f"nfe_{folder}/schemas/v1_0", "1.00", alone, pair, "procEventoNFe")


_BY_NAME = {
    "NFe": _Schemas("nfe/schemas/v4_0", "4.00", "nfe_v4.00", "procNFe_v4.00", "nfeProc"),
    "inutNFe": _Schemas(
        "nfe/schemas/v4_0", "4.00", "inutNFe_v4.00", "procInutNFe_v4.00", "ProcInutNFe"
    ),
    "resNFe": _Schemas("nfe_dist_dfe/schemas/v1_0", "1.01", "resNFe_v1.01", None),
    "resEvento": _Schemas("nfe_dist_dfe/schemas/v1_0", "1.01", "resEvento_v1.01", None),
    "CTe": _Schemas("cte/schemas/v4_0", "4.00", "cte_v4.00", "procCTe_v4.00", "cteProc"),
    "CTeOS": _Schemas("cte/schemas/v4_0", "4.00", "cteOS_v4.00", "procCTeOS_v4.00", "cteOSProc"),
    "CTeSimp": _Schemas(
        "cte/schemas/v4_0", "4.00", "cteSimp_v4.00", "procCTeSimp_v4.00", "cteSimpProc"
    ),
    "GTVe": _Schemas("cte/schemas/v4_0", "4.00", "GTVe_v4.00", "procGTVe_v4.00", "GTVeProc"),
    "eventoCTe": _Schemas(
        "cte/schemas/v4_0", "4.00", "eventoCTe_v4.00", "procEventoCTe_v4.00", "procEventoCTe"
    ),
    "MDFe": _Schemas("mdfe/schemas/v3_0", "3.00", "mdfe_v3.00", "procMDFe_v3.00", "mdfeProc"),
    "eventoMDFe": _Schemas(
        "mdfe/schemas/v3_0", "3.00", "eventoMDFe_v3.00", "procEventoMDFe_v3.00", "procEventoMDFe"
    ),
    "NFCom": _Schemas("nfcom/schemas/v1_0", "1.00", "nfcom_v1.00", "procNFCom_v1.00", "nfcomProc"),
    "NF3e": _Schemas("nf3e/schemas/v1_0", "1.00", "nf3e_v1.00", "procNF3e_v1.00", "nf3eProc"),
    "BPe": _Schemas("bpe/schemas/v1_0", "1.00", "bpe_v1.00", "procBPe_v1.00", "bpeProc"),
    "BPeTA": _Schemas("bpe/schemas/v1_0", "1.00", "bpeTA_v1.00", None),
    "NFSe": _Schemas("nfse/schemas/v1_0", "1.01", "NFSe_v1.01", None),
    "DPS": _Schemas("nfse/schemas/v1_0", "1.01", "DPS_v1.01", None),
}
# nfelib has none for 110112 nor for the events of the tax reform.
_BY_EVENT = {
    "110110": _nfe_event("evento_cce", "CCe_v1.00", "procCCeNFe_v1.00"),
    "110111": _nfe_event("evento_cancel", "eventoCancNFe_v1.00", "procEventoCancNFe_v1.00"),
    "110140": _nfe_event("epec", "EPEC_v1.00", "procEPEC_v1.00"),
    "110150": _nfe_event(
        "ator_interessado", "eventoAtorInteressado_v1.00", "procEventoAtorInteressado_v1.00"
    ),
    "110130": _nfe_event("entrega", "EventoEntregaNFe_v1.00", "procEventoEntregaNFe_v1.00"),
    "110131": _nfe_event("entrega", "EventoCancEntregaNFe_v1.00", "procEventoCancEntregaNFe_v1.00"),
    "110192": _nfe_event("insucesso", "EventoInsucessoNFe_v1.00", "procEventoInsucessoNFe_v1.00"),
    "110193": _nfe_event(
        "insucesso", "EventoCancInsucessoNFe_v1.00", "procEventoCancInsucessoNFe_v1.00"
    ),
    **dict.fromkeys(
        ("210200", "210210", "210220", "210240"),
        _nfe_event("evento_mde", "confRecebto_v1.00", "procConfRecebtoNFe_v1.00"),
    ),
}


def check(part: Part, policy: Policy) -> list[Finding]:
    """Validates, and returns warnings. Raises SchemaViolation where the policy refuses."""
    if policy is Policy.OFF or part.asked is None:
        return []
    found = violations(part)
    if found and policy is Policy.REFUSE:
        raise SchemaViolation(listed(found))
    return [Finding("XSD", text) for text in found]


def violations(part: Part) -> list[Message]:
    """Validates by the XSD of the part's kind; returns the first five violations, with lines.

    Nothing for a kind or version without an XSD.
    """
    element, file = _choose(part)
    if element is None or file is None:
        return []
    if "}" not in element.tag:
        element = _with_namespace(element)
    schema = _xsd(file)
    if schema.validate(element):
        return []
    log: Iterable[etree._LogEntry] = schema.error_log  # type: ignore[assignment]  # stubs lack it
    return [
        Message("line {line}: {fault}", line=entry.line, fault=in_words(_shorten(entry.message)))
        for entry in islice(log, _SHOWN)
    ]


def _choose(part: Part) -> tuple[etree._Element | None, str | None]:
    """Chooses the element to validate, and the XSD."""
    asked = part.asked
    assert asked is not None
    schemas = _BY_NAME.get(part.name)
    if part.name == "evento":
        group = child(asked, "infEvento")
        kind, key = child(group, "tpEvento"), child(group, "chNFe")
        schemas = _BY_EVENT.get("" if kind is None else (kind.text or "").strip())
        if key is None or not (key.text or "").strip().isdigit():
            return None, None  # the XSDs of events do not know letters in a key yet
    if schemas is None or _version(asked) != schemas.version:
        return None, None
    # A pair with something else inside (an event, say) is not at fault for it.
    is_pair = part.answered is not None and len(part.whole) == 2
    if is_pair and schemas.pair and local_name(part.whole) == schemas.element:
        return part.whole, f"{schemas.folder}/{schemas.pair}.xsd"
    return asked, None if schemas.alone is None else f"{schemas.folder}/{schemas.alone}.xsd"


def _version(asked: etree._Element) -> str:
    version = asked.get("versao")
    if version is None and len(asked):
        version = asked[0].get("versao") or ""
    return (version or "").strip()


def _with_namespace(element: etree._Element) -> etree._Element:
    """A copy in the namespace that the document should have."""
    copy = deepcopy(element)
    for each in copy.iter(etree.Element):
        if "}" not in each.tag:
            each.tag = f"{{{NAMESPACE}}}{each.tag}"
    return copy


def _shorten(message: str) -> str:
    while _PREFIX in message:
        before, _, rest = message.partition(_PREFIX)
        message = before + rest.partition("}")[2]
    return message


@cache
def _xsd(file: str) -> etree.XMLSchema:
    path = _folder() / file
    try:
        return etree.XMLSchema(file=str(path))
    except etree.XMLSchemaParseError as error:  # the file is nfelib's, so it could not be read
        raise ImportError(f"the official XSD {path}: {error}") from error


def _folder() -> Path:
    """Finds nfelib's folder without importing it, which would cost each worker 50 ms."""
    found = find_spec("nfelib")
    if found is None or found.origin is None:
        raise ImportError("the package nfelib, which carries the official XSDs, is missing")
    return Path(found.origin).parent
