"""`nfed import`: what it takes, what it says, and how it ends."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from nfed.intake.folder import opened
from tests.support.archives import zipped
from tests.support.cli_command import (
    Terminal,
    drop,
    drop_broken,
    environment,
    names,
    nfed,
    nfed_each,
    one_line,
)
from tests.support.notes import note

SUMMARY = re.compile(
    r"([\d,]+) files? in [\d.]+ s(?: \(\d+/s\))?: "
    r"([\d,]+) imported, ([\d,]+) updated, ([\d,]+) duplicate, ([\d,]+) refused, ([\d,]+) left"
    r"; database \S.*"
)


def counts(text: str) -> dict[str, int]:
    """The numbers of the last line."""
    found = SUMMARY.fullmatch(text.strip().splitlines()[-1].strip())
    assert found is not None, text
    names = ("files", "imported", "updated", "duplicate", "refused", "left")
    numbers = (int(number.replace(",", "")) for number in found.groups())
    return {name: number for name, number in zip(names, numbers, strict=True) if number}


def chaves(home, database="nfed.db"):
    with closing(sqlite3.connect(home / database)) as connection:
        return {chave for (chave,) in connection.execute("select chave_acesso from notas_fiscais")}


def items_of_each_note(home):
    query = (
        "select count(i.id) from notas_fiscais n left join nf_itens i on i.nota_fiscal_id = n.id "
        "group by n.id"
    )
    with closing(sqlite3.connect(home / "nfed.db")) as connection:
        return {count for (count,) in connection.execute(query)}


def test_a_folder_is_imported_once_and_left_as_it_is(tmp_path):
    drop(tmp_path / "notas", 1, 2, 3)
    (tmp_path / "notas" / "leia-me.txt").write_text("not for import")
    before = names(tmp_path / "notas")

    first = nfed(tmp_path, "import", "notas")
    second = nfed(tmp_path, "import", "notas")

    assert (first.returncode, counts(first.stdout)) == (0, {"files": 3, "imported": 3})
    assert (second.returncode, counts(second.stdout)) == (0, {"files": 3, "duplicate": 3})
    assert first.stdout.count("\n") == 1
    assert "leia-me.txt" in first.stderr  # named, as whatever is not taken
    assert len(chaves(tmp_path)) == 3
    assert names(tmp_path / "notas") == before


def test_a_pipe_gets_a_line_a_refused_file_and_one_summary(tmp_path):
    (whole,) = drop(tmp_path / "notas", 1)
    drop_broken(tmp_path / "notas")
    (tmp_path / "notas" / "cut.xml").write_bytes(whole.read_bytes()[:2000])
    (tmp_path / "notas" / os.fsdecode(b"caf\xe9.xml")).write_text("lixo")

    said = nfed(tmp_path, "import", "notas")

    *refused, _ = sorted(said.stdout.splitlines(), key=lambda line: not line.startswith("refused"))
    assert said.returncode == 1
    assert counts(said.stdout) == {"files": 4, "imported": 1, "refused": 3}
    broken, cafe, cut = sorted(refused)
    assert broken.startswith(f"refused {tmp_path}/notas/broken.xml: NotFiscalDocument: ")
    assert "<pedido>" in broken
    assert cafe.startswith(f"refused {tmp_path}/notas/caf\\xe9.xml: XMLParseError: ")
    assert "ends too early" in cut  # at once: nobody goes on writing it
    assert said.stderr == ""


def test_the_log_is_written_to_stderr_when_a_level_is_set(tmp_path):
    drop_broken(tmp_path / "notas")

    said = nfed(tmp_path, "import", "notas", NFED_LOG_LEVEL="info")

    events = {event["event"]: event for event in map(json.loads, said.stderr.splitlines())}
    assert said.returncode == 1
    assert events["file_processing_failed"]["context"]["file"] == "broken.xml"
    assert events["batch_processing_completed"]["context"]["failed"] == 1


def test_a_named_file_is_imported_whatever_its_name_and_only_once(tmp_path):
    (one,) = drop(tmp_path / "notas", 1)
    (other,) = drop(tmp_path / "other", 2)
    hidden = other.rename(tmp_path / "other" / ".nota2.txt")
    (tmp_path / "link").symlink_to(hidden)

    said = nfed(tmp_path, "import", "notas", one, "link", hidden, "notas/../notas")

    assert (said.returncode, counts(said.stdout)) == (0, {"files": 2, "imported": 2})


def test_an_archive_is_imported_member_by_member_and_left_where_it_is(tmp_path):
    (tmp_path / "lote.zip").write_bytes(
        zipped([("a.xml", note(1)), ("b.xml", note(2)), ("ruim.xml", b"<a/>"), ("c.txt", b"")])
    )

    said = nfed(tmp_path, "import", "lote.zip")

    assert (said.returncode, counts(said.stdout)) == (
        1,
        {"files": 3, "imported": 2, "refused": 1},
    )
    assert f"refused {tmp_path}/lote.zip!ruim.xml: NotFiscalDocument" in said.stdout
    assert len(chaves(tmp_path)) == 2
    assert names(tmp_path) == {"lote.zip", "nfed.db", "nfed-ledger.db"}


def test_check_says_of_each_member_what_an_import_would_do(tmp_path):
    (tmp_path / "lote.zip").write_bytes(zipped([("a.xml", note(1)), ("ruim.xml", b"<a/>")]))
    (tmp_path / "curto.zip").write_bytes(zipped([("a.xml", note(1))])[:-9])

    said = nfed(tmp_path, "check", "lote.zip", "curto.zip")

    assert said.returncode == 1
    assert "lote.zip!a.xml: NF-e" in said.stdout
    assert "lote.zip!ruim.xml: would be refused: NotFiscalDocument" in said.stdout
    assert "curto.zip: would be refused: ArchiveTruncated" in said.stdout


def test_move_puts_away_inside_the_folder_that_is_given(tmp_path):
    drop(tmp_path / "notas", 1, 2)
    drop_broken(tmp_path / "notas")

    said = nfed(tmp_path, "import", "notas", "--move", NFED_DONE_SUBFOLDERS="")

    assert (said.returncode, counts(said.stdout)) == (
        1,
        {"files": 3, "imported": 2, "refused": 1},
    )
    assert names(tmp_path / "notas") == {"done", "failed"}
    assert names(tmp_path / "notas" / "done") == {"nota1.xml", "nota2.xml"}
    assert names(tmp_path / "notas" / "failed") == {"broken.xml", "broken.xml.error.json"}


def test_move_puts_a_single_file_away_inside_its_own_folder(tmp_path):
    one, two = drop(tmp_path / "notas", 1, 2)
    (three,) = drop(tmp_path / "more", 3)
    (tmp_path / "nota2.xml").symlink_to(two)

    said = nfed(tmp_path, "import", one, three, "--move", NFED_DONE_SUBFOLDERS="")

    assert (said.returncode, counts(said.stdout)) == (0, {"files": 2, "imported": 2})
    assert names(tmp_path / "notas") == {"nota2.xml", "done", "failed"}
    assert names(tmp_path / "notas" / "done") == {"nota1.xml"}
    assert names(tmp_path / "more" / "done") == {"nota3.xml"}


def test_the_database_is_the_one_that_is_named(tmp_path):
    drop(tmp_path / "notas", 1)

    said = nfed(tmp_path, "import", "notas", "--database", "sqlite:///sub.db")

    assert said.returncode == 0
    assert names(tmp_path) == {"notas", "sub.db", "nfed-ledger.db"}


def test_an_empty_folder_is_no_error(tmp_path):
    (tmp_path / "notas").mkdir()

    said = nfed(tmp_path, "import", "notas")

    assert (said.returncode, counts(said.stdout)) == (0, {})


def test_what_is_no_file_and_no_folder_is_a_usage_error(tmp_path):
    nothing, missing, device = nfed_each(
        tmp_path, ["import"], ["import", "missing/nota.xml"], ["import", "/dev/null"]
    )

    assert [nothing.returncode, missing.returncode, device.returncode] == [2, 2, 2]
    assert "PATH" in nothing.stderr
    assert "'missing/nota.xml' does not exist" in missing.stderr
    assert "/dev/null is neither a file nor a folder" in device.stderr
    assert names(tmp_path) == set()


def test_a_database_that_cannot_be_opened_is_exit_75_and_one_line(tmp_path):
    drop(tmp_path / "notas", 1)

    said = nfed(tmp_path, "import", "notas", "--database", "sqlite:///no/such/folder.db")

    assert (said.returncode, said.stdout) == (75, "")
    assert "no/such/folder.db: unable to open database file" in one_line(said)


def test_move_leaves_a_folder_alone_that_another_process_owns(tmp_path):
    drop(tmp_path / "notas", 1)

    with opened(tmp_path / "notas"):
        moving = nfed(tmp_path, "import", "notas", "--move")
        reading = nfed(tmp_path, "import", "notas")

    assert moving.returncode == 75
    assert f"belongs to process {os.getpid()} " in one_line(moving)
    assert reading.returncode == 0


def test_a_reader_that_hangs_up_does_not_stop_the_import(tmp_path):
    for number in range(5):
        drop_broken(tmp_path / "notas", f"broken{number}.xml")
    drop(tmp_path / "notas", 1, 2)
    ours, theirs = os.pipe()
    os.close(ours)

    said = subprocess.run(
        [sys.executable, "-m", "nfed", "import", "notas"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )

    os.close(theirs)
    assert "Traceback" not in said.stderr
    assert len(chaves(tmp_path)) == 2


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Enough files that an import can be stopped in the middle of them."""
    folder = tmp_path_factory.mktemp("many") / "notas"
    drop(folder, *range(1000), items=1)
    return folder


def test_a_terminal_shows_a_bar_with_speed_time_left_and_refused_files(tmp_path, many):
    notas = tmp_path / "notas"
    notas.mkdir()
    for path in sorted(many.iterdir())[:150]:
        shutil.copy(path, notas)
    drop_broken(notas)

    terminal = Terminal(tmp_path, "import", "notas")

    assert terminal.ends() == 1
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.text)
    assert re.search(r"importing ━+ +151/151 \d+ files/s \d:\d\d:\d\d left, 1 refused", plain)
    assert re.search(rf"^refused {notas}/broken.xml: NotFiscal", plain.replace("\r", "\n"), re.M)
    assert counts(plain) == {"files": 151, "imported": 150, "refused": 1}


def test_ctrl_c_finishes_the_running_chunk_says_what_is_stored_and_exits_with_130(tmp_path, many):
    terminal = Terminal(tmp_path, "import", str(many), NFED_MAX_CONCURRENT_UPLOADS="1")
    terminal.reads_until(r"(?<!\d)[1-9]\d*/1000")

    terminal.process.send_signal(signal.SIGINT)

    assert terminal.ends() == 130
    assert "stopped by SIGINT" in terminal.text
    tally = SUMMARY.search(re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.text))
    assert tally is not None
    imported, left = int(tally[2]), int(tally[6])
    assert 0 < imported < 1000
    assert imported == len(chaves(tmp_path))
    assert imported + left == 1000


def test_a_second_ctrl_c_ends_it_at_once_without_a_traceback(tmp_path, many):
    terminal = Terminal(tmp_path, "import", str(many), NFED_MAX_CONCURRENT_UPLOADS="1")
    terminal.reads_until(r"(?<!\d)[1-9]\d*/1000")

    for _ in range(2):
        terminal.process.send_signal(signal.SIGINT)

    assert terminal.ends() == 130
    assert "Traceback" not in terminal.text
    assert 0 < len(chaves(tmp_path)) < 1000
    assert items_of_each_note(tmp_path) == {1}
