"""Measures what the checks of a note cost, above all its signature, in one run."""

import time
from collections.abc import Sequence
from dataclasses import replace

from bench.measure import Figure, Measured, RawTable, median
from bench.measure_nfed import FOLDER, import_backlog
from bench.measure_notes import Notes, home, say
from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy

_READ = 200  # notes read in a row, in this process
_REPEATS = 5


def measure_signature(notes: Notes, files: int, rounds: int) -> Measured:
    """Reads notes, then imports a backlog, with check_signature=warn and off by turns."""
    say(f"reading {_READ} notes, with each check and without")
    measured = _read([notes.path(n).read_bytes() for n in range(min(_READ, files))])
    ratios: list[float] = []
    rows: list[tuple[str, ...]] = []
    for number in range(1, rounds + 1):
        say(f"import of {files:,} files, check_signature warn and off, round {number} of {rounds}")
        checked, unchecked = (_import(notes, files, policy) for policy in (Policy.WARN, Policy.OFF))
        ratios.append(checked / unchecked)
        rows.append((str(number), f"{checked:,.0f}", f"{unchecked:,.0f}", f"{ratios[-1]:.2f}"))
    measured.figures.append(
        Figure(
            f"signature: {files:,} files, import with the check to the one without",
            f"{median(ratios):.2f}",
        )
    )
    measured.raw.append(
        RawTable(
            f"Files a second, import of {files:,}, by check_signature",
            ("round", "warn", "off", "warn ÷ off"),
            tuple(rows),
        )
    )
    return measured


def _import(notes: Notes, files: int, policy: Policy) -> float:
    with home() as place:
        notes.copy(files, place / FOLDER)
        return import_backlog(place, files, check_signature=policy.value).files_a_second


def _read(contents: Sequence[bytes]) -> Measured:
    """Microseconds a note in one process, as a worker has them; of each the least of its turns."""
    off = Checks.none()
    variants = {
        "none": off,
        "key": replace(off, key=Policy.REFUSE),
        "schema": replace(off, schema=Policy.WARN),
        "signature": replace(off, signature=Policy.WARN),
        "authorisation": replace(off, authorisation=Policy.WARN),
        "totals": replace(off, totals=Policy.WARN),
        "format": replace(off, format=Policy.WARN),
        "all, as by default": Checks(),
        "all but the signature": replace(Checks(), signature=Policy.OFF),
    }
    taken = dict.fromkeys(variants, 0.0)
    for content in contents:
        least = dict.fromkeys(variants, float("inf"))
        for _ in range(_REPEATS):
            for name, checks in variants.items():  # by turns, so that noise meets all of them
                began = time.perf_counter()
                document_from(content, checks)
                least[name] = min(least[name], time.perf_counter() - began)
        for name, seconds in least.items():
            taken[name] += seconds / len(contents)
    ratio = taken["all but the signature"] / taken["all, as by default"]
    return Measured(
        [Figure("signature: notes read by a worker with the check to without", f"{ratio:.2f}")],
        [
            RawTable(
                "Microseconds to read a note of five items, by the checks made",
                ("checks", "µs", "more than with none"),
                tuple(
                    (name, f"{1e6 * each:,.0f}", f"{1e6 * (each - taken['none']):+,.0f}")
                    for name, each in taken.items()
                ),
            )
        ],
    )
