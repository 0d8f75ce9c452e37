"""Whole cents say what Decimal says."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfed.documents.checks.amounts import cents, percentage_differs, product_differs, reais

CENT = Decimal("0.01")
prices = st.decimals(0, 10**9, allow_nan=False, places=10)
amounts = st.integers(0, 10**13)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (None, 0), ("0", 0), ("0.00", 0), ("1", 100), ("1.5", 150), ("1234.56", 123456),
        ("-0.50", -50), ("-3", -300), ("0.005", 1), ("0.0049", 0), (7, 700),
    ],
)  # fmt: skip
def test_a_text_is_so_many_cents(text, amount):
    assert cents(text) == amount


@given(st.integers(-(10**15), 10**15))
def test_cents_are_shown_as_they_are_read(amount):
    assert cents(reais(amount)) == amount


@given(prices, prices, st.integers(-4, 4))
def test_a_product_may_be_a_cent_off_after_rounding(quantity, price, off):
    with localcontext(prec=60):
        rounded = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        exact = quantity * price
        amount = int(rounded * 100) + off
        expected = abs(Decimal(amount) / 100 - exact) > Decimal("0.015")

        assert product_differs(f"{quantity:f}", f"{price:f}", amount) == expected


@given(amounts, st.decimals(0, 100, allow_nan=False, places=4), st.integers(-4, 4))
def test_so_may_a_percentage(base, percent, off):
    with localcontext(prec=60):
        exact = Decimal(base) * percent / 10_000
        amount = int((exact * 100).to_integral_value(ROUND_HALF_UP)) + off
        expected = abs(Decimal(amount) - exact * 100) > Decimal("1.5")

    assert percentage_differs(base, f"{percent:f}", amount) == expected
