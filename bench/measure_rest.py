"""A daemon at rest: what it costs, and how soon it stores a file that comes in."""

import os
import random
import shutil
import sqlite3
import time
from pathlib import Path

from bench.measure import Figure, Measured, RawTable, median, percentile
from bench.measure_nfed import DATABASE, FOLDER, family, watching
from bench.measure_notes import Notes, home, say
from nfed.settings import Settings

_POLL_SECONDS = 0.002
_PATIENCE_SECONDS = 60.0


def measure_latency(notes: Notes, files: int) -> Measured:
    """Renames files in, one at a time, and waits until another connection sees the row."""
    say(f"latency of {files} files, one at a time")
    dice = random.Random("latency")
    taken: list[float] = []
    with home() as place, watching(place):
        outside = place / "outside"
        outside.mkdir()
        connection = sqlite3.connect(f"file:{place / DATABASE}?mode=ro", uri=True)
        for n in range(files):
            ready = outside / f"nota-{n}.xml"
            shutil.copyfile(notes.path(n), ready)
            time.sleep(dice.uniform(0.2, 1.2))  # at no fixed phase of the daemon's own timers
            taken.append(_latency_seconds(ready, place / FOLDER, connection))
        connection.close()

    settings = Settings()
    waits_seconds = settings.debounce_seconds + settings.settle_seconds
    p50_ms, p99_ms = 1000 * median(taken), 1000 * percentile(taken, 99)
    waits_ms = 1000 * waits_seconds
    above = f"ms above debounce_seconds + settle_seconds ({waits_ms:.0f} ms)"
    return Measured(
        [
            Figure(f"latency: p50, {above}", f"{p50_ms - waits_ms:+.0f}"),
            Figure(f"latency: p99, {above}", f"{p99_ms - waits_ms:+.0f}"),
        ],
        [
            RawTable(
                "Milliseconds from rename-in to committed row",
                ("files", "least", "p50", "p90", "p99", "most"),
                (
                    (
                        str(files),
                        f"{1000 * min(taken):.0f}",
                        f"{p50_ms:.0f}",
                        f"{1000 * percentile(taken, 90):.0f}",
                        f"{p99_ms:.0f}",
                        f"{1000 * max(taken):.0f}",
                    ),
                ),
            )
        ],
    )


def measure_idle(seconds: float) -> Measured:
    """CPU time of a daemon with nothing to do, all its processes together."""
    say(f"CPU of an idle daemon for {seconds:g} s")
    with home() as place, watching(place) as process:
        processes = family(process)
        before = [each.cpu_times() for each in processes]
        began = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - began
        after = [each.cpu_times() for each in processes]
    used = sum(
        (late.user + late.system) - (early.user + early.system)
        for early, late in zip(before, after, strict=True)
    )
    return Measured(
        [Figure("idle: CPU of a daemon with nothing to do, % of a core", f"{used / elapsed:.2%}")],
        [
            RawTable(
                "Idle",
                ("processes", "seconds watched", "CPU seconds used"),
                ((str(len(processes)), f"{elapsed:.1f}", f"{used:.2f}"),),
            )
        ],
    )


def _latency_seconds(ready: Path, folder: Path, connection: sqlite3.Connection) -> float:
    chave = ready.read_bytes().partition(b'Id="NFe')[2][:44].decode()
    began = time.perf_counter()
    os.rename(ready, folder / ready.name)
    seen = None
    while seen is None:
        time.sleep(_POLL_SECONDS)
        seen = connection.execute(
            "select 1 from notas_fiscais where chave_acesso = ?", (chave,)
        ).fetchone()
        if time.perf_counter() - began > _PATIENCE_SECONDS:
            raise RuntimeError(f"{ready.name} was not stored within {_PATIENCE_SECONDS:g} s")
    return time.perf_counter() - began
