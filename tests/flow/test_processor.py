"""Jobs over real files, workers, SQLite and ledger; the world's faults come in at the ports."""

import asyncio
import json
import os
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nfed.core.arrival import Arrival
from nfed.core.job import JobState
from nfed.core.outcome import Deferred
from nfed.core.ports import Fate
from nfed.documents.checks import Checks
from nfed.errors import StoreUnavailable
from nfed.flow.guard import Ports
from nfed.flow.jobs import Jobs
from nfed.flow.processor import Processor
from nfed.intake.folder import Folder
from nfed.intake.shelves import FolderShelves
from nfed.ledger.history import SQLiteLedger
from nfed.ledger.reader import LedgerReader
from nfed.stores.sqlite.store import SQLiteStore
from nfed.workers.pool import Workers
from nfed.workers.process import WorkerSettings
from tests.support.notes import note, with_value

pytestmark = pytest.mark.slow

SETTINGS = WorkerSettings(Checks(), max_file_bytes=1 << 20, memory_bytes=1 << 30)


class Bench:
    """Everything a job needs, and what it left behind."""

    def __init__(self, root: Path, ports: Ports, folder: Folder) -> None:
        self.root = root
        self.ports = ports
        self.folder = folder
        self.stopping = asyncio.Event()
        self.jobs = Jobs()

    async def run(self, *, timeout_seconds=60.0, final=False, strikes=None, **changed):
        ports = Ports(
            **{
                name: changed.get(name, getattr(self.ports, name))
                for name in ("reader", "store", "ledger", "shelves")
            }
        )
        processor = Processor(
            ports,
            root=str(self.root),
            max_concurrent=3,
            timeout_seconds=timeout_seconds,
            strikes=strikes,
            stopping=self.stopping,
        )
        batch = tuple(sorted(self.folder.scan(()), key=lambda arrival: arrival.path))
        job = self.jobs.create(str(self.root), len(batch))
        everything = frozenset(arrival.path for arrival in batch)
        stayed = await processor.process(job, batch, final=everything if final else frozenset())
        return job, stayed

    def query(self, sql, *parameters):
        connection = sqlite3.connect(self.root.parent / "nfed.db")
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def names(self, shelf=""):
        return sorted(path.name for path in (self.root / shelf).glob("*.xml"))


@asynccontextmanager
async def opened(tmp_path, **timeouts):
    root = tmp_path / "xml_nf"
    root.mkdir()
    folder = Folder(root)
    folder.open()
    store = SQLiteStore(tmp_path / "nfed.db")
    ledger = SQLiteLedger(tmp_path / "ledger.db")
    shelves = FolderShelves(root, "")
    await store.open()
    await ledger.open()
    async with Workers(2, SETTINGS, **timeouts) as workers:
        yield Bench(root, Ports(workers, store, ledger, shelves), folder)
    shelves.close()
    await ledger.close()
    await store.close()
    folder.close()


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as made:
        yield made


def drop(bench, count, start=0):
    for n in range(start, start + count):
        (bench.root / f"{n:04d}.xml").write_bytes(note(n))


class Watching:
    """Shelves that look, before each move, whether the fate is on record."""

    def __init__(self, bench):
        self._bench = bench
        self._ledger = LedgerReader(bench.root.parent / "ledger.db")
        self.too_early = []
        self.moved = 0

    async def put_away(self, fates, job_id):
        connection = sqlite3.connect(self._bench.root.parent / "ledger.db")
        known = {name for (name,) in connection.execute("select name from files")}
        connection.close()
        for fate in fates:
            chave = getattr(fate.outcome, "chave", None)
            stored = self._bench.query(
                "select 1 from notas_fiscais where chave_acesso = ?", chave
            ) or isinstance(fate.outcome, Deferred)
            if not stored or fate.arrival.path not in known:
                self.too_early.append(fate)
        self.moved += len(fates)
        return await self._bench.ports.shelves.put_away(fates, job_id)


async def test_a_file_is_moved_only_after_its_fate_is_committed(bench):
    drop(bench, 150)
    watching = Watching(bench)

    job, _ = await bench.run(shelves=watching)

    assert job.state is JobState.COMPLETED
    assert (watching.moved, watching.too_early) == (150, [])
    assert len(bench.names("done")) == 150


async def test_one_file_that_the_database_rejects_costs_only_itself(bench):
    drop(bench, 70)
    (bench.root / "mau.xml").write_bytes(with_value(note(500), "cProd", "MAU"))
    connection = sqlite3.connect(bench.root.parent / "nfed.db")
    connection.execute(
        "create trigger no before insert on nf_itens when new.codigo_produto = 'MAU' "
        "begin select raise(abort, 'no MAU here'); end"
    )
    connection.commit()
    connection.close()

    job, _ = await bench.run()

    assert (job.state, job.imported, job.refused) == (JobState.COMPLETED, 70, 1)
    assert bench.names("failed") == ["mau.xml"]
    reason = json.loads((bench.root / "failed" / "mau.xml.error.json").read_text())
    assert reason["error_type"] == "RejectedByDatabase"
    assert "no MAU here" in reason["error"]


class Flaky:
    """A store that is away for the first calls."""

    def __init__(self, store, failures):
        self._store = store
        self.failures = failures
        self.calls = 0

    async def store(self, incoming, job_id):
        self.calls += 1
        if self.calls <= self.failures:
            raise StoreUnavailable("database is away")
        return await self._store.store(incoming, job_id)


async def test_an_outage_of_the_database_costs_no_file(bench):
    drop(bench, 100)

    job, stayed = await bench.run(store=Flaky(bench.ports.store, 5))

    assert (job.state, job.imported, stayed) == (JobState.COMPLETED, 100, [])
    assert bench.names("failed") == []


async def test_a_job_without_progress_is_failed_and_its_files_stay(bench):
    drop(bench, 10)

    job, _ = await bench.run(store=Flaky(bench.ports.store, 10**6), timeout_seconds=3.0)

    assert job.state is JobState.FAILED
    assert job.reason == "database is away"
    assert len(bench.names()) == 10
    assert bench.names("failed") == []


class LostAnswer:
    """A store whose first answer is lost after the commit."""

    def __init__(self, store):
        self._store = store
        self.lost = 0

    async def store(self, incoming, job_id):
        outcomes = await self._store.store(incoming, job_id)
        if not self.lost:
            self.lost = len(incoming)
            raise StoreUnavailable("the connection broke")
        return outcomes


async def test_an_answer_that_is_lost_after_the_commit_stores_nothing_twice(bench):
    drop(bench, 20)
    store = LostAnswer(bench.ports.store)

    job, _ = await bench.run(store=store)

    assert store.lost == 20
    assert (job.duplicate, bench.query("select count(*) from notas_fiscais")) == (20, [(20,)])
    assert len(bench.names("done")) == 20


async def test_a_bug_in_a_port_fails_the_job_and_leaves_the_files(bench):
    drop(bench, 10)

    class Broken:
        async def store(self, incoming, job_id):
            raise RuntimeError("a bug")

    job, _ = await bench.run(store=Broken())

    assert job.state is JobState.FAILED
    assert "a bug" in job.reason
    assert len(bench.names()) == 10


async def test_a_stop_finishes_the_running_chunks_and_leaves_the_rest(bench):
    drop(bench, 300)

    class Stopping:
        def __init__(self, ledger):
            self._ledger = ledger
            self.save_job = ledger.save_job

        async def record(self, job, fates):
            bench.stopping.set()
            await self._ledger.record(job, fates)

    job, _ = await bench.run(ledger=Stopping(bench.ports.ledger))

    assert job.state is JobState.CANCELLED
    done, left = bench.names("done"), bench.names()
    assert len(done) + len(left) == 300
    assert 0 < len(done) < 300
    assert bench.query("select count(*) from notas_fiscais") == [(len(done),)]


async def test_a_file_that_changed_after_it_settled_is_deferred(bench):
    drop(bench, 2)
    batch = tuple(bench.folder.scan(()))
    (bench.root / "0000.xml").write_bytes(note(900))
    job = bench.jobs.create(str(bench.root), len(batch))
    processor = Processor(bench.ports, root=str(bench.root), max_concurrent=1, timeout_seconds=60)

    stayed = await processor.process(job, batch)

    assert [fate.arrival.path for fate in stayed] == ["0000.xml"]
    assert bench.names() == ["0000.xml"]
    assert bench.names("done") == ["0001.xml"]


async def test_a_truncated_file_is_deferred_first_and_refused_at_last(bench):
    (bench.root / "meia.xml").write_bytes(note(1)[:2000])

    job, stayed = await bench.run()
    assert (job.deferred, job.refused) == (1, 0)
    assert isinstance(stayed[0].outcome, Deferred)
    assert bench.names() == ["meia.xml"]

    job, stayed = await bench.run(final=True)
    assert (job.deferred, job.refused, stayed) == (0, 1, [])
    assert bench.names("failed") == ["meia.xml"]


@pytest.mark.parametrize(
    ("content", "error_type"),
    [
        (b"lixo", "XMLParseError"),
        (b"<!DOCTYPE x><NFe/>", "HostileXML"),
        (b"<html/>", "NotFiscalDocument"),
        (b"x" * (1 << 20) + b"x", "FileTooLarge"),
    ],
)
async def test_a_refused_file_has_its_reason_beside_it(bench, content, error_type):
    (bench.root / "mau nome.xml").write_bytes(content)

    job, _ = await bench.run()

    assert job.refused == 1
    reason = json.loads((bench.root / "failed" / "mau nome.xml.error.json").read_text())
    assert reason["error_type"] == error_type
    assert reason["job_id"] == job.job_id
    assert reason["file"] == "mau nome.xml"
    assert reason["advice"]
    assert reason["timestamp"][-6] in "+-"


async def test_memory_that_a_worker_eats_costs_one_file(tmp_path):
    """The limit is far below what this file's tree needs."""
    root = tmp_path / "xml_nf"
    root.mkdir()
    settings = WorkerSettings(Checks(), max_file_bytes=1 << 30, memory_bytes=300 << 20)
    (root / "0.xml").write_bytes(note(0))
    (root / "big.xml").write_bytes(b"<NFe>" + b"<a/>" * 6_000_000 + b"</NFe>")
    async with Workers(1, settings) as workers:
        ports = Ports(workers, _Never(), _Nothing(), _Nothing())
        processor = Processor(ports, root=str(root), max_concurrent=1, timeout_seconds=120)
        batch = tuple(Arrival(path.name, *_version(path)) for path in sorted(root.glob("big.xml")))
        job = Jobs().create(str(root), 1)

        await processor.process(job, batch)

        assert (job.state, job.refused) == (JobState.COMPLETED, 1)
        answers = await workers.read([str(root / "0.xml")])
        assert answers[0].sha256


def _version(path):
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class _Never:
    async def store(self, incoming, job_id):
        raise AssertionError("nothing to store")


class _Nothing:
    def __init__(self):
        self.fates: list[Fate] = []

    async def save_job(self, job):
        pass

    async def record(self, job, fates):
        self.fates += fates

    async def put_away(self, fates, job_id):
        return []


async def test_a_ledger_that_is_damaged_is_kept_aside_and_keeps_no_file_waiting(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database at all, only words" * 100)

    async with opened(tmp_path) as bench:
        drop(bench, 3)
        job, _ = await bench.run()

    assert job.imported == 3
    assert [path.name[:18] for path in tmp_path.glob("ledger.db.damaged-*")] == [
        "ledger.db.damaged-"
    ]


class Immovable:
    """Shelves on which nothing can be put for a while."""

    def __init__(self, shelves):
        self._shelves = shelves
        self.is_full = True

    async def put_away(self, fates, job_id):
        return list(fates) if self.is_full else await self._shelves.put_away(fates, job_id)


async def test_what_cannot_be_moved_is_moved_later_without_another_import(bench):
    drop(bench, 3)
    shelves = Immovable(bench.ports.shelves)
    ports = Ports(bench.ports.reader, bench.ports.store, bench.ports.ledger, shelves)
    processor = Processor(ports, root=str(bench.root), max_concurrent=1, timeout_seconds=60)
    batch = tuple(bench.folder.scan(()))
    job = bench.jobs.create(str(bench.root), 3)

    stayed = await processor.process(job, batch)
    names = {fate.arrival.path for fate in stayed}
    assert (job.imported, len(names), len(bench.names())) == (3, 3, 3)
    assert await processor.put_away_again(names) == names

    shelves.is_full = False
    assert await processor.put_away_again(names) == set()
    assert len(bench.names("done")) == 3
