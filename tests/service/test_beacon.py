"""When the watchdog is fed and what STATUS says, with the time as an argument."""

import asyncio
from datetime import UTC, datetime

import pytest

from nfed.core.job import Job
from nfed.flow.guard import Ports, guarded, open_guards
from nfed.notifiers.beacon import Beacon, Sight
from nfed.notifiers.status import Seen, status_line
from nfed.notifiers.systemd import Notifier
from tests.support.supervisor import Supervisor

AT = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


def job(**counts: int) -> Job:
    made = Job("20261123-140000-7f3a01", "/srv/nfe", 5000, AT)
    for name, count in counts.items():
        setattr(made, name, count)
    return made


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (
            Seen(job(imported=1200, duplicate=28, refused=12), 3760, None),
            "1,240/5,000 in job 7f3a01, 12 refused, backlog 3,760",
        ),
        (Seen(job(), 3760, AT), "database unreachable since 14:02, 3,760 files wait"),
        (Seen(None, 1, AT), "database unreachable since 14:02, 1 file waits"),
        (
            Seen(job(), 60, None, ledger_away_since=AT),
            "ledger unusable since 14:02, 60 files wait",
        ),
        (
            Seen(job(), 60, AT, ledger_away_since=AT),
            "database unreachable since 14:02, 60 files wait",
        ),
        (Seen(None, 0, None, imported=7), "waiting for files, 7 in the database since the start"),
        (
            Seen(None, 0, None, has_events=False),
            "waiting for files, 0 in the database since the start, no events (inotify)",
        ),
        (
            Seen(job(), 60, AT, folder_away_since=AT, folder_error="drop folder /x: No space"),
            "waiting since 14:02 for the drop folder /x: No space",
        ),
        (
            Seen(None, 2, None),
            "waiting for files, 0 in the database since the start, backlog 2",
        ),
        (
            Seen(job(imported=1), 3, AT, stopping=True),
            "stopping: 1/5,000 in job 7f3a01, 0 refused, backlog 3",
        ),
    ],
)
def test_status_says_what_goes_on_now(seen, line):
    assert status_line(seen) == line


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(str(tmp_path / "notify"))
    yield supervisor
    supervisor.close()


def beacon(supervisor: Supervisor, watchdog_seconds: int = 10) -> Beacon:
    async def never_asked() -> Sight:
        raise AssertionError

    usec = str(watchdog_seconds * 1_000_000)
    return Beacon(Notifier({**supervisor.env, "WATCHDOG_USEC": usec}), never_asked)


def sight(movement: object, *, waiting: bool = False, stopping: bool = False) -> Sight:
    return Sight(Seen(job(), 1, None, stopping), movement, waiting)


def fed(supervisor: Supervisor) -> int:
    return supervisor.count("WATCHDOG=1")


def test_the_watchdog_is_fed_as_long_as_something_moves(supervisor):
    telling = beacon(supervisor)

    for second in range(100):
        telling.tell(sight(second), float(second))
        supervisor.heard()  # a socket holds few messages

    assert fed(supervisor) == 100


def test_what_stands_still_longer_than_the_watchdog_is_no_longer_fed(supervisor):
    telling = beacon(supervisor)

    for second in range(100):
        telling.tell(sight("still"), float(second))
        supervisor.heard()  # a socket holds few messages

    assert fed(supervisor) == 10
    telling.tell(sight("moves"), 100.0)
    assert fed(supervisor) == 11


def test_what_others_said_in_between_does_not_stay_the_status(supervisor):
    """A reload that was refused left `reading the settings again` until a file came."""
    notifier = Notifier(supervisor.env)

    async def never_asked() -> Sight:
        raise AssertionError

    telling = Beacon(notifier, never_asked)
    telling.tell(sight("still"), 0.0)
    notifier.status("reading the settings again")

    telling.tell(sight("still"), 1.0)
    telling.tell(sight("still"), 2.0)

    assert supervisor.status().startswith("0/5,000 in job")
    assert sum(each.startswith("STATUS=") for each in supervisor.heard()) == 3


def test_waiting_for_the_database_is_no_standing_still(supervisor):
    telling = beacon(supervisor)

    for second in range(100):
        telling.tell(sight("still", waiting=True), float(second))
        supervisor.heard()  # a socket holds few messages

    assert fed(supervisor) == 100


def test_more_time_is_asked_for_only_while_a_stop_gets_on(supervisor):
    telling = beacon(supervisor)

    for second in range(50):
        telling.tell(sight("still", stopping=True), float(second))
        supervisor.heard()  # a socket holds few messages

    assert supervisor.count("EXTEND_TIMEOUT_USEC=15000000") == 10


async def test_a_question_to_the_database_is_known_while_it_is_under_way():
    answer = asyncio.Event()

    class Slow:
        async def store(self, incoming, job_id):
            await answer.wait()
            return []

    guards = open_guards()
    store = guarded(Ports(None, Slow(), None, None), guards).store
    ask = asyncio.create_task(store.store([], "job"), name="ask")
    await asyncio.sleep(0)
    before = (guards.database.asking, guards.beats)

    answer.set()
    await ask

    assert before == (1, 0)
    assert (guards.database.asking, guards.beats) == (0, 1)
