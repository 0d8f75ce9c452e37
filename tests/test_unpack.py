"""Archives in a job whose worker dies over them."""

from daemon.core.job import JobState
from daemon.core.ports import WorkerCrashed
from tests.archives import zipped
from tests.notes import note
from tests.test_processor import opened


class Deadly:
    """Workers that die of any request that concerns one member."""

    def __init__(self, workers, name):
        self._workers = workers
        self._name = name
        self.read = workers.read
        self.list_archive = workers.list_archive
        self.member_bytes = workers.member_bytes
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
