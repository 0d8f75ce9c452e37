"""The key, its form and its check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfed.documents.checks.key import check_digit, is_well_formed, split

KEYS = st.from_regex(r"[0-9]{6}[0-9A-Z]{12}[0-9]{25}", fullmatch=True)


@pytest.mark.parametrize(
    "chave",
    [
        "3526050X0J92JY000196570010000006041448679011",  # a real one with letters
        "35180834128745000152550010000474281920007498",
        "41170706117473000150550010000463202612756525",
    ],
)
def test_the_check_digit_of_known_keys_is_right(chave):
    assert check_digit(chave[:43]) == chave[43]


@given(KEYS, st.integers(0, 42), st.integers(1, 9))
def test_any_one_wrong_digit_is_noticed(first_43, place, shift):
    """A change of one digit moves the weighted sum by weight × shift, never by a multiple of 11.

    Only sums whose rest is 0 and 1 share a check digit.
    """
    old = first_43[place]
    if not old.isdigit():
        return
    changed = first_43[:place] + str((int(old) + shift) % 10) + first_43[place + 1 :]

    assert check_digit(changed) != check_digit(first_43) or check_digit(first_43) == "0"


@given(KEYS)
def test_the_check_digit_is_one_digit_and_makes_a_key(first_43):
    chave = first_43 + check_digit(first_43)

    assert is_well_formed(chave)
    key = split(chave)
    assert (
        key.uf
        + key.ano_mes
        + key.cpf_cnpj
        + key.modelo
        + key.serie
        + key.numero
        + key.tipo_emissao
        + key.codigo_numerico
        + key.digito
    ) == chave


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3" * 43,
        "3" * 45,
        "3526050x0j92jy000196570010000006041448679011",  # lower case
        "A526050X0J92JY000196570010000006041448679011",
        "٣526050X0J92JY000196570010000006041448679011",  # a digit, but not of ASCII
        "3526050X0J92JY000196570010000006041448679011\n",
    ],
)
def test_other_texts_are_no_keys(text):
    assert not is_well_formed(text)
