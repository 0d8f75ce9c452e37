"""Promised jobs: what "look" and uploads are given before their batch is there."""

from nfed.core.arrival import Arrival
from nfed.flow.jobs import MOST_SUBMITTED, Jobs, Requests


def requests() -> Requests:
    return Requests(Jobs(), "/x")


def batch(*paths: str) -> tuple[Arrival, ...]:
    return tuple(Arrival(path, 1, 1, 1, 1) for path in paths)


def test_a_look_gets_the_next_batch():
    asked = requests()
    job = asked.look()

    assert asked.next_look(found=True, idle=False) is job
    assert asked.next_look(found=True, idle=False) is None


def test_a_look_is_in_vain_only_after_a_scan_that_began_after_it():
    asked = requests()
    asked.scan_begins()
    job = asked.look()
    asked.scan_ended()
    too_early = asked.next_look(found=False, idle=True)
    asked.scan_begins()
    before_its_end = asked.next_look(found=False, idle=True)
    asked.scan_ended()
    while_something_settles = asked.next_look(found=False, idle=False)

    assert [too_early, before_its_end, while_something_settles] == [None, None, None]
    assert asked.next_look(found=False, idle=True) is job


def test_looks_before_the_same_batch_share_its_job_and_each_wants_a_scan_of_its_own():
    asked = requests()
    first = asked.look()
    asked.scan_begins()
    second = asked.look()
    asked.scan_ended()

    assert second is first
    assert asked.next_look(found=False, idle=True) is None


def test_submitted_batches_come_in_order_and_their_paths_are_claimed_until_then():
    asked = requests()
    assert asked.claim("a.xml")
    assert asked.claim("b.xml")
    assert not asked.claim("a.xml")
    first, second = asked.submit(batch("a.xml")), asked.submit(batch("b.xml"))

    assert ("a.xml" in asked, "b.xml" in asked) == (True, True)
    assert asked.next_submission() == (first, batch("a.xml"))
    assert ("a.xml" in asked, "b.xml" in asked) == (False, True)
    assert asked.next_submission() == (second, batch("b.xml"))
    assert asked.next_submission() is None


def test_promised_jobs_can_be_withdrawn():
    asked = requests()
    asked.claim("a.xml")
    looked, sent = asked.look(), asked.submit(batch("a.xml"))

    assert asked.withdraw("nope") == (None, ())
    assert asked.withdraw(sent.job_id) == (sent, batch("a.xml"))
    assert "a.xml" not in asked
    assert asked.withdraw(looked.job_id) == (looked, ())
    assert asked.withdraw_all() == []


def test_only_so_many_batches_wait():
    asked = requests()
    for n in range(MOST_SUBMITTED):
        assert not asked.is_full
        asked.submit(batch(f"{n}.xml"))

    assert asked.is_full
    assert len(asked.withdraw_all()) == MOST_SUBMITTED
    assert not asked.is_full
