"""The notes that are measured with: generated once, copied afresh for every round."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.generator import Generator, write

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
ITEMS = 5
_SEED = 1


class Notes:
    """Plain notes of so many items, numbered from 0; the same on every machine."""

    def __init__(self, items: int = ITEMS) -> None:
        sources = sorted(Path(__file__).parent.glob("generator*.py"))
        version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
        self._items = items
        self._version = BUILD / f"notes-{version}"
        self._cache = self._version / f"items-{items}"

    def provide(self, count: int) -> None:
        """Sees to it that `count` notes are in the cache; drops those of another generator."""
        for other in BUILD.glob("notes-*"):
            if other != self._version:
                shutil.rmtree(other)
        self._cache.mkdir(parents=True, exist_ok=True)
        missing = [n for n in range(count) if not (self._cache / _name(n)).exists()]
        if not missing:
            return
        say(f"generating {len(missing):,} notes, once")
        generator = Generator(_SEED)
        for n in missing:
            note = generator.note(n, items=self._items, rich=False)
            write(self._cache, _name(n), note.xml)

    def copy(self, count: int, folder: Path) -> None:
        """Copies the first `count` notes into a new folder, and waits until they are on disk.

        They are copies and no links, for what is measured moves them; and nothing is left for
        the kernel to write during the measurement.
        """
        folder.mkdir(parents=True)
        for n in range(count):
            shutil.copyfile(self._cache / _name(n), folder / _name(n))
        os.sync()

    def path(self, n: int) -> Path:
        """One note in the cache."""
        return self._cache / _name(n)


@contextmanager
def home() -> Iterator[Path]:
    """A folder for one run, gone after it."""
    with TemporaryDirectory(prefix="run-", dir=BUILD) as name:
        yield Path(name)


def say(what: str) -> None:
    """Tells whoever waits what goes on."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


def _name(n: int) -> str:
    return f"nota-{n:06d}.xml"
