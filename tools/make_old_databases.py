"""Makes databases as an installed nfed makes them, to be kept as test data for later versions.

    python -m tools.make_old_databases

Everything is imported by the installed `nfed` itself, of whatever version: an SQLite database with
its ledger, a PostgreSQL database, one that the former importer had filled, and a Supabase project
fed over HTTPS. They end in tests/data/databases/VERSION, with the documents and what became of
them. tests/stores/test_old_databases.py migrates them with the code of today.
"""

import argparse
import gzip
import io
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.existing_database import DATA, SQL, fill, relations
from tests.support.harness import eventually, write_locked
from tests.support.postgres_server import Server, program, running
from tests.support.supabase_roles import supabase
from tests.support.supabase_server import serving
from tools.old_documents import Files, stages

_OWN = (DATA / "existing-own.sql").read_text("utf-8")
_AT_ONCE = {"NFED_SETTLE_SECONDS": "0", "NFED_DEBOUNCE_SECONDS": "0", "NFED_WORKERS": "1"}
_ROLES = {
    "anon": "noinherit",
    "authenticated": "noinherit",
    "service_role": "noinherit bypassrls",
    "dashboards": "",
    "analyst": "",
}
# What a client of PostgreSQL's own understands alone, or a newer server alone.
_NOT_SQL = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout = 0;)\n", re.M)
# The former importer's rows keep away from those that `fill` makes.
_FIRST_ID = 100
_FORMER_NOTES = ("1-nfe-04.xml", "1-nfe-05.xml", "1-nfce-13.xml")
# Where the ledger says that the files lay: not where this machine has its temporary folders.
_SHOWN_HOME = "/srv/nfed"
_README = """# Databases that nfed {version} made

Test data for `tests/stores/test_old_databases.py`: later versions migrate them, and no value may
change. Never make them anew. They were made with nfed {version} installed (schema {schema},
PostgreSQL {postgres}) by

    python -m tools.make_old_databases

| file | what it is |
|---|---|
| `documents.tar.gz` | the {documents} files that were imported, a folder for each stage |
| `outcomes.tsv` | what became of each file at first, and when all were imported again |
| `own.sqlite.gz` | nfed's own SQLite database: `nfed import` twice, then `nfed run --once` |
| `ledger.sqlite.gz` | its ledger, with jobs of every state, two of them killed; folders are said \
to lie in {home} |
| `own.sql.gz` | nfed's own PostgreSQL database |
| `adopted.sql.gz` | one of the former importer's, adopted: `tests/data/existing-schema.sql`, \
`existing-own.sql`, rows of `tests/existing_database.py`, and {former} notes among the files \
as the former importer stored them; then `nfed db migrate` and `nfed import` |
| `supabase.sql.gz` | a Supabase project (`tests/supabase_server.py`), fed over HTTPS |

The dumps are pg_dump's, without what psql alone understands: one `execute` loads them into an empty
database of PostgreSQL 15 or newer. They make the roles that they need. `outcomes.tsv`
holds for all; in `adopted` the former importer's notes were duplicates at first, too.
"""


@dataclass(frozen=True)
class Nfed:
    """An installed nfed, run in a folder of its own."""

    python: Path
    home: Path

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """`nfed …`, with nothing of the machine's own settings."""
        return self._start([str(self.python.with_name("nfed")), *arguments], env)

    def run(self, *arguments: str, expected: int = 0, **env: str) -> str:
        """`nfed …` to its end; what it says."""
        return self._finish(self.start(*arguments, **env), expected)

    def run_code(self, code: str, *arguments: str) -> str:
        """A program that uses the library."""
        return self._finish(self._start([str(self.python), "-c", code, *arguments], {}), 0)

    def _start(self, command: list[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **_AT_ONCE, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _finish(self, process: subprocess.Popen[str], expected: int) -> str:
        said, _ = process.communicate(timeout=300)
        if process.returncode != expected:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {said}")
        return said


# The library's name is another one in 0.1.0.
_JOBS = """
import sys
try:
    from nfed.batch import JobManager
except ImportError:
    from daemon.batch import JobManager
jobs = JobManager(sys.argv[1])
done = jobs.create_job("/notas/feitas", 3, {"quem": "João", "prioridade": 2})
done.start()
done.update_progress(processed=3, successful=2, failed=1)
done.add_error("ruim.xml", "não é XML", "XMLParseError")
done.complete()
failed = jobs.create_job("/notas/falhas", 1)
failed.start()
failed.fail("o disco não respondeu")
jobs.create_job("/notas/desistidas", 5).cancel("cancelado a pedido")
jobs.create_job("/notas/por fazer", 7, {"quando": "à noite"})
jobs.create_job("/notas/interrompidas", 9).start()
jobs.close()
"""


def main() -> int:
    """Makes all."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_old_databases", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="default: tests/data/databases/…")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="where the nfed is installed"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nfed-old-") as name:
        home = Path(name)
        nfed = Nfed(options.python.absolute(), home)
        version = nfed.run("--version").split()[-1]
        folder = options.folder or DATA / "databases" / version
        folder.mkdir(parents=True)
        _make(nfed, folder, version)
    return 0


def _make(nfed: Nfed, folder: Path, version: str) -> None:
    made = stages()
    for number, files in enumerate(made, 1):
        where = nfed.home / "documents" / str(number)
        where.mkdir(parents=True)
        for name, content in files.items():
            (where / name).write_bytes(content)
    (folder / "documents.tar.gz").write_bytes(_packed(_tar(made)))
    outcomes = _sqlite(nfed, folder)
    lines = (f"{name}\t{first}\t{again}\n" for name, (first, again) in sorted(outcomes.items()))
    (folder / "outcomes.tsv").write_text("".join(lines), "utf-8")
    with running() as server:
        with server.database() as own, server.database() as adopted:
            _postgres(nfed, folder / "own.sql.gz", server, own, outcomes)
            _former(server.url(adopted), server.url(own))
            _postgres(nfed, folder / "adopted.sql.gz", server, adopted, outcomes, _FORMER_NOTES)
            with psycopg.connect(server.url(adopted)) as connection:
                connection.execute("drop owned by dashboards, analyst cascade")
                connection.execute("drop role dashboards, analyst")
        with supabase(server) as url:
            _supabase(nfed, folder / "supabase.sql.gz", url, outcomes)
        with psycopg.connect(server.url()) as connection:
            postgres = connection.info.parameter_status("server_version")
    with closing(sqlite3.connect(nfed.home / "nfed.db")) as connection:
        (schema,) = connection.execute("select version_num from nfed_schema_version").fetchone()
    (folder / "README.md").write_text(
        _README.format(
            version=version,
            schema=schema,
            postgres=postgres,
            documents=sum(map(len, made)),
            former=len(_FORMER_NOTES),
            home=_SHOWN_HOME,
        ),
        "utf-8",
    )


type _Outcomes = dict[str, tuple[str, str]]
"""What became of each file at first, and when it was imported again."""


def _sqlite(nfed: Nfed, folder: Path) -> _Outcomes:
    database, ledger = nfed.home / "nfed.db", nfed.home / "nfed-ledger.db"
    nfed.run("import", "documents/1", expected=1)
    nfed.run("import", "documents/2", expected=1)
    shutil.copytree(nfed.home / "documents" / "3", nfed.home / "xml_nf")
    nfed.run("run", "--once")
    first = _last_outcomes(ledger)
    killed = _interrupted(nfed, signal.SIGKILL)
    nfed.run("import", "documents/1/1-nfe-02.xml")  # it finds the killed one, and fails it
    stopped = _interrupted(nfed, signal.SIGINT)
    nfed.run_code(_JOBS, str(ledger))
    running_still = _interrupted(nfed, signal.SIGKILL)
    states = {killed: "failed", stopped: "cancelled", running_still: "running"}
    with closing(sqlite3.connect(ledger)) as connection:
        found = dict(connection.execute("select job_id, state from jobs"))
    assert {job: found[job] for job in states} == states, (found, states)
    assert set(found.values()) == {"pending", "running", "completed", "failed", "cancelled"}
    _keep(database, folder / "own.sqlite.gz")
    _keep(ledger, folder / "ledger.sqlite.gz")
    return _imported_again(nfed, first, nfed.home / "again", f"sqlite:///{database}")


def _interrupted(nfed: Nfed, number: signal.Signals) -> str:
    """The job of an import that this signal ended while it waited for the database."""
    ledger = nfed.home / "nfed-ledger.db"
    before = _running_jobs(ledger)
    with write_locked(nfed.home / "nfed.db"):
        process = nfed.start("import", "documents/1/1-nfe-03.xml")
        (job,) = eventually(lambda: _running_jobs(ledger) - before, "a job runs")
        process.send_signal(number)
        process.communicate(timeout=60)
    return job


def _running_jobs(ledger: Path) -> set[str]:
    with closing(sqlite3.connect(ledger)) as connection:
        rows = connection.execute("select job_id from jobs where state = 'running'")
        return {job for (job,) in rows}


def _imported_again(
    nfed: Nfed, first: Mapping[str, str], home: Path, url: str, **env: str
) -> _Outcomes:
    """Imports all once more, without a trace in what is kept already."""
    home.mkdir()
    ledger = home / "again.db"
    env |= {"NFED_LEDGER": str(ledger)} | ({"NFED_DATABASE_URL": url} if url else {})
    nfed.run("import", *(f"documents/{number}" for number in (1, 2, 3)), expected=1, **env)
    again = _last_outcomes(ledger)
    assert again.keys() == first.keys()
    return {name: (outcome, again[name]) for name, outcome in first.items()}


def _last_outcomes(ledger: Path) -> dict[str, str]:
    with closing(sqlite3.connect(ledger)) as connection:
        return dict(connection.execute("select name, outcome from files order by id"))


def _postgres(
    nfed: Nfed,
    file: Path,
    server: Server,
    name: str,
    expected: _Outcomes,
    known: tuple[str, ...] = (),
) -> None:
    """`known` are files whose notes were there before."""
    url = server.url(name)
    nfed.run("db", "migrate", "--database", url)
    expected = expected | dict.fromkeys(known, ("duplicate", "duplicate"))
    _fill(nfed, file, url, expected, NFED_DATABASE_URL=url)


def _supabase(nfed: Nfed, file: Path, url: str, expected: _Outcomes) -> None:
    nfed.run("db", "migrate", "--database", url)
    with serving(url) as project:
        env = {"SUPABASE_URL": project.url, "SUPABASE_SERVICE_KEY": project.service_key}
        _fill(nfed, file, url, expected, **env)


def _fill(nfed: Nfed, file: Path, url: str, expected: _Outcomes, **env: str) -> None:
    """Imports all documents and dumps the database, then sees that the outcomes are SQLite's."""
    home = nfed.home / file.name
    home.mkdir()
    ledger = home / "ledger.db"
    for number in (1, 2, 3):
        nfed.run("import", f"documents/{number}", expected=1, **env, NFED_LEDGER=str(ledger))
    first = _last_outcomes(ledger)
    _dump(url, file)
    outcomes = _imported_again(nfed, first, home / "again", "", **env)
    assert outcomes == expected, set(outcomes.items()) ^ set(expected.items())


def _former(url: str, own_url: str) -> None:
    """A database of the former importer's, with notes that nfed will meet again."""
    with psycopg.connect(own_url) as own, psycopg.connect(url) as former:
        former.execute(SQL.encode())
        former.execute(_OWN.encode())
        fill(former)
        notes = own.execute(
            "select id, emitente_id, destinatario_id from notas_fiscais "
            "where arquivo_nome = any (%s)",
            (list(_FORMER_NOTES),),
        ).fetchall()
        assert len(notes) == len(_FORMER_NOTES)
        chosen = {
            "notas_fiscais": {note for note, *_ in notes},
            "empresas": {party for _, *parties in notes for party in parties if party},
        }
        _copy_rows(own, former, chosen)
        former.execute("refresh materialized view mv_ncm")


def _copy_rows(
    own: psycopg.Connection, former: psycopg.Connection, chosen: dict[str, set[int]]
) -> None:
    """The chosen rows and those below them, cut to the former types as the former importer did."""
    tables = {name: columns for name, columns in relations().items() if not name.startswith("vw_")}
    parents = {
        name: {c.name: c.key.split()[1].split("(")[0] for c in columns if "references" in c.key}
        for name, columns in tables.items()
    }
    done: set[str] = set()
    while len(done) < len(tables):
        for name, columns in tables.items():
            if name in done or not set(parents[name].values()) <= done:
                continue
            wanted = " and ".join(f"{link} = any (%({link})s)" for link in parents[name])
            if name in chosen:
                wanted = "id = any (%(id)s)"
            values = {link: list(chosen[parent]) for link, parent in parents[name].items()}
            rows = own.execute(
                f"select {', '.join(f'{c.name}::text' for c in columns)} from {name} "
                f"where {wanted} order by id".encode(),
                values | {"id": list(chosen.get(name, ()))},
            ).fetchall()
            chosen[name] = {int(row[0]) for row in rows}
            casts = ", ".join(
                f"%s::{c.type.replace('serial', 'integer')}"
                + (f" + {_FIRST_ID}" if c.name == "id" or "references" in c.key else "")
                for c in columns
            )
            for row in rows:
                former.execute(f"insert into {name} values ({casts})".encode(), row)
            former.execute(f"select setval('{name}_id_seq', (select max(id) from {name}))".encode())
            done.add(name)


def _dump(url: str, file: Path) -> None:
    """Plain SQL that begins with the roles that it needs."""
    said = subprocess.run(
        [str(program("pg_dump")), "--inserts", "--rows-per-insert=200", "--dbname", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    made = "".join(
        f"do $$ begin create role {role} {rights}; exception when duplicate_object then null; "
        "end $$;\n"
        for role, rights in _ROLES.items()
        if re.search(rf"\b{role}\b", said)
    )
    file.write_bytes(_packed((made + _NOT_SQL.sub("", said)).encode()))


def _keep(database: Path, file: Path) -> None:
    """What the database holds, as one file without free pages."""
    copy = database.with_suffix(".copy")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("vacuum into ?", (str(copy),))
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        if connection.execute("select 1 from sqlite_master where name = 'jobs'").fetchone():
            connection.execute(
                "update jobs set folder_path = replace(folder_path, ?, ?)",
                (str(database.parent), _SHOWN_HOME),
            )
            connection.execute("vacuum")
    file.write_bytes(_packed(copy.read_bytes()))


def _tar(made: list[Files]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number, files in enumerate(made, 1):
            for name, content in files.items():
                member = tarfile.TarInfo(f"{number}/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _packed(content: bytes) -> bytes:
    """As `gzip -n9` packs it: the same bytes for the same content."""
    return gzip.compress(content, 9, mtime=0)


if __name__ == "__main__":
    raise SystemExit(main())
