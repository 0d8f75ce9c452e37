"""Situations from practice, in small files made for the purpose: tests/data/cases."""

from pathlib import Path

_CASES = Path(__file__).parents[1] / "data" / "cases"


def case(name: str) -> bytes:
    """The bytes of a case's file."""
    return (_CASES / name).read_bytes()
