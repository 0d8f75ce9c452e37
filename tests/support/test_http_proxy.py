"""The hostile proxy does what it is told, and nothing else."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.support.harness import eventually
from tests.support.http_proxy import Answer, Fault, HttpProxy, page, postgrest

RPC = "/rest/v1/rpc/store"


class Echo(BaseHTTPRequestHandler):
    heard: list[bytes] = []  # noqa: RUF012

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(body)
        self.send_response(201)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def heard():
    return Echo.heard


@pytest.fixture
def proxy(heard):
    heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with HttpProxy(f"http://127.0.0.1:{server.server_address[1]}") as made:
        yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(proxy):
    with httpx.Client(base_url=proxy.url, timeout=30) as made:
        yield made


def test_what_is_well_passes_and_is_counted(proxy, client, heard):
    answer = client.post(RPC, content=b"four", headers={"apikey": "secret"})

    assert (answer.status_code, answer.content, heard) == (201, b"four", [b"four"])
    (seen,) = proxy.calls("store")
    assert (seen.method, seen.size_bytes, seen.trouble) == ("POST", 4, None)
    assert "apikey" in seen.header_names
    assert "secret" not in repr(proxy.seen)


def test_answers_come_in_the_servers_place_as_often_as_told(proxy, client, heard):
    proxy.next(page(503, **{"retry-after": "7"}), postgrest(404, "PGRST202", "not there"))

    first, second, third = (client.post(RPC, content=b"x") for _ in range(3))

    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert first.text.startswith("<html>")
    assert (second.status_code, second.json()["code"]) == (404, "PGRST202")
    assert (third.status_code, heard) == (201, [b"x"])


def test_a_body_that_is_too_large_is_refused_until_the_limit_goes(proxy, client, heard):
    proxy.max_body_bytes = 3

    assert [client.post(RPC, content=body).status_code for body in (b"123", b"1234")] == [201, 413]
    proxy.max_body_bytes = None
    assert client.post(RPC, content=b"1234").status_code == 201
    assert heard == [b"123", b"1234"]


@pytest.mark.parametrize(
    ("fault", "reached"),
    [(Fault.CUT_BEFORE, []), (Fault.CUT_AFTER, [b"x" * 9]), (Fault.CUT_WITHIN, [b"x" * 9])],
)
def test_a_connection_breaks_where_it_should(proxy, client, heard, fault, reached):
    proxy.always(fault)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(RPC, content=b"x" * 9)

    assert heard == reached
    proxy.always(None)
    assert client.post(RPC, content=b"y").status_code == 201


@pytest.mark.parametrize(("fault", "reached"), [(Fault.SILENT, []), (Fault.HELD, [b"x"])])
def test_no_answer_comes_before_it_may(proxy, client, heard, fault, reached):
    proxy.next(fault)

    with pytest.raises(httpx.ReadTimeout):
        client.post(RPC, content=b"x", timeout=0.5)

    assert heard == reached


def test_an_answer_that_was_held_comes_when_it_is_released(proxy, client, heard):
    proxy.next(Fault.HELD)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.post(RPC, content=b"x")))
    asking.start()
    eventually(lambda: heard == [b"x"], "the server has it")
    assert answers == []

    proxy.released.set()
    asking.join(30)

    assert answers[0].content == b"x"


def test_only_rpc_calls_meet_trouble(proxy, client):
    proxy.always(Answer(500))

    assert client.post("/auth/v1/token", content=b"x").status_code == 201
