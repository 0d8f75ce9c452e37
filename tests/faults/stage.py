"""One daemon, all that was sent to it, and the one checker of what must be true of it in the end.

Whatever happened meanwhile:

- every file that was sent lies in exactly one place, with its bytes;
- what is in done/ has its row, with all its items;
- what is in failed/ has its reason beside it, and no reason is alone;
- there is one row a key, and the database is sound;
- nothing is left in the drop folder, and nothing of nfed's own making lies about.
"""

import hashlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.generator import Note
from tests.faults.tally import count
from tests.support.archives import zipped
from tests.support.harness import Daemon, Rig, eventually, note

SHORT = {"settle_seconds": 0.05, "debounce_seconds": 0.05, "rescan_seconds": 1}
_OWN = frozenset({".nfed.lock", ".nfed.moved", ".nfed.strikes"})


@dataclass(frozen=True)
class Sent:
    """A file as a producer made it."""

    content: bytes
    shelf: str
    """Where it must end: done or failed."""
    notes: tuple[Note, ...] = ()
    """That must be stored if it ends in done/."""


@dataclass
class Stage:
    """A rig whose daemons meet faults; `chance` makes the same faults of the same seed."""

    rig: Rig
    chance: random.Random
    sent: dict[str, Sent] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    rows: Callable[[], list[tuple[str, int]]] | None = None
    """Key and number of items of each stored note; None: those of the rig's SQLite database."""
    excused: set[str] = field(default_factory=set)
    """Keys whose rows somebody took away."""
    daemon: Daemon | None = None
    _next: int = 0

    # --- producers -------------------------------------------------------------------------------

    def send(self, files: int, *, fsync: bool = False) -> list[str]:
        """Drops as many new files, of all sorts, as producers do who rename; returns the names."""
        return [self._send_one(fsync) for _ in range(files)]

    def _send_one(self, fsync: bool) -> str:
        self._next += 1
        number = self._next
        match self.chance.randrange(20):
            case 0:
                name, sent = f"{number}.xml", Sent(b"<nothing>%d</nothing>" % number, "failed")
            case 1:
                inside = tuple(note(100_000 + 10 * number + n, items=1) for n in range(3))
                members = [(each.name, each.xml) for each in inside]
                name, sent = f"{number}.zip", Sent(zipped(members), "done", inside)
            case 2 if self.sent:
                # The same document again, with other bytes.
                again = self.chance.choice(list(self.sent.values()))
                content = again.content + b"\n" * number if len(again.notes) == 1 else b"<n/>"
                shelf = "done" if len(again.notes) == 1 else "failed"
                content = content if shelf == "done" else b"<again>%d</again>" % number
                name = f"again-{number}.xml"
                sent = Sent(content, shelf, again.notes if shelf == "done" else ())
            case _:
                one = note(number, items=self.chance.randint(1, 3))
                name, sent = f"{number}-{one.name}", Sent(one.xml, "done", (one,))
        self.put(name, sent, fsync=fsync)
        return name

    def put(self, name: str, sent: Sent, *, fsync: bool = False) -> None:
        """Writes it under another name and renames it."""
        self.sent[name] = sent
        hidden = self.rig.folder / ".being-dropped"
        with open(hidden, "wb") as file:
            file.write(sent.content)
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        hidden.rename(self.rig.folder / name)

    # --- the daemon ------------------------------------------------------------------------------

    def launch(self, **options: object) -> Daemon:
        """Starts the daemon and does not wait."""
        settings = SHORT | self.settings | options
        self.daemon = self.rig.launch(env=self.env, **settings)
        return self.daemon

    def start(self, **options: object) -> Daemon:
        """Starts the daemon and waits until it watches."""
        daemon = self.launch(**options)
        daemon.waits_for("daemon_started", 120)
        return daemon

    def is_running(self) -> bool:
        """Whether the daemon is alive."""
        return self.daemon is not None and self.daemon.process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        assert self.daemon is not None
        count("kill -9")
        self.daemon.kill()

    def waits_until_done(self, files: int) -> None:
        """Until so many have been put away."""
        eventually(lambda: len(self.rig.done()) >= files, f"{files} are done", 120)

    def ends(self, seconds: float = 180.0, *, may_die: bool = False) -> None:
        """The fault is over: all that waits is imported, the daemon stops, the end is checked.

        `may_die`: a daemon that ended is started again, as systemd does, until all is imported.
        """
        if not self.is_running():
            self.start()

        def is_drained() -> bool:
            if may_die and not self.is_running():
                assert self.daemon is not None
                assert self.daemon.process.returncode != 78, "systemd would not start it again"
                self.start()
            return self.rig.is_drained()

        eventually(is_drained, f"{self.rig.folder} is empty", seconds)
        assert self.daemon is not None
        end = (self.daemon.stop(seconds=60), self.daemon.noise())
        assert may_die or end == (0, [])
        self.check()

    # --- the checker -----------------------------------------------------------------------------

    def check(self, *, left: frozenset[str] = frozenset()) -> None:
        """All that must be true in the end; `left` are the names that may wait."""
        folder = self.rig.folder
        places = {shelf: _files_below(folder / shelf) for shelf in ("done", "failed")}
        reasons = {p for p in places["failed"] if p.endswith(".error.json")}
        refused = {p: c for p, c in places["failed"].items() if p not in reasons}
        waiting = {name: (folder / name).read_bytes() for name in self.rig.left()}

        assert set(waiting) <= left, f"left in the drop folder: {sorted(waiting)[:5]}"
        found = Counter(
            hashlib.sha256(content).digest()
            for content in [*places["done"].values(), *refused.values(), *waiting.values()]
        )
        wanted = Counter(hashlib.sha256(each.content).digest() for each in self.sent.values())
        more = found - wanted
        named = [
            path
            for path, content in (*places["done"].items(), *refused.items(), *waiting.items())
            if hashlib.sha256(content).digest() in more
        ]
        assert found == wanted, (
            f"{(wanted - found).total()} of {wanted.total()} sent files are nowhere with their "
            f"bytes, {more.total()} files hold what nobody sent: {named[:10]}"
        )
        self._check_rows(places["done"])
        assert {f"{path}.error.json" for path in refused} == reasons
        for path, content in refused.items():
            reason = json.loads(places["failed"][f"{path}.error.json"])
            assert reason["error_type"]
            if not path.endswith((".zip", ".gz")):  # an archive is not hashed
                assert reason["sha256"] == hashlib.sha256(content).hexdigest(), path
        self._check_shelves(places["done"], refused)
        self._check_litter()

    def _check_rows(self, done: Mapping[str, bytes]) -> None:
        stored = self._stored()
        assert [chave for chave, times in Counter(c for c, _ in stored).items() if times > 1] == []
        items = dict(stored)
        by_content = {each.content: each for each in self.sent.values()}
        wanted = {
            one.chave: one.itens for content in done.values() for one in by_content[content].notes
        }
        missing = {chave for chave in wanted if chave not in items} - self.excused
        assert not missing, f"{len(missing)} notes of files in done/ have no row"
        assert {c: n for c, n in items.items() if wanted.get(c) not in (n, None)} == {}
        assert set(items) - set(wanted) == set(), "rows of notes that are not in done/"

    def _stored(self) -> list[tuple[str, int]]:
        if self.rows is not None:
            return self.rows()
        assert self.rig.rows("pragma integrity_check") == [("ok",)]
        assert self.rig.rows("pragma foreign_key_check") == []
        return [
            (str(chave), int(str(items)))
            for chave, items in self.rig.rows(
                "select n.chave_acesso, count(i.id) from notas_fiscais n "
                "left join nf_itens i on i.nota_fiscal_id = n.id group by n.id"
            )
        ]

    def _check_shelves(self, done: Mapping[str, bytes], refused: Mapping[str, bytes]) -> None:
        shelf_of = {each.content: each.shelf for each in self.sent.values()}
        assert [path for path, content in done.items() if shelf_of[content] != "done"] == []
        assert [path for path, content in refused.items() if shelf_of[content] != "failed"] == []

    def _check_litter(self) -> None:
        litter = [
            path
            for path in map(str, self.rig.folder.rglob(".*"))
            if os.path.basename(path) not in _OWN and not path.endswith(".being-dropped")
        ]
        assert litter == []


def random_moment(chance: random.Random, most_seconds: float) -> None:
    """Waits for a moment of chance, for what depends on when it happens."""
    time.sleep(chance.uniform(0, most_seconds))


def _files_below(folder: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(os.path.join(where, name), folder): Path(where, name).read_bytes()
        for where, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".")
    }
