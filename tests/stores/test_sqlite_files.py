"""A database is three files, and only its own -wal may be applied to it."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from nfed.core.outcome import Duplicate, Imported
from nfed.core.ports import Incoming
from nfed.documents import document_from
from nfed.documents.checks import Checks
from nfed.errors import StoreUnavailable
from nfed.stores.sqlite import schema
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.harness import note

SIDES = ("", "-wal", "-shm")


async def put(store, *numbers):
    return await store.store(
        [Incoming(document_from(note(n).xml, Checks()), f"{n}.xml") for n in numbers], "job-1"
    )


async def filled(path: Path, *numbers: int) -> None:
    """A database that was closed in order: one file."""
    store = SQLiteStore(path)
    await store.open()
    await put(store, *numbers)
    await store.close()


async def killed(path: Path, before: range, after: range) -> None:
    """A database as kill -9 leaves it: `after` is in its -wal alone."""
    away = path.with_name("running.db")
    await filled(away, *before)
    store = SQLiteStore(away)
    await store.open()
    for number in after:
        await put(store, number)
    copied(away, path)
    await store.close()
    assert os.stat(f"{path}-wal").st_size


def copied(source: Path, target: Path) -> None:
    for side in SIDES:
        shutil.copy2(f"{source}{side}", f"{target}{side}")


def replaced_by_mv(source: Path, target: Path) -> None:
    shutil.copy2(source, f"{target}.new")
    os.replace(f"{target}.new", target)


def replaced_by_cp(source: Path, target: Path) -> None:
    """The same file as far as device and inode tell."""
    shutil.copyfile(source, target)


def chaves(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        return [
            row[0]
            for row in connection.execute("select chave_acesso from notas_fiscais order by 1")
        ]


def content(path: Path | str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def removed(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def expected(*numbers: int) -> list[str]:
    return sorted(note(n).chave for n in numbers)


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}-wal.aside-*"))


async def opened_and_closed(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await store.close()


BY = pytest.mark.parametrize("replace", [replaced_by_mv, replaced_by_cp])


@BY
async def test_a_database_restored_after_a_kill_is_not_given_the_old_wal(tmp_path, replace):
    path = tmp_path / "nfed.db"
    await killed(path, range(3), range(3, 9))
    await filled(tmp_path / "other.db", 100, 101)
    wal = content(f"{path}-wal")

    replace(tmp_path / "other.db", path)
    await opened_and_closed(path)

    assert chaves(path) == expected(100, 101)
    [kept] = aside(path)
    assert content(kept) == wal


@BY
async def test_an_older_copy_of_the_same_database_is_not_given_the_wal(tmp_path, replace):
    path = tmp_path / "nfed.db"
    await filled(tmp_path / "running.db", 0, 1)
    shutil.copy2(tmp_path / "running.db", tmp_path / "backup.db")
    await killed(path, range(2, 5), range(5, 9))

    replace(tmp_path / "backup.db", path)
    await opened_and_closed(path)

    assert chaves(path) == expected(0, 1)
    assert len(aside(path)) == 1


@pytest.mark.parametrize("how", ["backup", "vacuum into"])
@pytest.mark.parametrize("checkpointed", [False, True])
async def test_a_backup_made_while_it_ran_is_whole_when_it_is_restored(tmp_path, how, checkpointed):
    """Its pages lie elsewhere than those of the -wal, though its last stamp is one of that."""
    path, backup = tmp_path / "nfed.db", tmp_path / "backup.db"
    store = SQLiteStore(path)
    await store.open()
    await put(store, 0, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("delete from nf_itens where id = 1")
        if checkpointed:
            other.execute("pragma wal_checkpoint(passive)")
        if how == "backup":
            with closing(sqlite3.connect(backup)) as target:
                other.backup(target)
        else:
            other.execute(f"vacuum into '{backup}'")
    await put(store, 2)
    copied(path, tmp_path / "killed.db")
    await store.close()

    replaced_by_cp(backup, tmp_path / "killed.db")
    await opened_and_closed(tmp_path / "killed.db")

    assert chaves(tmp_path / "killed.db") in (expected(0, 1), expected(0, 1, 2))


@pytest.mark.parametrize("bring", [shutil.copy2, shutil.move])
async def test_three_files_that_are_moved_or_copied_together_keep_every_row(tmp_path, bring):
    """Another folder, other inodes, another name: nothing of that says whose a -wal is."""
    await killed(tmp_path / "nfed.db", range(3), range(3, 9))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    for side in SIDES:
        bring(f"{tmp_path / 'nfed.db'}{side}", f"{elsewhere / 'notas.db'}{side}")
    await opened_and_closed(elsewhere / "notas.db")

    assert chaves(elsewhere / "notas.db") == expected(*range(9))
    assert aside(elsewhere / "notas.db") == []


@pytest.mark.parametrize("sides", [("", "-wal"), SIDES])
async def test_a_snapshot_is_restored_with_its_wal_at_any_moment(tmp_path, sides):
    """Snapshots of a running database, before, between and after checkpoints."""
    path = tmp_path / "nfed.db"
    store = SQLiteStore(path)
    await store.open()
    for number in range(12):
        await put(store, number)
        if number % 4 == 3:
            store._checkpoint()
        for side in sides:
            shutil.copy2(f"{path}{side}", f"{tmp_path}/snapshot-{number}.db{side}")
    await store.close()

    for number in range(12):
        for side in SIDES:
            removed(f"{path}{side}")
        for side in sides:
            shutil.copy2(f"{tmp_path}/snapshot-{number}.db{side}", f"{path}{side}")
        await opened_and_closed(path)

        assert chaves(path) == expected(*range(number + 1))
    assert aside(path) == []


async def test_a_snapshot_taken_while_another_program_writes_is_restored_too(tmp_path):
    """Its transactions bear no stamp: with page 1 (a new table), without (an update), and all
    pages at once."""
    path = tmp_path / "nfed.db"
    store = SQLiteStore(path)
    await store.open()
    await put(store, 0)
    statements = [
        "update notas_fiscais set natureza_operacao = 'x'",
        "create table of_the_owner (a)",
        "insert into of_the_owner values (zeroblob(200000))",
        "vacuum",
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for number, statement in enumerate(statements, 1):
            other.execute("pragma wal_checkpoint(passive)")
            other.execute(statement)
            copied(path, tmp_path / f"snapshot-{number}.db")
            await put(store, number)
            copied(path, tmp_path / f"later-{number}.db")
    await store.close()

    for number in range(1, len(statements) + 1):
        for name, notes in (("snapshot", number), ("later", number + 1)):
            snapshot = tmp_path / f"{name}-{number}.db"
            await opened_and_closed(snapshot)
            assert chaves(snapshot) == expected(*range(notes))
            assert aside(snapshot) == []


async def test_a_database_restored_by_sqlite3_itself_keeps_what_came_after(tmp_path):
    """`.restore` writes the pages of the backup as one transaction, stamps and all."""
    path = tmp_path / "nfed.db"
    await filled(path, 0)
    shutil.copy2(path, tmp_path / "backup.db")
    store = SQLiteStore(path)
    await store.open()
    await put(store, 1)
    store._checkpoint()
    with (
        closing(sqlite3.connect(tmp_path / "backup.db")) as source,
        closing(sqlite3.connect(path)) as target,
    ):
        source.backup(target)
    await put(store, 2)
    copied(path, tmp_path / "killed.db")
    await store.close()

    await opened_and_closed(tmp_path / "killed.db")

    assert chaves(tmp_path / "killed.db") == expected(0, 2)
    assert aside(tmp_path / "killed.db") == []


async def test_a_database_of_an_nfed_without_stamps_keeps_its_wal(tmp_path):
    """As 0.1.0 left it when it was killed."""
    path = tmp_path / "nfed.db"
    await filled(path, 0, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("pragma user_version = 0")
        old.execute("pragma application_id = 0")
        old.execute("pragma journal_mode = delete")
        old.execute("pragma journal_mode = wal")
        old.execute("update notas_fiscais set natureza_operacao = 'of 0.1.0'")
        copied(path, tmp_path / "updated.db")
        old.execute("create table t (a)")
        copied(path, tmp_path / "grown.db")

    for name in ("updated.db", "grown.db"):
        store = SQLiteStore(tmp_path / name)
        await store.open()
        assert [type(each) for each in await put(store, 0, 2)] == [Duplicate, Imported]
        await store.close()

        assert chaves(tmp_path / name) == expected(0, 1, 2)
        assert aside(tmp_path / name) == []
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            told = connection.execute("select distinct natureza_operacao from notas_fiscais")
            assert ("of 0.1.0",) in told.fetchall()


@BY
async def test_a_database_replaced_while_nfed_runs_is_left_whole_and_used(tmp_path, replace):
    path = tmp_path / "nfed.db"
    await filled(tmp_path / "other.db", 100, 101)
    store = SQLiteStore(path)
    await store.open()
    for number in range(5):
        await put(store, number)

    replace(tmp_path / "other.db", path)
    with pytest.raises(StoreUnavailable, match="replaced"):
        await put(store, 5)
    outcomes = await put(store, 5)
    await store.close()

    assert [type(each) for each in outcomes] == [Imported]
    assert chaves(path) == expected(5, 100, 101)
    assert len(aside(path)) == 1


@BY
async def test_a_database_replaced_when_nfed_stops_is_left_whole(tmp_path, replace):
    """SQLite moves what -wal holds into the main file when a connection is closed."""
    path = tmp_path / "nfed.db"
    await filled(tmp_path / "other.db", 100, 101)
    store = SQLiteStore(path)
    await store.open()
    await put(store, 0)

    replace(tmp_path / "other.db", path)
    await store.close()
    await opened_and_closed(path)

    assert chaves(path) == expected(100, 101)
    assert len(aside(path)) == 1


async def test_rows_committed_into_a_database_that_is_replaced_do_not_count(tmp_path):
    """Else their files would be moved to done/."""
    path = tmp_path / "nfed.db"
    await filled(tmp_path / "other.db", 100)
    store = SQLiteStore(path)
    await store.open()
    write = store._writer.write

    def replaced_meanwhile(*args):
        replaced_by_cp(tmp_path / "other.db", path)
        return write(*args)

    store._writer.write = replaced_meanwhile
    with pytest.raises(StoreUnavailable):
        await put(store, 0)
    store._writer.write = write
    await put(store, 0)
    await store.close()

    assert chaves(path) == expected(0, 100)


@pytest.mark.parametrize("sides", [("-wal",), ("-shm",), ("-wal", "-shm")])
async def test_files_removed_beside_a_running_database_cost_no_row(tmp_path, sides):
    path = tmp_path / "nfed.db"
    store = SQLiteStore(path)
    await store.open()
    await put(store, 0)

    for side in sides:
        os.unlink(f"{path}{side}")
    with pytest.raises(StoreUnavailable, match="removed"):
        await put(store, 1)
    outcomes = await put(store, 1)
    copied(path, tmp_path / "killed.db")
    await store.close()
    await opened_and_closed(tmp_path / "killed.db")

    assert [type(each) for each in outcomes] == [Imported]
    assert chaves(path) == chaves(tmp_path / "killed.db") == expected(0, 1)


async def test_rows_whose_wal_is_removed_before_their_commit_are_moved_to_the_main_file(tmp_path):
    path = tmp_path / "nfed.db"
    store = SQLiteStore(path)
    await store.open()
    await put(store, 0)
    write = store._writer.write

    def removed_meanwhile(*args):
        os.unlink(f"{path}-wal")
        return write(*args)

    store._writer.write = removed_meanwhile
    with pytest.raises(StoreUnavailable):
        await put(store, 1)
    shutil.copy2(path, tmp_path / "killed.db")
    await store.close()

    assert chaves(tmp_path / "killed.db") == expected(0, 1)


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
async def test_a_wal_whose_main_file_is_gone_is_kept(tmp_path, left):
    """SQLite deletes it."""
    path = tmp_path / "nfed.db"
    await killed(path, range(3), range(3, 9))
    path.unlink()
    if left == "an empty file":
        path.touch()

    await filled(path, 100)

    assert chaves(path) == expected(100)
    assert len(aside(path)) == 1


async def test_a_main_file_that_is_not_whole_is_waited_for(tmp_path):
    """A copy under way: its head is there first."""
    path = tmp_path / "nfed.db"
    await killed(path, range(3), range(3, 9))
    await filled(tmp_path / "other.db", 100)
    whole = (tmp_path / "other.db").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(StoreUnavailable, match="put it there whole"):
        await SQLiteStore(path).open()
    assert aside(path) == []
    path.write_bytes(whole)
    await opened_and_closed(path)

    assert chaves(path) == expected(100)


async def test_in_doubt_nothing_is_set_aside(tmp_path):
    """Another program has the new file open: it may be the one whose -wal this is."""
    path = tmp_path / "nfed.db"
    await killed(path, range(3), range(3, 9))
    await filled(tmp_path / "other.db", 100)
    replaced_by_mv(tmp_path / "other.db", path)
    os.rename(f"{path}-wal", tmp_path / "away")
    with closing(sqlite3.connect(path)) as other:
        other.execute("select count(*) from notas_fiscais").fetchone()
        os.rename(tmp_path / "away", f"{path}-wal")

        with pytest.raises(StoreUnavailable, match="end that program"):
            await SQLiteStore(path).open()
        assert aside(path) == []
        shutil.copy2(f"{path}-wal", tmp_path / "away")
        other.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    os.replace(tmp_path / "away", f"{path}-wal")
    await opened_and_closed(path)

    assert chaves(path) == expected(100)
    assert len(aside(path)) == 1


@pytest.mark.parametrize("look", [schema.pending, schema.migrate])
async def test_the_commands_for_the_schema_destroy_no_restored_database(
    tmp_path, look: Callable[[Path], object]
):
    path = tmp_path / "nfed.db"
    await killed(path, range(3), range(3, 9))
    await filled(tmp_path / "other.db", 100)
    replaced_by_cp(tmp_path / "other.db", path)

    if look is schema.pending:
        with pytest.raises(StoreUnavailable, match="another database's"):
            look(path)
        assert aside(path) == []
        await opened_and_closed(path)
    else:
        look(path)

    assert chaves(path) == expected(100)
    assert len(aside(path)) == 1
