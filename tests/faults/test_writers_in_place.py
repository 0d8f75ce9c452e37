"""Producers that write notes in place while nfed reads and moves them; nfed may be killed.

Once with files of nfed's own user, once with those of another, whom no lease can tell of: the
Debian package's normal case (writers in the group nfe-drop, a daemon without capabilities).
"""

import os
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.generator import Note
from tests.faults.conftest import needs_root
from tests.support.harness import Rig, eventually, notes

NOBODY = 65534
NOTES = 1000
SHORT = {"settle_seconds": 0.05, "debounce_seconds": 0.05, "rescan_seconds": 1}
SIZE = 16_000


def padded(each: Note) -> bytes:
    """The note, as long as any other."""
    assert len(each.xml) <= SIZE
    return each.xml.ljust(SIZE)


class Producer(threading.Thread):
    """Writes another note into each file, of the same size, and sets mtime back."""

    def __init__(self, folder: Path, instead: Sequence[tuple[str, Note]], seed: int) -> None:
        super().__init__()
        self._folder = folder
        self._instead = instead
        self._chance = random.Random(seed)
        self.written: list[Note] = []

    def run(self) -> None:
        """Opens what it finds; whoever has it open has the right to write."""
        for name, note in self._instead:
            try:
                descriptor = os.open(self._folder / name, os.O_RDWR)
            except FileNotFoundError:
                continue  # nfed was quicker
            status = os.fstat(descriptor)
            content = padded(note)
            half = self._chance.choice([SIZE, SIZE // 2])
            time.sleep(self._chance.choice([0, 0, 0.002, 0.02]))
            os.pwrite(descriptor, content[:half], 0)
            if half < SIZE:
                time.sleep(self._chance.choice([0, 0.002, 0.02]))
                os.pwrite(descriptor, content[half:], half)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.close(descriptor)
            self.written.append(note)


@pytest.mark.parametrize("kills", [0, 5])
@pytest.mark.parametrize("owner", ["own", "another user's"])
def test_no_note_that_is_written_in_place_is_lost(rig: Rig, owner: str, kills: int) -> None:
    needs_root("to have files of two users")
    first, second = notes(NOTES), notes(NOTES, NOTES)
    for each in first:
        rig.drop(padded(each), each.name)
        if owner != "own":
            os.chown(rig.folder / each.name, NOBODY, NOBODY)
            os.chmod(rig.folder / each.name, 0o664)
    chance = random.Random(kills)
    replaced = [(old.name, new) for old, new in zip(first, second, strict=True)]
    # As os.scandir lists them, which is the order that nfed takes them in.
    order = {name: at for at, name in enumerate(os.listdir(rig.folder))}
    replaced.sort(key=lambda pair: order[pair[0]])
    producers = [Producer(rig.folder, replaced[start::3], start) for start in range(3)]

    daemon = rig.launch(unprivileged=True, **SHORT)
    daemon.waits_for("batch_processing_started")
    for producer in producers:
        producer.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 0.8))
        daemon.kill()
        daemon = rig.start(unprivileged=True, **SHORT)
    for producer in producers:
        producer.join()
    eventually(lambda: set(written(producers)) <= set(rig.chaves()), "all are stored", 60)
    rig.drains(60)
    daemon.stop()

    assert len(written(producers)) > 100
    stored, done = set(rig.chaves()), contents(rig.folder / "done")
    assert len(done) == NOTES
    assert rig.failed() == []
    both = {padded(each): each.chave for each in (*first, *second)}
    assert [content[:80] for content in done if content not in both] == []
    assert {both[content] for content in done} <= stored


def written(producers: Sequence[Producer]) -> list[str]:
    """The keys of all that came to be written in full."""
    return [note.chave for producer in producers for note in producer.written]


def contents(folder: Path) -> list[bytes]:
    """Of every file below it."""
    return [Path(where, name).read_bytes() for where, _, names in os.walk(folder) for name in names]
