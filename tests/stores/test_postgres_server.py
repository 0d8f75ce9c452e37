"""The server of the tests leaves nothing behind."""

import os
import signal
import subprocess
import sys

import psycopg

from tests.support.cli_command import ROOT
from tests.support.harness import eventually


def gone(url):
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return True
    return False


def test_it_dies_with_the_process_that_started_it_even_when_that_is_killed():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgres_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url, folder = process.stdout.readline().split()
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)

    process.send_signal(signal.SIGKILL)
    process.wait()

    eventually(lambda: gone(url), "the server stops")
    eventually(lambda: not os.path.exists(folder), "its folder goes")
    process.stdin.close()
    process.stdout.close()
