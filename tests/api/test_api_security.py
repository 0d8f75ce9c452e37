"""Who may ask: loopback without a token, anybody with it, and no page of another site."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nfed.api.security import is_loopback
from nfed.api.server import is_local, listening
from nfed.errors import AddressUnavailable
from tests.support.harness import ROOT, Rig, note
from tests.support.served import Served, assert_problem, served

TOKEN = "um-segredo-bem-comprido"
PROTECTED = [
    ("GET", "/batch/jobs"),
    ("GET", "/batch/status/x"),
    ("GET", "/batch/jobs/x/files"),
    ("GET", "/batch/statistics"),
    ("GET", "/batch/events"),
    ("POST", "/batch/upload"),
    ("POST", "/batch/retry"),
    ("POST", "/batch/jobs/x/cancel"),
    ("GET", "/notas"),
    ("GET", f"/notas/{'1' * 44}"),
    ("GET", f"/notas/{'1' * 44}/xml"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def server(rig) -> Iterator[Served]:
    with served(rig) as server:
        yield server


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_an_address_that_others_reach_needs_a_token(rig, address):
    if address.startswith("[") and not socket.has_ipv6:
        address = "0.0.0.0:0"

    daemon = rig.launch("--http", address)

    assert daemon.ends() == 78
    assert "api_token" in daemon.lines()[-1]
    assert daemon.events("daemon_started") == []


def test_with_a_token_it_listens_anywhere_and_asks_for_it(rig):
    daemon = rig.start("--http", "0.0.0.0:0", api_token=TOKEN)
    server = Served(rig, daemon)
    server.url = f"http://127.0.0.1:{server.port}"
    good = {"Authorization": f"Bearer {TOKEN}"}

    with server.client:
        refused = [
            server.client.request(method, f"{server.url}{path}", headers=headers)
            for method, path in PROTECTED
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN})
        ]
        admitted = server.client.get(f"{server.url}/batch/statistics", headers=good)
        anywhere = server.client.get(
            f"{server.url}/batch/statistics", headers=good | {"Host": "nfed.example"}
        )
        alive = server.client.get(f"{server.url}/healthz")

    for answer in refused:
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len(refused) == 3 * len(PROTECTED)
    assert (admitted.status_code, anywhere.status_code, alive.status_code) == (200, 200, 200)
    assert TOKEN not in daemon.log_path.read_text()


def test_the_token_is_asked_for_on_loopback_too_once_it_is_set(rig):
    with served(rig, api_token=TOKEN) as server:
        assert_problem(server.upload(("a.xml", note(1).xml)), 401)
        assert os.listdir(rig.folder) == [
            name for name in os.listdir(rig.folder) if not name.endswith(".xml")
        ]


def test_the_token_is_never_shown(rig):
    told = subprocess.run(
        [sys.executable, "-m", "nfed", "config"],
        cwd=rig.home,
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon"), "NFED_API_TOKEN": TOKEN},
        capture_output=True,
        text=True,
    )
    as_json = subprocess.run(
        [sys.executable, "-m", "nfed", "config", "--json"],
        cwd=rig.home,
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon"), "NFED_API_TOKEN": TOKEN},
        capture_output=True,
        text=True,
    )

    for said in (told, as_json):
        assert said.returncode == 0
        assert TOKEN not in said.stdout + said.stderr
        assert "api_token" in said.stdout
        assert "****" in said.stdout


@pytest.mark.parametrize("token", ["short", "com espaco dentro dele", "ação-ação-ação-ação"])
def test_a_token_that_protects_nothing_is_refused(rig, token):
    daemon = rig.launch("--http", "127.0.0.1:0", api_token=token)

    assert daemon.ends() == 78
    assert "api_token" in daemon.lines()[-1]
    assert token not in "\n".join(daemon.lines())


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil:1"]
)
def test_a_name_that_only_resolves_to_loopback_is_not_answered(server, host):
    """DNS rebinding: the page's own name leads here, so the browser takes us for its site."""
    for path in ("/healthz", "/notas", "/openapi.json"):
        assert_problem(server.get(path, headers={"Host": host}), 421)


def test_loopback_by_any_of_its_names_is_answered(server):
    for host in ("localhost", "localhost:1", "127.0.0.1", "127.5.6.7:80", "[::1]:80", "[::1]"):
        assert server.get("/healthz", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_cannot_make_a_browser_send_anything(server, headers):
    """A form may post multipart to any address without asking (CSRF)."""
    for answer in (
        server.upload(("a.xml", note(1).xml), headers=headers),
        server.post("/batch/retry", headers=headers),
        server.post("/batch/jobs/x/cancel", headers=headers),
    ):
        assert_problem(answer, 403, "another site")
    assert server.rig.left() == []


def test_a_page_of_its_own_may(server):
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}

    assert server.upload(("a.xml", note(1).xml), headers=own).status_code == 202


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("nfed.localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("", False),
        ("1", False),
    ],
)
def test_what_counts_as_loopback(host, expected):
    assert is_loopback(host) is expected


def test_a_port_that_is_taken_is_tried_again_later(rig):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = rig.launch("--http", f"127.0.0.1:{port}")

        assert daemon.ends() == 75
    assert str(port) in daemon.lines()[-1]


@pytest.mark.parametrize(
    "address", ["8055", "localhost", "localhost:http", "localhost:70000", ":1"]
)
def test_an_address_that_is_none_is_bad_configuration(rig, address):
    daemon = rig.launch("--http", address)

    assert daemon.ends() == 78
    assert "HOST:PORT" in daemon.lines()[-1]


def test_sockets_know_whether_others_reach_them(tmp_path):
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    ours, everybodys = listening("127.0.0.1", 0), listening("0.0.0.0", 0)
    try:
        assert is_local([*ours, unix])
        assert not is_local([*ours, *everybodys])
        with pytest.raises(AddressUnavailable):
            listening("192.0.2.1", 0)  # a documentation address, nobody's
    finally:
        for each in (*ours, *everybodys, unix):
            each.close()
