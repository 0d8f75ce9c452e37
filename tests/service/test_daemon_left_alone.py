"""What lies in the drop folder and is not taken is named, counted and listed; by content, taken."""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nfed.intake import left_alone
from nfed.intake.folder import Folder
from tests.support.archives import zipped
from tests.support.harness import Rig, eventually, note

XML = note(1).xml
LEFT = {
    "pasta": ("a folder", "recursive=true"),
    "DANFE.pdf": ("no XML", "take it away"),
    "leia-me.txt": ("neither XML nor an archive", "take it away"),
    "correio.msg": ("a message of Outlook", "attachments"),
    "notas.tar.bz2": ("an archive that nfed does not open", "unpack"),
    "nota.xml.txt": ("XML under another name", "by_content=true"),
    "nota": ("XML under another name", "by_content=true"),
    "lote.bin": ("an archive under another name", "by_content=true"),
    "link.xml": ("a symbolic link", "the file itself"),
    "tubo": ("no regular file", "take it away"),
    "soquete.xml": ("no regular file", "take it away"),
}
"""Reason, and a part of the advice."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def nfed(rig: Rig, *arguments: str) -> str:
    """What the command says about the rig's folder, in English."""
    environment = os.environ | {"NFED_XML_FOLDER": str(rig.folder), "LC_ALL": "C", "COLUMNS": "200"}
    command = [sys.executable, "-m", "nfed", *arguments]
    done = subprocess.run(command, env=environment, cwd=rig.home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fill(folder: Path) -> None:
    (folder / "pasta").mkdir()
    (folder / "pasta" / "dentro.xml").write_bytes(note(5).xml)
    for name, content in (
        ("DANFE.pdf", b"%PDF-1.4"),
        ("leia-me.txt", b"ola"),
        ("correio.msg", b"\xd0\xcf"),
        ("notas.tar.bz2", b"BZh9"),
        ("nota.xml.txt", XML),
        ("nota", note(2).xml),
        ("lote.bin", zipped([("a.xml", note(3).xml)])),
    ):
        (folder / name).write_bytes(content)
    (folder / "link.xml").symlink_to(folder / "leia-me.txt")
    os.mkfifo(folder / "tubo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "soquete.xml"))


def junk(folder: Path) -> None:
    """What needs no word."""
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "~$nota.xml", "nota.xml.part"):
        (folder / name).write_bytes(b"?")


def test_each_is_named_once_in_the_log_with_what_to_do(rig):
    fill(rig.folder)
    junk(rig.folder)

    daemon = rig.start(rescan_seconds=0.3)
    time.sleep(1.0)  # several rescans
    rig.drop(note(9))
    eventually(lambda: len(rig.chaves()) == 1, "the note is imported")
    daemon.stop()

    said = daemon.events("file_left_alone")
    assert len(said) == len(LEFT)
    for each in said:
        reason, advice = LEFT[str(each["file"])]
        assert each["reason"] == reason
        assert advice in str(each["advice"])
    assert {each["level"] for each in said} == {"warning"}


def test_each_is_counted_and_listed_by_status_folder_and_metrics(rig):
    fill(rig.folder)
    junk(rig.folder)

    daemon = rig.start(http="127.0.0.1:0")
    address = str(daemon.waits_for("http_listening")["addresses"][0])
    answer = httpx.get(f"{address}/folder").json()
    metrics = httpx.get(f"{address}/metrics").text
    status = json.loads(nfed(rig, "status", "--json"))

    for told in (answer["left_alone"], status["folder"]["left_alone"]):
        assert told["total"] == len(LEFT)
        assert {each["file"]: each["reason"] for each in told["files"]} == {
            name: reason for name, (reason, _) in LEFT.items()
        }
        assert all(LEFT[each["file"]][1] in each["advice"] for each in told["files"])
    assert (answer["backlog"], answer["refused"]) == (0, 0)
    assert f"nfed_left_alone_files {len(LEFT)}.0" in metrics
    shown = nfed(rig, "status")
    assert "11 things in it are not taken" in shown
    assert "DANFE.pdf" in shown


def test_by_content_what_begins_as_xml_zip_or_gzip_is_taken_under_any_name(rig):
    fill(rig.folder)
    junk(rig.folder)
    rig.drop(note(4).xml, "nota.zip")
    rig.drop(zipped([("b.xml", note(6).xml)]), "lote.xml")
    rig.drop(gzip.compress(note(7).xml), "sete")
    rig.drop(zipped([("word/document.xml", b"<w/>")]), "carta.docx")

    daemon = rig.once(by_content=True)

    assert sorted(rig.chaves()) == sorted(note(n).chave for n in (1, 2, 3, 4, 6, 7))
    assert rig.failed() == []
    assert sorted(rig.done()) == [
        "lote.bin",
        "lote.xml",
        "nota",
        "nota.xml.txt",
        "nota.zip",
        "sete",
    ]
    left = {str(each["file"]) for each in daemon.events("file_left_alone")}
    assert left == (set(LEFT) - {"nota.xml.txt", "nota", "lote.bin"}) | {"carta.docx"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nota.zip", XML, "begins as XML"),
        ("lote.xml", zipped([("b.xml", XML)]), "begins as a .zip"),
        ("nota.xml", gzip.compress(XML, mtime=0), "begins as a .gz"),
    ],
    ids=range(3),
)
def test_by_name_a_file_whose_name_says_something_else_is_refused_with_the_advice(
    rig, name, content, says
):
    rig.drop(content, name)

    rig.once()

    assert rig.failed() == [name, f"{name}.error.json"]
    reason = rig.reason(name)
    assert reason["error_type"] == "MisnamedFile"
    assert says in str(reason["error"])
    assert "by_content=true" in str(reason["advice"])


def test_a_recursive_daemon_takes_what_lies_in_folders(rig):
    fill(rig.folder)

    daemon = rig.once(recursive=True)

    assert rig.chaves() == [note(5).chave]
    assert "pasta" not in {each["file"] for each in daemon.events("file_left_alone")}


def test_an_archive_that_nothing_here_opens_is_left_where_it_is(tmp_path, monkeypatch):
    """Without the extra; the programs that a .rar needs are looked for in PATH."""
    monkeypatch.setenv("PATH", "")
    left_alone._is_missing.cache_clear()
    (tmp_path / "lote.rar").write_bytes(b"Rar!")

    census = Folder(tmp_path).census()
    left_alone._is_missing.cache_clear()

    assert (census.waiting, census.left) == (0, 1)
    assert census.listed[0].reason == "an archive that is opened with nfed[archives]"
    assert "unpack it; or install nfed[archives]" in census.listed[0].advice


def test_a_transfer_that_never_ended_is_named_after_an_hour(tmp_path):
    fresh, old = tmp_path / "a.xml.part", tmp_path / "b.xml.part"
    for each in (fresh, old):
        each.write_bytes(b"<")
    os.utime(old, (time.time() - 4000,) * 2)

    census = Folder(tmp_path).census()

    assert [each.path for each in census.listed] == ["b.xml.part"]


def test_a_census_of_many_lists_the_first_hundred_and_counts_all(tmp_path):
    for number in range(130):
        (tmp_path / f"{number}.txt").write_bytes(b"?")

    census = Folder(tmp_path).census()

    assert (census.left, len(census.listed)) == (130, 100)
