"""Archives in a job whose worker dies over them."""

import asyncio

from nfed.core.job import JobState
from nfed.core.ports import WorkerCrashed
from nfed.intake.strikes import NAME, FolderStrikes
from tests.flow.test_processor import opened
from tests.support.archives import zipped
from tests.support.notes import note


class Deadly:
    """Workers that die of any request that concerns one member."""

    def __init__(self, workers, name):
        self._workers = workers
        self._name = name
        self.read = workers.read
        self.list_archive = workers.list_archive
        self.member_bytes = workers.member_bytes
        self.check = workers.check
        self.deaths = 0

    async def read_members(self, path, version, members):
        if any(member.path.endswith(self._name) for member in members):
            self.deaths += 1
            raise WorkerCrashed("signal 9")
        return await self._workers.read_members(path, version, members)


class Unlistable:
    """Workers that die of every archive."""

    async def list_archive(self, path, version):
        raise WorkerCrashed("signal 9")

    async def check(self):
        pass


async def test_a_member_that_kills_its_worker_costs_only_itself(tmp_path):
    async with opened(tmp_path) as bench:
        members = [(f"{n}.xml", note(n)) for n in range(5)]
        (bench.root / "a.zip").write_bytes(zipped(members))
        deadly = Deadly(bench.ports.reader, "3.xml")

        job, stayed = await bench.run(reader=deadly)

        assert (job.state, job.total_files, job.imported, job.refused) == (
            JobState.COMPLETED,
            5,
            4,
            1,
        )
        assert deadly.deaths == 4  # with the others, then three times alone
        assert stayed == []
        kept = bench.root / "failed" / "3.xml"
        assert kept.read_bytes() == note(3)
        assert '"WorkerDied"' in kept.with_name("3.xml.error.json").read_text()
        assert (bench.root / "done" / "a.zip").exists()


async def test_an_archive_that_kills_its_worker_is_refused(tmp_path):
    async with opened(tmp_path) as bench:
        (bench.root / "a.zip").write_bytes(zipped([("a.xml", note(1))]))

        job, _ = await bench.run(reader=Unlistable())

        assert (job.total_files, job.imported, job.refused) == (1, 0, 1)
        assert (bench.root / "failed" / "a.zip").exists()


async def test_a_full_failed_folder_keeps_the_archive_where_it_is(tmp_path):
    """What is refused must be on the disk before the archive moves."""
    async with opened(tmp_path) as bench:
        (bench.root / "a.zip").write_bytes(zipped([("a.xml", note(1)), ("b.xml", b"<b/>")]))
        failed = bench.root / "failed"
        failed.rmdir()
        failed.write_bytes(b"in the way")

        job, stayed = await bench.run()

        assert [fate.arrival.path for fate in stayed] == ["a.zip"]
        assert (job.imported, job.refused, job.deferred) == (1, 1, 1)
        assert (bench.root / "a.zip").exists()

        failed.unlink()
        job, stayed = await bench.run()

        assert stayed == []
        assert (job.duplicate, job.refused) == (1, 1)
        assert (failed / "b.xml").read_bytes() == b"<b/>"
        assert (bench.root / "done" / "a.zip").exists()


class Poisoned:
    """Workers that die of one file; with `broken`, of everything."""

    def __init__(self, workers, name, *, broken=False):
        self._workers = workers
        self._name = name
        self._broken = broken
        self.tries = 0

    async def read(self, paths):
        if any(path.endswith(self._name) for path in paths):
            self.tries += len(paths) == 1
            raise WorkerCrashed("no answer within 20 s")
        return await self._workers.read(paths)

    async def check(self):
        if self._broken:
            raise WorkerCrashed("exit code 71")
        await self._workers.check()


async def test_strikes_of_an_earlier_job_count(tmp_path):
    """A file that eats its time goes to failed/, though each job ends before its third try."""
    async with opened(tmp_path) as bench:
        for n in range(3):
            (bench.root / f"{n}.xml").write_bytes(note(n))
        strikes = FolderStrikes(bench.root)
        for arrival in bench.folder.scan(()):
            if arrival.path == "1.xml":
                strikes.add(arrival)
                strikes.add(arrival)
        poisoned = Poisoned(bench.ports.reader, "1.xml")

        job, stayed = await bench.run(reader=poisoned, strikes=FolderStrikes(bench.root))

        assert (job.state, job.imported, job.refused, stayed) == (JobState.COMPLETED, 2, 1, [])
        assert poisoned.tries == 1
        assert not (bench.root / NAME).exists()


async def test_a_machine_on_which_no_worker_can_read_refuses_nothing(tmp_path):
    async with opened(tmp_path) as bench:
        for n in range(3):
            (bench.root / f"{n}.xml").write_bytes(note(n))

        job, stayed = await bench.run(reader=Poisoned(bench.ports.reader, ".xml", broken=True))

        assert (job.state, job.refused, job.deferred) == (JobState.COMPLETED, 0, 3)
        assert len(stayed) == 3
        assert bench.names("failed") == []


async def test_each_try_of_a_file_is_progress(tmp_path):
    """Files that eat their time must not fail the job that finds them out."""
    async with opened(tmp_path) as bench:
        for n in range(4):
            (bench.root / f"{n}.xml").write_bytes(note(n))

        class Slow(Poisoned):
            async def read(self, paths):
                await asyncio.sleep(0.4)
                return await super().read(paths)

        job, _ = await bench.run(reader=Slow(bench.ports.reader, ".xml"), timeout_seconds=2.5)

        assert (job.state, job.refused) == (JobState.COMPLETED, 4)
