"""HEAD and OPTIONS on what can be read, and answers that nobody in between keeps."""

import pytest

from tests.api.test_api_schema import ROUTES
from tests.support.harness import Rig, note
from tests.support.served import assert_problem, served

READ = sorted(path for method, path in ROUTES if method == "get")
PATHS = {"chave": note(1).chave, "what": "notas"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("methods")) as rig, served(rig) as server:
        job_id = server.upload(("a.xml", note(1).xml)).json()["job_id"]
        server.ended(job_id)
        PATHS["job_id"] = job_id
        yield server


@pytest.mark.parametrize("path", READ)
def test_head_has_the_head_of_get_and_no_body(server, path):
    address = path.format(**PATHS)
    head = server.client.head(address)
    with server.client.stream("GET", address) as get:
        assert head.status_code == get.status_code
        for name in ("content-type", "etag", "cache-control"):
            assert head.headers.get(name) == get.headers.get(name), name

    assert head.content == b""
    assert head.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", READ)
def test_options_names_the_methods(server, path):
    answer = server.client.options(path.format(**PATHS))

    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_head_asks_for_what_get_asks_for(server):
    assert server.client.head("/notas", params={"x": "1"}).status_code == 422
    assert server.client.head(f"/notas/{'1' * 44}").status_code == 404
    assert_problem(server.client.delete("/notas"), 405)


def test_problems_are_kept_by_nobody_either(server):
    answer = server.get(f"/notas/{'1' * 44}")

    assert_problem(answer, 404)
    assert answer.headers["cache-control"] == "no-store"


def test_neither_is_described(server):
    paths = server.get("/openapi.json").json()["paths"]

    assert {method for methods in paths.values() for method in methods} == {"get", "post"}
