"""Measures nfed: ratios taken in one run, as Markdown on stdout; see docs/benchmarks.md.

python -m bench [import|nfelib|floor|memory|latency|idle|http|signature|postgres|supabase|growth|
                 web|all]
                [--rounds N] [--files N] [--stored N] [--full] [--million]
"""

import argparse
import asyncio
import os
import platform
import sqlite3
from collections.abc import Sequence

import psutil
from lxml import etree

from bench.measure import Measured, markdown, summary
from bench.measure_floor import FILES as FLOOR_FILES
from bench.measure_floor import measure_floor
from bench.measure_growth import measure_growth
from bench.measure_http import measure_http
from bench.measure_import import measure_import
from bench.measure_memory import backlogs, measure_memory, measure_million
from bench.measure_notes import Notes
from bench.measure_postgres import measure_postgres
from bench.measure_rest import measure_idle, measure_latency
from bench.measure_signature import measure_signature
from bench.measure_supabase import measure_supabase
from bench.measure_web import measure_web

_WHAT = (
    "import",
    "nfelib",
    "floor",
    "memory",
    "latency",
    "idle",
    "http",
    "signature",
    "postgres",
    "supabase",
    "growth",
    "web",
)
_BUSY_PERCENT = 10.0
_FILES = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the docstring of the module."""
    options = _parser().parse_args(arguments)
    chosen = _WHAT if options.what == "all" else (options.what,)
    files = options.files or _FILES
    floor_files = options.files or FLOOR_FILES
    sizes = backlogs(files, full=options.full)
    print(_machine(), flush=True)

    notes = Notes()
    wanted = max(
        files if {"import", "nfelib", "http", "signature", "postgres"} & {*chosen} else 1,
        floor_files if "floor" in chosen else 1,
        max(sizes) if "memory" in chosen and not options.million else 1,
        options.drops if "latency" in chosen else 1,
    )
    notes.provide(wanted)
    measured = Measured()
    if {"import", "nfelib"} & {*chosen}:
        measured.add(measure_import(notes, files, options.rounds or 3, chosen))
    if "floor" in chosen:
        measured.add(measure_floor(notes, floor_files, options.rounds or 3))
    if options.million:
        measured.add(measure_million())
    elif "memory" in chosen:
        measured.add(measure_memory(notes, sizes, options.rounds or 2))
    if "latency" in chosen:
        measured.add(measure_latency(notes, options.drops))
    if "idle" in chosen:
        measured.add(measure_idle(60.0 if options.full else 20.0))
    if "signature" in chosen:
        measured.add(measure_signature(notes, files, options.rounds or 3))

    if "http" in chosen:
        measured.add(measure_http(notes, files, options.rounds or 2))
    if "postgres" in chosen:
        measured.add(asyncio.run(measure_postgres(notes, files, options.rounds or 3)))
    if "supabase" in chosen:
        some = max(files * 3 // 10, 1)  # so many that the start does not count
        measured.add(measure_supabase(some, options.rounds or 3))
    if "growth" in chosen:
        stored = options.stored or (1_000_000 if options.full else 100_000)
        measured.add(asyncio.run(measure_growth(notes, stored)))
    if "web" in chosen:
        measured.add(measure_web(options.stored or (1_000_000 if len(chosen) == 1 else 100_000)))

    print(f"\n{summary(measured.figures)}")
    for table in measured.raw:
        print(f"\n### {table.title}\n\n{markdown(table.header, table.rows)}")
    return 0


def _machine() -> str:
    """What was measured on, and whether others were at work on it."""
    busy_percent = psutil.cpu_percent(interval=1.0)
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    state = "busy: trust no figure" if busy_percent > _BUSY_PERCENT else "quiet"
    lxml = ".".join(map(str, etree.LXML_VERSION[:3]))
    libxml2 = ".".join(map(str, etree.LIBXML_VERSION))
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, lxml {lxml} "
        f"(libxml2 {libxml2}), {cores} cores; before the start the machine was {state} "
        f"(CPU {busy_percent:.0f} %, load average {load:.2f})."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*_WHAT, "all"), default="all")
    parser.add_argument(
        "--rounds",
        type=_positive,
        help="of import, nfelib, floor (else 3), memory and http (else 2)",
    )
    parser.add_argument(
        "--files",
        type=_positive,
        help=f"in a round of import ({_FILES:,}) and floor ({FLOOR_FILES:,}); memory and growth "
        "take a tenth, half, all and twice as many",
    )
    parser.add_argument(
        "--stored",
        type=_positive,
        help="notes that a database is filled with: by growth (else 100,000, and a million with "
        "--full), by web (else as many, or a million where it is measured alone)",
    )
    parser.add_argument("--drops", type=_positive, default=30, help="files that latency drops")
    parser.add_argument(
        "--full",
        action="store_true",
        help="memory and growth up to ten times --files, idle for 60 s, a million "
        "stored notes: takes half an hour",
    )
    parser.add_argument(
        "--million",
        action="store_true",
        help="memory with a million small notes against that with 50,000: takes a quarter of an "
        "hour",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few, expected at least 1")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
