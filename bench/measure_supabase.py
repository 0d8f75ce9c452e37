"""Measures an import into a Supabase project over HTTP against one REST call a row."""

import os
import subprocess
import sys

from bench.measure import Measured, RawTable, at_least, median
from bench.measure_nfed import FOLDER, import_backlog
from bench.measure_noise import Noise
from bench.measure_notes import ROOT, Notes, home, say
from bench.measure_postgres import DURABLE, counts
from tests.support.postgres_server import running
from tests.support.supabase_server import Project, project

ITEMS = 16
TARGET = 100
_SHARE = 100  # of so many files the other one imports one, for it has the time of all of them
_LEAST = 10


def measure_supabase(files: int, rounds: int) -> Measured:
    """Rounds of nfed and then of the importer with a call a row, each into an empty project."""
    notes = Notes(ITEMS)
    notes.provide(files)
    fewer = min(max(files // _SHARE, _LEAST), files)
    rows: list[tuple[str, ...]] = []
    ratios = []
    with running(**DURABLE) as server, project(server) as made:
        for number in range(1, rounds + 1):
            say(f"{files:,} and {fewer:,} files into Supabase, round {number} of {rounds}")
            noise = Noise()
            nfed = _nfed(notes, files, made, noise)
            stored = counts(made.database_url)
            row, others = [str(number), f"{nfed:,.1f}"], []
            for options in ((), ("httpx",)):
                others.append(_row_by_row(notes, fewer, made, noise, *options))
                _compare(stored, files, counts(made.database_url), fewer)
                row += [f"{others[-1]:,.2f}", f"{nfed / others[-1]:.0f}"]
            ratios.append(nfed / others[0])
            rows.append((*row, str(noise)))
    what = f"supabase: {files:,} files of {ITEMS} items, nfed times as fast as a call a row"
    return Measured(
        [at_least(what, median(ratios), TARGET)],
        [
            RawTable(
                "Files a second into Supabase over HTTP",
                (
                    *("round", f"nfed, {files:,} files", f"a call a row, {fewer:,} files"),
                    *("nfed ÷ that", "by bare httpx", "nfed ÷ that"),
                    "% of the CPUs that others and the servers took in each",
                ),
                tuple(rows),
            )
        ],
    )


def _nfed(notes: Notes, files: int, made: Project, noise: Noise) -> float:
    made.empty()
    with home() as place:
        notes.copy(files, place / FOLDER)
        with noise.watched():
            return import_backlog(
                place, files, supabase_url=made.url, supabase_service_key=made.service_key
            ).files_a_second


def _row_by_row(notes: Notes, files: int, made: Project, noise: Noise, *options: str) -> float:
    made.empty()
    with home() as place:
        notes.copy(files, place / FOLDER)
        where = [str(place / FOLDER), made.url, *options]
        command = [sys.executable, "-m", "bench.row_by_row", *where]
        environment = os.environ | {"SUPABASE_SERVICE_KEY": made.service_key}
        with noise.watched():
            said = subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
        return files / float(said.stdout)


def _compare(many: dict[str, int], files: int, few: dict[str, int], fewer: int) -> None:
    """Notes of one kind have as many rows each, but for instalments and who is a party."""
    for name in ("notas_fiscais", "nf_itens", "nf_itens_icms", "nf_transporte"):
        if many[name] * fewer != few[name] * files:
            raise RuntimeError(
                f"{name}: {many[name]} rows of {files} files, {few[name]} of {fewer}"
            )
