"""The routes in an application of somebody else, without a daemon."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from nfed.api import create_app, router
from nfed.batch.job_manager import get_job_manager
from tests.support.harness import ROOT, note, notes
from tests.support.served import ENDED, assert_problem


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NFED_")]:
        monkeypatch.delenv(name)
    (tmp_path / "xml_nf").mkdir()
    return tmp_path


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """With the application's start and end, as any server does it."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://anything") as client,
    ):
        yield client


@pytest.fixture
async def client(home) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app()) as client:
        yield client


async def ended(client: httpx.AsyncClient, job_id: str, prefix: str = "") -> dict[str, object]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = (await client.get(f"{prefix}/batch/status/{job_id}")).json()
        if job["status"] in ENDED:
            return dict(job)
    raise AssertionError(job)


async def test_the_routes_work_in_an_application_of_ones_own(home):
    app = FastAPI()
    app.include_router(router, prefix="/api")
    (home / "xml_nf" / "a.xml").write_bytes(note(1).xml)

    async with client_of(app) as client:
        answer = await client.post("/api/batch/upload", params={"folder_path": "xml_nf"})
        job = await ended(client, answer.json()["job_id"], "/api")
        stored = await client.get(f"/api/notas/{note(1).chave}")
        health = await client.get("/api/healthz")
        unknown = await client.get("/api/batch/status/nope")
        invalid = await client.get("/api/batch/jobs", params={"limit": "x"})

    assert answer.status_code == 202
    assert (job["status"], job["successful_files"]) == ("completed", 1)
    assert os.listdir(home / "xml_nf" / "done") != []
    assert stored.json()["chave_acesso"] == note(1).chave
    assert health.status_code == 200
    assert_problem(unknown, 404)
    assert_problem(invalid, 422, "limit")


async def test_an_application_of_ours_can_be_mounted(home):
    app = FastAPI()
    app.mount("/nfed", create_app())

    async with client_of(app) as client:
        alive = await client.get("/nfed/healthz")
        nothing = await client.get("/nfed/nope")

    assert alive.status_code == 200
    assert_problem(nothing, 404)


async def test_without_a_daemon_uploads_are_imported_at_once(client, home):
    files = [("files", (each.name, each.xml)) for each in notes(3)]

    answer = await client.post("/batch/upload", files=files)
    job = await ended(client, answer.json()["job_id"])

    assert job["successful_files"] == 3
    assert answer.json()["files"] == [each.name for each in notes(3)]


async def test_without_a_daemon_refused_files_are_tried_again_and_jobs_cancelled(client, home):
    sent = await client.post("/batch/upload", files=[("files", ("a.xml", b"<a/>"))])
    await ended(client, sent.json()["job_id"])
    (home / "xml_nf" / "failed" / "a.xml").write_bytes(note(1).xml)

    retried = await client.post("/batch/retry")
    waiting = await client.post("/batch/upload")
    cancelled = await client.post(f"/batch/jobs/{waiting.json()['job_id']}/cancel")

    assert (await ended(client, retried.json()["job_id"]))["successful_files"] == 1
    assert cancelled.status_code == 202
    assert (await ended(client, waiting.json()["job_id"]))["status"] == "cancelled"


@pytest.fixture
def owner(home) -> Iterator[int]:
    """The number of another process that owns the drop folder."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom nfed.intake.folder import opened\n"
        "with opened(Path('xml_nf')):\n    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT / "daemon")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


async def test_while_a_daemon_owns_the_folder_its_own_address_is_the_one_to_ask(
    client, home, owner
):
    looked = await client.post("/batch/upload")
    sent = await client.post("/batch/upload", files=[("files", ("a.xml", note(1).xml))])
    listed = await client.get("/batch/jobs")

    assert_problem(looked, 409, str(owner))
    assert_problem(sent, 409)
    assert listed.json()["jobs"] == []
    assert [name for name in os.listdir(home / "xml_nf") if "upload" in name] == []


async def test_a_token_in_the_settings_is_asked_for_here_too(home, monkeypatch):
    monkeypatch.setenv("NFED_API_TOKEN", "um-segredo-bem-comprido")

    async with client_of(create_app()) as client:
        refused = await client.get("/batch/jobs")
        admitted = await client.get(
            "/batch/jobs", headers={"Authorization": "Bearer um-segredo-bem-comprido"}
        )
        described = (await client.get("/openapi.json")).json()

    assert_problem(refused, 401)
    assert admitted.status_code == 200
    assert described["security"] == [{"bearer": []}]


async def test_what_runs_is_ended_with_the_application(home):
    fill = [(each.name, each.xml) for each in notes(3)]
    for name, xml in fill:
        (home / "xml_nf" / name).write_bytes(xml)
    app = FastAPI()
    app.include_router(router)

    async with client_of(app) as client:
        ids = [(await client.post("/batch/upload")).json()["job_id"] for _ in range(3)]

    states = [get_job_manager().get_job(job_id).status for job_id in ids]
    assert states[1:] == ["cancelled", "cancelled"]
    assert states[0] in ("cancelled", "completed")


async def test_a_fault_of_ours_is_a_problem_that_tells_nothing(home, monkeypatch):
    app = create_app()
    monkeypatch.setattr(app.state.nfed.engine, "look", lambda: 1 // 0)

    async with client_of(app) as client:
        answer = await client.post("/batch/upload")

    assert_problem(answer, 500)
    assert "zero" not in answer.text
