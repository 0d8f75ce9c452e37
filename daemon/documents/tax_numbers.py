"""Whether a CPF or CNPJ can be one: its form and check digits."""

import re
from functools import lru_cache

from daemon.documents import access_key

_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")  # TCnpj, tiposBasico_v4.00.xsd
_CPF = re.compile(r"[0-9]{11}")


@lru_cache(maxsize=4096)
def has_right_digits(cpf_cnpj: str) -> bool:
    """Whether a CPF (11 characters) or CNPJ has a right form and check digits.

    A CNPJ's letters count as their ASCII code minus 48 (NT Conjunta 2025.001).
    """
    if _CPF.fullmatch(cpf_cnpj):
        return cpf_cnpj[9:] == _cpf_digits(cpf_cnpj[:9])
    if _CNPJ.fullmatch(cpf_cnpj):
        first = access_key.check_digit(cpf_cnpj[:12])
        return cpf_cnpj[12:] == first + access_key.check_digit(cpf_cnpj[:12] + first)
    return False


def _cpf_digits(first_9: str) -> str:
    """Modulo 11 with weights 2, 3, 4 … from the right, without starting over."""
    digits = first_9
    for _ in range(2):
        total = sum(int(each) * weight for weight, each in enumerate(reversed(digits), 2))
        digits += str(total * 10 % 11 % 10)
    return digits[9:]
