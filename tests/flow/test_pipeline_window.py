"""Arrivals, batches, states and names under every sequence that hypothesis thinks of."""

import asyncio
import os
import time
from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nfed.core.arrival import Arrival, Batch, Window
from nfed.core.escape import escaped
from nfed.core.job import ALLOWED, Job, JobState
from nfed.core.outcome import Deferred, Reason
from nfed.core.ports import Fate, Reading
from nfed.core.waiting import Waiting
from nfed.errors import IllegalTransition
from nfed.flow.jobs import Jobs
from nfed.flow.pipeline import Pipeline
from nfed.intake.left_alone import is_candidate
from nfed.intake.moved import ERROR_SUFFIX
from nfed.intake.rename import free_names

SETTLE, DEBOUNCE, MAX_WAIT, MAX_FILES = 0.3, 0.5, 5.0, 4
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def window(max_files: int = MAX_FILES) -> Window:
    return Window(
        settle_seconds=SETTLE,
        debounce_seconds=DEBOUNCE,
        max_wait_seconds=MAX_WAIT,
        max_files=max_files,
    )


def arrival(path: str, size: int = 1, *, written: bool = False) -> Arrival:
    return Arrival(path, 1, size, 0, 0, being_written=written)


# --- the window ---------------------------------------------------------------------------------


class WindowMachine(RuleBasedStateMachine):
    """Files come, grow, stop, go; the window is looked at in between, as the pipeline does."""

    def __init__(self) -> None:
        super().__init__()
        self.window = window()
        self.now = 100.0
        self.files: dict[str, Arrival] = {}
        self.still_since: dict[str, float] = {}  # when its size or time last changed
        self.in_flight: set[str] = set()
        self.writes = 0

    @rule(path=st.sampled_from("abcdefgh"), size=st.integers(1, 3), written=st.booleans())
    def write(self, path: str, size: int, written: bool) -> None:
        if path in self.in_flight:
            return
        self.writes += 1  # ctime tells of every write, whatever a producer makes of size and mtime
        made = arrival(path, size, written=written)
        self.files[path] = replace(made, changed_ns=self.writes)
        self.still_since[path] = self.now

    @rule(path=st.sampled_from("abcdefgh"))
    def close(self, path: str) -> None:
        if path in self.files and self.files[path].being_written:
            self.files[path] = replace(self.files[path], being_written=False)

    @rule(path=st.sampled_from("abcdefgh"))
    def vanish(self, path: str) -> None:
        self.files.pop(path, None)
        self.window.forget(path)

    @rule(seconds=st.floats(0, 2))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def scan(self) -> None:
        for path, file in self.files.items():
            if path not in self.window and path not in self.in_flight and self.window.room > 0:
                self.window.sight(replace(file, being_written=False), self.now)

    @rule()
    def sight_again(self) -> None:
        for path in self.window.to_sight_again(self.now):
            self.window.sight(self.files[path], self.now)

    @rule()
    def take(self) -> None:
        batch = self.window.take(self.now)
        paths = [each.path for each in batch]
        assert len(paths) == len(set(paths))
        assert not self.in_flight & set(paths), "a path is in two batches"
        for each in batch:
            assert each.path not in self.window
            if self.files[each.path].version == each.version:
                still = self.now - self.still_since[each.path]
                assert each.being_written is False
                assert still >= SETTLE - 1e-9 or self.files[each.path].being_written
        self.in_flight |= set(paths)

    @precondition(lambda self: self.in_flight)
    @rule()
    def job_ends(self) -> None:
        for path in self.in_flight:
            self.files.pop(path, None)
        self.in_flight.clear()

    @invariant()
    def holds_no_more_than_it_may(self) -> None:
        assert len(self.window) <= MAX_FILES
        assert self.window.room == MAX_FILES - len(self.window) >= 0

    @invariant()
    def says_when_it_has_something_to_say(self) -> None:
        settles_at, due_at = self.window.settles_at(), self.window.due_at()
        assert bool(self.window.to_sight_again(self.now)) == (
            settles_at is not None and self.now >= settles_at
        ) or settles_at == pytest.approx(self.now)
        assert due_at is None or len(self.window) > 0

    def teardown(self) -> None:
        """Whatever happened: once everyone stops writing, everything is taken."""
        self.in_flight.clear()
        for path in self.files:
            self.files[path] = replace(self.files[path], being_written=False)
        taken: set[str] = set()
        for _ in range(60):
            for path, file in self.files.items():
                if path not in taken and path not in self.window and self.window.room > 0:
                    self.window.sight(file, self.now)
            self.now += 0.5
            for path in self.window.to_sight_again(self.now):
                self.window.sight(self.files[path], self.now)
            taken |= {each.path for each in self.window.take(self.now)}
        assert taken >= self.files.keys()


TestWindow = WindowMachine.TestCase


@given(st.lists(st.floats(0, 0.29), max_size=30))
def test_a_file_that_grows_faster_than_it_settles_is_never_taken(pauses):
    looked = window()
    now = 0.0
    for size, pause in enumerate(pauses):
        looked.sight(arrival("a", size), now)
        now += pause
        for path in looked.to_sight_again(now):
            looked.sight(arrival(path, size + 1), now)
        assert looked.take(now) == ()


def test_a_second_sighting_before_the_settling_time_does_not_settle_a_file():
    looked = window()
    looked.sight(arrival("a"), 0.0)

    looked.sight(arrival("a"), SETTLE - 0.01)

    assert looked.take(100.0) == ()


def test_a_file_with_a_writer_is_never_taken_however_long_it_stands_still():
    looked = window()
    looked.sight(arrival("a"), 0)

    for now in range(1, 1000):
        for path in looked.to_sight_again(now):
            looked.sight(arrival(path, written=True), now)
        assert looked.take(now) == ()


def test_a_file_is_taken_after_it_settled_and_no_new_one_came_for_the_debounce():
    looked = window()
    looked.sight(arrival("a"), 10.0)
    assert looked.to_sight_again(10.29) == []
    looked.sight(arrival("a"), 10.3)

    assert looked.take(10.49) == ()
    assert [each.path for each in looked.take(10.5)] == ["a"]


def test_a_stream_without_end_cannot_hold_a_settled_file_longer_than_the_longest_wait():
    looked = window(max_files=10_000)
    looked.sight(arrival("first"), 0.0)
    taken_at = None
    for step in range(1, 1000):
        now = step / 10
        looked.sight(arrival(f"file-{step}"), now)
        for path in looked.to_sight_again(now):
            looked.sight(arrival(path), now)
        if "first" in {each.path for each in looked.take(now)}:
            taken_at = now
            break

    assert taken_at == pytest.approx(SETTLE + MAX_WAIT, abs=0.2)


def test_a_full_window_is_due_at_once():
    looked = window(max_files=2)
    for path in "ab":
        looked.sight(arrival(path), 0.0)
        looked.sight(arrival(path), 0.3)

    assert {each.path for each in looked.take(0.3)} == {"a", "b"}


@given(st.floats(-1e9, 1e9))
def test_only_differences_of_time_count(start):
    looked = window()
    looked.sight(arrival("a"), start)
    looked.sight(arrival("a"), start + 1)

    assert [each.path for each in looked.take(start + 2)] == ["a"]


def test_a_change_after_settling_settles_anew():
    looked = window()
    looked.sight(arrival("a", 1), 0.0)
    looked.sight(arrival("a", 1), 0.4)

    looked.sight(arrival("a", 2), 0.5)

    assert looked.take(10.0) == ()
    looked.sight(arrival("a", 2), 10.0)
    assert [each.size_bytes for each in looked.take(10.0)] == [2]


# --- the table of states ------------------------------------------------------------------------

_ACTS = {
    JobState.RUNNING: lambda job: job.start(NOW),
    JobState.COMPLETED: lambda job: job.complete(NOW + timedelta(seconds=1)),
    JobState.FAILED: lambda job: job.fail("broken", NOW + timedelta(seconds=1)),
    JobState.CANCELLED: lambda job: job.cancel("asked", NOW + timedelta(seconds=1)),
}
# Written out, not read from the table: the table is what is tested.
_LEGAL = {
    ("pending", "running"),
    ("pending", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
}


@given(st.lists(st.sampled_from(sorted(_ACTS)), max_size=6))
def test_a_job_makes_only_allowed_moves_whatever_is_asked_of_it(wishes):
    job = Job("the-job", "/folder", 3, NOW)
    for wish in wishes:
        before = job.state
        if (before.value, wish.value) in _LEGAL:
            _ACTS[wish](job)
            assert job.state is wish
            continue
        ended_at, reason = job.ended_at, job.reason
        with pytest.raises(IllegalTransition) as refused:
            _ACTS[wish](job)
        said = str(refused.value)
        assert "the-job" in said
        assert before.value in said
        assert wish.value in said
        assert (job.state, job.ended_at, job.reason) == (before, ended_at, reason)


def test_the_table_holds_every_state_and_the_legal_moves_alone():
    assert set(ALLOWED) == set(JobState)
    assert {(a.value, b.value) for a, moves in ALLOWED.items() for b in moves} == _LEGAL


# --- names --------------------------------------------------------------------------------------

_raw_names = st.one_of(
    st.binary(min_size=1, max_size=251),
    st.text(min_size=1, max_size=125).map(lambda text: text.encode("utf-8", "replace")[:251]),
    st.integers(1, 62).map(lambda n: "🧾".encode() * n),
    st.integers(240, 251).map(lambda n: b"x" * n),
    st.integers(100, 125).map(lambda n: "é".encode() * n),
    st.integers(240, 251).map(lambda n: b"\x80" * n),
    st.integers(235, 251).map(lambda n: ("é".encode() * 120 + b"x" * 20)[:n]),
    st.binary(min_size=235, max_size=251),
)
_names = _raw_names.map(
    lambda raw: os.fsdecode(raw.replace(b"\0", b"_").replace(b"/", b"_") + b".xml")
).filter(is_candidate)


@given(_names, st.sampled_from([0, len(ERROR_SUFFIX)]))
def test_free_names_are_unique_short_enough_and_still_xml(name, room):
    found = list(islice(free_names(name, room), 12))

    assert len(set(found)) == 12
    for each in found:
        assert len(os.fsencode(each)) <= 255 - room
        assert each.endswith(".xml")
        assert "/" not in each
    if len(os.fsencode(name)) <= 255 - room:
        assert found[0] == name
    for number, each in enumerate(found[1:], 2):
        assert each.endswith(f".{number}.xml")


@given(_names, st.sampled_from([0, len(ERROR_SUFFIX)]))
def test_a_shortened_name_is_a_beginning_of_the_name_in_whole_characters(name, room):
    stem = os.fsencode(name.removesuffix(".xml"))
    try:
        stem.decode("utf-8")
        text = True
    except UnicodeDecodeError:
        text = False
    for each in islice(free_names(name, room), 1, 12):
        kept = os.fsencode(each.removesuffix(".xml").rpartition(".")[0])

        assert stem.startswith(kept)
        assert kept, f"nothing is left of {name!r}"
        assert len(kept) >= min(len(stem), 255 - room - len(".12.xml") - 4), "cut too much"
        if text:
            kept.decode("utf-8")


@given(_names, st.sampled_from([0, len(ERROR_SUFFIX)]))
def test_a_shortened_name_does_not_become_hidden(name, room):
    assert all(is_candidate(each) for each in islice(free_names(name, room), 5))


@given(_raw_names)
def test_a_shown_name_can_be_logged_and_stored(raw):
    text = escaped(os.fsdecode(raw))

    text.encode("utf-8")
    assert text.isprintable()


@pytest.mark.parametrize("suffix", [".xml", ".XML", ".Xml", ".xMl"])
@given(stem=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_a_name_that_ends_in_xml_in_any_case_counts(suffix, stem):
    assert is_candidate(f"{stem}{suffix}") == (not stem.startswith((".", "~$")))


@given(_names, st.sampled_from([".tmp", ".part", ".partial", ".crdownload", ".filepart", "~"]))
def test_a_temporary_of_a_writer_does_not_count(name, suffix):
    assert not is_candidate(name + suffix)
    assert not is_candidate(f".{name}")
    assert not is_candidate(f"~${name}")


@pytest.mark.parametrize("name", ["xml", "nota", "nota.xm", "nota.xmll", ".xml", "", "nota.xml "])
def test_other_names_do_not_count(name):
    assert not is_candidate(name)


# --- the pipeline -------------------------------------------------------------------------------


class EndlessInbox:
    """A folder with more files than memory may hold; counts how many were looked at."""

    def __init__(self, total: int) -> None:
        self.waiting = {f"{n:07d}.xml": arrival(f"{n:07d}.xml") for n in range(total)}
        self.pulled = 0
        self.gone = 0
        self.most_ahead = 0

    def scan(self, skip: Container[str]) -> Iterator[Arrival]:
        for path, each in list(self.waiting.items()):
            if path in skip or path not in self.waiting:
                continue
            self.pulled += 1
            self.most_ahead = max(self.most_ahead, self.pulled - self.gone)
            yield each

    def sight(self, path: str) -> Arrival | None:
        return self.waiting.get(path)

    def is_still_there(self) -> bool:
        return True

    def reopen(self) -> None:
        raise AssertionError("the folder was never replaced")


class Taking:
    """A processor that takes every file; keeps what the pipeline gave it."""

    def __init__(self, inbox: EndlessInbox) -> None:
        self.inbox = inbox
        self.batches: list[list[str]] = []
        self.at_work: set[str] = set()
        self.deferring: set[str] = set()
        self.took_one = asyncio.Event()

    async def process(
        self, job: Job, batch: Batch, *, final: Container[str] = frozenset()
    ) -> list[Fate]:
        job.start(NOW)
        paths = [each.path for each in batch]
        assert not self.at_work & set(paths), "a path is in two batches at once"
        self.at_work |= set(paths)
        self.batches.append(paths)
        await asyncio.sleep(0.03)  # long enough for scans to meet its files again
        stayed = []
        for each in batch:
            if each.path in self.deferring:
                self.deferring.discard(each.path)
                outcome = Deferred(Reason.CHANGED, "again")
                stayed.append(Fate(each, Reading(outcome), outcome, NOW))
            else:
                del self.inbox.waiting[each.path]
                self.inbox.gone += 1
                self.took_one.set()
        self.at_work -= set(paths)
        job.complete(NOW)
        return stayed


def pipeline_over(inbox: EndlessInbox, processor: Taking, max_files: int, **more) -> Pipeline:
    looked = Window(settle_seconds=0, debounce_seconds=0, max_wait_seconds=0, max_files=max_files)
    return Pipeline(
        inbox,
        looked,
        Waiting(settle_seconds=0, incomplete_grace_seconds=0.05, rescan_seconds=0.1),
        processor,
        Jobs(),
        root="/folder",
        rescan_seconds=0.1,
        stopping=asyncio.Event(),
        **more,
    )


@pytest.mark.slow
async def test_a_backlog_of_any_length_is_taken_through_a_window_of_bounded_size():
    """What is known at a time is a batch at work and a window, not the folder."""
    inbox = EndlessInbox(20_000)
    processor = Taking(inbox)

    async with asyncio.timeout(60):
        await pipeline_over(inbox, processor, 100, once=True).run()

    assert inbox.waiting == {}
    assert max(len(batch) for batch in processor.batches) <= 100
    assert inbox.most_ahead <= 3 * 100


async def test_every_file_is_in_exactly_one_batch_unless_it_was_deferred():
    inbox = EndlessInbox(500)
    processor = Taking(inbox)
    processor.deferring = {"0000007.xml", "0000400.xml"}
    pipeline = pipeline_over(inbox, processor, 64)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        while inbox.waiting:
            pipeline.hint()  # as many hints as there are; none may double a file
            await asyncio.sleep(0.001)
        pipeline.stop()

    taken = [path for batch in processor.batches for path in batch]
    twice = {path for path in taken if taken.count(path) > 1}
    assert twice == {"0000007.xml", "0000400.xml"}
    assert len(set(taken)) == 500


async def test_files_are_found_without_any_hint():
    """Events are hints, the scan is the truth."""
    inbox = EndlessInbox(0)
    processor = Taking(inbox)
    pipeline = pipeline_over(inbox, processor, 10)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        await asyncio.sleep(0.3)
        inbox.waiting["late.xml"] = arrival("late.xml")
        await processor.took_one.wait()
        pipeline.stop()

    assert processor.batches == [["late.xml"]]
    assert pipeline.scan_found_without_event_total == 1


async def test_an_idle_pipeline_does_not_spin_over_a_file_that_is_being_written():
    """Even when it is told that nothing need settle."""
    inbox = EndlessInbox(1)
    [path] = inbox.waiting
    inbox.waiting[path] = arrival(path, written=True)
    looks = 0
    sight = inbox.sight

    def counted(path: str) -> Arrival | None:
        nonlocal looks
        looks += 1
        return sight(path)

    inbox.sight = counted
    pipeline = pipeline_over(inbox, Taking(inbox), 10)

    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run())
        began = time.monotonic()
        await asyncio.sleep(1)
        pipeline.stop()
        seconds = time.monotonic() - began

    assert looks <= 100 * seconds
