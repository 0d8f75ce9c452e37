"""Programs that read the database by supabase-js go on as before."""

import json
import re
import subprocess

import psycopg
import pytest

from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.http import SupabaseStore
from tests.support.existing_database import SQL, fill, old_columns, relations
from tests.support.node_packages import FOLDER, installed, node
from tests.support.notes import note
from tests.support.postgres_server import running
from tests.support.stores import incoming
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import serving

COLUMNS = {name: [column.name for column in columns] for name, columns in relations().items()}
ORDER = {
    name: ["id"] if "id" in columns else ["chave_acesso", "numero_item", "codigo_produto"]
    for name, columns in COLUMNS.items()
}
# Parents and children between which there is one way.
EMBEDDED = sorted(
    {
        (parent, column.relation)
        for column in old_columns()
        for parent in re.findall(r"references (\w+)", column.key)
        if parent != "empresas"
    }
)


def read(project, key):
    """By a real supabase-js, in a program of its own."""
    installed()
    asked = {
        "url": project.url,
        "key": key,
        "relations": COLUMNS,
        "order": ORDER,
        "embedded": EMBEDDED,
    }
    finished = subprocess.run(
        [node(), FOLDER / "read.js"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout, object_hook=_as_numbers)


def _as_numbers(row):
    """This HTTP server sends a decimal that ends in a zero as text, PostgREST as a number."""
    return {
        name: float(value)
        if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value)
        else value
        for name, value in row.items()
    }


@pytest.fixture
def database_url():
    with running() as server, supabase(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(SQL.encode())
            fill(connection)
        yield url


@pytest.mark.parametrize("role", ["anon", "service_role"])
async def test_every_select_returns_the_same_before_and_after_the_migration(database_url, role):
    def seen():
        with serving(database_url) as project:
            return read(project, project.anon_key if role == "anon" else project.service_key)

    before = seen()
    await postgres_schema.migrate(database_url)
    after = seen()

    # Selected by `*` there may be more, and everything is where it was.
    assert after.pop("names")[: len(before["names"])] == before.pop("names")
    assert after == before
    assert {name: before[name]["count"] for name in COLUMNS} == dict.fromkeys(COLUMNS, 3)
    assert len(EMBEDDED) > 15


async def test_a_reader_sees_what_the_store_has_stored_until_the_access_is_closed(database_url):
    await postgres_schema.migrate(database_url)
    with serving(database_url) as project:
        store = SupabaseStore(project.url, project.service_key, max_connections=1)
        await store.store(incoming(note(1)), "job")
        await store.close()
        before = read(project, project.anon_key)
        await postgres_access.close(database_url)
        after = read(project, project.service_key)
        closed = project.get("notas_fiscais?select=id", "anon")

    names = ("notas_fiscais", "nf_itens", "vw_notas_fiscais_resumo")
    assert [before[name]["count"] for name in names] == [4, 5, 4]
    assert after == before
    assert (closed.status_code, closed.json()["code"]) == (401, "42501")
