"""Numbers, days and sizes are written as the reader's country does.

That every word is translated is shown by tests/words/test_catalogue.py.
"""

from datetime import datetime

import pytest

from nfed.web.speech import ENGLISH, PORTUGUESE, Speech, language_of, tax_number


@pytest.mark.parametrize(
    ("number", "portuguese", "english"),
    [
        ("1234.56", "1.234,56", "1,234.56"),
        ("-1234567.8", "-1.234.567,80", "-1,234,567.80"),
        ("0", "0,00", "0.00"),
        ("21.1234567890", "21,1234567890", "21.1234567890"),
        ("lixo", "lixo", "lixo"),
    ],
)
def test_money_is_written_as_the_country_does(number, portuguese, english):
    assert Speech(PORTUGUESE).money(number) == portuguese
    assert Speech(ENGLISH).money(number) == english


def test_days_sizes_and_spans():
    speech = Speech(PORTUGUESE)

    assert speech.moment("2026-11-30T12:01:59.123-03:00") == "30/11/2026 12:01"
    assert speech.moment(datetime(2026, 1, 2, 3, 4)) == "02/01/2026 03:04"  # noqa: DTZ001
    assert Speech(ENGLISH).moment("2026-11-30T12:01:59-03:00") == "30 Nov 2026 12:01"
    assert [speech.size(each) for each in (0, 999, 12_345, 69_600_000_000)] == [
        "0 B",
        "999 B",
        "12,3 kB",
        "69,6 GB",
    ]
    assert [speech.span(each) for each in (0, 0.25, 59.6, 3700, float("inf"))] == [
        "0 s",
        "0,2 s",
        "1 min",
        "1 h 1 min",
        "—",
    ]


def test_tax_numbers_have_their_points():
    assert tax_number("12345678000195") == "12.345.678/0001-95"
    assert tax_number("Q501R1CDF5OE40") == "Q5.01R.1CD/F5OE-40"
    assert tax_number("12345678909") == "123.456.789-09"
    assert tax_number("x") == "x"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("pt-BR,en;q=0.8", PORTUGUESE), ("en;q=0.9,pt;q=0.1", ENGLISH), ("xx;q=a,,", PORTUGUESE)],
)
def test_the_browsers_wish_decides(accepted, language):
    assert language_of(None, accepted) == language
    assert language_of(ENGLISH, accepted) == ENGLISH
