"""Supabase's own HTTP API before a real PostgreSQL: npm's @supabase/lite.

It reads the catalogue once, at its start: so the schema is migrated before. It dies with the
process that started it, however that dies: a shell holds the other end of a pipe.

Version 0.10.0 differs from a hosted project in what concerns us:
- it hands a jsonb argument of a function over as a JSON string, PostgREST as the object;
- as an API key it takes the new ones (sb_…) alone: with Keys.LEGACY it looks at no API key, and the
  JWT beside it decides, as it does everywhere;
- requests run in their role only where some table has row level security;
- it grants every table, but no function, to all three roles: policies still hold.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import httpx
import psycopg

from nfed.stores.postgres import schema as postgres_schema
from tests.support.harness import eventually
from tests.support.node_packages import installed, node
from tests.support.postgres_server import Server, free_port, running
from tests.support.supabase_roles import supabase

_PUBLISHABLE = "sb_publishable_OnlyForTheTestsOfNfed_pub00"
_SECRET = "sb_secret_OnlyForTheTestsOfNfed_never0"
_JWT_SECRET = "a Q7#vexed nymph; quick Waltz_jobs 0193 -- for tests"
_CONFIG = """
[api]
port = {port}
[db]
driver = "postgres"
url = "{database}"
[auth]
enabled = true
jwt_secret = "{jwt_secret}"
"""
_KEYS = """
publishable_key = "{publishable}"
secret_key = "{secret}"
"""
# Reads nothing: the pipe ends when its other end is closed or dies.
_GUARD = """
trap '' HUP INT TERM
( "$@" > "$0/log" 2>&1 < /dev/null & echo $! > "$0/pid"; wait; touch "$0/ended" ) &
cat > /dev/null
kill -KILL "$(cat "$0/pid")"  # it would wait for its clients to hang up
wait
rm -rf "$0"
"""


class Keys(Enum):
    """What stands for a role."""

    NEW = "sb_secret_… and sb_publishable_…"
    LEGACY = "JWTs"


@dataclass(frozen=True)
class Project:
    """A running project as its owner knows it."""

    url: str
    database_url: str
    keys: Keys
    folder: Path

    @property
    def service_key(self) -> str:
        """The secret one."""
        return _SECRET if self.keys is Keys.NEW else jwt("service_role")

    @property
    def anon_key(self) -> str:
        """The public one."""
        return _PUBLISHABLE if self.keys is Keys.NEW else jwt("anon")

    def headers(self, role: str) -> dict[str, str]:
        """What a client of this role sends; a signed-in user has the public key and a JWT."""
        match role:
            case "service_role":
                key, bearer = self.service_key, self.service_key
            case "anon":
                key, bearer = self.anon_key, self.anon_key
            case _:
                key, bearer = self.anon_key, jwt(role)
        return {"apikey": key, "Authorization": f"Bearer {bearer}"}

    def call(
        self,
        function: str,
        arguments: object,
        role: str = "service_role",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One rpc call."""
        return httpx.post(
            f"{self.url}/rest/v1/rpc/{function}",
            json=arguments,
            headers=headers or self.headers(role),
            timeout=60,
        )

    def get(self, path: str, role: str) -> httpx.Response:
        """Rows of a table: `notas_fiscais?select=id`."""
        return httpx.get(f"{self.url}/rest/v1/{path}", headers=self.headers(role), timeout=60)

    def empty(self) -> None:
        """Takes every row away: as it was after the migration."""
        with psycopg.connect(self.database_url) as connection:
            names = connection.execute(
                "select string_agg(format('%I', relname), ', ') from pg_class "
                "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') "
                "and relname <> 'nfed_schema_version'"
            ).fetchone()
            assert names is not None
            connection.execute(f"truncate {names[0]} restart identity cascade".encode())


def jwt(role: str) -> str:
    """A token of the project's, valid for an hour."""
    claims = {"role": role, "iss": "supabase", "exp": int(time.time()) + 3600}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    mac = hmac.digest(_JWT_SECRET.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64(mac)}"


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@contextmanager
def serving(database_url: str, keys: Keys = Keys.NEW) -> Iterator[Project]:
    """The HTTP API of a database for the block."""
    packages = installed()
    folder = Path(tempfile.mkdtemp(prefix="nfed-supabase-"))
    port = free_port()
    config = folder / "supabase" / "config.toml"
    config.parent.mkdir()
    text = _CONFIG + (_KEYS if keys is Keys.NEW else "")
    config.write_text(
        text.format(
            port=port,
            database=database_url,
            jwt_secret=_JWT_SECRET,
            publishable=_PUBLISHABLE,
            secret=_SECRET,
        )
    )
    program = [str(node()), str(packages / ".bin" / "lite"), "start", "--no-admin"]
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(folder), *program],
        stdin=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "DO_NOT_TRACK": "1", "NO_COLOR": "1"},
        cwd=folder,
        start_new_session=True,
        text=True,
    )
    assert guard.stdin is not None
    try:
        eventually(lambda: _is_ready(folder), "Supabase's HTTP API listens", 60)
        yield Project(f"http://127.0.0.1:{port}", database_url, keys, folder)
    finally:
        guard.stdin.close()
        guard.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _is_ready(folder: Path) -> bool:
    log = folder / "log"
    said = log.read_text("utf-8", "replace") if log.exists() else ""
    assert not (folder / "ended").exists(), f"Supabase's HTTP API does not start: {said[-2000:]}"
    return "\nReady in" in said


@contextmanager
def project(server: Server, keys: Keys = Keys.NEW) -> Iterator[Project]:
    """A new project with the newest schema for the block; the server has no other one then."""
    with supabase(server) as url:
        asyncio.run(postgres_schema.migrate(url))
        with serving(url, keys) as made:
            yield made


if __name__ == "__main__":  # for a look around: until Enter is pressed
    with running() as postgres, project(postgres) as shown:
        sys.stdout.write(f"{shown.url} {shown.database_url} {shown.folder}\n")
        sys.stdout.flush()
        sys.stdin.readline()
