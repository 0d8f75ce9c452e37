"""What HTTP costs an import: a backlog alone, with a hundred clients that poll, with open pages."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from bench.measure import Figure, Measured, RawTable, at_least, median, percentile
from bench.measure_nfed import FOLDER, Backlog, serving
from bench.measure_notes import Notes, home, say

CLIENTS = 100
POLL_SECONDS = 1.0
PAGES = 20
PAGE_SECONDS = 0.4
"""As often as an open page asks for its live part while a job goes on (`now.html`)."""
TARGET = 0.9
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class _Crowd:
    """What the clients of one round saw."""

    latencies: list[float] = field(default_factory=list)
    """Seconds from a request's first byte to its answer's last."""
    refused: int = 0
    """Answers that were not 200."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """So many clients that ask for the same again and again."""

    name: str
    clients: int
    seconds: float
    is_page: bool

    def path(self, backlog: Backlog) -> str:
        return "/painel/agora" if self.is_page else f"/batch/status/{backlog.job_id}"


_NOBODY = _Kind("alone", 0, 1.0, is_page=False)
_POLLING = _Kind(f"{CLIENTS} clients polling", CLIENTS, POLL_SECONDS, is_page=False)
_PAGES = _Kind(f"{PAGES} pages open", PAGES, PAGE_SECONDS, is_page=True)


def measure_http(notes: Notes, files: int, rounds: int) -> Measured:
    """Imports the same backlog alone, with clients and with pages, in turns."""
    ratios: dict[str, list[float]] = {_POLLING.name: [], _PAGES.name: []}
    seen: dict[str, list[float]] = {_POLLING.name: [], _PAGES.name: []}
    rows: list[tuple[str, ...]] = []
    for number in range(1, rounds + 1):
        say(f"http round {number} of {rounds}: {files:,} files, alone, with clients, with pages")
        alone, _ = asyncio.run(_round(notes, files, _NOBODY))
        for kind in (_POLLING, _PAGES):
            rate, crowd = asyncio.run(_round(notes, files, kind))
            if crowd.refused:
                raise RuntimeError(f"{crowd.refused} answers were not 200")
            ratios[kind.name].append(rate / alone)
            seen[kind.name] += crowd.latencies
            rows.append(_row(number, kind, alone, rate, crowd))
    figures: list[Figure] = []
    for name, found in ratios.items():
        what = f"http: import of {files:,} files with {name}, times that without"
        figures.append(at_least(what, median(found), TARGET))
        p99 = f"{1000 * percentile(seen[name], 99):.0f}"
        figures.append(Figure(f"http: p99 of an answer to {name} meanwhile, ms", p99))
    header = ("round", "who asks", "alone", "asked", "ratio", "answers", "p50", "p90", "p99")
    title = (
        f"Files a second, and milliseconds of /batch/status (each client every {POLL_SECONDS:g} s) "
        f"and of a page's live part (each page every {PAGE_SECONDS:g} s)"
    )
    return Measured(figures, [RawTable(title, header, tuple(rows))])


def _row(number: int, kind: _Kind, alone: float, rate: float, crowd: _Crowd) -> tuple[str, ...]:
    return (
        str(number),
        kind.name,
        f"{alone:,.0f}",
        f"{rate:,.0f}",
        f"{rate / alone:.2f}",
        f"{len(crowd.latencies):,}",
        *(f"{1000 * percentile(crowd.latencies, each):.0f}" for each in (50, 90, 99)),
    )


async def _round(notes: Notes, files: int, kind: _Kind) -> tuple[float, _Crowd]:
    with home() as place:
        await asyncio.to_thread(notes.copy, files, place / FOLDER)
        crowd = _Crowd()
        with serving(place) as backlog:
            clients = [
                asyncio.create_task(_ask(backlog, crowd, kind, n * kind.seconds / kind.clients))
                for n in range(kind.clients)
            ]
            if kind.is_page:
                clients += [asyncio.create_task(_listen(backlog)) for _ in range(kind.clients)]
            imported = False
            while not imported:
                await asyncio.sleep(_LOOK_SECONDS)
                imported = await asyncio.to_thread(backlog.is_imported, files)
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
        return backlog.files_a_second(files), crowd


async def _ask(backlog: Backlog, crowd: _Crowd, kind: _Kind, delay: float) -> None:
    """One client, on one connection that it keeps."""
    await asyncio.sleep(delay)
    reader, writer = await asyncio.open_connection("127.0.0.1", backlog.port)
    try:
        while True:
            began = time.perf_counter()
            writer.write(_get(kind.path(backlog)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            crowd.latencies.append(time.perf_counter() - began)
            crowd.refused += not head.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(kind.seconds)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _listen(backlog: Backlog) -> None:
    """What an open page hears, to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", backlog.port)
    writer.write(_get("/painel/eventos"))
    while await reader.read(65_536):
        pass


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
