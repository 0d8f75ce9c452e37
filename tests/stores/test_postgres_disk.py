"""A PostgreSQL without room: nothing is lost or refused, nothing comes twice, it drains later."""

import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from nfed.core.outcome import Duplicate, Imported
from nfed.errors import StoreUnavailable
from nfed.stores.postgres.store import PostgresStore
from tests.support.harness import Rig, fill_up, may_mount, never, notes, small_disk
from tests.support.notes import note
from tests.support.postgres_server import running
from tests.support.stores import ask_postgres, incoming


@contextmanager
def on_a_small_disk():
    """The URL of a database whose tables have few megabytes to grow, and that disk."""
    with running() as server:
        disk = server.folder / "disk"
        if not may_mount(disk):
            pytest.skip("needs the right to mount")
        with small_disk(disk, "60m"):
            tables = disk / "tables"
            tables.mkdir()
            os.chown(tables, pwd.getpwnam("nobody").pw_uid, -1)
            server.execute(f"create tablespace small location '{tables}'")
            server.execute("create database nfed tablespace small")
            yield server.url("nfed"), disk
            server.execute("drop database nfed with (force)")
            server.execute("drop tablespace small")


async def test_what_finds_no_room_is_stored_later_and_once():
    with on_a_small_disk() as (url, disk):
        store = PostgresStore(url, max_connections=1)
        await store.open()
        await store.store(incoming(note(0)), "job")
        ballast = disk / "ballast"
        fill_up(ballast)
        files = [note(n, rich=True, items=5) for n in range(1, 401)]

        with pytest.raises(StoreUnavailable, match="No space left"):
            await store.store(incoming(*files), "job")

        assert ask_postgres(url, "select count(*) from notas_fiscais") == [(1,)]
        ballast.unlink()
        for expected in (Imported, Duplicate):
            outcomes = await store.store(incoming(*files), "job")
            assert {type(outcome) for outcome in outcomes} == {expected}
        await store.close()
        assert ask_postgres(url, "select count(*) from notas_fiscais") == [(401,)]


def test_files_wait_for_room_and_drain_afterwards(tmp_path):
    dropped = notes(400, items=5)
    with on_a_small_disk() as (url, disk), Rig(tmp_path) as rig:
        daemon = rig.start(database_url=url)
        rig.drop_all(notes(1, start=9999))
        rig.drains()
        ballast = disk / "ballast"
        fill_up(ballast)

        rig.drop_all(dropped)
        said = daemon.waits_for("database_unavailable")
        never(lambda: rig.failed() or daemon.process.poll() is not None, seconds=3)

        assert "No space left" in str(said["error"])
        assert len(rig.left()) + len(rig.done()) == 401
        assert rig.left()
        ballast.unlink()
        rig.drains(60)
        assert daemon.stop() == 0
        assert rig.failed() == []
        assert ask_postgres(
            url, "select count(*), count(distinct chave_acesso) from notas_fiscais"
        ) == [(401, 401)]


async def test_a_server_that_its_full_disk_brought_down_takes_the_rest_when_it_is_up_again():
    """Without room for its log PostgreSQL stops, and stays down until somebody starts it."""
    with running() as server:
        disk = server.folder / "disk"
        if not may_mount(disk):
            pytest.skip("needs the right to mount")
        with small_disk(disk, "70m"):
            server.stop()
            _move(server.folder / "data" / "pg_wal", disk / "wal")
            server.start()
            store = PostgresStore(server.url(), max_connections=1)
            await store.open()
            await store.store(incoming(*_files(0)), "job")
            fill_up(disk / "ballast")
            stored = 100
            with pytest.raises(StoreUnavailable):
                for first in range(100, 4000, 100):
                    await store.store(incoming(*_files(first)), "job")
                    stored += 100
            with pytest.raises(StoreUnavailable):
                await store.store(incoming(*_files(stored)), "job")

            (disk / "ballast").unlink()
            server.start()

            again = [*_files(0), *_files(stored)]
            outcomes = [type(each) for each in await store.store(incoming(*again), "job")]
            assert outcomes == [Duplicate] * 100 + [Imported] * 100
            await store.close()
            assert ask_postgres(
                server.url(), "select count(*), count(distinct chave_acesso) from notas_fiscais"
            ) == [(stored + 100, stored + 100)]


def _files(first):
    return [note(n, rich=True, items=20) for n in range(first, first + 100)]


def _move(folder, place):
    """To another place, where it may still be written."""
    shutil.copytree(folder, place)
    shutil.rmtree(folder)
    folder.symlink_to(place)
    subprocess.run(["chown", "-R", "nobody", place], check=True)
