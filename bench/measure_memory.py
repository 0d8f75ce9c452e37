"""Memory and time by the size of the backlog."""

from collections import defaultdict

from bench.measure import Figure, Measured, RawTable, at_most, median
from bench.measure_nfed import FOLDER, Import, import_backlog
from bench.measure_noise import Noise
from bench.measure_notes import Notes, home, say
from bench.small_notes import drop_small_notes

MEMORY_TARGET = 1.3


def backlogs(files: int, *, full: bool) -> tuple[int, int, int, int]:
    """The sizes measured: growth begins at the first, memory is compared with the second."""
    return (max(files // 10, 1), max(files // 2, 1), files, files * (10 if full else 2))


def measure_memory(notes: Notes, sizes: tuple[int, int, int, int], rounds: int) -> Measured:
    """Imports backlogs of every size, the smallest first, round by round."""
    taken: dict[int, list[Import]] = defaultdict(list)
    noise: dict[int, Noise] = defaultdict(Noise)
    for number in range(1, rounds + 1):
        for files in sizes:
            say(f"memory and time with {files:,} files, round {number} of {rounds}")
            with home() as place:
                notes.copy(files, place / FOLDER)
                with noise[files].watched():
                    taken[files].append(import_backlog(place, files, with_memory=True))

    _, few, some, many = sizes
    pss = {files: median(each.peak_pss_bytes for each in runs) for files, runs in taken.items()}
    thousand = {files: median(map(_thousand_seconds, runs)) for files, runs in taken.items()}
    memory = f"memory: peak PSS with {many:,} files waiting, times that with {few:,}"
    growth = f"growth: seconds for 1,000 files of {many:,}, times those of {some:,}"
    return Measured(
        [
            at_most(memory, pss[many] / pss[few], MEMORY_TARGET),
            Figure(growth, f"{thousand[many] / thousand[some]:.2f}", "about 1"),
        ],
        [
            RawTable(
                "Memory and time by backlog, a figure a round",
                (
                    "files",
                    "peak PSS, MB",
                    "seconds",
                    "seconds for 1,000 files",
                    "% of the CPUs that others took",
                ),
                tuple(
                    (
                        f"{files:,}",
                        ", ".join(f"{each.peak_pss_bytes / 1e6:.0f}" for each in runs),
                        ", ".join(f"{each.seconds:.2f}" for each in runs),
                        ", ".join(f"{_thousand_seconds(each):.3f}" for each in runs),
                        str(noise[files]),
                    )
                    for files, runs in taken.items()
                ),
            )
        ],
    )


def _thousand_seconds(run: Import) -> float:
    return run.seconds * 1000 / run.files


MILLION = (50_000, 1_000_000)
MILLION_TARGET = 1.15


def measure_million(sizes: tuple[int, int] = MILLION) -> Measured:
    """Whether memory grows with the files that were imported: small notes, few and many."""
    peaks: list[int] = []
    rows: list[tuple[str, ...]] = []
    for files in sizes:
        say(f"memory with {files:,} small notes")
        with home() as place:
            drop_small_notes(files, place / FOLDER)
            with (noise := Noise()).watched():
                run = import_backlog(place, files, with_memory=True)
        peaks.append(run.peak_pss_bytes)
        pss, speed = f"{run.peak_pss_bytes / 1e6:.0f}", f"{run.files_a_second:,.0f}"
        rows.append((f"{files:,}", pss, f"{run.seconds:.0f}", speed, str(noise)))
    few, many = sizes
    name = f"memory: peak PSS with {many:,} small notes, times that with {few:,}"
    header = (
        "files",
        "peak PSS, MB",
        "seconds",
        "files a second",
        "% of the CPUs that others took",
    )
    return Measured(
        [at_most(name, peaks[1] / peaks[0], MILLION_TARGET)],
        [RawTable("Memory by small notes that were imported", header, tuple(rows))],
    )
