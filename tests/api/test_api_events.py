"""Server-sent events: progress as it happens, through restarts, whoever else listens."""

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from nfed.api.events import field_at, message
from nfed.ledger.reader import Changes
from tests.support.harness import Rig, eventually, note, notes, write_locked
from tests.support.served import Served, served


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@dataclass
class Listener:
    """Follows the stream in a thread of its own, until it is closed by either side."""

    url: str
    last_event_id: str | None = None
    events: list[tuple[float, ServerSentEvent]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Listener":
        self._thread = threading.Thread(target=asyncio.run, args=(self._listen(),))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended.is_set():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(30)
        assert not self._thread.is_alive()

    async def _listen(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        try:
            async with (
                httpx.AsyncClient(timeout=60) as client,
                aconnect_sse(client, "GET", f"{self.url}/batch/events", headers=headers) as source,
            ):
                async for event in source.aiter_sse():
                    self.events.append((time.monotonic(), event))
        except asyncio.CancelledError:
            pass
        finally:
            self.ended.set()

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(event.data) for _, event in list(self.events)]

    def files(self) -> list[str]:
        return [file["file"] for told in self.told() for file in told["files"]]

    def states(self, job_id: str) -> list[str]:
        return [
            job["status"] for told in self.told() for job in told["jobs"] if job["job_id"] == job_id
        ]

    def last_id(self) -> str:
        return self.events[-1][1].id


def test_a_job_and_its_files_are_followed_to_their_end(rig):
    with served(rig) as server, Listener(server.url) as listener:
        eventually(lambda: listener.events)
        job_id = server.upload(("a.xml", note(1).xml), ("b.xml", b"<b/>")).json()["job_id"]
        eventually(lambda: "completed" in listener.states(job_id))

    (ended,) = [
        job
        for told in listener.told()
        for job in told["jobs"]
        if (job["job_id"], job["status"]) == (job_id, "completed")
    ]
    assert (ended["successful_files"], ended["failed_files"]) == (1, 1)
    assert sorted(listener.files()) == ["a.xml", "b.xml"]
    assert {event.event for _, event in listener.events} == {"progress"}
    assert len({event.id for _, event in listener.events}) == len(listener.events)


def test_the_first_message_holds_the_jobs_that_have_not_ended(rig):
    with served(rig) as server:
        server.ended(server.upload(("a.xml", note(1).xml)).json()["job_id"])
        with write_locked(rig.database):
            job_id = server.upload(("b.xml", note(2).xml)).json()["job_id"]
            eventually(lambda: server.job(job_id)["status"] == "running")
            with Listener(server.url) as listener:
                first = eventually(listener.told)[0]

    assert [job["job_id"] for job in first["jobs"]] == [job_id]
    assert first["files"] == []


def test_nobody_gets_more_than_ten_messages_a_second_however_fast_the_import(rig):
    made = notes(1500)
    with served(rig, batch_max_files=200) as server, Listener(server.url) as listener:
        eventually(lambda: listener.events)
        rig.drop_all(made)
        rig.drains(120)
        eventually(lambda: sum(told["files_total"] for told in listener.told()) == 1500)

    moments = [moment for moment, _ in listener.events]
    assert len(moments) > 5
    for n, moment in enumerate(moments[:-10]):
        assert moments[n + 10] - moment >= 1, "eleven messages within a second"
    assert max(len(told["files"]) for told in listener.told()) <= 100


def test_a_client_goes_on_where_it_was_after_a_restart_of_the_daemon(rig):
    """What happened while it was away comes once, and nothing comes twice."""
    with served(rig) as server, Listener(server.url) as listener:
        first = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        eventually(lambda: "completed" in listener.states(first))
        assert server.daemon.stop() == 0
        assert listener.ended.wait(5), "the stop ends the stream"
    seen = listener.last_id()
    rig.drop(note(2), "b.xml")
    rig.once()

    with served(rig) as server, Listener(server.url, last_event_id=seen) as resumed:
        eventually(lambda: "b.xml" in resumed.files())
        second = server.upload(("c.xml", note(3).xml)).json()["job_id"]
        eventually(lambda: "completed" in resumed.states(second))

    assert Counter(listener.files() + resumed.files()) == Counter(["a.xml", "b.xml", "c.xml"])
    assert first not in {job["job_id"] for told in resumed.told() for job in told["jobs"]}


def test_a_stream_is_followed_through_the_restart_itself(rig):
    """One client, as EventSource does it: connect again with the last id, whatever happened."""
    made = notes(400)
    with served(rig, batch_max_files=50) as server:
        port = server.port
        with Listener(server.url) as before:
            eventually(lambda: before.events)
            rig.drop_all(made[:200])
            eventually(lambda: len(before.files()) + 1 > 50)
            server.daemon.stop()
            before.ended.wait(10)
    with (
        served(rig, batch_max_files=50, port=port) as server,
        Listener(server.url, last_event_id=before.last_id()) as after,
    ):
        rig.drop_all(made[200:])
        rig.drains(60)
        total = sum(told["files_total"] for told in before.told())
        eventually(lambda: total + sum(told["files_total"] for told in after.told()) == 400)

    assert len(rig.chaves()) == 400


def test_jobs_of_other_programs_are_told_too(rig, monkeypatch):
    from nfed.batch.job_manager import get_job_manager

    with served(rig) as server, Listener(server.url) as listener:
        eventually(lambda: listener.events)
        job = get_job_manager(rig.ledger).create_job("elsewhere", 3)
        job.start()
        eventually(lambda: "running" in listener.states(job.job_id))


def test_an_id_of_another_ledger_begins_anew(rig):
    with served(rig) as server, Listener(server.url, last_event_id="feedbeef-999") as listener:
        first = eventually(listener.told)[0]

    assert first == {"jobs": [], "files": [], "files_total": 0}


@pytest.mark.parametrize(
    ("event_id", "place"),
    [
        ("05502d31-16", ("05502d31", 16)),
        (None, None),
        ("", None),
        ("x", None),
        ("x-y", None),
        ("x-١٦", None),
        ("x-99999999999999999999", None),
    ],
)
def test_only_ids_of_ours_are_places(event_id, place):
    assert field_at(event_id) == place


def test_a_message_is_one_event_whatever_it_holds():
    said = message(Changes("ab", 7, [], [], 0)).decode()

    assert said.startswith("event: progress\nid: ab-7\ndata: {")
    assert said.endswith("}\n\n")
    assert said.count("\n\n") == 1


def test_a_stop_ends_every_stream_at_once(rig):
    with served(rig) as server:
        listeners = [Listener(server.url) for _ in range(20)]
        for listener in listeners:
            listener.__enter__()
        try:
            eventually(lambda: all(listener.events for listener in listeners))
            code = server.daemon.stop(seconds=5)
            ended = [listener.ended.wait(5) for listener in listeners]
        finally:
            for listener in listeners:
                listener.__exit__()

    assert code == 0
    assert all(ended)
    assert server.daemon.noise() == []


def test_clients_that_read_nothing_or_vanish_harm_nobody(rig):
    """A hundred of them; the import goes on, and one that reads hears of it."""
    made = notes(300)
    with served(rig, batch_max_files=50) as server:
        idle = [_silent(server) for _ in range(100)]
        with Listener(server.url) as listener:
            eventually(lambda: listener.events)
            rig.drop_all(made)
            for client in idle[:50]:
                client.close()
            rig.drains(60)
            eventually(lambda: sum(told["files_total"] for told in listener.told()) == 300)
        assert server.get("/healthz").status_code == 200
        for client in idle:
            client.close()
        assert server.daemon.stop() == 0

    rig.assert_each_once(made)
    assert server.daemon.noise() == []


def _silent(server: Served) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /batch/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client
