"""Databases that older versions made: whatever nfed does to them, no value in them changes.

The comparison knows no table and no column by name: a migration may add both, and this holds for
it unchanged. Data of another version (tools/make_old_databases.py) is found by its folder.
"""

import csv
import gzip
import io
import json
import re
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest

from nfed.stores.sqlite.schema import migrate
from tests.support.cli_command import AT_ONCE, nfed, nfed_each
from tests.support.notes import generator
from tests.support.postgres_server import VERSION, Server, running
from tests.support.stored_values import Values, differences, values_of_postgres, values_of_sqlite
from tests.support.supabase_server import serving

DATA = Path(__file__).parents[1] / "data" / "databases"
VERSIONS = sorted(each.name for each in DATA.iterdir())
KINDS = ("sqlite", "own", "adopted", "supabase")
VERSION_TABLE = "nfed_schema_version"
# The data grows old, and the daemon forgets jobs that ended a month ago.
SETTINGS = {**AT_ONCE, "NFED_JOB_RETENTION_DAYS": "100000"}
NEVER = "9999"

JUDGE = {VERSION_TABLE: ("version_num",)}
# At its adoption a database's companies are stamped with their newest notes.
STAMPED = re.compile(r"empresas\.emissao_como_\w+ was None, is '\d{4}-")
# Until schema 0003 the summary had no name of a buyer without a number.
NAMED = re.compile(r"vw_notas_fiscais_resumo\.destinatario was (None|'null NULL'), is .")


@dataclass(frozen=True)
class Old:
    """A database as the old version left it."""

    version: str
    kind: str
    home: Path
    url: str
    values: Callable[[], Values]
    run: Callable[[str], None]
    """A statement of the database's owner."""

    @contextmanager
    def settings(self) -> Iterator[dict[str, str]]:
        """The environment of an nfed that feeds it; Supabase reads the catalogue at its start."""
        if self.kind != "supabase":
            yield {**SETTINGS, "NFED_DATABASE_URL": self.url}
            return
        with serving(self.url) as project:
            yield {
                **SETTINGS,
                "SUPABASE_URL": project.url,
                "SUPABASE_SERVICE_KEY": project.service_key,
            }

    def migrate(self) -> None:
        """As its owner does: by the command, or in Supabase's SQL editor."""
        if self.kind == "supabase":
            self.run(nfed(self.home, "db", "sql", "--for", "supabase").stdout)
        else:
            said = nfed(self.home, "db", "migrate", "--database", self.url)
            assert (said.returncode, said.stderr) == (0, "")

    def assert_clean(self, url: str | None = None, **env: str) -> None:
        """`nfed db status` finds nothing to do."""
        named = ["--database", url] if url else []
        said = nfed(self.home, "db", "status", "--json", *named, **env)
        assert said.returncode == 0, said.stdout + said.stderr
        status = json.loads(said.stdout)
        assert status["schema"] == status["newest_schema"]
        assert status["pending_statements"] == 0
        assert status["notes"] == self.values()["notas_fiscais"].rows.total()


@pytest.fixture(scope="module")
def server():
    """One of the module's own: the dumps make roles, which belong to servers."""
    with running(max(VERSION, 16)) as made:  # the views that 18 dumps are too new for 14
        yield made


@pytest.fixture(params=[(version, kind) for version in VERSIONS for kind in KINDS], ids="-".join)
def old(request, tmp_path) -> Iterator[Old]:
    version, kind = request.param
    with loaded(version, kind, tmp_path, request) as made:
        yield made


@pytest.fixture(params=VERSIONS)
def version(request) -> str:
    return request.param


@contextmanager
def loaded(version: str, kind: str, home: Path, request: pytest.FixtureRequest) -> Iterator[Old]:
    if kind == "sqlite":
        path = unpacked(version, "own.sqlite.gz", home / "nfed.db")
        unpacked(version, "ledger.sqlite.gz", home / "nfed-ledger.db")
        yield Old(
            version,
            kind,
            home,
            f"sqlite:///{path}",
            lambda: values_of_sqlite(path),
            lambda sql: run_in_sqlite(path, sql),
        )
        return
    server: Server = request.getfixturevalue("server")
    with server.database() as name:
        url = server.url(name)
        run_in_postgres(url, gzip.decompress(packed(version, f"{kind}.sql.gz")).decode())
        yield Old(
            version,
            kind,
            home,
            url,
            lambda: values_of_postgres(url),
            lambda sql: run_in_postgres(url, sql),
        )


def packed(version: str, name: str) -> bytes:
    return (DATA / version / name).read_bytes()


def unpacked(version: str, name: str, path: Path) -> Path:
    path.write_bytes(gzip.decompress(packed(version, name)))
    return path


def run_in_postgres(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def run_in_sqlite(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def put_documents(version: str, folder: Path) -> None:
    """All files that the old version had imported, side by side."""
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(packed(version, "documents.tar.gz"))) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            (folder / Path(member.name).name).write_bytes(content.read())


@cache
def outcomes_of(version: str) -> dict[str, str]:
    """What became of each file when the old version was given all of them once more."""
    with (DATA / version / "outcomes.tsv").open(encoding="utf-8") as file:
        return {name: again for name, _, again in csv.reader(file, delimiter="\t")}


def assert_as_before(old: Old, before: Values) -> None:
    found = differences(before, old.values(), but=JUDGE)
    if old.kind != "adopted":
        found = [each for each in found if not NAMED.match(each)]
    else:
        stamped = [each for each in found if STAMPED.match(each)]
        assert stamped
        found = [each for each in found if each not in stamped]
    assert found == []


def import_folder(home: Path, env: dict[str, str]) -> int:
    return nfed(home, "import", "documents", **env).returncode


def run_once(home: Path, env: dict[str, str]) -> int:
    (home / "documents").rename(home / "xml_nf")
    return nfed(home, "run", "--once", **env).returncode


@pytest.mark.parametrize("way", [import_folder, run_once])
def test_nothing_changes_by_a_migration_and_the_same_documents(old, way, tmp_path):
    """On its own nfed migrates whatever it can, which is all but a project behind HTTPS."""
    before = old.values()
    put_documents(old.version, tmp_path / "documents")
    ledger = {"NFED_LEDGER": str(tmp_path / "again.db")}
    if old.kind == "supabase":
        old.migrate()

    with old.settings() as env:
        code = way(tmp_path, env | ledger)
        old.assert_clean(**env)

    assert code == (1 if way is import_folder else 0)
    assert_as_before(old, before)
    with closing(sqlite3.connect(tmp_path / "again.db")) as connection:
        outcomes = dict(connection.execute("select name, outcome from files order by id"))
    expected = outcomes_of(old.version)
    assert outcomes.keys() == expected.keys()
    differing = {
        (expected[name], each) for name, each in outcomes.items() if each != expected[name]
    }
    # An NFS-e that comes again, and an event's rejected try after the registered one.
    assert differing <= {("updated", "duplicate"), ("refused", "duplicate")}


def test_a_migrated_database_has_its_values_is_clean_and_takes_new_documents(old, tmp_path):
    before = old.values()

    old.migrate()

    assert_as_before(old, before)
    migrated = old.values()
    old.assert_clean(old.url)
    new = generator().note(77, items=3)
    (tmp_path / "nova.xml").write_bytes(new.xml)
    with old.settings() as env:
        old.assert_clean(**env)
        said = nfed(tmp_path, "import", "nova.xml", **env)
    assert "1 imported" in said.stdout, said.stderr
    after = old.values()
    tables = {
        name: each for name, each in migrated.items() if not re.match(r"vw_|mv_|.Vista", name)
    }
    assert differences(tables, after, but=JUDGE, may_grow=True) == []
    added = after["nf_itens"].rows.total() - before["nf_itens"].rows.total()
    assert added == new.itens


def buyer_without_number() -> bytes:
    xml = generator().note(78, items=1, rich=False).xml
    head, dest, rest = re.split(rb"(<dest>.*?</dest>)", xml)
    return head + re.sub(rb"<(CNPJ|CPF)>.*?</\1>", b"", dest) + rest


def buyer_in_the_summary(old: Old) -> set[str | None]:
    asked = "select destinatario from vw_notas_fiscais_resumo"
    if old.kind == "sqlite":
        with closing(sqlite3.connect(old.home / "nfed.db")) as connection:
            return {row[0] for row in connection.execute(asked)}
    with psycopg.connect(old.url) as connection:
        return {row[0] for row in connection.execute(asked).fetchall()}


def test_a_buyer_without_a_number_has_his_name_in_the_summary_of_a_migrated_database(old, tmp_path):
    """A view that its owner wrote himself stays as he wrote it."""
    xml = buyer_without_number().replace(b"<dest><xNome>", b"<dest><xNome>SEM NUMERO ")
    assert b"SEM NUMERO" in xml
    (tmp_path / "nova.xml").write_bytes(xml)
    old.migrate()

    with old.settings() as env:
        said = nfed(tmp_path, "import", "nova.xml", NFED_CHECK_SCHEMA="off", **env)

    assert "1 imported" in said.stdout, said.stderr
    named = [each for each in buyer_in_the_summary(old) if each and "SEM NUMERO" in each]
    assert len(named) == (0 if old.kind == "adopted" else 1)
    old.assert_clean(old.url)


@pytest.mark.parametrize(
    "own",
    [
        (
            "drop view vw_notas_fiscais_resumo; "
            "create view vw_notas_fiscais_resumo as select 'MEU' as destinatario"
        ),
        "create trigger meu instead of delete on vw_notas_fiscais_resumo begin select 1; end",
    ],
    ids=["view", "trigger"],
)
def test_a_summary_that_somebody_made_his_own_stays(version, own, tmp_path):
    path = unpacked(version, "own.sqlite.gz", tmp_path / "nfed.db")
    run_in_sqlite(path, own)
    asked = "select sql from sqlite_master where tbl_name = 'vw_notas_fiscais_resumo'"
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute(asked).fetchall()

    migrate(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(asked).fetchall() == before


def test_a_database_that_a_newer_nfed_migrated_is_left_alone(old, tmp_path):
    old.migrate()
    old.run(f"update {VERSION_TABLE} set version_num = '{NEVER}'")
    before = old.values()
    put_documents(old.version, tmp_path / "documents")
    named = ["--database", old.url]

    with old.settings() as env:
        answers = [
            *nfed_each(
                tmp_path,
                ["db", "status", *named],
                ["db", "migrate", *named],
            ),
            nfed(tmp_path, "import", "documents", **env),
            nfed(tmp_path, "run", "--once", **env),
        ]

    for said in answers:
        assert said.returncode == 78, (said.args, said.stdout, said.stderr)
        assert NEVER in said.stderr
        assert "upgrade nfed" in said.stderr
    after = old.values()
    assert differences(before, after) == []
    assert {name: each.columns for name, each in after.items()} == {
        name: each.columns for name, each in before.items()
    }


def test_the_ledger_keeps_its_history_and_ends_what_a_crash_left(version, tmp_path, request):
    with loaded(version, "sqlite", tmp_path, request):
        ledger = tmp_path / "nfed-ledger.db"
        before = values_of_sqlite(ledger)
        said = nfed(tmp_path, "jobs", "--json", "-n", "1000", **SETTINGS)
        shown = {job["job_id"]: job["status"] for job in json.loads(said.stdout)}
        put_documents(version, tmp_path / "documents")

        assert import_folder(tmp_path, SETTINGS) == 1

        after = values_of_sqlite(ledger)
    with closing(sqlite3.connect(ledger)) as connection:
        states = dict(connection.execute("select job_id, state from jobs"))
    assert set(shown.values()) == {"pending", "running", "completed", "failed", "cancelled"}
    assert {job: states[job] for job in shown} == {
        job: "failed" if state == "running" else state for job, state in shown.items()
    }
    ended = {"jobs": ("state", "reason", "ended_at", "seq"), "facts": ("value",)}
    assert differences(before, after, but=ended, may_grow=True) == []
    interrupted = [f"text '{job}'" for job, state in shown.items() if state == "running"]
    at = before["jobs"].columns.index("job_id")
    ends = before["jobs"].rows - after["jobs"].of(before["jobs"].columns)
    assert [row[at] for row in ends] == interrupted


def test_a_ledger_that_a_newer_nfed_wrote_is_left_alone(version, tmp_path, request):
    with loaded(version, "sqlite", tmp_path, request) as old:
        ledger = tmp_path / "nfed-ledger.db"
        run_in_sqlite(ledger, f"pragma user_version = {NEVER}")
        before, documents = values_of_sqlite(ledger), old.values()
        put_documents(version, tmp_path / "documents")

        said = nfed(tmp_path, "import", "documents", **SETTINGS)

        assert said.returncode == 78
        assert NEVER in said.stderr
        assert differences(before, values_of_sqlite(ledger)) == []
        assert differences(documents, old.values()) == []


def test_the_comparison_finds_what_a_bad_migration_does(old):
    """Rounded, retyped, cut, written anew, taken away: each is told by its column."""
    before = old.values()
    changed = "cast(serie as blob)" if old.kind == "sqlite" else "serie || ' '"
    for statement, told in {
        "update nf_itens set valor_total_bruto = valor_total_bruto + 0.001 "
        "where id = (select min(id) from nf_itens)": "nf_itens.valor_total_bruto was",
        f"update notas_fiscais set serie = {changed}": "notas_fiscais.serie was",
        "delete from nf_eventos_campos where id = (select max(id) from nf_eventos_campos)": (
            "nf_eventos_campos had 1 rows"
        ),
        "insert into nf_partes (nota_fiscal_id) select min(id) from notas_fiscais": (
            "nf_partes had 0 rows that it has not now, and has 1 new"
        ),
        "alter table nf_resumos drop column nome": "nf_resumos has lost nome",
        "drop table nf_itens_nve": "nf_itens_nve is gone",
    }.items():
        old.run(statement)

        found = differences(before, old.values())

        assert any(line.startswith(told) for line in found), (told, found)


def test_the_comparison_lets_tables_and_columns_come(old):
    before = old.values()

    old.run("create table nf_novas (id integer primary key, texto text)")
    old.run("insert into nf_novas values (1, 'x')")
    old.run("alter table nf_itens add column coluna_nova text default 'x'")

    assert differences(before, old.values()) == []
