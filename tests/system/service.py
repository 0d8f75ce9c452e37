"""nfed on a machine: its folder, its rows, its journal."""

import sqlite3
import tempfile
from collections.abc import Collection, Iterable
from contextlib import closing
from pathlib import Path

from bench.generator import Note
from tests.support.harness import eventually
from tests.system.machine import Machine

FOLDER = "/srv/nfe/xml_nf"
DATABASE = "/var/lib/nfed/nfed.db"


class Service:
    """One unit, its settings, its drop folder and its SQLite database."""

    def __init__(
        self,
        machine: Machine,
        unit: str = "nfed.service",
        folder: str = FOLDER,
        database: str = DATABASE,
        settings: str = "/etc/nfed/nfed.toml",
    ) -> None:
        self.machine = machine
        self.unit = unit
        self.folder = folder
        self.database = database
        self.settings = settings

    def configure(self, **settings: object) -> None:
        """Writes nfed.toml; what is not given stays as the package has it."""
        values = {"xml_folder": self.folder, "database_url": f"sqlite:///{self.database}"}
        lines = [
            f"{name} = {value if isinstance(value, int | float) else repr(str(value))}\n"
            for name, value in (values | settings).items()
        ]
        self.machine.write(self.settings, "".join(lines))

    def dropin(self, text: str) -> None:
        """An administrator's drop-in for the unit; in force from the next start."""
        self.machine.write(f"/etc/systemd/system/{self.unit}.d/test.conf", text)
        self.machine.systemctl("daemon-reload")

    def restart(self) -> None:
        """Returns when it is up again."""
        self.machine.systemctl("restart", self.unit)

    def drop(self, notes: Iterable[Note]) -> None:
        """Files appear in the folder as from a producer, whole."""
        folder = self.machine.path(self.folder)
        for note in notes:
            (folder / note.name).write_bytes(note.xml)

    def waiting(self) -> set[str]:
        """Names that are still to be imported."""
        return {each.name for each in self.machine.path(self.folder).glob("*.xml")}

    def done(self) -> set[str]:
        """Names in done/."""
        return {each.name for each in self.machine.path(f"{self.folder}/done").rglob("*.xml")}

    def failed(self) -> set[str]:
        """Names in failed/, with those of the reasons."""
        return {each.name for each in self.machine.path(f"{self.folder}/failed").iterdir()}

    def finishes(self, notes: Collection[Note], seconds: float = 60.0) -> None:
        """Waits until all of them are in done/, and sees that each is stored exactly once."""
        names = {note.name for note in notes}
        eventually(lambda: names <= self.done(), f"{len(names)} files in done/", seconds)
        assert not self.waiting() & names
        stored = self.stored()
        assert len(stored) == len(set(stored))
        assert {note.chave for note in notes} <= set(stored)

    def begins(self, notes: Collection[Note]) -> None:
        """Waits until some of them are done and others not."""
        names = {note.name for note in notes}
        eventually(lambda: self.done() & names, "the first file in done/")
        assert self.waiting() & names, "the import was over before it could be interrupted"

    def stored(self) -> list[str]:
        """The keys of all stored notes, read from a copy so as not to disturb."""
        with tempfile.TemporaryDirectory() as folder:
            # As SQLite finds it, with what has not been written back yet.
            for ending in ("", "-wal"):
                source = self.machine.path(self.database + ending)
                if source.exists():
                    Path(folder, f"copy.db{ending}").write_bytes(source.read_bytes())
            with closing(sqlite3.connect(Path(folder, "copy.db"))) as connection:
                rows = connection.execute("select chave_acesso from notas_fiscais").fetchall()
        return [row[0] for row in rows]

    def says(self, text: str, seconds: float = 60.0) -> None:
        """Waits until the unit's journal has this text."""
        eventually(
            lambda: [line for line in self.machine.messages(self.unit) if text in line],
            f"{self.unit} says {text}",
            seconds,
        )

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.machine.show(self.unit, name)

    def status(self) -> str:
        """The line that `systemctl status` shows."""
        return self.show("StatusText")

    def restarts(self) -> int:
        """How often systemd has started it again."""
        return int(self.show("NRestarts"))

    def main_pid(self) -> str:
        """The daemon's process, as the machine numbers it."""
        return self.show("MainPID")
