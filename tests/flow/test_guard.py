"""A port that may be away: opened, tried again, told once; time comes from the event loop alone."""

import asyncio

import pytest
from structlog.testing import capture_logs

from nfed.errors import ConfigError, StoreUnavailable
from nfed.flow.guard import Ports, guarded, open_guards


class Port:
    """Answers once it has been away for some calls."""

    def __init__(self, away: int) -> None:
        self.away = away

    async def __call__(self) -> str:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("the database is away")
        return "answer"


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def never() -> bool:
    return False


async def test_an_outage_is_told_when_it_begins_and_when_it_ends():
    guard = open_guards().database

    with capture_logs() as told:
        answers = [await guard.insist(Port(away), until=never, sleep=at_once) for away in (5, 0, 3)]

    assert answers == ["answer"] * 3
    assert [each["event"] for each in told] == [
        "database_unavailable",
        "database_reachable_again",
        "database_unavailable",
        "database_reachable_again",
    ]
    assert (guard.error, guard.since) == (None, None)


async def test_while_a_port_is_away_it_says_since_when_and_why():
    guards = open_guards()
    seen = []

    async def look(seconds: float) -> None:
        seen.append((guards.away, guards.database.error, guards.database.since is None))

    await guards.database.insist(Port(1), until=never, sleep=look)

    assert seen == [(guards.database, "the database is away", False)]
    assert guards.away is None


async def test_whoever_stops_waiting_gets_the_last_error():
    guard = open_guards().ledger

    with pytest.raises(StoreUnavailable, match="away"):
        await guard.insist(Port(10**6), until=lambda: True, sleep=at_once)


async def test_a_port_that_is_being_opened_is_not_away():
    opened = asyncio.Event()
    guards = open_guards(opened.wait, None)

    class Store:
        async def store(self, incoming, job_id):
            return []

    store = guarded(Ports(None, Store(), None, None), guards).store
    with capture_logs() as told:
        asking = asyncio.create_task(
            guards.database.insist(lambda: store.store([], "job"), until=never, sleep=at_once)
        )
        opening = asyncio.create_task(guards.persist())
        await asyncio.sleep(0.01)
        before = (guards.away, guards.database.tried.is_set())
        opened.set()
        await opening
        outcomes = await asking

    assert before == (None, False)
    assert (outcomes, told, guards.database.tried.is_set()) == ([], [], True)


async def test_what_is_no_fault_of_the_world_ends_the_opening():
    async def broken() -> None:
        raise ConfigError("a newer schema")

    with pytest.raises(ExceptionGroup) as raised:
        await open_guards(broken, None).persist()

    assert raised.group_contains(ConfigError)


async def test_a_meter_hears_of_every_attempt():
    class Counting:
        def __init__(self) -> None:
            self.heard = []

        def stored(self, seconds):
            self.heard.append("stored")

        def retried(self, port):
            self.heard.append(f"retried {port}")

    class Store:
        def __init__(self) -> None:
            self.port = Port(1)

        async def store(self, incoming, job_id):
            await self.port()
            return []

    guards, meter = open_guards(), Counting()
    guards.report_to(meter)
    store = guarded(Ports(None, Store(), None, None), guards).store

    await guards.database.insist(lambda: store.store([], "job"), until=never, sleep=at_once)

    assert meter.heard == ["retried database", "stored", "stored"]
    assert guards.beats == 2
