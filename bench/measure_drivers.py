"""How long a chunk takes by asyncpg and by psycopg, each with COPY as text and as binary."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.drivers import BinaryWriter, Psycopg, types
from bench.measure import Figure, Measured, RawTable, median
from bench.measure_growth import CHUNK_FILES, read
from bench.measure_notes import Notes, say
from bench.measure_postgres import DURABLE, counts
from daemon.core.outcome import Imported
from daemon.stores import postgres_schema
from daemon.stores.postgres_connection import STATEMENT_SECONDS, connect
from daemon.stores.postgres_sql import begin
from daemon.stores.postgres_write import Writer
from tests.postgres_server import running

_CHUNKS = 40
_STORE = "asyncpg, text"


@dataclass(frozen=True, slots=True)
class Taken:
    """By one chunk."""

    seconds: float
    cpu_seconds: float
    """Of this process; the server's are not among them."""


async def measure_drivers(notes: Notes) -> Measured:
    """Stores the same chunks each way, by turns, into a database for each."""
    notes.provide(_CHUNKS * CHUNK_FILES)
    say(f"{_CHUNKS} chunks of {CHUNK_FILES} notes, each by four ways, by turns")
    with running(**DURABLE) as server, server.database() as empty, ExitStack() as stack:
        await postgres_schema.migrate(server.url(empty))
        known = types(server.url(empty))
        writers = {
            _STORE: Writer(),
            "asyncpg, binary": BinaryWriter(known),
            "psycopg 3, text": Writer(),
            "psycopg 3, binary": BinaryWriter(known),
        }
        urls = {way: server.url(stack.enter_context(server.database(empty))) for way in writers}
        connections: dict[str, Any] = {
            way: await Psycopg.to(url)
            if way.startswith("psycopg")
            else await connect(url, STATEMENT_SECONDS)
            for way, url in urls.items()
        }
        taken: dict[str, list[Taken]] = {way: [] for way in writers}
        ways = list(writers)
        for number in range(_CHUNKS):
            turned = ways[number % len(ways) :] + ways[: number % len(ways)]
            for way in turned:
                first = number * CHUNK_FILES
                taken[way].append(await _store(writers[way], connections[way], notes, first))
        for connection in connections.values():
            await connection.close()
        stored = {way: counts(url) for way, url in urls.items()}
        if any(rows != stored[_STORE] for rows in stored.values()):
            raise RuntimeError(f"they stored different rows: {stored}")
    return _measured(taken)


async def _store(writer: Writer, connection: Any, notes: Notes, first: int) -> Taken:
    incoming = read(notes, range(first, first + CHUNK_FILES))
    began, busy = time.perf_counter(), time.process_time()
    await connection.execute(begin(STATEMENT_SECONDS))
    outcomes = await writer.write(connection, incoming, "bench")
    await connection.execute("commit")
    taken = Taken(time.perf_counter() - began, time.process_time() - busy)
    if not all(isinstance(outcome, Imported) for outcome in outcomes):
        raise RuntimeError("a note was there already")
    return taken


def _measured(taken: dict[str, list[Taken]]) -> Measured:
    store = taken[_STORE]
    return Measured(
        [
            Figure(
                f"drivers: a chunk by {way}, times the milliseconds of {_STORE}",
                f"{median(a.seconds / b.seconds for a, b in zip(own, store, strict=True)):.2f}",
            )
            for way, own in taken.items()
            if way != _STORE
        ],
        [
            RawTable(
                f"Milliseconds to store {CHUNK_FILES} notes, {_CHUNKS} times each, by turns",
                ("way", "least", "median", "mean", "of nfed's own CPU, median"),
                tuple(_row(way, own) for way, own in taken.items()),
            )
        ],
    )


def _row(way: str, taken: list[Taken]) -> tuple[str, ...]:
    seconds = [each.seconds for each in taken]
    figures = (
        min(seconds),
        median(seconds),
        sum(seconds) / len(seconds),
        median(each.cpu_seconds for each in taken),
    )
    return (way, *(f"{1000 * each:.1f}" for each in figures))
