"""Five thousand mutated documents: no crash, no hang, no memory without bound."""

from bench.fuzz import fuzz, mutated, seeds
from tests.support.other_documents import (
    cte,
    distribution,
    proc_event,
    protocol,
    summary,
    unused_numbers,
)

_KEY = "35260311222333000181550010000000771000000071"
SEEDS = [
    *seeds(),
    cte(_KEY),
    proc_event(_KEY),
    summary(_KEY).encode(),
    protocol(_KEY).encode(),
    unused_numbers(),
    distribution(proc_event(_KEY), summary(_KEY)),
]


def test_whatever_is_done_to_a_document_its_reading_ends_in_an_outcome():
    ended = fuzz(5000, SEEDS)

    assert ended["Document"] > 1000
    assert ended["XMLParseError"] > 100
    assert ended["HostileXML"] > 0


def test_a_mutation_can_be_made_again():
    assert mutated(17, SEEDS) == mutated(17, SEEDS) != mutated(18, SEEDS)
