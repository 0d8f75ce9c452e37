"""Files that stay, with the time as an argument."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfed.core.arrival import Arrival
from nfed.core.outcome import Reason
from nfed.core.waiting import Waiting

SETTLE, GRACE, RESCAN = 0.3, 30.0, 60.0


def waiting() -> Waiting:
    return Waiting(settle_seconds=SETTLE, incomplete_grace_seconds=GRACE, rescan_seconds=RESCAN)


def arrival(path: str = "a.xml", size: int = 1) -> Arrival:
    return Arrival(path, 1, size, 0, 0)


@pytest.mark.parametrize(
    ("reason", "pause"),
    [
        (Reason.BUSY, SETTLE),
        (Reason.CHANGED, SETTLE),
        (Reason.INCOMPLETE, GRACE),
        (Reason.UNREADABLE, RESCAN),
        (Reason.RETRY, RESCAN),
    ],
)
def test_a_file_is_due_again_after_the_time_of_its_reason(reason, pause):
    kept = waiting()
    kept.keep("a.xml", arrival().version, reason, 100.0)

    assert list(kept.due(100 + pause - 0.01)) == []
    assert list(kept.due(100 + pause)) == ["a.xml"]
    assert kept.next_at() == 100 + pause


def test_what_a_cancelled_job_left_waits_until_somebody_asks_for_it():
    kept = waiting()
    kept.keep_cancelled((arrival("a.xml"), arrival("b.xml")), 0.0)

    assert (len(kept), kept.next_at()) == (2, math.inf)
    kept.forget_cancelled()
    assert len(kept) == 0


@given(st.sampled_from([each for each in Reason if each is not Reason.RETRY]), st.floats(0, 1e6))
def test_a_file_that_changed_waits_no_more_and_is_not_final(reason, later):
    kept = waiting()
    kept.keep("a.xml", arrival().version, reason, 0.0)
    changed = replace(arrival(), size_bytes=2)

    assert kept.lets_go(changed, later)
    assert kept.take_final((changed,)) == frozenset()


def test_xml_that_ended_too_early_and_stood_still_for_the_grace_is_final_once():
    kept = waiting()
    kept.keep("a.xml", arrival().version, Reason.INCOMPLETE, 0.0)

    assert not kept.lets_go(arrival(), GRACE - 0.01)
    assert kept.lets_go(arrival(), GRACE)
    assert kept.take_final((arrival(),)) == {"a.xml"}
    assert kept.take_final((arrival(),)) == frozenset()


def test_a_file_whose_move_alone_is_missing_is_never_read_again_unless_it_changed():
    kept = waiting()
    kept.keep("a.xml", arrival().version, Reason.RETRY, 0.0)

    assert kept.is_stuck(arrival())
    assert not kept.lets_go(arrival(), 1e9)
    assert not kept.is_stuck(arrival(size=2))
    assert kept.lets_go(arrival(size=2), 0.0)


def test_since_when_a_file_waits_outlives_another_reason_and_not_another_version():
    kept = waiting()
    kept.keep("a.xml", arrival().version, Reason.BUSY, 10.0)
    kept.keep("a.xml", arrival().version, Reason.UNREADABLE, 20.0)
    [(_, first)] = kept
    kept.keep("a.xml", arrival(size=2).version, Reason.UNREADABLE, 30.0)
    [(_, second)] = kept

    assert (first.since, second.since) == (10.0, 30.0)
