"""What the HTTP API costs an import: a backlog with and without a hundred clients that poll."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from bench.measure import Figure, Measured, RawTable, at_least, median, percentile
from bench.measure_nfed import FOLDER, Backlog, serving
from bench.measure_notes import Notes, home, say

CLIENTS = 100
POLL_SECONDS = 1.0
TARGET = 0.9
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class _Crowd:
    """What the clients of one round saw."""

    latencies: list[float] = field(default_factory=list)
    """Seconds from a request's first byte to its answer's last."""
    refused: int = 0
    """Answers that were not 200."""


def measure_http(notes: Notes, files: int, rounds: int) -> Measured:
    """Imports the same backlog with and without clients, in turns."""
    alone: list[float] = []
    polled: list[float] = []
    rows: list[tuple[str, ...]] = []
    seen: list[float] = []
    for number in range(1, rounds + 1):
        say(f"http round {number} of {rounds}: {files:,} files, alone and with {CLIENTS} clients")
        alone.append(asyncio.run(_round(notes, files, 0))[0])
        rate, crowd = asyncio.run(_round(notes, files, CLIENTS))
        polled.append(rate)
        seen += crowd.latencies
        if crowd.refused:
            raise RuntimeError(f"{crowd.refused} answers were not 200")
        rows.append(
            (
                str(number),
                f"{alone[-1]:,.0f}",
                f"{rate:,.0f}",
                f"{rate / alone[-1]:.2f}",
                f"{len(crowd.latencies):,}",
                *(f"{1000 * percentile(crowd.latencies, each):.0f}" for each in (50, 90, 99)),
            )
        )
    ratio = median(
        [with_clients / without for with_clients, without in zip(polled, alone, strict=True)]
    )
    what = f"http: import of {files:,} files with {CLIENTS} clients polling, times that without"
    return Measured(
        [
            at_least(what, ratio, TARGET),
            Figure(
                "http: p99 of /batch/status meanwhile, ms", f"{1000 * percentile(seen, 99):.0f}"
            ),
        ],
        [
            RawTable(
                f"Files a second, and milliseconds of /batch/status asked every {POLL_SECONDS:g} s "
                f"by each of {CLIENTS} clients on this machine",
                ("round", "alone", "polled", "ratio", "answers", "p50", "p90", "p99"),
                tuple(rows),
            )
        ],
    )


async def _round(notes: Notes, files: int, clients: int) -> tuple[float, _Crowd]:
    with home() as place:
        await asyncio.to_thread(notes.copy, files, place / FOLDER)
        crowd = _Crowd()
        with serving(place) as backlog:
            polls = [
                asyncio.create_task(_poll(backlog, crowd, n * POLL_SECONDS / clients))
                for n in range(clients)
            ]
            imported = False
            while not imported:
                await asyncio.sleep(_LOOK_SECONDS)
                imported = await asyncio.to_thread(backlog.is_imported, files)
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
        return backlog.files_a_second(files), crowd


async def _poll(backlog: Backlog, crowd: _Crowd, delay: float) -> None:
    """One client, on one connection that it keeps."""
    await asyncio.sleep(delay)
    reader, writer = await asyncio.open_connection("127.0.0.1", backlog.port)
    try:
        while True:
            began = time.perf_counter()
            path = f"/batch/status/{backlog.job_id}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            crowd.latencies.append(time.perf_counter() - began)
            crowd.refused += not head.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
