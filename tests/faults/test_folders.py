"""The drop folder goes away or is changed, and producers do with files whatever they like."""

import os
import subprocess
from pathlib import Path

import pytest

from bench.generator import Note
from tests.faults.conftest import FACTOR, not_tried
from tests.faults.stage import Sent, Stage, random_moment
from tests.faults.tally import count
from tests.support.archives import encrypted, zipped
from tests.support.harness import eventually, note


def test_a_folder_that_is_away_for_a_while_costs_no_file(stage: Stage, tmp_path: Path):
    """Deleted or swapped, as seen from the daemon; what was in it comes back."""
    root, away = stage.rig.folder, tmp_path / "away"
    stage.start()
    for turn in range(2 * FACTOR):
        stage.send(60)
        random_moment(stage.chance, 2)
        root.rename(away)
        count("folder away")
        if turn % 2:
            root.mkdir()
            count("folder swapped")
        random_moment(stage.chance, 3)
        if turn % 2:
            for shelf in ("done", "failed"):
                if (root / shelf).exists():
                    assert os.listdir(root / shelf) == []
            subprocess.run(["rm", "-rf", root], check=True)
        away.rename(root)

    stage.ends()


def test_a_folder_that_is_deleted_in_mid_job_is_not_made_anew(stage: Stage):
    daemon = stage.start()
    stage.send(60)
    stage.waits_until_done(5)
    remove = ["rm", "-rf", str(stage.rig.folder)]
    # While files still come into done/, rm finds it not empty.
    eventually(lambda: subprocess.run(remove, capture_output=True).returncode == 0, "it is gone")
    count("folder deleted")
    daemon.waits_for("folder_unavailable")

    random_moment(stage.chance, 3)
    assert not stage.rig.folder.exists()
    stored = [chave for chave, _ in stage._stored()]
    assert len(stored) == len(set(stored))
    assert daemon.stop() == 0


@pytest.mark.usefixtures("mounts")
def test_an_unmount_in_mid_job_costs_no_file(stage: Stage, tmp_path: Path):
    """Of the folder above the drop folder, as a disk has it; the mount point stays empty."""
    disk, point = tmp_path / "disk", tmp_path / "point"
    point.mkdir()
    (disk / "xml_nf").mkdir(parents=True)
    mount = ["mount", "--bind", str(disk), str(point)]
    subprocess.run(mount, check=True)
    stage.rig.folder = point / "xml_nf"
    try:
        stage.start()
        for _ in range(2 * FACTOR):
            stage.send(60)
            random_moment(stage.chance, 3)
            subprocess.run(["umount", "--lazy", point], check=True)
            count("unmount")
            random_moment(stage.chance, 3)
            assert os.listdir(point) == []
            subprocess.run(mount, check=True)

        stage.ends()
    finally:
        subprocess.run(["umount", "--lazy", point], check=True)


@pytest.mark.usefixtures("mounts")
def test_a_folder_that_is_mounted_over_costs_no_file(stage: Stage):
    stage.start()
    for _ in range(FACTOR):
        stage.send(60)
        random_moment(stage.chance, 2)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", stage.rig.folder], check=True)
        count("mounted over")
        random_moment(stage.chance, 3)
        subprocess.run(["umount", "--lazy", stage.rig.folder], check=True)

    stage.ends()


WAYS = [
    "rename over",
    "unlink and write",
    "in place",
    "append",
    "link over",
    "rename away and back",
]


@pytest.mark.parametrize("way", WAYS)
def test_files_that_are_replaced_at_any_moment_are_read_as_they_are_then(stage: Stage, way: str):
    """Each name is sent, and replaced at some moment: before, while or after it is taken.

    Of both versions, all that was put away holds what some producer wrote, and the last version of
    each name that was written while the file was in the drop folder is imported.
    """
    folder = stage.rig.folder
    number = 80 * FACTOR
    first = {f"{n}.xml": note(n, items=1) for n in range(number)}
    second = {f"{n}.xml": note(10_000 + n, items=1) for n in range(number)}
    stage.start()
    for name, one in first.items():
        stage.put(name, Sent(one.xml, "done", (one,)))
    written: list[str] = []
    for name in stage.chance.sample(list(second), number):
        if _replace(folder, name, second[name], way):
            written.append(name)
            count(f"file replaced: {way}")
    stage.rig.drains(120)
    wanted = {second[name].chave for name in written}
    eventually(lambda: wanted <= set(stage.rig.chaves()), "the last versions are stored", 60)
    stage.rig.drains(60)
    assert stage.daemon is not None
    assert stage.daemon.stop() == 0

    done = {
        Path(where, name).read_bytes()
        for where, _, names in os.walk(folder / "done")
        for name in names
    }
    known = {one.xml: one.chave for one in (*first.values(), *second.values())}
    known |= {one.xml + b"\n": one.chave for one in first.values()}
    known |= {_padded(one, 20_000): one.chave for one in (*first.values(), *second.values())}
    assert [content[:100] for content in done if content not in known] == []
    assert {known[content] for content in done} <= set(stage.rig.chaves())
    assert stage.rig.failed() == []


def _padded(one: Note, size: int) -> bytes:
    return one.xml.ljust(size)


def _replace(folder: Path, name: str, one: Note, way: str) -> bool:
    """False: the file was gone, and nothing was written."""
    path, hidden = folder / name, folder / ".being-replaced"
    try:
        match way:
            case "rename over":
                hidden.write_bytes(one.xml)
                hidden.rename(path)
            case "unlink and write":
                path.unlink()
                path.write_bytes(one.xml)
            case "in place":
                with open(path, "r+b") as file:
                    file.write(one.xml)
                    file.truncate()
            case "append":
                with open(path, "r+b") as file:
                    file.seek(0, os.SEEK_END)
                    file.write(b"\n")
                return False  # the same document
            case "link over":
                hidden.write_bytes(one.xml)
                path.unlink()
                os.link(hidden, path)
                hidden.unlink()
            case _:
                aside = folder / ".aside"
                path.rename(aside)
                aside.write_bytes(one.xml)
                aside.rename(path)
    except FileNotFoundError:
        return False
    return True


def test_hostile_files_and_archives_cost_only_themselves(stage: Stage):
    """Each ends in failed/ with its reason, and what is good between them is stored."""
    good = note(1, items=1)
    hostile = {
        "empty.zip": b"PK\x05\x06" + bytes(18),
        "no-zip.zip": b"no zip at all",
        "cut.gz": b"\x1f\x8b\x08\x00",
        "bomb.zip": zipped([("a.xml", b" " * 50_000_000)]),
        "encrypted.zip": encrypted(zipped([("a.xml", good.xml)])),
        "laughs.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "deep.xml": b"<a>" * 100_000 + b"</a>" * 100_000,
        "attributes.xml": b"<a " + b" ".join(b'x%d="1"' % n for n in range(60_000)) + b"/>",
        "zeros.xml": bytes(100_000),
        "noise.xml": stage.chance.randbytes(100_000),
        "name\nwith\x1b[31mcolour.xml": b"<a/>",
        os.fsdecode(b"\xff\xfe.xml"): b"<b/>",
    }
    stage.start(batch_timeout_seconds=60)
    for name, content in hostile.items():
        stage.put(name, Sent(content, "failed"))
        count("hostile file")
        stage.send(5)
    stage.ends()


def test_inotify_used_up_costs_no_file(stage: Stage):
    """In a user namespace, whose limits are its own: the folder is looked at every second."""
    none_left = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    none_left += ['echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
    if subprocess.run([*none_left, "true"], capture_output=True).returncode != 0:
        not_tried("needs user namespaces, to use inotify up")
    count("inotify used up")
    daemon = stage.start(through=none_left)
    stage.send(40)
    daemon.waits_for("inotify_unavailable")

    stage.ends()


@pytest.mark.parametrize("files", [2_000 if FACTOR == 1 else 200_000])
def test_many_that_wait_are_all_taken(stage: Stage, files: int):
    stage.send(files)
    count("files waiting at a start", files)
    stage.start(settle_seconds=0.05, batch_max_files=50_000 if FACTOR > 1 else 10_000)

    stage.ends(7200)
