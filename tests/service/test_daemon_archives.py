"""Archives dropped into the folder of a real daemon."""

import gzip
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import encrypted, mailed, tarred, zipped
from tests.support.cases import case
from tests.support.harness import Rig, eventually, note, notes, truncated, write_locked


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def outcomes(rig: Rig) -> dict[str, str]:
    """Every name in the ledger, and how it ended."""
    return {str(n): str(o) for n, o in rig.history("select name, outcome from files order by id")}


def the_job(rig: Rig) -> tuple[object, ...]:
    """Total, imported, duplicate, refused, deferred of the only job."""
    (row,) = rig.history(
        "select total_files, imported, duplicate, refused, deferred from jobs where total_files > 0"
    )
    return row


def test_every_member_of_a_zip_is_a_file_of_its_own(rig):
    good, broken, late = note(1), b"<a>no note</a>", truncated(5)
    inner = zipped([("deep/inner.xml", note(2).xml), ("leia-me.txt", b"?")])
    rig.drop(
        zipped(
            [
                ("notas/boa.xml", good.xml),
                ("notas/ruim.xml", broken),
                ("notas/curta.xml", late),
                ("leia-me.txt", b"ola"),
                ("dentro.zip", inner),
                ("três.xml.gz", gzip.compress(note(3).xml)),
                ("notas/", b""),
            ]
        ),
        "lote.zip",
    )

    daemon = rig.once()

    assert outcomes(rig) == {
        "lote.zip!notas/boa.xml": "imported",
        "lote.zip!notas/ruim.xml": "refused",
        "lote.zip!notas/curta.xml": "refused",
        "lote.zip!dentro.zip!deep/inner.xml": "imported",
        "lote.zip!três.xml.gz!três.xml": "imported",
        "lote.zip": "unpacked",
    }
    assert the_job(rig) == (5, 3, 0, 2, 0)
    assert rig.chaves() == sorted(note(n).chave for n in (1, 2, 3))
    assert rig.done() == ["lote.zip"]
    assert rig.failed() == [
        "curta.xml",
        "curta.xml.error.json",
        "ruim.xml",
        "ruim.xml.error.json",
    ]
    assert (rig.folder / "failed" / "ruim.xml").read_bytes() == broken
    assert rig.reason("ruim.xml")["file"] == "lote.zip!notas/ruim.xml"
    assert rig.reason("curta.xml")["error_type"] == "XMLParseError"
    (said,) = daemon.events("archive_unpacked")
    assert (said["members"], said["refused"], said["ignored"]) == (5, 2, 2)
    assert daemon.noise() == []


def test_a_gz_of_a_note_and_a_gz_of_a_zip_are_taken(rig):
    rig.drop(gzip.compress(note(1).xml), "um.XML.GZ")
    rig.drop(gzip.compress(zipped([("dois.xml", note(2).xml)])), "lote.zip.gz")
    rig.drop(gzip.compress(b"a tape"), "fita.tar.gz")

    rig.once()

    assert outcomes(rig) == {
        "um.XML.GZ!um.XML": "imported",
        "um.XML.GZ": "unpacked",
        "lote.zip.gz!dois.xml": "imported",
        "lote.zip.gz": "unpacked",
        "fita.tar.gz": "refused",
    }
    assert rig.done() == ["lote.zip.gz", "um.XML.GZ"]
    assert rig.failed() == ["fita.tar.gz", "fita.tar.gz.error.json"]
    assert rig.reason("fita.tar.gz")["error_type"] == "ArchiveDamaged"


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("lote.zip", zipped([("a.xml", note(1).xml), ("b.xml", note(2).xml)])),
        ("nota.xml.gz", gzip.compress(note(1).xml)),
    ],
)
def test_an_archive_without_its_end_waits_and_is_refused_only_after_the_grace_time(
    rig, name, whole
):
    daemon = rig.start(incomplete_grace_seconds=3600)
    half = whole[: len(whole) // 2]
    rig.drop(half, name)
    assert daemon.waits_for("file_deferred")["reason"] == "incomplete"
    assert (rig.left(), rig.failed(), rig.chaves()) == ([name], [], [])
    daemon.stop()

    rig.start(incomplete_grace_seconds=0.2)
    rig.drains()

    eventually(lambda: rig.failed() == [name, f"{name}.error.json"], "refused")
    assert rig.reason(name)["error_type"] == "ArchiveTruncated"
    assert (rig.folder / "failed" / name).read_bytes() == half


def test_an_archive_that_gets_its_end_in_time_is_imported(rig):
    whole = zipped([("a.xml", note(1).xml), ("b.xml", note(2).xml)])
    daemon = rig.start(incomplete_grace_seconds=3600)
    rig.drop(whole[:-30], "lote.zip")
    daemon.waits_for("file_deferred")

    rig.drop(whole, "lote.zip")
    rig.drains()

    assert rig.chaves() == sorted(each.chave for each in notes(2, start=1))
    eventually(lambda: rig.done() == ["lote.zip"], "done")


@pytest.mark.parametrize(
    ("content", "error_type"),
    [
        (encrypted(zipped([("a.xml", note(1).xml)])), "ArchiveEncrypted"),
        (b"GIF89a no archive at all", "ArchiveDamaged"),
        (zipped([("a.xml", b" " * 40_000_000)]), "ArchiveTooLarge"),
    ],
)
def test_an_archive_that_cannot_be_opened_is_refused_with_the_reason(rig, content, error_type):
    rig.drop(content, "lote.zip")

    rig.once()

    assert rig.failed() == ["lote.zip", "lote.zip.error.json"]
    assert rig.reason("lote.zip")["error_type"] == error_type
    assert (rig.folder / "failed" / "lote.zip").read_bytes() == content
    assert the_job(rig) == (1, 0, 0, 1, 0)


def test_names_that_lead_elsewhere_harm_nothing(rig):
    """Every one of these is refused, so that its name is used for a file in failed/."""
    names = [
        "../../etc/x.xml",
        "/tmp/absolute.xml",
        "..\\..\\windows.xml",
        "pasta/.xml",
        "igual.xml",
        "igual.xml",
        "n" * 300 + ".xml",
        "linha\nnova.xml",
        "a!b/../c.xml",
        ".error.json.xml",
    ]
    content = [f"<a{number}/>".encode() for number, _ in enumerate(names)]
    odd = zipped(zip(names, content, strict=True))
    odd = odd.replace(b"linha\n", b"l\xe9nha\xff"[:6])  # not UTF-8, and no flag that says it is
    rig.drop(odd, "lote.zip")
    around = sorted(path.name for path in rig.home.iterdir())

    rig.once()

    files = [name for name in rig.failed() if not name.endswith(".error.json")]
    assert len(files) == len(rig.failed()) / 2 == len(names) - 2  # hidden ones are left aside
    assert rig.done() == ["lote.zip"]
    assert all(len(name.encode()) <= 255 and not name.startswith(".") for name in rig.failed())
    assert {"x.xml", "absolute.xml", "windows.xml", "igual.xml", "igual.2.xml"} <= set(files)
    kept = sorted((rig.folder / "failed" / name).read_bytes() for name in files)
    assert len(set(kept)) == len(files)
    assert sorted(path.name for path in rig.home.iterdir() if path.name != "log-0") == sorted(
        {*around, "nfed.db", "nfed-ledger.db"}
    )
    assert not Path("/tmp/absolute.xml").exists()


def test_what_cannot_be_written_out_keeps_the_archive_in_failed(rig):
    whole = zipped([("boa.xml", note(1).xml), ("ruim.xml", note(2).xml)], zipfile.ZIP_STORED)
    at = whole.rindex(b"</infNFe>")
    rig.drop(whole[:at] + b"</infNFE>" + whole[at + 9 :], "lote.zip")

    rig.once()

    assert outcomes(rig) == {
        "lote.zip!boa.xml": "imported",
        "lote.zip!ruim.xml": "refused",
        "lote.zip": "refused",
    }
    assert rig.failed() == ["lote.zip", "lote.zip.error.json"]
    assert rig.reason("lote.zip")["error_type"] == "ArchiveMembersRefused"
    assert the_job(rig) == (3, 1, 0, 2, 0)


def test_a_daemon_killed_within_an_archive_imports_every_note_once(rig):
    dropped = notes(500)
    members = [(each.name, each.xml) for each in dropped]
    members[250:250] = [("ruim.xml", b"<a/>")]
    rig.drop(zipped(members), "lote.zip")

    for stored in (1, 150, 300):
        daemon = rig.launch()
        eventually(lambda least=stored: len(stored_so_far(rig)) >= least, "some are stored")
        daemon.kill()
    rig.start()
    rig.drains()

    eventually(lambda: rig.done() == ["lote.zip"], "done")
    rig.assert_each_once(dropped)
    assert rig.failed() == ["ruim.xml", "ruim.xml.error.json"]


def stored_so_far(rig: Rig) -> list[str]:
    """Nothing before the tables are made."""
    try:
        return rig.chaves()
    except sqlite3.OperationalError:
        return []


def test_a_note_that_came_in_an_archive_before_is_a_duplicate(rig):
    rig.drop(zipped([("a.xml", note(1).xml)]), "um.zip")
    rig.once()
    rig.drop(zipped([("b.xml", note(1).xml), ("c.xml", note(2).xml)]), "dois.zip")

    rig.once()

    assert outcomes(rig)["dois.zip!b.xml"] == "duplicate"
    assert outcomes(rig)["dois.zip!c.xml"] == "imported"
    rig.assert_each_once([note(1), note(2)])


def test_an_archive_outlasts_a_database_that_is_locked_and_a_stop(rig):
    dropped = notes(200)
    rig.once()
    daemon = rig.start()
    with write_locked(rig.database):
        rig.drop(zipped([(each.name, each.xml) for each in dropped]), "lote.zip")
        daemon.waits_for("database_unavailable")
        assert daemon.stop() == 0
        assert (rig.left(), rig.done(), rig.chaves()) == (["lote.zip"], [], [])

    rig.start()
    rig.drains()

    eventually(lambda: rig.done() == ["lote.zip"], "done")
    rig.assert_each_once(dropped)
    assert rig.failed() == []


def test_a_long_archive_is_said_in_one_line_and_not_a_line_a_member(rig):
    rig.drop(zipped([(each.name, each.xml) for each in notes(150)]), "lote.zip")

    daemon = rig.once()

    assert daemon.events("file_processed_successfully") == []
    assert len(daemon.events("archive_unpacked")) == 1
    assert the_job(rig) == (150, 150, 0, 0, 0)


def test_what_a_killed_write_left_in_failed_is_taken_away(rig):
    (rig.folder / "failed").mkdir()
    (rig.folder / "failed" / ".nfed-being-written").write_bytes(b"half")

    rig.once()

    assert rig.failed() == []


LEFT = ("a/511.txt", "a/512", "a/514.xml.txt", "resto.rar", "resto.7z", "mail.eml")


def test_an_archive_that_holds_what_could_not_be_read_is_refused_with_the_names(rig):
    rig.drop(case("41-mixed.zip"), "lote.zip")

    daemon = rig.once()

    assert outcomes(rig)["lote.zip!a/513.XML"] == "imported"
    assert outcomes(rig)["lote.zip"] == "refused"
    assert len(rig.chaves()) == 1
    reason = rig.reason("lote.zip")
    assert reason["error_type"] == "ArchivePartlyRead"
    named = " ".join(each["text"] for each in reason["warnings"])
    assert [each for each in LEFT if each not in named] == []
    assert "a/511.txt" in str(reason["error"])
    assert "by_content" in str(reason["advice"])
    assert (rig.folder / "failed" / "lote.zip").read_bytes() == case("41-mixed.zip")
    refused = {str(each["file"]): each for each in daemon.events("file_processing_failed")}
    assert "a/511.txt" in str(refused["lote.zip"]["error"])


def test_by_content_an_archive_gives_all_its_notes_whatever_they_are_called(rig):
    rig.drop(case("41-mixed.zip"), "lote.zip")

    rig.once(by_content=True)

    found = outcomes(rig)
    assert [found[f"lote.zip!a/{n}"] for n in ("511.txt", "512", "513.XML", "514.xml.txt")] == [
        "imported"
    ] * 4
    assert found["lote.zip"] == "unpacked"


def test_a_tar_gz_is_read_like_a_zip(rig):
    rig.drop(case("61-lote.tar.gz"), "lote.tar.gz")

    rig.once()

    assert outcomes(rig) == {"lote.tar.gz!a/nota.xml": "imported", "lote.tar.gz": "unpacked"}
    assert rig.done() == ["lote.tar.gz"]


def test_names_of_a_windows_zip_are_read_as_windows_wrote_them(rig):
    rig.drop(case("40-cp850.zip"), "lote.zip")

    rig.once()

    assert outcomes(rig) == {
        "lote.zip!Notas de Março\\São João\\nota ação.xml": "imported",
        "lote.zip!Notas/nota ação.xml": "imported",
        "lote.zip!Notas/quebrada ção.xml": "refused",
        "lote.zip": "unpacked",
    }
    assert rig.failed() == ["quebrada ção.xml", "quebrada ção.xml.error.json"]
    (warnings,) = rig.history("select warnings from files where name = 'lote.zip'")
    assert "Notas/DANFE.pdf, leia-me.txt" in str(warnings[0])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("lote.zip", zipped([("DANFE.pdf", b"%PDF"), ("leia-me.txt", b"?")]), "DANFE.pdf, leia-me"),
        ("lote.zip", zipped([("pasta/", b"")]), "it holds no file"),
        ("lote.zip", zipped([]), "it holds no file"),
        ("lote.tar", tarred([("DANFE.pdf", b"%PDF")]), "DANFE.pdf"),
        ("DANFE.pdf.gz", gzip.compress(b"%PDF", mtime=0), "DANFE.pdf"),
        ("nota.txt.gz", gzip.compress(note(1).xml, mtime=0), "XML under another name"),
        ("aviso.eml", mailed([("DANFE.pdf", b"%PDF")]), "DANFE.pdf"),
    ],
)
def test_an_archive_that_yields_nothing_is_refused_with_the_names(rig, name, content, says):
    rig.drop(content, name)

    rig.once()

    assert rig.failed() == [name, f"{name}.error.json"]
    assert rig.reason(name)["error_type"] == "ArchiveWithoutDocuments"
    assert says in str(rig.reason(name)["error"])


def test_the_attachments_of_a_mail_are_imported(rig):
    inner = zipped([("b.xml", note(2).xml)])
    rig.drop(
        mailed(
            [
                ("nota ção.xml", note(1).xml),
                ("lote.zip", inner),
                ("c.xml.gz", gzip.compress(note(3).xml)),
                ("DANFE.pdf", b"%PDF"),
            ]
        ),
        "Nota fiscal.eml",
    )

    daemon = rig.once()

    assert outcomes(rig) == {
        "Nota fiscal.eml!nota ção.xml": "imported",
        "Nota fiscal.eml!lote.zip!b.xml": "imported",
        "Nota fiscal.eml!c.xml.gz!c.xml": "imported",
        "Nota fiscal.eml": "unpacked",
    }
    (said,) = daemon.events("archive_unpacked")
    assert (said["members"], said["ignored"]) == (3, 1)
    assert "DANFE.pdf" in str(said["warnings"])
