"""Files are read in slices, and each comes out as if it were alone."""

import tracemalloc
from dataclasses import replace
from functools import partial
from pathlib import Path

from nfed.core.outcome import Deferred, Refused
from nfed.documents.checks import Checks, Policy
from nfed.workers.read import WorkerSettings, read_file, read_files, readings_of
from tests.support.notes import note

SETTINGS = WorkerSettings(
    Checks(totals=Policy.REFUSE), max_file_bytes=1 << 20, memory_bytes=1 << 30
)


def write(folder: Path) -> list[str]:
    """Twenty notes, and among them whatever else a file can be."""
    for n in range(20):
        (folder / f"{n:02}.xml").write_bytes(note(n))
    (folder / "03-empty.xml").write_bytes(b"")
    (folder / "05-cut.xml").write_bytes(note(5)[:900])
    (folder / "07-large.xml").write_bytes(b" " * (1 << 21))
    (folder / "11-other.xml").write_bytes(b"<html/>")
    (folder / "13-totals.xml").write_bytes(note(13).replace(b"<vNF>", b"<vNF>9", 1))
    return sorted(map(str, [*folder.iterdir(), folder / "09-gone.xml"]))


def test_a_file_among_others_reads_as_it_does_alone(tmp_path: Path):
    paths = write(tmp_path)

    together = read_files(paths, SETTINGS)

    alone = [read_file(path, SETTINGS) for path in paths]
    assert [replace(each, duration_ms=0) for each in together] == [
        replace(each, duration_ms=0) for each in alone
    ]
    kinds = [type(each.result) for each in together]
    assert (kinds.count(tuple), kinds.count(Refused), kinds.count(Deferred)) == (21, 2, 3)


def test_a_file_counts_its_own_time_alone(tmp_path: Path):
    element = note(1).partition(b"?>")[2]
    (tmp_path / "one.xml").write_bytes(element)
    (tmp_path / "many.xml").write_bytes(b"<lote>" + element * 40 + b"</lote>")
    read_file(str(tmp_path / "one.xml"), SETTINGS)  # compiles the schema

    many, one = read_files([str(tmp_path / "many.xml"), str(tmp_path / "one.xml")], SETTINGS)

    assert 0 < one.duration_ms < many.duration_ms / 4


def test_a_slice_holds_few_bytes():
    def opened(number: int) -> tuple[bytes, None]:
        return b"x%d" % number + b"." * 600_000, None

    tracemalloc.start()
    try:
        readings = readings_of([partial(opened, number) for number in range(12)], SETTINGS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(readings) == 12
    assert peak < 4_000_000
