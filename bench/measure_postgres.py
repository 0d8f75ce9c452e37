"""Measures an import into PostgreSQL against a bare loop that does the same."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.measure import Measured, RawTable, at_least, median
from bench.measure_nfed import FOLDER, import_backlog
from bench.measure_noise import Noise
from bench.measure_notes import ROOT, Notes, home, say
from nfed.documents.layout import tables
from nfed.stores.postgres import schema as postgres_schema
from tests.support.postgres_server import Server, running

TARGET = 0.8
# As a careful owner runs it: nothing is lost in a power cut. The rest is as PostgreSQL comes.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}


async def measure_postgres(notes: Notes, files: int, rounds: int) -> Measured:
    """Rounds of nfed and then of the bare loop, each into an empty database."""
    rows: list[tuple[str, ...]] = []
    ratios = []
    with running(**DURABLE) as server, server.database() as empty:
        await postgres_schema.migrate(server.url(empty))
        for number in range(1, rounds + 1):
            say(f"import of {files:,} files into PostgreSQL, round {number} of {rounds}")
            noise = Noise()
            with fresh(server, empty) as url:
                nfed = _nfed(notes, files, url, noise)
                stored = counts(url)
            with fresh(server, empty) as url:
                bare = _bare(notes, files, url, noise)
                if stored != counts(url):
                    raise RuntimeError(f"nfed stored {stored} rows, the bare loop {counts(url)}")
            ratios.append(nfed / bare)
            rows.append((str(number), f"{nfed:,.0f}", f"{bare:,.0f}", f"{nfed / bare:.2f}"))
            rows[-1] += (str(noise),)
    what = f"postgres: {files:,} files, nfed times as fast as the bare loop"
    return Measured(
        [at_least(what, median(ratios), TARGET)],
        [
            RawTable(
                f"Files a second into PostgreSQL, import of {files:,}",
                (
                    *("round", "nfed", "bare loop", "nfed ÷ bare"),
                    "% of the CPUs that others and the server took in each",
                ),
                tuple(rows),
            )
        ],
    )


@contextmanager
def fresh(server: Server, template: str) -> Iterator[str]:
    """The URL of an empty database for the block; nothing of those before is left to write."""
    with server.database(template=template) as name:
        server.execute("checkpoint")
        yield server.url(name)


def counts(url: str) -> dict[str, int]:
    """How many rows each table holds."""
    with psycopg.connect(url) as connection:
        found = {}
        for name in tables():
            row = connection.execute(f"select count(*) from {name}".encode()).fetchone()
            assert row is not None
            found[name] = int(row[0])
        return found


def _nfed(notes: Notes, files: int, url: str, noise: Noise) -> float:
    with home() as place:
        notes.copy(files, place / FOLDER)
        with noise.watched():
            return import_backlog(place, files, database_url=url).files_a_second


def _bare(notes: Notes, files: int, url: str, noise: Noise) -> float:
    with home() as place:
        notes.copy(files, place / FOLDER)
        command = [sys.executable, "-m", "bench.bare_postgres", str(place / FOLDER), url]
        with noise.watched():
            said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        return files / float(said.stdout)
