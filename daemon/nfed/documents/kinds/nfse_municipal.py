"""Makes documents of NFS-e that a municipality issued: ABRASF's model, and São Paulo's own."""

from copy import deepcopy

from lxml import etree

from nfed.documents.document import Document
from nfed.documents.kinds.head import Head, Origin, extract_both
from nfed.documents.layout import positions
from nfed.documents.layout.dfe import DFE_DOCUMENTOS, DFE_ROWS
from nfed.documents.layout.nfse_municipal import SAO_PAULO
from nfed.documents.rows.extract import Row
from nfed.documents.standing import Answered, accepts, rank, status_of
from nfed.documents.xml.find import Part, child
from nfed.errors import NotFiscal
from nfed.words import Message

_SAO_PAULO_CODE = "3550308"
_ISSUED, _CANCELLED = "100", "101"
_AFTERWARDS = ("StatusNFe", "DataCancelamento", "NumeroGuia", "DataQuitacaoGuia", "Assinatura")
"""What São Paulo's element says of what became of the note, and its signature."""
_WITHHELD = {"1": True, "true": True, "2": False, "false": False}


def municipal_nfse(part: Part, origin: Origin) -> Document:
    """An issued NFS-e of a municipality. Raises DocumentError.

    Its key is municipality, provider, number and verification code. Its content is what was issued:
    that it was cancelled or replaced since makes it no other.
    """
    assert part.asked is not None
    is_sao_paulo = part.name == SAO_PAULO
    note, later = (
        _in_groups(part.asked) if is_sao_paulo else _parts_of(part.asked, part.name == "Nfse")
    )
    path = SAO_PAULO if is_sao_paulo else "CompNfse/Nfse/InfNfse"
    extraction, digest, findings = extract_both(
        DFE_DOCUMENTOS, (note, path), (None, ""), needs_offsets=False
    )
    for place, element in later:
        extraction.walk(element, place)
    head = Head(DFE_DOCUMENTOS, extraction)
    service = _Row(head, "nfse", 0)
    _name_parties(head)
    municipality = _municipality(head, service, is_sao_paulo=is_sao_paulo)
    parts = (municipality, head.text("emitente_cpf_cnpj"), head.text("numero"))
    if not all(parts):
        raise NotFiscal(
            Message(
                "<{part}> names no municipality, provider or number; expected an issued NFS-e",
                part=part.name,
            )
        )
    key = "-".join((*parts, service.text("codigo_verificacao")))
    cstat = _CANCELLED if _is_over(part.asked) else _ISSUED
    service["codigo_municipio_emissao"] = municipality
    # Some write 0 where nothing is replaced.
    service["numero_nfse_substituida"] = service.text("numero_nfse_substituida").lstrip("0") or None
    service["retencao_issqn"] = _withheld(service)
    head["chave_acesso"], head["codigo_status"] = key, cstat
    nfse = part.asked if part.name == "Nfse" else child(part.asked, "Nfse")
    head["versao_leiaute"] = None if nfse is None else nfse.get("versao")
    head["especie"], head["tipo"], head["versao_linhas"] = "documento", "NFSeMunicipal", DFE_ROWS
    return head.document(
        part,
        origin,
        key=key,
        chave=key,
        rank=rank(cstat),
        status=status_of(cstat).value,
        issued="data_hora_emissao",
        content_sha256=digest,
        findings=findings,
        is_accepted=accepts(rank(cstat), Answered.DOCUMENT, None, None),
    )


class _Row:
    """A row of a table below the head's, by column name; made where there is none."""

    def __init__(self, head: Head, table: str, number: int) -> None:
        self._at = positions(table)
        blank: Row = [0, *([None] * len(self._at))]
        self._row = head.rows.setdefault(table, [blank])[number]

    def __setitem__(self, column: str, value: str | None) -> None:
        self._row[self._at[column]] = value

    def text(self, column: str) -> str:
        """The value as text; empty for none."""
        value = self._row[self._at[column]]
        return "" if value is None else str(value).strip()


def _parts_of(
    element: etree._Element, is_bare: bool
) -> tuple[etree._Element, list[tuple[str, etree._Element]]]:
    """ABRASF: what was issued; what became of it, with the place of each."""
    nfse = element if is_bare else child(element, "Nfse")
    assert nfse is not None
    note = child(nfse, "InfNfse")
    assert note is not None
    later = [
        (f"CompNfse/{name}", found)
        for name in ("NfseCancelamento", "NfseSubstituicao")
        if (found := child(element, name)) is not None
    ]
    return note, later


def _in_groups(
    element: etree._Element,
) -> tuple[etree._Element, list[tuple[str, etree._Element]]]:
    """São Paulo: a copy in which each party has a group of its own; what became of it, beside."""
    note = deepcopy(element)
    after = etree.Element("NFe")
    for name in _AFTERWARDS:
        found = child(note, name)
        if found is not None:
            note.remove(found)
            if name != "Assinatura":
                after.append(found)
    for role in ("Prestador", "Tomador", "Intermediario"):
        group = etree.Element(role)
        for name in ("CPFCNPJ", "InscricaoMunicipal", "RazaoSocial", "Endereco", "Email"):
            found = child(note, f"{name}{role}")
            if found is not None:
                found.tag = name
                group.append(found)
        if len(group):
            note.append(group)
    return note, [(SAO_PAULO, after)] if len(after) else []


def _is_over(element: etree._Element) -> bool:
    """Tells whether it was cancelled or replaced."""
    status = child(element, "StatusNFe")
    if status is not None:
        return (status.text or "").strip() == "C"
    return any(
        child(element, name) is not None for name in ("NfseCancelamento", "NfseSubstituicao")
    )


def _municipality(head: Head, service: _Row, *, is_sao_paulo: bool) -> str:
    """That of the issuing authority; where it does not say, the provider's."""
    if is_sao_paulo:
        return _SAO_PAULO_CODE
    issuer = service.text("codigo_municipio_emissao")
    if not issuer and "dfe_partes" in head.rows:
        issuer = _Row(head, "dfe_partes", 0).text("codigo_municipio")
    return issuer or service.text("codigo_municipio_prestacao")


def _name_parties(head: Head) -> None:
    """Gives the document the provider as its issuer, and the taker."""
    for number in range(len(head.rows.get("dfe_partes", ()))):
        party = _Row(head, "dfe_partes", number)
        prefix = {"prestador": "emitente", "tomador": "destinatario"}.get(party.text("papel"))
        if prefix is not None and not head.text(f"{prefix}_cpf_cnpj"):
            head[f"{prefix}_cpf_cnpj"] = party.text("cpf_cnpj") or None
            head[f"{prefix}_nome"] = party.text("razao_social") or None
            if prefix == "emitente":
                head["emitente_uf"] = party.text("uf") or None


def _withheld(service: _Row) -> str | None:
    """In the national words: 1 not withheld, 2 by the taker, 3 by the intermediary."""
    is_withheld = _WITHHELD.get(service.text("iss_retido").lower())
    if is_withheld is None:
        return None
    if not is_withheld:
        return "1"
    return "3" if service.text("responsavel_retencao") == "2" else "2"
