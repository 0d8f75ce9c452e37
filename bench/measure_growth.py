"""Measures how much longer a chunk takes where many notes are stored already."""

import time
from collections.abc import Sequence

import psycopg

from bench.growth import multiply
from bench.measure import Measured, RawTable, at_most, median, percentile
from bench.measure_notes import Notes, say
from bench.measure_postgres import DURABLE
from nfed.core.outcome import Imported
from nfed.core.ports import Incoming
from nfed.documents import document_from
from nfed.documents.checks import Checks
from nfed.documents.document import Document
from nfed.stores.postgres.store import PostgresStore
from tests.support.postgres_server import running

CHUNK_FILES = 64
TARGET = 1.25
_FEW = 10_000
_CHUNKS = 60
_SIZES = """
select c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid), c.reltuples::bigint
  from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.reltuples > 0
   and c.relname <> 'nfed_schema_version'
 order by pg_total_relation_size(c.oid) desc
"""


async def measure_growth(notes: Notes, stored: int) -> Measured:
    """Stores the same chunks in a database of 10,000 notes and in one of about `stored`."""
    few = min(_FEW, stored)
    copies = max(stored // few - 1, 0)
    notes.provide(few + _CHUNKS * CHUNK_FILES)
    with running(**DURABLE) as server, server.database() as small:
        await _store(PostgresStore(server.url(small), max_connections=1), notes, 0, few)
        with server.database(template=small) as large:
            began = time.monotonic()
            multiply(server, server.url(large), copies)
            say(f"filled in {time.monotonic() - began:.0f} s")
            return await _measured(notes, [server.url(small), server.url(large)], few)


async def _measured(notes: Notes, urls: Sequence[str], few: int) -> Measured:
    sizes = _sizes(urls[1])
    many = next(rows for name, _, _, rows in sizes if name == "notas_fiscais")
    say(f"{_CHUNKS} chunks into {few:,} and into {many:,} notes, by turns")
    stores = [PostgresStore(url, max_connections=1) for url in urls]
    taken: list[list[float]] = [[], []]
    for number in range(_CHUNKS):
        first = few + number * CHUNK_FILES
        for at in (0, 1) if number % 2 else (1, 0):
            taken[at].append(await _store(stores[at], notes, first, CHUNK_FILES))
    for store in stores:
        await store.close()
    what = f"growth: milliseconds of a chunk with {many:,} notes stored, times those with {few:,}"
    return Measured(
        [at_most(what, median(taken[1]) / median(taken[0]), TARGET)],
        [
            RawTable(
                f"Milliseconds to store {CHUNK_FILES} notes, {_CHUNKS} times each, by turns",
                ("stored", "least", "median", "p90", "most", "mean"),
                tuple(_spread(f"{n:,}", own) for n, own in zip((few, many), taken, strict=True)),
            ),
            RawTable(
                f"Bytes a note on disk, of {many:,} notes",
                ("table", "rows a note", "table and TOAST", "indexes"),
                tuple(
                    (name, f"{rows / many:.1f}", f"{heap / many:,.0f}", f"{indexes / many:,.0f}")
                    for name, heap, indexes, rows in [
                        *sizes,
                        ("all", *_total(sizes)),
                    ]
                ),
            ),
        ],
    )


def _total(sizes: Sequence[tuple[str, int, int, int]]) -> tuple[int, int, int]:
    return (
        sum(heap for _, heap, _, _ in sizes),
        sum(indexes for _, _, indexes, _ in sizes),
        sum(rows for _, _, _, rows in sizes),
    )


def _spread(what: str, seconds: Sequence[float]) -> tuple[str, ...]:
    figures = (
        min(seconds),
        median(seconds),
        percentile(seconds, 90),
        max(seconds),
        sum(seconds) / len(seconds),
    )
    return (what, *(f"{1000 * each:.1f}" for each in figures))


async def _store(store: PostgresStore, notes: Notes, first: int, count: int) -> float:
    """Stores new notes, chunk by chunk; returns the seconds, without those of reading files."""
    await store.open()
    seconds = 0.0
    for begin in range(first, first + count, CHUNK_FILES):
        incoming = read(notes, range(begin, min(begin + CHUNK_FILES, first + count)))
        began = time.perf_counter()
        outcomes = await store.store(incoming, "bench")
        seconds += time.perf_counter() - began
        if not all(isinstance(outcome, Imported) for outcome in outcomes):
            raise RuntimeError("a note was there already")
    return seconds


def read(notes: Notes, numbers: range) -> list[Incoming]:
    """The documents of some notes, read without any check."""
    found = []
    for n in numbers:
        document = document_from(notes.path(n).read_bytes(), Checks.none())
        assert isinstance(document, Document)
        found.append(Incoming(document, notes.path(n).name))
    return found


def _sizes(url: str) -> list[tuple[str, int, int, int]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_SIZES.encode()).fetchall()
        return [(str(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in rows]
