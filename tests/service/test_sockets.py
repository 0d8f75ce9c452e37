"""Socket activation: sockets at the descriptors that systemd names, in a process of their own."""

import subprocess
import sys

from tests.support.harness import ROOT

# What PID 1 does between fork and exec: sockets from 3 on, and three variables.
_ACTIVATED = """
import os, socket, sys
from nfed.notifiers.systemd import inherited_sockets

http = socket.create_server(("127.0.0.1", 0))
local = socket.socket(socket.AF_UNIX); local.bind("\\0nfed-test-%d" % os.getpid()); local.listen()
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
kept = [os.dup(each.fileno()) for each in (http, local, deaf)]
first = 40
for number, descriptor in enumerate(kept):
    os.dup2(descriptor, first + number)
os.environ |= {"LISTEN_PID": sys.argv[1] if len(sys.argv) > 1 else str(os.getpid()),
               "LISTEN_FDS": "3", "LISTEN_FDNAMES": "http:local:http"}
found = inherited_sockets(first=first)
print({name: len(each) for name, each in found.items()})
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
for each in found.get("http", []):
    client = socket.create_connection(http.getsockname())
    each.setblocking(True)
    answered, _ = each.accept()
    answered.sendall(b"hello")
    print(client.recv(5).decode(), os.get_inheritable(each.fileno()))
    client.close(); answered.close()
print(inherited_sockets(first=first))
"""


def activated(*arguments: str) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", _ACTIVATED, *arguments],
        env={"PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def test_listening_sockets_are_taken_by_their_names_and_once():
    """The datagram socket that bears the name of one is left out."""
    assert activated() == ["{'http': 1, 'local': 1}", "[]", "hello False", "{}"]


def test_sockets_that_are_meant_for_another_process_are_left_alone():
    assert activated("1") == ["{}", "[]", "{}"]
