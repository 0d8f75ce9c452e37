"""Supabase's HTTP API of the tests: what it is, where it differs, and that nothing stays behind."""

import json
import os
import shutil
import signal
import subprocess
import sys

import httpx
import psycopg
import pytest

from tests.support.cli_command import ROOT
from tests.support.harness import eventually
from tests.support.node_packages import FOLDER, installed
from tests.support.postgres_server import running
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import Keys, serving

WHO = """
create table public.closed (id int);
alter table public.closed enable row level security;
create function public.who(chunk jsonb) returns text language sql as
    $$ select current_user || ' ' || jsonb_typeof(chunk) $$;
revoke all on function public.who from public, anon, authenticated;
grant execute on function public.who to service_role;
"""


def gone(url):
    try:
        httpx.get(url)
    except httpx.ConnectError:
        return True
    return False


@pytest.fixture(scope="module")
def database_url():
    with running() as server, supabase(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(WHO.encode())
        yield url


@pytest.mark.parametrize("keys", Keys)
def test_a_key_stands_for_its_role_and_rights_are_the_databases(database_url, keys):
    with serving(database_url, keys) as project:
        answers = {
            role: project.call("who", {"chunk": {}}, role)
            for role in ("service_role", "authenticated", "anon")
        }
        unknown = project.call("nobody", {"chunk": {}})

    assert {role: answer.status_code for role, answer in answers.items()} == {
        "service_role": 200,
        "authenticated": 403,
        "anon": 401,
    }
    assert answers["service_role"].json().startswith("service_role ")
    assert answers["anon"].json()["code"] == "42501"
    assert (unknown.status_code, unknown.json()["code"]) == (404, "PGRST202")


def test_it_hands_a_jsonb_argument_over_as_a_string(database_url):
    """Its fault; what is tested through it must take the object too, which PostgREST sends."""
    with serving(database_url) as project:
        said = project.call("who", {"chunk": {"a": 1}})

    assert said.json() == "service_role string"


def test_a_database_that_cannot_be_reached_is_told_at_once():
    with pytest.raises(AssertionError, match="does not start"), serving("postgres://127.0.0.1:9/x"):
        pass


def test_it_dies_with_the_process_that_started_it_even_when_that_is_killed():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.supabase_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url, _, folder = process.stdout.readline().split()
    assert httpx.get(url).status_code < 500

    process.send_signal(signal.SIGKILL)
    process.wait()

    eventually(lambda: gone(url), "the server stops")
    eventually(lambda: not os.path.exists(folder), "its folder goes")
    process.stdin.close()
    process.stdout.close()


def packages(folder):
    """A folder whose installation leaves a line in `ran`."""
    scripts = {"preinstall": "echo once >> ran; sleep 1"}
    package = {"name": "x", "version": "1.0.0", "scripts": scripts}
    (folder / "package.json").write_text(json.dumps(package))
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / "node_modules").mkdir(exist_ok=True)


INSTALL = (
    "import sys, pathlib; from tests.support.node_packages import *; "
    "installed(pathlib.Path(sys.argv[1]))"
)


def test_packages_are_installed_once_whoever_asks_at_the_same_time(tmp_path):
    packages(tmp_path)

    both = [subprocess.Popen([sys.executable, "-c", INSTALL, tmp_path], cwd=ROOT) for _ in range(2)]

    assert [each.wait(60) for each in both] == [0, 0]
    (tmp_path / "node_modules").mkdir(exist_ok=True)
    assert installed(tmp_path) == tmp_path / "node_modules"
    assert (tmp_path / "ran").read_text() == "once\n"


def test_packages_that_cannot_be_installed_fail_with_npms_own_words(tmp_path):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / name, tmp_path)
    package = json.loads((tmp_path / "package.json").read_text())
    package["dependencies"]["postgres"] = "3.4.8"
    (tmp_path / "package.json").write_text(json.dumps(package))

    with pytest.raises(AssertionError, match=r"(?s)`npm ci` in .* failed.*does not satisfy"):
        installed(tmp_path)
