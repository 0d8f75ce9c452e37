"""Documents for the tests: the generator's, and the samples in nfelib's wheel."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bench.generator import Generator, check_digit

NFELIB_SAMPLES = sorted(
    Path(str(find_spec("nfelib").origin)).parent.glob("nfe/samples/v4_0/leiauteNFe/*.xml")
)


@cache
def generator() -> Generator:
    """One for all tests: its key takes a moment to make."""
    return Generator(7)


def note(n: int, **how) -> bytes:
    """A valid, signed note."""
    how.setdefault("items", 2)
    how.setdefault("rich", False)
    return generator().note(n, **how).xml


def with_value(xml: bytes, tag: str, value: str) -> bytes:
    """The same note with the first `<tag>` holding `value`; its signature no longer fits."""
    changed, count = re.subn(
        rb"<%b>[^<]*</%b>" % (tag.encode(), tag.encode()),
        f"<{tag}>{value}</{tag}>".encode(),
        xml,
        count=1,
    )
    assert count == 1, f"no <{tag}> to change"
    return changed


def without(xml: bytes, tag: str) -> bytes:
    """The same note without its first `<tag>`."""
    changed, count = re.subn(rb"<%b>[^<]*</%b>" % (tag.encode(), tag.encode()), b"", xml, count=1)
    assert count == 1, f"no <{tag}> to remove"
    return changed


def with_key(xml: bytes, chave: str) -> bytes:
    """The same note under another key."""
    old = re.search(rb'Id="NFe([0-9A-Z]{44})"', xml)
    assert old is not None
    return xml.replace(old[1], chave.encode())


def other_key(chave: str) -> str:
    """A key that differs in the last digits and has a right check digit."""
    first = chave[:35] + f"{(int(chave[35:43]) + 1) % 10**8:08d}"
    return first + check_digit(first)
