"""Checks a chave de acesso: its form, its check digit, and the fields that it is made of."""

import re
from functools import lru_cache
from math import sumprod
from typing import NamedTuple

from nfed.documents.checks import Finding, Policy
from nfed.documents.layout.nota import NF_PARTES, NOTAS_FISCAIS
from nfed.documents.rows.extract import Rows
from nfed.errors import InvalidAccessKey
from nfed.words import Message

_KEY = re.compile(r"[0-9]{6}[0-9A-Z]{12}[0-9]{26}")  # TChNFe, tiposBasico_v4.00.xsd
_PREFIX = re.compile(r"\s*(?:NFe|CTe|GTVe|MDFe|NFCom|NF3e|BPe|NFS|DPS|CFe)", re.IGNORECASE)

_WEIGHTS = tuple(2 + position % 8 for position in reversed(range(43)))


class AccessKey(NamedTuple):
    """The parts of a key (MOC 7.0, Visão Geral, 5.4); text, because a CNPJ may hold letters."""

    uf: str
    ano_mes: str
    cpf_cnpj: str
    """14 characters; a CPF is left-padded with zeros."""
    modelo: str
    serie: str
    numero: str
    tipo_emissao: str
    codigo_numerico: str
    digito: str


def key_of_id(identifier: str) -> str:
    """The key in an Id: without the kind's letters before it, in whatever case they are written."""
    return _PREFIX.sub("", identifier, count=1)


def is_well_formed(chave: str) -> bool:
    """Tells whether the text has a key's form; says nothing of its check digit."""
    return _KEY.fullmatch(chave) is not None


def check_digit(first_43: str) -> str:
    """Modulo 11 over the first 43 characters (MOC 7.0, Visão Geral, 5.4).

    Weights run 2..9 from the right and start over. A letter counts as its
    ASCII code minus 48, which leaves digits at their own value (NT Conjunta 2025.001).
    """
    weights = _WEIGHTS[len(_WEIGHTS) - len(first_43) :]
    rest = (sumprod(first_43.encode("ascii"), weights) - 48 * sum(weights)) % 11
    return "0" if rest < 2 else str(11 - rest)


def split(chave: str) -> AccessKey:
    """The parts of a well-formed key."""
    return AccessKey(
        uf=chave[0:2],
        ano_mes=chave[2:6],
        cpf_cnpj=chave[6:20],
        modelo=chave[20:22],
        serie=chave[22:25],
        numero=chave[25:34],
        tipo_emissao=chave[34],
        codigo_numerico=chave[35:43],
        digito=chave[43],
    )


# Code, tag, and which part of the key it is.
_COMPARED = tuple(
    (code, tag, AccessKey._fields.index(part))
    for code, tag, part in (
        ("KEY-UF", "cUF", "uf"),
        ("KEY-MES", "dhEmi", "ano_mes"),
        ("KEY-MODELO", "mod", "modelo"),
        ("KEY-SERIE", "serie", "serie"),
        ("KEY-NUMERO", "nNF", "numero"),
        ("KEY-TPEMIS", "tpEmis", "tipo_emissao"),
        ("KEY-CNF", "cNF", "codigo_numerico"),
        ("KEY-CDV", "cDV", "digito"),
        ("KEY-EMITENTE", "emit/CNPJ", "cpf_cnpj"),
    )
)
_CPF_CNPJ = NF_PARTES.position("cpf_cnpj")
_PAPEL = NF_PARTES.position("papel")
AVULSA = frozenset(map(str, range(890, 900)))
"""Series of notes that the tax office issues itself (XSD, TSerie)."""
_AT = {
    name: NOTAS_FISCAIS.position(name)
    for name in (
        "codigo_uf",
        "data_hora_emissao",
        "modelo",
        "serie",
        "numero_nf",
        "tipo_emissao",
        "codigo_numerico_aleatorio",
        "digito_verificador",
    )
}


def key_faults(chave: str, protocol_chave: str | None) -> Message | None:
    """Says why the key cannot be right, or None (rejections 236 and 502 of the manual)."""
    if not is_well_formed(chave):
        return Message(
            "chave {chave!r} has {length} characters; expected 44: 6 digits, 12 digits or capital "
            "letters, 26 digits",
            chave=chave,
            length=len(chave),
        )
    expected = check_digit(chave[:43])
    if chave[43] != expected:
        return Message(
            "chave {chave}: check digit {digit}, expected {expected}",
            chave=chave,
            digit=chave[43],
            expected=expected,
        )
    if protocol_chave is not None and protocol_chave != chave:
        return Message(
            "the protocol names chave {protocol}, the note's Id {chave}",
            protocol=protocol_chave,
            chave=chave,
        )
    return None


def key_by_policy(fault: Message | None, chave: str, policy: Policy) -> list[Finding]:
    """Makes a finding of a key's fault. Raises InvalidAccessKey where the policy refuses."""
    if fault and policy is Policy.REFUSE:
        raise InvalidAccessKey(fault, chave)
    return [Finding("KEY", fault)] if fault and policy is Policy.WARN else []


def key_against_content(chave: str, rows: Rows, layout: str = "4.00") -> list[Finding]:
    """Compares the parts of the key with the fields they are made of (MOC 7.0, 5.4).

    Avulsa notes (series 890 to 899) carry the tax office's CNPJ and are not compared in it; a
    CPF is padded with zeros. Before layout 2.00 the key had no tpEmis and nine digits of cNF.
    """
    key = split(chave)
    note = rows["notas_fiscais"][0]
    issued = str(note[_AT["data_hora_emissao"]] or "")
    serie = str(note[_AT["serie"]] or "")
    issuer = next(
        (str(p[_CPF_CNPJ] or "") for p in rows.get("nf_partes", ()) if p[_PAPEL] == "emitente"),
        "",
    )
    content = (
        note[_AT["codigo_uf"]],
        issued[2:4] + issued[5:7],
        issuer.zfill(14),
        note[_AT["modelo"]],
        serie.zfill(3),
        str(note[_AT["numero_nf"]] or "").zfill(9),
        note[_AT["tipo_emissao"]],
        note[_AT["codigo_numerico_aleatorio"]],
        note[_AT["digito_verificador"]],
    )
    if key == content:
        return []
    left_out = {"KEY-TPEMIS", "KEY-CNF"} if layout < "2.00" else set()
    if serie in AVULSA:
        left_out.add("KEY-EMITENTE")
    return [
        Finding(
            code,
            Message(
                "the key says {key!r} where <{tag}> says {content!r}",
                key=key[at],
                tag=tag,
                content=content[at],
            ),
        )
        for code, tag, at in _COMPARED
        if key[at] != content[at] and code not in left_out
    ]


_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")  # TCnpj, tiposBasico_v4.00.xsd
_CPF = re.compile(r"[0-9]{11}")


@lru_cache(maxsize=4096)
def has_right_digits(cpf_cnpj: str) -> bool:
    """Tells whether a CPF (11 characters) or CNPJ has a right form and check digits.

    A CNPJ's letters count as their ASCII code minus 48 (NT Conjunta 2025.001).
    """
    if _CPF.fullmatch(cpf_cnpj):
        return cpf_cnpj[9:] == _cpf_digits(cpf_cnpj[:9])
    if _CNPJ.fullmatch(cpf_cnpj):
        first = check_digit(cpf_cnpj[:12])
        return cpf_cnpj[12:] == first + check_digit(cpf_cnpj[:12] + first)
    return False


def _cpf_digits(first_9: str) -> str:
    """Modulo 11 with weights 2, 3, 4 … from the right, without starting over."""
    digits = first_9
    for _ in range(2):
        total = sum(int(each) * weight for weight, each in enumerate(reversed(digits), 2))
        digits += str(total * 10 % 11 % 10)
    return digits[9:]
