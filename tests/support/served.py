"""A real daemon with its HTTP API on a real socket, and a real client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.harness import Daemon, Rig, eventually

PROBLEM = "application/problem+json"
PROBLEM_KEYS = {"type", "title", "status", "detail", "instance"}
ENDED = ("completed", "failed", "cancelled")


class Served:
    """One daemon and its address."""

    def __init__(self, rig: Rig, daemon: Daemon) -> None:
        self.rig = rig
        self.daemon = daemon
        said = daemon.waits_for("http_listening")
        self.url = str(said["addresses"][0])  # type: ignore[index]
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.client.get(path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.client.post(path, **how)

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.get(f"/batch/status/{job_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job, once it has ended."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ENDED else None

        found = eventually(look, f"job {job_id} ended")
        assert found is not None
        return found

    def upload(self, *files: tuple[str, bytes], **how: Any) -> httpx.Response:
        return self.post("/batch/upload", files=[("files", file) for file in files], **how)


@contextmanager
def served(rig: Rig, *arguments: str, port: int = 0, **settings: object) -> Iterator[Served]:
    """`nfed run --http 127.0.0.1:PORT` for the block."""
    daemon = rig.start("--http", f"127.0.0.1:{port}", *arguments, **settings)
    server = Served(rig, daemon)
    with server.client:
        yield server


def assert_problem(answer: httpx.Response, status: int, says: str = "") -> None:
    """A problem as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert set(told) >= PROBLEM_KEYS
    assert told["status"] == status
    assert says in told["detail"]
