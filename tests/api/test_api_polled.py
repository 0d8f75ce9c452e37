"""Many clients, few reads."""

import asyncio
import json
from dataclasses import replace

from nfed.api.state import FRESH_SECONDS, PolledJobs
from nfed.ledger.reader import JobRecord

JOB = JobRecord(
    *("a", "running", "/x", 10, 5, 4, 1, 0, 0, 50.0, "2026-01-01T10:00:00.000-03:00"),
    *("2026-01-01T10:00:00.000-03:00", None, None, None, [], {}),
)


class Ledger:
    def __init__(self) -> None:
        self.reads = 0
        self.job: JobRecord | None = JOB

    def read(self, job_id: str) -> JobRecord | None:
        self.reads += 1
        return self.job


async def test_a_hundred_clients_at_once_are_one_read():
    ledger = Ledger()
    polled = PolledJobs(ledger.read, lambda: 0, clock=lambda: 0.0)

    answers = await asyncio.gather(*(polled.json("a") for _ in range(100)))

    assert ledger.reads == 1
    assert {json.loads(answer)["status"] for answer in answers if answer} == {"running"}
    assert len(answers) == 100


async def test_an_answer_is_never_older_than_it_may_be():
    ledger, now = Ledger(), 0.0
    polled = PolledJobs(ledger.read, lambda: 0, clock=lambda: now)
    await polled.json("a")
    ledger.job = replace(JOB, status="completed")

    now = FRESH_SECONDS * 0.9
    early = await polled.json("a")
    now = FRESH_SECONDS
    late = await polled.json("a")

    assert early is not None
    assert late is not None
    assert json.loads(early)["status"] == "running"
    assert json.loads(late)["status"] == "completed"


async def test_what_a_client_changed_and_what_is_unknown_is_read_anew():
    ledger = Ledger()
    polled = PolledJobs(ledger.read, lambda: 0, clock=lambda: 0.0)
    await polled.json("a")
    ledger.job = None

    polled.forget("a")
    gone = await polled.json("a")
    ledger.job = JOB
    back = await polled.json("a")

    assert gone is None
    assert back is not None


async def test_an_answer_ends_with_the_next_write_of_this_process():
    ledger, writes = Ledger(), 0
    polled = PolledJobs(ledger.read, lambda: writes, clock=lambda: 0.0)
    await polled.json("a")
    ledger.job = replace(JOB, status="completed")

    writes = 1
    answer = await polled.json("a")

    assert answer is not None
    assert json.loads(answer)["status"] == "completed"


async def test_where_writes_are_not_counted_every_question_is_a_read():
    ledger = Ledger()
    polled = PolledJobs(ledger.read, None, clock=lambda: 0.0)

    for _ in range(3):
        await polled.json("a")

    assert ledger.reads == 3
