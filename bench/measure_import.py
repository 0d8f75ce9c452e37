"""Measures an import of a backlog against the bare loop and against nfelib's parser alone."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Measured, RawTable, at_least, median
from bench.measure_nfed import DATABASE, FOLDER, import_backlog
from bench.measure_noise import Noise
from bench.measure_notes import ROOT, Notes, home, say

BARE_TARGET = 1.3
NFELIB_TARGET = 8
_NFELIB_SHARE = 10  # of so many files nfelib parses one, for it has the time of all of them


@dataclass(frozen=True, slots=True)
class _Round:
    nfed: float
    """Files a second, as the others; None: was not asked for."""
    bare: float | None
    nfelib: float | None
    noise: Noise


def measure_import(notes: Notes, files: int, rounds: int, rivals: Collection[str]) -> Measured:
    """Rounds of nfed, then the bare loop if `rivals` has import, then nfelib if it has that."""
    taken: list[_Round] = []
    for number in range(1, rounds + 1):
        say(f"import of {files:,} files, round {number} of {rounds}")
        noise = Noise()
        nfed, rows = _nfed(notes, files, noise)
        bare = nfelib = None
        if "import" in rivals:
            bare, bare_rows = _bare(notes, files, noise)
            if bare_rows != rows:
                raise RuntimeError(f"nfed stored {rows} rows, the bare loop {bare_rows}")
        if "nfelib" in rivals:
            nfelib = _nfelib(notes, max(files // _NFELIB_SHARE, 1), noise)
        taken.append(_Round(nfed, bare, nfelib, noise))
    return _measured(files, taken)


def _nfed(notes: Notes, files: int, noise: Noise) -> tuple[float, dict[str, int]]:
    with home() as place:
        notes.copy(files, place / FOLDER)
        with noise.watched():
            files_a_second = import_backlog(place, files).files_a_second
        return files_a_second, _rows(place / DATABASE)


def _bare(notes: Notes, files: int, noise: Noise) -> tuple[float, dict[str, int]]:
    with home() as place:
        folder, database = place / FOLDER, place / DATABASE
        notes.copy(files, folder)
        with noise.watched():
            seconds = float(printed("bench.bare", str(folder), str(database)))
        return files / seconds, _rows(database)


def _nfelib(notes: Notes, files: int, noise: Noise) -> float:
    with home() as place:
        notes.copy(files, place / FOLDER)
        with noise.watched():
            said = json.loads(printed("bench.nfelib_alone", str(place / FOLDER)))
        return float(said["files"] / said["seconds"])


def printed(module: str, *arguments: str) -> str:
    """What a module says that is run in a process of its own."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _rows(database: Path) -> dict[str, int]:
    """How many rows each table holds."""
    connection = sqlite3.connect(database)
    try:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        return {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]
            for (name,) in tables.fetchall()
        }
    finally:
        connection.close()


def _measured(files: int, taken: list[_Round]) -> Measured:
    measured = Measured()
    bare = [each.nfed / each.bare for each in taken if each.bare]
    if bare:
        what = f"import: {files:,} files, nfed times as fast as the bare loop"
        measured.figures.append(at_least(what, median(bare), BARE_TARGET))
    nfelib = [each.nfed / each.nfelib for each in taken if each.nfelib]
    if nfelib:
        what = "nfelib: nfed's import times as fast as nfelib's parser alone"
        measured.figures.append(at_least(what, median(nfelib), NFELIB_TARGET))
    measured.raw.append(
        RawTable(
            f"Files a second, import of {files:,}",
            (
                "round",
                "nfed",
                "bare loop",
                "nfed ÷ bare",
                "nfelib alone",
                "nfed ÷ nfelib",
                "% of the CPUs that others took in each",
            ),
            tuple(
                (
                    str(number),
                    f"{each.nfed:,.0f}",
                    *_against(each.nfed, each.bare),
                    *_against(each.nfed, each.nfelib),
                    str(each.noise),
                )
                for number, each in enumerate(taken, 1)
            ),
        )
    )
    return measured


def _against(nfed: float, rival: float | None) -> tuple[str, str]:
    return ("–", "–") if rival is None else (f"{rival:,.0f}", f"{nfed / rival:.2f}")
