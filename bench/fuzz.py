"""Mutated documents against the reader: whatever comes, every result is a document or a refusal.

python -m bench.fuzz [--documents N] [--seed N]

Each mutation is made from its number alone, so that one that fails can be made again.
"""

import argparse
import random
import re
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from bench.generator import Generator
from bench.shapes import growth
from nfed.documents import documents_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.document import Document
from nfed.errors import DocumentError

SLOWEST_SECONDS = 1.0
MORE_BYTES = 256 << 20
"""How much the process may grow over what it held after its first documents."""
_WARM = 200
_MOST_CHANGES = 6
_SPICES = (
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe7\xe3",
    b'xmlns="urn:x"',
    b"<NFe>",
    b"</NFe>",
    b"-0",
    b"1e9",
    b"99999999999999999999999999999999",
    b"0001-01-01T00:00:00+14:00",
    b"\xf0\x9f\x98\x80",
)
_VALUES = (b"", b" ", b"-0", b"1e9", b"1,50", b"9" * 40, b"0." + b"3" * 30, b"9" * 5000, b"x")
_LEAF = re.compile(rb"<(\w+)[^<>]*>([^<>]*)</\1>")
_CHECKS = (
    Checks(),
    Checks(key=Policy.WARN),
    Checks.none(),
    Checks(Policy.REFUSE, Policy.REFUSE, Policy.REFUSE, Policy.REFUSE, Policy.REFUSE),
)

type _Change = Callable[[bytes, random.Random], bytes]


class TooSlowError(Exception):
    """A document took longer than SLOWEST_SECONDS."""


def mutated(number: int, seeds: Sequence[bytes], seed: int = 0) -> bytes:
    """The mutation of that number, always the same."""
    chance = random.Random(f"{seed}-{number}")
    xml = chance.choice(seeds)
    # Most stay well-formed, and are read to the end.
    changes = _OF_FORM if chance.random() < 0.3 else _OF_CONTENT
    for _ in range(chance.randint(1, _MOST_CHANGES)):
        xml = chance.choice(changes)(xml, chance)
    return xml


def fuzz(count: int, seeds: Sequence[bytes], seed: int = 0) -> Counter[str]:
    """Reads `count` mutations; how they ended, by name.

    Raises whatever the reader must not: TooSlowError, MemoryError, an error that is no
    DocumentError, each with the number of the mutation as a note.
    """
    ended: Counter[str] = Counter()
    before = signal.signal(signal.SIGALRM, _too_slow)
    ground = 0
    try:
        for number in range(count):
            xml = mutated(number, seeds, seed)
            checks = _CHECKS[number % len(_CHECKS)]
            try:
                ended.update(_read(xml, checks))
            except Exception as error:
                error.add_note(f"mutation {number} of seed {seed}")
                raise
            if number == _WARM:
                ground = _peak_bytes()
            if ground and _peak_bytes() - ground > MORE_BYTES:
                raise MemoryError(f"mutation {number} of seed {seed}: over {MORE_BYTES:,} bytes")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return ended


def seeds() -> list[bytes]:
    """Notes of every kind, lots, events and other documents to begin with."""
    generator = Generator(7)
    notes = [generator.note(n, items=1 + n % 3, rich=n % 2 == 0).xml for n in range(12)]
    texts = [xml[xml.index(b"<NFe") : xml.index(b"</NFe>") + 6] for xml in notes[:4]]
    lot = b'<enviNFe versao="4.00">' + b"".join(texts) + b"</enviNFe>"
    return [*notes, texts[0], lot]


def _read(xml: bytes, checks: Checks) -> list[str]:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 10 * SLOWEST_SECONDS)
    try:
        found = documents_from(xml, checks)
    except DocumentError as error:
        return [error.error_type]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if time.process_time() - began > SLOWEST_SECONDS:
            raise TooSlowError(f"{time.process_time() - began:.1f} s of CPU")
    assert found
    return ["Document" if isinstance(each, Document) else each.error_type for each in found]


def _too_slow(*_: object) -> None:
    raise TooSlowError(f"no answer within {10 * SLOWEST_SECONDS:.0f} s")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _flip(xml: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(xml)) if xml else 0
    return xml[:at] + bytes([chance.randrange(256)]) + xml[at + 1 :]


def _cut(xml: bytes, chance: random.Random) -> bytes:
    return xml[: chance.randrange(len(xml) + 1)]


def _drop(xml: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(xml) + 1)
    return xml[:at] + xml[at + chance.randrange(1, 200) :]


def _spice(xml: bytes, chance: random.Random) -> bytes:
    at = 0 if chance.random() < 0.2 else chance.randrange(len(xml) + 1)
    return xml[:at] + chance.choice(_SPICES) + xml[at:]


def _repeat(xml: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(xml) + 1)
    part = xml[at : at + chance.randrange(1, 500)]
    return xml[:at] + part * chance.randrange(2, 30) + xml[at:]


def _element(xml: bytes, chance: random.Random) -> tuple[int, int]:
    """Where some leaf begins and ends; (0, 0) for none."""
    found = _LEAF.search(xml, chance.randrange(len(xml) + 1))
    return found.span() if found else (0, 0)


def _without(xml: bytes, chance: random.Random) -> bytes:
    begins, ends = _element(xml, chance)
    return xml[:begins] + xml[ends:]


def _twice(xml: bytes, chance: random.Random) -> bytes:
    begins, ends = _element(xml, chance)
    return xml[:ends] + xml[begins:ends] * chance.randrange(1, 20) + xml[ends:]


def _value(xml: bytes, chance: random.Random) -> bytes:
    """Another text in some leaf."""
    found = _LEAF.search(xml, chance.randrange(len(xml) + 1))
    if found is None:
        return xml
    return xml[: found.start(2)] + chance.choice(_VALUES) + xml[found.end(2) :]


def _rename(xml: bytes, chance: random.Random) -> bytes:
    """Some tag under the name of another."""
    tags = xml[: 1 << 16].split(b"<")
    if len(tags) < 4:
        return xml
    one, other = (chance.choice(tags[1:]).split(b">")[0].split(b" ")[0] for _ in range(2))
    return xml.replace(b"<" + one, b"<" + other, chance.randrange(1, 3)) if one else xml


def _recoded(xml: bytes, chance: random.Random) -> bytes:
    text = xml.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "latin-1", "cp1252", "utf-8-sig")), "replace")


_OF_CONTENT: tuple[_Change, ...] = (_without, _twice, _value, _value)
_OF_FORM: tuple[_Change, ...] = (
    _flip,
    _cut,
    _drop,
    _spice,
    _repeat,
    _rename,
    _recoded,
    *_OF_CONTENT,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs, and says how the mutations ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    ended = fuzz(options.documents, seeds(), options.seed)
    print(f"{options.documents:,} mutated documents in {time.monotonic() - began:,.0f} s:")
    for name, many in ended.most_common():
        print(f"  {name:24}{many:10,}")
    print("CPU time against size, from 0.25 to 1 MB of one thing; 1 is linear, the worst:")
    for name, times in growth()[:5]:
        print(f"  {name:24}{times:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
