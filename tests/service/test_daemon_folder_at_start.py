"""A drop folder that the world keeps shut when nfed starts: it waits, or says "try again"."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.cli_command import nfed
from tests.support.harness import Rig, eventually, fill_up, may_mount, note, small_disk
from tests.support.supervisor import Supervisor


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


type Away = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The mount; where mounting is not allowed, the mode."""
    if may_mount(folder):
        with small_disk(folder, "1m"):
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            yield
        return
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No inode is left, so that not even done/ can be made."""
    if not may_mount(folder):
        pytest.skip("needs the right to mount")
    options = "size=1m,nr_inodes=2"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        fill_up(folder / "ballast")
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


AWAY = pytest.mark.parametrize("away", [read_only, full])


@AWAY
def test_a_folder_that_cannot_be_used_at_the_start_is_waited_for(
    rig: Rig, tmp_path: Path, away: Away
):
    supervisor = Supervisor(str(tmp_path / "notify"))
    with away(rig.folder):
        daemon = rig.launch(env=supervisor.env, unprivileged=True)
        said = daemon.waits_for("folder_unavailable")
        supervisor.hears("READY=1")
        eventually(lambda: "waiting since" in supervisor.status(), "STATUS says that it waits")
        assert str(rig.folder) in supervisor.status()
        assert str(said["error"]) in supervisor.status()

    daemon.waits_for("folder_available_again")
    rig.drop(note(1))
    rig.drains()

    rig.assert_each_once([note(1)])
    assert daemon.stop() == 0
    assert daemon.noise() == []
    supervisor.close()


@AWAY
def test_once_import_and_status_say_try_again(rig: Rig, away: Away):
    with away(rig.folder):
        once = rig.launch("--once", unprivileged=True)
        assert once.ends() == 75
        assert [each for each in once.noise() if "drop folder" in each] == once.noise()
        assert nfed(rig.home, "import", "--move", str(rig.folder)).returncode == 75
        if may_mount(rig.home / "probe"):
            status = nfed(rig.home, "status")
            assert status.returncode == 75
            assert "drop folder" in status.stdout


def test_a_folder_whose_parent_cannot_be_written_is_made_as_soon_as_it_can_be(rig: Rig):
    parent = rig.home / "srv"
    parent.mkdir()
    rig.folder = parent / "xml_nf"
    with read_only(parent):
        daemon = rig.launch("--create", unprivileged=True)
        daemon.waits_for("folder_unavailable")

    eventually((rig.folder / "done").is_dir, "the folder is made")
    rig.drop(note(1))
    rig.drains()


def test_a_file_in_the_folders_place_still_ends_it_with_78(rig: Rig):
    rig.folder.rmdir()
    rig.folder.touch()

    assert rig.launch().ends() == 78
