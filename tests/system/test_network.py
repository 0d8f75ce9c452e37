"""The port that systemd keeps open, and a service without any network."""

import json

import pytest

from bench.generator import Note
from tests.support.harness import eventually, notes
from tests.system.service import DATABASE, Service

# Asks at the port until it is told that it is enough; says how often, and how often in vain.
_CALLER = """
import http.client, json, os, time
asked = refused = 0
while not os.path.exists("/run/enough"):
    asked += 1
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8055, timeout=30)
        connection.request("GET", "/healthz")
        refused += connection.getresponse().status != 200
        connection.close()
    except OSError:
        refused += 1
    time.sleep(0.02)
open("/run/calls", "w").write(json.dumps([asked, refused]))
"""
_GET = """
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8055" + sys.argv[1], timeout=30).read().decode())
"""


@pytest.fixture
def with_port(service: Service) -> Service:
    """The port opened as deploy/README.md says."""
    service.machine.systemctl("enable", "nfed.socket")
    service.restart()
    assert service.machine.is_active("nfed.socket")
    return service


def test_restarts_in_mid_batch_close_the_port_for_nobody_and_lose_no_file(
    with_port: Service, many: list[Note]
):
    service, machine = with_port, with_port.machine
    environment = machine.path(f"/proc/{service.main_pid()}/environ").read_text().split("\0")
    assert "LISTEN_FDS=1" in environment
    assert "LISTEN_FDNAMES=http" in environment
    machine.run("systemd-run", "--quiet", "--unit=caller", "python3", "-c", _CALLER)
    service.drop(many)
    service.begins(many)

    for _ in range(3):
        service.restart()

    service.finishes(many)

    machine.write("/run/enough", "")
    eventually(lambda: machine.path("/run/calls").exists(), "the caller has counted")
    asked, refused = json.loads(machine.path("/run/calls").read_text())
    assert asked >= 3  # each waited for an answer, over a restart or none
    assert refused == 0


def test_without_any_network_files_are_imported_and_the_port_is_open(with_port: Service):
    service, machine = with_port, with_port.machine
    folder = "/etc/systemd/system/nfed.service.d"
    machine.run("install", "-Dm644", "-t", folder, "/usr/share/nfed/sqlite-only.conf")
    machine.systemctl("daemon-reload")
    dropped = notes(3)

    service.restart()

    service.drop(dropped)
    service.finishes(dropped)
    # Not the machine's: there is nothing in it but a loopback of its own.
    assert machine.said("readlink", f"/proc/{service.main_pid()}/ns/net") != machine.said(
        "readlink", "/proc/1/ns/net"
    )
    said = json.loads(machine.said("python3", "-c", _GET, "/batch/jobs"))
    assert [each["successful_files"] for each in said["jobs"]] == [3]
    written_ahead = machine.path(f"{DATABASE}-wal")
    assert written_ahead.exists(), "SQLite does without WAL"


def test_the_port_starts_what_is_stopped(with_port: Service):
    machine = with_port.machine
    machine.systemctl("stop", "nfed.service")
    assert not machine.is_active()

    machine.run("python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8055))")

    machine.becomes("nfed.service", "active")


_TLS_SERVER = """
import socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(
    "/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/ssl/private/ssl-cert-snakeoil.key"
)
with socket.create_server(("127.0.0.1", 8443)) as server:
    open("/run/tls-is-up", "w").close()
    while True:
        connection, _ = server.accept()
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"hello")
"""
_TLS_CLIENT = """
import socket, ssl
import asyncpg, cryptography, supabase  # what the stores load must load in the sandbox
context = ssl.create_default_context(cafile="/etc/ssl/certs/ssl-cert-snakeoil.pem")
context.check_hostname = False  # the certificate is verified, its name is the build's
with socket.create_connection(("127.0.0.1", 8443)) as plain, context.wrap_socket(plain) as secure:
    assert secure.recv(5) == b"hello"
    print("spoke", secure.version(), "in the sandbox")
"""


@pytest.mark.parametrize("dropin", [None, "local-postgres.conf"])
def test_tls_and_the_drivers_work_in_the_sandbox(service: Service, dropin: str | None):
    """ExecStartPre= runs under the unit's own restrictions."""
    machine = service.machine
    machine.run("systemd-run", "--quiet", "--unit=tls", "python3", "-c", _TLS_SERVER)
    eventually(lambda: machine.path("/run/tls-is-up").exists(), "the server listens")
    machine.write("/usr/lib/nfed-test/client.py", _TLS_CLIENT)
    if dropin is not None:
        folder = "/etc/systemd/system/nfed.service.d"
        machine.run("install", "-Dm644", "-t", folder, f"/usr/share/nfed/{dropin}")
    service.dropin(
        "[Service]\nExecStartPre=/usr/lib/nfed/bin/python /usr/lib/nfed-test/client.py\n"
    )

    service.restart()

    service.says("spoke TLSv1.3 in the sandbox")
