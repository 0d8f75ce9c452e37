"""The chave de acesso: 44 characters that name a fiscal document for ever."""

import re
from dataclasses import dataclass
from operator import mul

_KEY = re.compile(r"[0-9]{6}[0-9A-Z]{12}[0-9]{26}")  # TChNFe, tiposBasico_v4.00.xsd

_WEIGHTS = tuple(2 + position % 8 for position in reversed(range(43)))


@dataclass(frozen=True, slots=True)
class AccessKey:
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


def is_well_formed(chave: str) -> bool:
    """Whether the text has a key's form; says nothing of its check digit."""
    return _KEY.fullmatch(chave) is not None


def check_digit(first_43: str) -> str:
    """Modulo 11 over the first 43 characters (MOC 7.0, Visão Geral, 5.4).

    Weights run 2..9 from the right and start over. A letter counts as its
    ASCII code minus 48, which leaves digits at their own value (NT Conjunta 2025.001).
    """
    weights = _WEIGHTS[len(_WEIGHTS) - len(first_43) :]
    total = sum(map(mul, map(ord, first_43), weights)) - 48 * sum(weights)
    rest = total % 11
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
