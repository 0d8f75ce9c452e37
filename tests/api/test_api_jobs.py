"""Jobs over HTTP: started, followed, listed, cancelled, tried again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Rig, eventually, never, note, notes, truncated, write_locked
from tests.support.served import Served, assert_problem, served


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def server(rig) -> Iterator[Served]:
    (rig.home / "allowed").mkdir()
    with served(rig, upload_roots=f"{rig.home}/allowed:{rig.home}/missing") as server:
        yield server


def fill(folder: Path, count: int, start: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    for each in notes(count, start):
        (folder / each.name).write_bytes(each.xml)


# --- starting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["params", "json"])
def test_a_folder_under_upload_roots_is_imported_and_left_as_it_is(server, how):
    folder = server.rig.home / "allowed" / "lote"
    fill(folder, 5)
    (folder / "cut.xml").write_bytes(truncated(1))

    answer = server.post("/batch/upload", **{how: {"folder_path": str(folder)}})
    job = server.ended(answer.json()["job_id"])

    assert (answer.status_code, set(answer.json())) == (202, {"job_id", "status"})
    assert answer.json()["status"] == "started"
    assert job["status"] == "completed"
    assert (job["total_files"], job["successful_files"], job["failed_files"]) == (6, 5, 1)
    assert [error["file"] for error in job["errors"]] == ["cut.xml"]
    assert len(os.listdir(folder)) == 6
    assert len(server.rig.chaves()) == 5


def test_the_watched_folder_means_look_now(server):
    """Its name may be any that leads there; the answer is the job that follows."""
    (server.rig.home / "link").symlink_to(server.rig.folder)
    server.rig.drop_all(notes(3))

    answer = server.post("/batch/upload", params={"folder_path": str(server.rig.home / "link")})
    job = server.ended(answer.json()["job_id"])

    assert (job["status"], job["successful_files"]) == ("completed", 3)
    assert server.rig.done() == sorted(each.name for each in notes(3))


def test_a_look_that_finds_nothing_is_a_completed_job_of_no_files(server):
    first = server.post("/batch/upload", json={"folder_path": "xml_nf"}).json()["job_id"]

    job = server.ended(first)
    second = server.post("/batch/upload").json()["job_id"]

    assert (job["status"], job["total_files"]) == ("completed", 0)
    assert server.ended(second)["status"] == "completed"
    assert second != first


def test_a_job_can_be_asked_for_as_soon_as_it_is_promised(server):
    ids = [server.post("/batch/upload").json()["job_id"] for _ in range(10)]

    assert all(server.get(f"/batch/status/{job_id}").status_code == 200 for job_id in ids)


@pytest.mark.parametrize("path", ["..", "allowed/../secret", "secret", "/", "link", "allowed/link"])
def test_other_folders_are_refused_and_nothing_is_said_of_them(server, path):
    secret = server.rig.home / "secret"
    fill(secret, 1)
    (server.rig.home / "link").symlink_to(secret)
    (server.rig.home / "allowed" / "link").symlink_to(secret)

    there = server.post("/batch/upload", json={"folder_path": path})
    absent = server.post("/batch/upload", json={"folder_path": "/does/not/exist"})

    assert_problem(there, 403, "upload_roots")
    assert {**there.json(), "instance": ""} == {**absent.json(), "instance": ""}
    assert server.rig.chaves() == []


@pytest.mark.parametrize("shelf", ["done", "failed"])
def test_the_shelves_are_not_to_be_imported(server, shelf):
    answer = server.post("/batch/upload", json={"folder_path": f"xml_nf/{shelf}"})

    assert_problem(answer, 403)


def test_an_allowed_folder_that_is_not_there_is_404(server):
    for name in ("allowed/nope", "missing"):
        assert_problem(server.post("/batch/upload", json={"folder_path": name}), 404)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"folder_path": 1}', "application/json", 422),
        (b'{"folder": "x"}', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"x" * 2_000_000, "application/json", 413),
        (b"a=b", "application/x-www-form-urlencoded", 415),
    ],
)
def test_bodies_that_are_none_are_problems(server, body, kind, status):
    answer = server.post("/batch/upload", content=body, headers={"content-type": kind})

    assert_problem(answer, status)


# --- asking -------------------------------------------------------------------------------------


def test_what_is_unknown_or_malformed_is_a_problem_as_json(server):
    assert_problem(server.get("/batch/status/nope"), 404, "no job")
    assert_problem(server.get("/batch/jobs/nope/files"), 404)
    assert_problem(server.post("/batch/jobs/nope/cancel"), 404)
    assert_problem(server.get("/nope"), 404)
    assert_problem(server.post("/healthz"), 405, "GET")
    assert server.post("/healthz").headers["allow"] == "GET"
    assert_problem(server.get("/batch/jobs", params={"limit": 0}), 422, "limit")
    assert_problem(server.get("/batch/jobs", params={"status": "done"}), 422, "status")
    assert_problem(server.get("/batch/jobs", params={"cursor": "x"}), 404, "cursor")


def test_the_history_is_read_page_by_page(server):
    ids = [server.post("/batch/upload").json()["job_id"] for _ in range(3)]
    for job_id in ids:
        server.ended(job_id)
    for job_id in [server.post("/batch/upload").json()["job_id"] for _ in range(2)]:
        server.ended(job_id)
    everything = server.get("/batch/jobs").json()

    seen, cursor = [], None
    while True:
        page = server.get(
            "/batch/jobs", params={"limit": 1} | ({"cursor": cursor} if cursor else {})
        )
        seen += page.json()["jobs"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break

    assert everything["next_cursor"] is None
    assert seen == everything["jobs"]
    assert len(seen) >= 2
    assert server.get("/batch/jobs", params={"status": "failed"}).json()["jobs"] == []
    assert server.get("/batch/jobs", params={"status": "completed"}).json()["jobs"] == seen


def test_a_jobs_files_are_read_page_by_page_and_by_outcome(server):
    files = [(each.name, each.xml) for each in notes(5)]
    job_id = server.upload(*files, ("cut.xml", truncated(1))).json()["job_id"]
    server.ended(job_id)
    path = f"/batch/jobs/{job_id}/files"

    first = server.get(path, params={"limit": 4}).json()
    second = server.get(path, params={"limit": 4, "cursor": first["next_cursor"]}).json()
    refused = server.get(path, params={"outcome": "refused"}).json()["files"]

    assert (len(first["files"]), len(second["files"])) == (4, 2)
    assert second["next_cursor"] is None
    assert {each["file"] for each in first["files"] + second["files"]} == {
        *(name for name, _ in files),
        "cut.xml",
    }
    assert [(each["file"], each["error_type"]) for each in refused] == [
        ("cut.xml", "XMLParseError")
    ]
    assert_problem(server.get(path, params={"outcome": "good"}), 422)


def test_statistics_count_all_jobs(server):
    server.ended(server.upload(("a.xml", note(1).xml), ("b.xml", b"<a/>")).json()["job_id"])

    told = server.get("/batch/statistics").json()

    assert told["total_jobs"] == 1
    assert told["status_counts"] == {
        **dict.fromkeys(("pending", "running", "failed", "cancelled"), 0),
        "completed": 1,
    }
    assert (told["total_successful"], told["total_failed"]) == (1, 1)


# --- ending -------------------------------------------------------------------------------------


def test_a_cancelled_job_leaves_its_files_until_somebody_asks_for_them(server):
    """The database is locked, so the job is under way for as long as the test needs."""
    with write_locked(server.rig.database):
        job_id = server.upload(("a.xml", note(1).xml), ("b.xml", note(2).xml)).json()["job_id"]
        eventually(lambda: server.job(job_id)["status"] == "running")
        cancelled = server.post(f"/batch/jobs/{job_id}/cancel")
        job = server.ended(job_id)
    never(lambda: server.rig.chaves(), seconds=3)  # longer than rescan_seconds
    left = server.rig.left()
    again = server.ended(server.post("/batch/upload").json()["job_id"])

    assert (cancelled.status_code, cancelled.json()["job_id"]) == (202, job_id)
    assert (job["status"], job["reason"]) == ("cancelled", "cancelled on request")
    assert left == ["a.xml", "b.xml"]
    assert again["successful_files"] == 2
    assert server.rig.is_drained()


def test_a_job_that_waits_behind_another_is_cancelled_at_once(server):
    with write_locked(server.rig.database):
        first = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        eventually(lambda: server.job(first)["status"] == "running")
        second = server.upload(("b.xml", note(2).xml)).json()["job_id"]
        waiting = server.job(second)["status"]
        server.post(f"/batch/jobs/{second}/cancel")
        job = server.job(second)
    server.ended(first)

    assert waiting == "pending"
    assert job["status"] == "cancelled"
    assert server.rig.left() == ["b.xml"]


def test_a_folders_job_is_cancelled_too(server):
    folder = server.rig.home / "allowed"
    fill(folder, 3)
    with write_locked(server.rig.database):
        job_id = server.post("/batch/upload", json={"folder_path": "allowed"}).json()["job_id"]
        eventually(lambda: server.job(job_id)["status"] == "running")
        server.post(f"/batch/jobs/{job_id}/cancel")
        job = server.ended(job_id)

    assert job["status"] == "cancelled"
    assert server.rig.chaves() == []


def test_a_job_that_has_ended_cannot_be_cancelled(server):
    job_id = server.post("/batch/upload").json()["job_id"]
    server.ended(job_id)

    assert_problem(server.post(f"/batch/jobs/{job_id}/cancel"), 409, "completed")


def test_refused_files_are_put_back_and_tried_again(server):
    refused = server.upload(("a.xml", b"<a/>"), ("b.xml", b"<b/>"), ("c.xml", b"<c/>"))
    server.ended(refused.json()["job_id"])
    (server.rig.folder / "failed" / "a.xml").write_bytes(note(1).xml)
    (server.rig.folder / "failed" / "b.xml").write_bytes(note(2).xml)

    unknown = server.post("/batch/retry", json={"files": ["nope.xml", "a.xml"]})
    outside = server.post("/batch/retry", json={"files": ["../../nfed.db"]})
    one = server.post("/batch/retry", json={"files": ["a.xml"]})
    after_one = server.ended(one.json()["job_id"])
    rest = server.post("/batch/retry")
    after_all = server.ended(rest.json()["job_id"])

    assert_problem(unknown, 404, "nope.xml")
    assert_problem(outside, 404)
    assert (one.status_code, one.json()["files"], after_one["successful_files"]) == (202, 1, 1)
    assert (rest.json()["files"], after_all["successful_files"], after_all["failed_files"]) == (
        2,
        1,
        1,
    )
    assert len(server.rig.chaves()) == 2


# --- living with the daemon ---------------------------------------------------------------------


def test_jobs_outlive_a_restart_and_what_was_promised_has_an_end(rig):
    with served(rig) as server:
        done = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        before = server.ended(done)
        with write_locked(rig.database):
            server.upload(("b.xml", note(2).xml))
            promised = server.upload(("c.xml", note(3).xml)).json()["job_id"]
            assert server.daemon.stop() == 0
    with served(rig) as server:
        after = server.job(done)
        cut_short = server.job(promised)
        rig.drains()

    assert after == before
    assert cut_short["status"] == "cancelled"
    assert len(rig.chaves()) == 3


def test_an_unclean_end_leaves_no_job_under_way(rig):
    with served(rig) as server, write_locked(rig.database):
        running = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        pending = server.upload(("b.xml", note(2).xml)).json()["job_id"]
        eventually(lambda: server.job(running)["status"] == "running")
        server.daemon.kill()
    with served(rig) as server:
        states = [server.job(job_id)["status"] for job_id in (running, pending)]
        rig.drains()

    assert states == ["failed", "failed"]
    assert len(rig.chaves()) == 2


def test_old_jobs_are_forgotten_by_the_daemon_but_for_failed_ones(rig):
    rig.drop_all(notes(2))
    rig.once()
    import sqlite3

    with sqlite3.connect(rig.ledger) as ledger:
        ledger.execute("update jobs set ended_at = '2020-01-01T00:00:00.000-03:00'")
        ledger.execute(
            "insert into jobs select 'failed', folder_path, 'failed', total_files, imported, "
            "updated, duplicate, refused, deferred, reason, created_at, started_at, ended_at, pid, "
            "origin, metadata, processed, successful, failed, pid_started, seq from jobs limit 1"
        )
    ledger.close()

    daemon = rig.start()
    daemon.waits_for("old_jobs_forgotten")

    assert rig.history("select job_id from jobs") == [("failed",)]
    assert rig.history("select count(*) from files") == [(0,)]
    assert daemon.stop() == 0


def test_the_metrics_tell_what_happened(server):
    server.ended(
        server.upload(("a.xml", note(1).xml), ("b.xml", note(1).xml), ("c.xml", b"<c/>")).json()[
            "job_id"
        ]
    )

    answer = server.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    told = dict(
        line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")
    )
    assert told['nfed_files_total{outcome="imported"}'] == "1.0"
    assert told['nfed_files_total{outcome="duplicate"}'] == "1.0"
    assert told['nfed_files_total{outcome="refused"}'] == "1.0"
    assert told['nfed_jobs{status="completed"}'] == "1.0"
    assert told["nfed_backlog_files"] == "0.0"
    assert float(told["nfed_chunk_seconds_count"]) >= 1
    assert float(told["nfed_store_seconds_count"]) >= 1
    assert float(told["nfed_last_success_timestamp_seconds"]) > 1_600_000_000
    assert any(name.startswith("nfed_build_info{") for name in told)


def test_retries_are_counted_and_readiness_says_what_is_missing(server):
    ready = server.get("/readyz")
    aside = server.rig.home / "aside.db"
    server.rig.database.rename(aside)

    gone = server.get("/readyz")
    job_id = server.upload(("a.xml", note(1).xml)).json()["job_id"]
    eventually(lambda: 'nfed_retries_total{port="database"} 0.0' not in server.get("/metrics").text)
    alive = server.get("/healthz")
    aside.rename(server.rig.database)
    server.ended(job_id)

    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert_problem(gone, 503, "nfed.db")
    assert (alive.status_code, alive.json()["status"]) == (200, "ok")
    eventually(lambda: server.get("/readyz").status_code == 200)


def test_a_folder_that_is_gone_is_not_ready(server):
    server.rig.folder.rename(server.rig.home / "aside")

    assert_problem(server.get("/readyz"), 503, "xml_nf")
    assert_problem(server.upload(("a.xml", note(1).xml)), 503)


def test_a_stop_by_signal_ends_the_server_too(server):
    assert server.daemon.stop(signal.SIGINT) == 0
    assert server.daemon.noise() == []
