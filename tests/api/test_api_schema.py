"""The OpenAPI description is complete: schemathesis finds nothing that it does not say."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Rig, note, truncated
from tests.support.served import Served, served

TOKEN = "um-segredo-bem-comprido"
ROUTES = {
    ("post", "/batch/upload"),
    ("get", "/batch/status/{job_id}"),
    ("get", "/batch/jobs"),
    ("get", "/batch/jobs/{job_id}/files"),
    ("post", "/batch/jobs/{job_id}/cancel"),
    ("post", "/batch/retry"),
    ("get", "/batch/statistics"),
    ("get", "/batch/events"),
    ("post", "/batch/events/ticket"),
    ("get", "/notas"),
    ("get", "/notas/{chave}"),
    ("get", "/notas/{chave}/xml"),
    ("get", "/notas/{chave}/danfe.pdf"),
    ("get", "/documentos"),
    ("get", "/documentos/{chave}"),
    ("get", "/documentos/{chave}/xml"),
    ("get", "/inutilizacoes"),
    ("get", "/export/{what}"),
    ("get", "/folder"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def test_every_route_is_described(rig):
    with served(rig) as server:
        paths = server.get("/openapi.json").json()["paths"]

    described = {(method, path) for path, methods in paths.items() for method in methods}
    assert described == ROUTES
    assert all(each.get("summary") for methods in paths.values() for each in methods.values())


def schemathesis(server: Served, schema: str | Path, *options: str) -> tuple[int, str]:
    """All of its checks on a real socket; /batch/events never ends, and has tests of its own."""
    finished = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", schema),
            *("--url", server.url, "--exclude-path", "/batch/events", "--checks", "all"),
            *("--max-examples", "30", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--request-timeout", "20", "--generation-deterministic", "--no-color", *options),
        ],
        cwd=server.rig.home,
        capture_output=True,
        text=True,
    )
    return finished.returncode, finished.stdout[-8000:]


@pytest.mark.parametrize("token", [None, TOKEN])
def test_schemathesis_finds_no_answer_that_is_not_described(rig, token):
    settings = {} if token is None else {"api_token": token}
    bearer = [] if token is None else ["-H", f"Authorization: Bearer {token}"]
    with served(rig, **settings) as server:
        server.client.headers["Authorization"] = f"Bearer {token}"
        server.upload(("a.xml", note(1).xml), ("cut.xml", truncated(2)))

        code, said = schemathesis(server, f"{server.url}/openapi.json", *bearer)

        broke = server.daemon.events("http_request_broke")

    assert code == 0, said
    assert "Tested: 21" in said
    assert broke == []


def test_schemathesis_finds_an_answer_that_is_not_described(rig):
    """So its silence means something."""
    with served(rig) as server:
        schema = server.get("/openapi.json").json()
        statistics = schema["components"]["schemas"]["Statistics"]
        statistics["properties"]["total_jobs"] = {"type": "string"}
        (rig.home / "openapi.json").write_text(json.dumps(schema))

        code, said = schemathesis(server, rig.home / "openapi.json")

    assert code == 1
    assert "GET /batch/statistics" in said
