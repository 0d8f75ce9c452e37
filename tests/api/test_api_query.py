"""A parameter that a route does not know is refused: it would be an answer to another question."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Query

from nfed.api import create_app, router
from nfed.settings import Settings
from tests.api.test_api_schema import ROUTES
from tests.support.harness import Rig
from tests.support.served import Served, assert_problem, served

PATHS = {"chave": "1" * 44, "job_id": "x", "what": "notas"}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    with Rig(tmp_path_factory.mktemp("query")) as rig, served(rig) as server:
        yield server


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_an_unknown_parameter_is_refused_by_name(server, method, path):
    known = [
        each["name"]
        for each in server.get("/openapi.json").json()["paths"][path][method].get("parameters", [])
        if each["in"] == "query"
    ]

    answer = server.client.request(method, path.format(**PATHS), params={"emitenet": "1"})

    assert_problem(answer, 422, "emitenet")
    (error,) = answer.json()["errors"]
    assert (error["in"], error["name"]) == ("query", "emitenet")
    assert all(name in error["error"] for name in known)


def test_the_refusal_is_in_the_language_that_is_asked_for_and_shows_nothing_unprintable(server):
    answer = server.get("/notas", params={"a\x1b[31m": "1"}, headers={"Accept-Language": "pt-BR"})

    assert_problem(answer, 422, "a_[31m: este endereço não conhece")


async def test_who_may_not_ask_is_not_told_what_is_known(tmp_path):
    app = create_app(_settings(tmp_path, api_token="um-segredo-bem-comprido"))
    async with _client(app) as client:
        assert_problem(await client.get("/notas", params={"x": "1"}), 401)


async def test_a_program_that_includes_the_router_may_ask_for_parameters_of_its_own(tmp_path):
    asked: list[str] = []

    def tenant(tenant: Annotated[str, Query()]) -> None:
        asked.append(tenant)

    app = FastAPI()
    app.state.nfed = create_app(_settings(tmp_path)).state.nfed
    app.include_router(router, prefix="/api", dependencies=[Depends(tenant)])
    async with _client(app) as client:
        answer = await client.get("/api/batch/jobs", params={"tenant": "one"})
        refused = await client.get("/api/batch/jobs", params={"tenant": "one", "tenent": "two"})

    assert answer.status_code == 200
    assert_problem(refused, 422, "tenent")
    assert asked == ["one", "one"]


def _settings(home: Path, **settings: str) -> Settings:
    (home / "drop").mkdir()
    return Settings(
        ledger=home / "ledger.db",
        database_url=f"sqlite:///{home}/nfed.db",
        xml_folder=home / "drop",
        **settings,
    )


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
