"""`nfed db migrate`, `status` and `sql`, on PostgreSQL and on SQLite."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from nfed.stores import migrations
from tests.support.cli_command import nfed, nfed_each, one_line
from tests.support.existing_database import SQL, fill, what_readers_see

NEWEST = migrations.NEWEST
DFE = Path(__file__).parents[1] / "data" / "dfe"


def run(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def relations(url):
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select c.relname, c.relkind, c.relrowsecurity, c.relacl::text, "
            "(select array_agg((attname, atttypid, atttypmod, attnotnull)::text order by attnum) "
            "from pg_attribute a where a.attrelid = c.oid and attnum > 0) "
            "from pg_class c where relnamespace = 'public'::regnamespace order by 1"
        ).fetchall()


@pytest.fixture(params=["empty", "existing"])
def start_url(request, empty_url):
    if request.param == "existing":
        with psycopg.connect(empty_url) as connection:
            connection.execute(SQL.encode())
            fill(connection)
    return empty_url


def test_the_printed_sql_does_what_migrate_does(tmp_path, postgres, start_url):
    script = nfed(tmp_path, "db", "sql", "--for", "postgresql").stdout
    with postgres.database(template=start_url.rpartition("/")[2]) as other:
        url = postgres.url(other)

        assert nfed(tmp_path, "db", "migrate", "--database", start_url).returncode == 0
        run(url, script)

        assert relations(url) == relations(start_url)
        run(url, script)
        assert relations(url) == relations(start_url)
        status, dry = nfed_each(
            tmp_path,
            ["db", "status", "--database", url],
            ["db", "migrate", "--dry-run"],
            NFED_DATABASE_URL=url,
        )
        assert status.returncode == 0
        assert f"schema {NEWEST}, the newest" in status.stdout
        assert dry.stdout == ""


def test_dry_run_prints_what_would_run_and_runs_nothing(tmp_path, postgres, start_url):
    before = relations(start_url)
    dry = nfed(tmp_path, "db", "migrate", "--dry-run", "--database", start_url)
    status = nfed(tmp_path, "db", "status", "--json", "--database", start_url)

    assert relations(start_url) == before
    assert status.returncode == 1
    assert json.loads(status.stdout)["schema"] is None
    assert 0 < json.loads(status.stdout)["pending_statements"] <= dry.stdout.count(";\n")
    run(start_url, "begin;" + dry.stdout + "commit;")
    assert nfed(tmp_path, "db", "status", "--database", start_url).returncode == 0


def test_sql_for_supabase_needs_no_database(tmp_path):
    said = nfed(
        tmp_path,
        *("db", "sql"),
        SUPABASE_URL="https://abcdefgh.supabase.co",
        SUPABASE_SERVICE_KEY="sb_secret_x",
    )

    assert said.returncode == 0
    assert said.stdout.startswith("begin;\n")
    assert said.stdout.endswith("commit;\n")


def test_over_https_it_says_what_to_run_instead(tmp_path):
    said = nfed(
        tmp_path,
        *("db", "migrate"),
        SUPABASE_URL="https://abcdefgh.supabase.co",
        SUPABASE_SERVICE_KEY="sb_secret_x",
    )

    assert said.returncode == 78
    assert "nfed db sql" in one_line(said)


def test_a_newer_schema_is_left_alone(tmp_path, postgres_url):
    run(postgres_url, "update nfed_schema_version set version_num = '9999'")
    script = nfed(tmp_path, "db", "sql", "--for", "postgresql").stdout

    answers = nfed_each(
        tmp_path,
        ["db", "migrate"],
        ["db", "migrate", "--dry-run"],
        ["db", "status"],
        NFED_DATABASE_URL=postgres_url,
    )

    for said in answers:
        assert said.returncode == 78
        assert "9999" in one_line(said)
        assert "upgrade nfed" in said.stderr
    with pytest.raises(psycopg.Error, match="9999, newer than"):
        run(postgres_url, script)


def test_an_unreachable_server_is_said_in_one_line_without_the_password(tmp_path):
    said = nfed(tmp_path, "db", "status", "--database", "postgresql://me:geheim@127.0.0.1:1/x")

    assert said.returncode == 75
    assert "127.0.0.1:1" in one_line(said)
    assert "geheim" not in said.stderr


def test_migrations_at_once_make_one_schema(tmp_path, start_url):
    with psycopg.connect(start_url) as connection:
        old = (
            what_readers_see(connection)
            if connection.execute("select to_regclass('empresas')").fetchone() != (None,)
            else {}
        )

    answers = nfed_each(tmp_path, *[["db", "migrate"]] * 4, NFED_DATABASE_URL=start_url)

    assert [said.returncode for said in answers] == [0] * 4, [said.stderr for said in answers]
    assert nfed(tmp_path, "db", "status", "--database", start_url).returncode == 0
    if old:
        with psycopg.connect(start_url) as connection:
            assert what_readers_see(connection) == old


def test_sqlite_has_the_same_commands(tmp_path):
    before, dry = nfed_each(tmp_path, ["db", "status"], ["db", "migrate", "--dry-run"])
    assert before.returncode == 1
    assert "no schema yet" in before.stdout
    assert "CREATE TABLE IF NOT EXISTS notas_fiscais" in dry.stdout
    assert not (tmp_path / "nfed.db").exists()

    assert nfed(tmp_path, "db", "migrate").returncode == 0

    after, dry, sql, secure = nfed_each(
        tmp_path, ["db", "status"], ["db", "migrate", "--dry-run"], ["db", "sql"], ["db", "secure"]
    )
    assert after.returncode == 0
    assert dry.stdout == ""
    assert secure.returncode == 78
    made = "select type, name, sql from sqlite_master where name not like 'sqlite_%' order by 1, 2"
    with (
        closing(sqlite3.connect(tmp_path / "nfed.db")) as migrated,
        closing(sqlite3.connect(":memory:")) as by_hand,
    ):
        by_hand.executescript(sql.stdout)
        by_hand.executescript(sql.stdout)
        named = [row[:2] for row in by_hand.execute(made)]
        assert named == [row[:2] for row in migrated.execute(made)]
        assert by_hand.execute("select * from nfed_schema_version").fetchall() == [(NEWEST,)]


def test_sqlite_gets_the_columns_that_an_older_layout_lacked(tmp_path):
    nfed(tmp_path, "db", "migrate")
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        connection.execute("alter table nf_duplicatas drop column data_pagamento")
        connection.execute("delete from nfed_schema_version")
        connection.commit()

    assert nfed(tmp_path, "db", "migrate").returncode == 0

    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        connection.execute("select data_pagamento from nf_duplicatas")


def test_refill_says_how_far_it_is_and_fills(tmp_path):
    """Two documents, as a version left them that had no tables for what they say."""
    folder = tmp_path / "old"
    folder.mkdir()
    for sample in ("cte-4.00.xml", "mdfe-3.00.xml"):
        (folder / sample).write_bytes((DFE / sample).read_bytes())
    database = f"sqlite:///{tmp_path}/nfed.db"
    settings = {"NFED_DATABASE_URL": database, "NFED_CHECK_KEY": "off"}
    assert nfed(tmp_path, "import", str(folder), **settings).returncode == 0
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        connection.executescript(
            "delete from cte; delete from mdfe; update dfe_documentos set versao_linhas = null"
        )

    first = nfed(tmp_path, "db", "refill", **settings)
    second = nfed(tmp_path, "db", "refill", **settings)

    assert first.returncode == second.returncode == 0
    assert [line.partition(": ")[2] for line in first.stdout.splitlines()] == [
        "0 of 2 documents that are no notes have their rows",
        "2 of 2 documents that are no notes have their rows",
    ]
    assert len(second.stdout.splitlines()) == 1
    with closing(sqlite3.connect(tmp_path / "nfed.db")) as connection:
        assert connection.execute("select icms_valor from cte").fetchall() == [(26.54,)]
        assert connection.execute("select count(*) from mdfe").fetchone() == (1,)
