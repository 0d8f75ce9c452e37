"""The table of codes names every code that the checks can write, and no other."""

import re
from pathlib import Path

import pytest

from nfed.documents.checks.codes import CODES
from nfed.documents.checks.totals import totals_plan
from nfed.errors import DocumentError

NFED = Path(__file__).parents[2] / "daemon" / "nfed"
LITERAL = re.compile(
    r'"((?:SIG|AUT|TOT|FMT|KEY|LIMIT|NOT)-[A-Z0-9-]+'
    r'|XSD|VALUE|KEY|ENCODING|DIRT|PROTOCOL|LOT|ANSWER|ARCHIVE)"'
)


def written():
    """Every code that the source of the checks holds."""
    codes = set()
    for path in (
        *(NFED / "documents").rglob("*.py"),
        *(NFED / "core").rglob("*.py"),
        NFED / "errors.py",
    ):
        if path.name == "codes.py":
            continue
        text = path.read_text("utf-8")
        codes |= set(LITERAL.findall(text))
        if path.name == "formats.py":
            codes |= {"FMT-CPF", "FMT-CNPJ"}
    return codes | {f"TOT-{rule.code}" for _, rules in totals_plan().sums for rule in rules}


def test_the_table_names_every_code_and_no_other():
    assert written() == set(CODES)


def test_every_code_has_a_meaning_of_one_line():
    for code, meaning in CODES.items():
        assert re.fullmatch(r"[A-Z]{3,8}(-[A-Z0-9]+)*", code)
        assert meaning
        assert "\n" not in meaning


def subclasses(of):
    return [each for sub in of.__subclasses__() for each in (sub, *subclasses(sub))]


@pytest.mark.parametrize("error", subclasses(DocumentError), ids=lambda error: error.__name__)
def test_every_refusal_has_a_type_advice_and_a_known_code(error):
    assert error.error_type
    assert error.advice
    assert error.code is None or error.code in CODES
