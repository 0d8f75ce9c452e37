"""The server itself: restarts that lose no request, clients that waste its time."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from nfed.api import server as module
from nfed.api.server import listening, serve
from tests.support.harness import Rig, eventually, note, notes
from tests.support.served import served


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after a moment in which the server may be told to stop."""
    begun.set()
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})


begun = asyncio.Event()


async def test_what_is_under_way_is_answered_after_a_stop_and_nothing_more_accepted():
    begun.clear()
    stop = asyncio.Event()
    (made,) = listening("127.0.0.1", 0)
    port = made.getsockname()[1]
    serving = asyncio.create_task(serve(slow_app, [made], stop))

    async with httpx.AsyncClient() as client:
        asked = [asyncio.create_task(client.get(f"http://127.0.0.1:{port}/")) for _ in range(20)]
        await begun.wait()
        await asyncio.sleep(0.1)  # all of them have been accepted
        stop.set()
        answers = await asyncio.gather(*asked)
        await serving
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")

    assert [answer.text for answer in answers] == ["answered"] * 20


async def test_sockets_are_given_and_may_be_of_any_family(tmp_path):
    stop = asyncio.Event()
    path = str(tmp_path / "nfed.sock")
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    serving = asyncio.create_task(serve(slow_app, [made], stop))

    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=path)) as client:
        answer = await client.get("http://localhost/")
    stop.set()
    await serving

    assert answer.text == "answered"


async def test_who_takes_too_long_over_the_head_of_a_request_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "_HEADER_SECONDS", 0.2)
    stop = asyncio.Event()
    (made,) = listening("127.0.0.1", 0)
    port = made.getsockname()[1]
    serving = asyncio.create_task(serve(slow_app, [made], stop))

    async def dribble(first: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    silent, slow = await asyncio.gather(dribble(b""), dribble(b"GET / HTTP/1.1\r\nX: "))
    stop.set()
    await serving

    assert (silent, slow) == (b"", b"")


def test_a_restart_in_the_middle_answers_every_accepted_request(rig):
    """Twenty clients ask all the time, each on a connection of its own, over three restarts."""
    made = notes(600)
    port = free_port()
    stop = threading.Event()
    faults: list[str] = []
    answered = 0

    def ask() -> None:
        nonlocal answered
        while not stop.is_set():
            connected = False
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    client.sendall(
                        b"GET /batch/statistics HTTP/1.1\r\nHost: localhost\r\n"
                        b"Connection: close\r\n\r\n"
                    )
                    answer = b""
                    while chunk := client.recv(65536):
                        connected = True
                        answer += chunk
            except OSError:
                if connected:
                    faults.append("cut off in the middle of an answer")
                time.sleep(0.02)  # nobody listens between two daemons
                continue
            if answer:
                answered += 1
                if b"200 OK" not in answer or not answer.endswith(b"}"):
                    faults.append(answer[:200].decode())

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        for part in range(3):
            with served(rig, port=port, batch_max_files=50) as server:
                rig.drop_all(made[200 * part : 200 * (part + 1)])
                wanted = answered + 50
                eventually(lambda wanted=wanted: answered > wanted)
                assert server.daemon.stop() == 0
        with served(rig, port=port) as server:
            rig.drains(60)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)

    assert faults == []
    assert answered > 100
    rig.assert_each_once(made)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port: int = made.getsockname()[1]
        return port


def test_the_import_goes_on_while_a_hundred_clients_poll_and_listen(rig):
    made = notes(500)
    with served(rig, batch_max_files=100) as server:

        async def crowd() -> list[int]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
                return [
                    code
                    for codes in await asyncio.gather(
                        *(poll(client) for _ in range(50)), *(listen(client) for _ in range(50))
                    )
                    for code in codes
                ]

        async def poll(client: httpx.AsyncClient) -> list[int]:
            codes = []
            while not rig.is_drained():
                codes.append((await client.get("/batch/jobs", params={"limit": 5})).status_code)
                await asyncio.sleep(0.2)
            return codes

        async def listen(client: httpx.AsyncClient) -> list[int]:
            seen = 0
            async with client.stream("GET", "/batch/events") as answer:
                async for line in answer.aiter_lines():
                    seen += line.count('"outcome":')
                    if rig.is_drained():
                        break
            return [answer.status_code]

        rig.drop_all(made)
        codes = asyncio.run(crowd())
        rig.drains(60)

    assert set(codes) == {200}
    assert len(codes) >= 100  # every client was answered, however busy the machine
    rig.assert_each_once(made)


def test_pipelined_and_kept_alive_requests_are_each_answered(rig):
    with served(rig) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.settimeout(10)
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
            got = b""
            while got.count(b'"status":"ok"') < 2:
                got += client.recv(65536)

    assert got.count(b"HTTP/1.1 200 OK") == 2


def test_garbage_is_answered_and_not_logged(rig):
    with served(rig) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"\x16\x03\x01 not http\r\n\r\n")
            answer = client.recv(65536)
        server.ended(server.upload(("a.xml", note(1).xml)).json()["job_id"])

        assert b"400" in answer.split(b"\r\n")[0]
        assert server.daemon.noise() == []


def test_without_the_extra_http_is_bad_configuration_and_the_rest_works(rig):
    (rig.home / "fastapi.py").write_text(
        "raise ModuleNotFoundError('No module named fastapi', name='fastapi')\n"
    )

    refused = rig.launch("--http", "127.0.0.1:0")
    code = refused.ends()
    rig.drop(note(1), "a.xml")
    without = rig.once()

    assert (code, without.process.returncode) == (78, 0)
    assert "nfed[api]" in refused.lines()[-1]
    assert len(rig.chaves()) == 1
