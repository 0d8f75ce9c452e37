"""The whole daemon as its user sees it: a process, a folder, a database, a log."""

import hashlib
import os
import signal
import stat
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.harness import Rig, eventually, never, note, notes, truncated, write_locked


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


# --- arrival ------------------------------------------------------------------------------------


def test_files_that_lay_there_before_the_start_are_imported(rig):
    dropped = notes(20)
    rig.drop_all(dropped)

    daemon = rig.start()
    rig.drains()

    assert daemon.stop() == 0
    rig.assert_each_once(dropped)
    assert rig.done() == sorted(each.name for each in dropped)
    assert rig.failed() == []
    assert daemon.noise() == []


def test_a_file_renamed_in_is_imported_and_ends_in_todays_folder(rig):
    rig.start()

    rig.drop(note(1), "nota.xml")
    rig.drains()

    folders = list((rig.folder / "done").iterdir())
    assert [each.name for each in folders] == [f"{datetime.now().astimezone():%Y-%m-%d}"]
    assert (folders[0] / "nota.xml").read_bytes() == note(1).xml
    rig.assert_each_once([note(1)])


def test_a_file_is_seen_by_its_event_and_need_not_wait_for_a_rescan(rig):
    rig.start(rescan_seconds=3600)

    rig.drop(note(1))

    rig.drains(20)


def test_a_file_copied_in_is_imported(rig):
    rig.start()

    (rig.folder / "copied.xml").write_bytes(note(1).xml)
    rig.drains()

    rig.assert_each_once([note(1)])


def test_a_file_held_open_by_its_writer_is_not_touched_before_it_is_closed(rig):
    """The bytes written so far stand still for ten times the settling, and are whole XML."""
    daemon = rig.start()

    with open(rig.folder / "held.xml", "wb") as file:
        file.write(note(1).xml)
        file.flush()
        never(lambda: rig.chaves() or rig.done() or rig.failed(), seconds=1.5)
        assert daemon.events("batch_processing_started") == []
    rig.drains()

    rig.assert_each_once([note(1)])


def test_a_file_written_with_pauses_is_taken_once_and_whole(rig):
    """Each pause is longer than the settling time, and the writer closes the file in between."""
    daemon = rig.start(incomplete_grace_seconds=20)
    xml = note(1, 5).xml

    for part in range(5):
        with open(rig.folder / "slow.xml", "ab") as file:
            file.write(xml[part * len(xml) // 5 : (part + 1) * len(xml) // 5])
        time.sleep(0.4)
    rig.drains()

    rig.assert_each_once([note(1, 5)])
    assert rig.failed() == []
    assert daemon.events("file_processing_failed") == []


def test_two_thousand_files_at_once_are_each_imported_once(rig):
    daemon = rig.start()
    dropped = notes(2000)

    rig.drop_all(dropped)
    rig.drains(120)

    assert daemon.stop() == 0
    rig.assert_each_once(dropped)
    assert rig.done() == sorted(each.name for each in dropped)
    assert rig.failed() == []
    fates = rig.history("select name, outcome from files")
    assert Counter(fates) == Counter((each.name, "imported") for each in dropped)


def test_files_written_while_others_are_imported_are_all_taken(rig):
    rig.start(batch_max_files=50)
    dropped = notes(600)

    def produce(mine):
        for each in mine:
            (rig.folder / each.name).write_bytes(each.xml)

    producers = [threading.Thread(target=produce, args=(dropped[i::3],)) for i in range(3)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    rig.drains(60)

    rig.assert_each_once(dropped)
    assert rig.failed() == []


def test_a_producer_that_never_closes_its_file_does_not_hold_up_others(rig):
    """Even when a batch may hold one file only."""
    rig.start(batch_max_files=1)
    with open(rig.folder / "endless.xml", "wb") as file:
        file.write(b"<nfeProc>")
        file.flush()
        time.sleep(0.5)

        rig.drop(note(1))
        eventually(lambda: rig.chaves() == [note(1).chave], "the other file is imported", 10)


# --- incomplete ---------------------------------------------------------------------------------


def test_a_truncated_file_is_deferred_first_and_refused_after_the_grace_time(rig):
    daemon = rig.start(incomplete_grace_seconds=2)

    rig.drop(truncated(1), "cut.xml")
    daemon.waits_for("file_deferred")
    assert rig.left() == ["cut.xml"]
    rig.drains()

    assert rig.failed() == ["cut.xml", "cut.xml.error.json"]
    assert rig.reason("cut.xml")["error_type"] == "XMLParseError"
    [deferred] = daemon.events("file_deferred")
    refused = daemon.waits_for("file_processing_failed")
    waited = datetime.fromisoformat(str(refused["timestamp"])) - datetime.fromisoformat(
        str(deferred["timestamp"])
    )
    assert waited.total_seconds() >= 2
    assert (deferred["file"], deferred["reason"]) == ("cut.xml", "incomplete")


def test_a_truncated_file_that_is_completed_in_time_is_imported(rig):
    daemon = rig.start(incomplete_grace_seconds=60)
    xml = note(1).xml
    (rig.folder / "late.xml").write_bytes(xml[: len(xml) // 2])
    daemon.waits_for("file_deferred")

    with open(rig.folder / "late.xml", "ab") as file:
        file.write(xml[len(xml) // 2 :])
    rig.drains()

    rig.assert_each_once([note(1)])
    assert rig.failed() == []


def test_an_empty_file_is_deferred_then_refused(rig):
    daemon = rig.start(incomplete_grace_seconds=1)

    rig.drop(b"", "empty.xml")
    daemon.waits_for("file_deferred")
    rig.drains()

    assert rig.failed() == ["empty.xml", "empty.xml.error.json"]
    assert rig.reason("empty.xml")["error_type"] == "XMLParseError"


def test_once_leaves_a_truncated_file_names_it_and_exits_0(rig):
    rig.drop(truncated(1), "cut.xml")
    rig.drop(note(2))

    daemon = rig.once()

    assert daemon.process.returncode == 0
    assert rig.left() == ["cut.xml"]
    assert [each["file"] for each in daemon.events("file_deferred")] == ["cut.xml"]
    rig.assert_each_once([note(2)])


def test_once_exits_0_even_when_a_file_was_refused(rig):
    rig.drop(b"not xml", "bad.xml")
    rig.drop(note(2))

    daemon = rig.once()

    assert daemon.process.returncode == 0
    assert rig.failed() == ["bad.xml", "bad.xml.error.json"]
    rig.assert_each_once([note(2)])


# --- log ----------------------------------------------------------------------------------------


def test_the_events_of_a_small_batch_have_their_public_names_and_fields(rig):
    rig.drop(note(1), "a.xml")
    rig.drop(note(1), "b.xml")
    rig.drop(b"not xml", "c.xml")

    daemon = rig.once()

    names = [str(each["event"]) for each in daemon.events() if "job_id" in each]
    assert names[:2] == ["batch_processing_started", "batch_files_found"]
    assert names[-1] == "batch_processing_completed"
    assert Counter(names[2:-1]) == {"file_processed_successfully": 2, "file_processing_failed": 1}
    [job_id] = {each["job_id"] for each in daemon.events() if "job_id" in each}
    assert rig.history("select job_id, state from jobs") == [(job_id, "completed")]

    [started] = daemon.events("batch_processing_started")
    assert started["folder_path"] == str(rig.folder)
    [found] = daemon.events("batch_files_found")
    assert found["total_files"] == 3
    good = daemon.events("file_processed_successfully")
    assert {each["file"] for each in good} == {"a.xml", "b.xml"}
    assert {each["chave"] for each in good} == {note(1).chave}
    assert sorted(str(each["outcome"]) for each in good) == ["duplicate", "imported"]
    assert all(isinstance(each["duration_ms"], float) and each["duration_ms"] > 0 for each in good)
    [bad] = daemon.events("file_processing_failed")
    assert (bad["file"], bad["error_type"]) == ("c.xml", "XMLParseError")
    assert "not XML" in str(bad["error"])
    [ended] = daemon.events("batch_processing_completed")
    counts = {name: ended[name] for name in ("total", "successful", "failed", "duplicate")}
    assert counts == {"total": 3, "successful": 2, "failed": 1, "duplicate": 1}
    assert isinstance(ended["duration_seconds"], float)


def test_every_line_of_the_log_is_one_json_object_with_time_and_level(rig):
    rig.drop(note(1))
    rig.drop(b"x", "bad\n.xml")

    daemon = rig.once()

    assert daemon.noise() == []
    for said in daemon.events():
        assert datetime.fromisoformat(str(said["timestamp"])).tzinfo is not None
        assert said["level"] in ("debug", "info", "warning", "error")


@pytest.mark.parametrize(("level", "lines"), [("INFO", 0), ("DEBUG", 150)])
def test_in_a_batch_of_more_than_100_files_success_is_said_at_debug_only(rig, level, lines):
    rig.drop_all(notes(150))
    rig.drop(b"not xml", "bad.xml")

    daemon = rig.once(log_level=level, debounce_seconds=1)

    assert [each["total_files"] for each in daemon.events("batch_files_found")] == [151]
    assert len(daemon.events("file_processed_successfully")) == lines
    assert [each["file"] for each in daemon.events("file_processing_failed")] == ["bad.xml"]


def test_a_long_batch_says_how_far_it_is(rig):
    rig.drop_all(notes(1500))

    daemon = rig.once(workers=1, max_concurrent_uploads=1, debounce_seconds=2)

    progress = daemon.events("batch_progress")
    assert progress
    for said in progress:
        assert 0 < int(str(said["processed"])) <= int(str(said["total"])) == 1500
        assert said["failed"] == 0


# --- refused ------------------------------------------------------------------------------------


def test_a_refused_file_lies_in_failed_with_its_reason_beside_it(rig):
    content = b"<pedido/>"
    rig.drop(content, "pedido.xml")

    daemon = rig.once()

    assert rig.failed() == ["pedido.xml", "pedido.xml.error.json"]
    assert (rig.folder / "failed" / "pedido.xml").read_bytes() == content
    said = rig.reason("pedido.xml")
    assert said["file"] == "pedido.xml"
    assert "<pedido>" in str(said["error"])
    assert said["error_type"] == "NotFiscalDocument"
    assert datetime.fromisoformat(str(said["timestamp"])).utcoffset() is not None
    assert said["job_id"] == daemon.events("batch_processing_started")[0]["job_id"]
    assert said["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(str(said["advice"])) > 20
    recorded = rig.history("select name, outcome, error, error_type, sha256 from files")
    assert recorded == [
        ("pedido.xml", "refused", said["error"], said["error_type"], said["sha256"])
    ]


def test_one_bad_file_in_a_batch_costs_only_itself(rig):
    dropped = notes(30)
    rig.drop_all(dropped)
    for n, content in enumerate(
        (b"", b"\0\1\2", b"<a>", b"<a/>", b"<!DOCTYPE a><a/>", b"\xff" * 99)
    ):
        rig.drop(content, f"bad-{n}.xml")

    rig.start(incomplete_grace_seconds=1)
    rig.drains()

    rig.assert_each_once(dropped)
    assert rig.done() == sorted(each.name for each in dropped)
    assert len(rig.failed()) == 12


def test_a_file_larger_than_max_file_bytes_is_refused(rig):
    rig.drop(note(1).xml, "big.xml")
    rig.drop(b"<a/>" + b" " * 100, "small.xml")

    rig.once(max_file_bytes=1000)

    assert rig.reason("big.xml")["error_type"] == "FileTooLarge"
    assert rig.reason("big.xml")["sha256"] is None
    assert rig.reason("small.xml")["error_type"] == "NotFiscalDocument"


# --- namesakes ----------------------------------------------------------------------------------


def test_the_same_file_twice_is_stored_once_and_said_to_be_a_duplicate(rig):
    daemon = rig.start()
    rig.drop(note(1), "first.xml")
    rig.drains()

    rig.drop(note(1), "second.xml")
    rig.drains()
    assert daemon.stop() == 0

    rig.assert_each_once([note(1)])
    assert rig.done() == ["first.xml", "second.xml"]
    assert [each["outcome"] for each in daemon.events("file_processed_successfully")] == [
        "imported",
        "duplicate",
    ]


def test_a_namesake_in_done_is_never_overwritten(rig):
    rig.start()
    for n in range(4):
        rig.drop(note(n), "nfe.xml")
        rig.drains()

    names = rig.done()

    assert names == ["nfe.2.xml", "nfe.3.xml", "nfe.4.xml", "nfe.xml"]
    [folder] = (rig.folder / "done").iterdir()
    kept = {name: (folder / name).read_bytes() for name in names}
    assert kept == {
        "nfe.xml": note(0).xml,
        "nfe.2.xml": note(1).xml,
        "nfe.3.xml": note(2).xml,
        "nfe.4.xml": note(3).xml,
    }


def test_a_namesake_in_failed_is_never_overwritten_nor_is_its_reason(rig):
    rig.start()
    for content in (b"<a/>", b"<b/>"):
        rig.drop(content, "nfe.xml")
        rig.drains()

    eventually(lambda: len(rig.failed()) == 4, "both refused")

    assert (rig.folder / "failed" / "nfe.xml").read_bytes() == b"<a/>"
    assert (rig.folder / "failed" / "nfe.2.xml").read_bytes() == b"<b/>"
    assert "<a>" in str(rig.reason("nfe.xml")["error"])
    assert "<b>" in str(rig.reason("nfe.2.xml")["error"])


# --- left alone ---------------------------------------------------------------------------------


def test_what_is_no_regular_file_is_left_alone_and_named_once(rig):
    elsewhere = rig.home / "elsewhere.xml"
    elsewhere.write_bytes(note(1).xml)
    (rig.folder / "link.xml").symlink_to(elsewhere)
    (rig.folder / "dangling.xml").symlink_to(rig.home / "nothing")
    os.mkfifo(rig.folder / "pipe.xml")
    (rig.folder / "folder.xml").mkdir()
    (rig.folder / "folder.xml" / "inside.xml").write_bytes(note(3).xml)

    daemon = rig.start(rescan_seconds=0.3)
    rig.drop(note(2))
    eventually(lambda: len(rig.left()) == 4, "the note is imported")
    time.sleep(1.0)  # several rescans
    assert daemon.stop() == 0

    rig.assert_each_once([note(2)])
    assert rig.left() == ["dangling.xml", "folder.xml", "link.xml", "pipe.xml"]
    assert Counter(each["file"] for each in daemon.events("file_left_alone")) == {
        "dangling.xml": 1,
        "folder.xml": 1,
        "link.xml": 1,
        "pipe.xml": 1,
    }


def test_temporaries_and_hidden_files_are_left_alone(rig):
    names = [
        ".hidden.xml",
        "nota.xml.tmp",
        "nota.xml.part",
        "nota.xml.partial",
        "nota.xml.crdownload",
        "nota.xml.filepart",
        "nota.xml~",
        "~$nota.xml",
        "nota.txt",
    ]
    for name in names:
        (rig.folder / name).write_bytes(note(1).xml)

    rig.drop(note(2), "NOTA.XML")
    daemon = rig.once()

    assert daemon.process.returncode == 0
    assert rig.done() == ["NOTA.XML"]
    assert all((rig.folder / name).exists() for name in names)


def test_an_unreadable_file_waits_is_named_once_and_is_taken_when_it_can_be(rig):
    path = rig.folder / "secret.xml"
    path.write_bytes(note(1).xml)
    path.chmod(0)
    daemon = rig.start(unprivileged=True, rescan_seconds=0.5)
    rig.drop(note(2))
    daemon.waits_for("file_deferred")
    eventually(lambda: rig.left() == ["secret.xml"], "the other one is imported")
    time.sleep(1.5)  # several rescans
    assert rig.chaves() == [note(2).chave]
    assert [each["file"] for each in daemon.events("file_deferred")] == ["secret.xml"]

    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    rig.drains()

    rig.assert_each_once([note(1), note(2)])
    assert rig.failed() == []


# --- names --------------------------------------------------------------------------------------

NAMES = {
    "spaces": b"nota fiscal  de  venda .xml",
    "accents-nfc": unicodedata.normalize("NFC", "ação São João.xml").encode(),
    "accents-nfd": unicodedata.normalize("NFD", "ação São João.xml").encode(),
    "not-utf8": b"nota\xff.xml",
    "latin1": "ação.xml".encode("latin-1"),
    "255-bytes": b"n" * 251 + b".xml",
    "255-bytes-accents": "é".encode() * 125 + b"x.xml",
    "newline": b"nota\nfiscal.xml",
    "leading-dash": b"-rf.xml",
    "quotes": b'it\'s "quoted" $(id) `x` %s {0}.xml',
    "backslash": b"a\\b.xml",
    "emoji": "🧾.xml".encode(),
}


def test_names_of_any_bytes_are_imported_under_their_own_name(rig):
    daemon = rig.start()
    for n, name in enumerate(NAMES.values()):
        rig.drop(note(n), name)
    rig.drains()
    assert daemon.stop() == 0

    assert [os.fsencode(name) for name in rig.done()] == [
        os.fsencode(name) for name in sorted(os.fsdecode(name) for name in NAMES.values())
    ]
    rig.assert_each_once([note(n) for n in range(len(NAMES))])
    assert daemon.noise() == []


def test_refused_files_of_any_name_lie_in_failed_with_their_reasons(rig):
    for n, name in enumerate(NAMES.values()):
        rig.drop(b"<a%d/>" % n, name)

    daemon = rig.once()

    assert daemon.process.returncode == 0
    assert rig.left() == []
    names = rig.failed()
    assert len(names) == 2 * len(NAMES)
    for name in names:
        assert len(os.fsencode(name)) <= 255
        if not name.endswith(".error.json"):
            assert f"{name}.error.json" in names
    assert daemon.noise() == []


def test_a_name_that_is_not_utf8_does_not_stop_later_files(rig):
    """It kills the watch of the folder; the next file must not wait for a rescan either."""
    rig.start(rescan_seconds=3600)
    rig.drop(note(0), b"nota\xff.xml")
    eventually(lambda: note(0).chave in rig.chaves(), "the odd one is imported", 20)

    for n in range(1, 6):
        rig.drop(note(n), b"nota\xfe%d.xml" % n if n % 2 else None)
        time.sleep(0.3)

    rig.drains(20)
    rig.assert_each_once([note(n) for n in range(6)])


def test_a_non_utf8_file_that_stays_does_not_stop_later_files(rig):
    """Left alone for ever, it meets every restarted watch."""
    (rig.folder / os.fsdecode(b"nota\xff.xml.part")).write_bytes(b"half")
    rig.start(rescan_seconds=3600)

    for n in range(3):
        (rig.folder / os.fsdecode(b"nota\xff.xml.part")).write_bytes(b"half" * n)
        rig.drop(note(n))
        eventually(lambda n=n: note(n).chave in rig.chaves(), "imported", 20)


# --- the folder itself --------------------------------------------------------------------------


def test_a_folder_that_is_deleted_and_made_again_goes_on_being_watched(rig):
    daemon = rig.start(rescan_seconds=3600)
    rig.drop(note(1))
    rig.drains()

    os.rename(rig.folder, rig.home / "gone")
    daemon.waits_for("folder_unavailable")
    rig.folder.mkdir()
    rig.drop(note(2))
    rig.drains()
    rig.drop(note(3))
    rig.drains(20)

    assert daemon.stop() == 0
    rig.assert_each_once([note(1), note(2), note(3)])
    assert rig.done() == sorted([note(2).name, note(3).name])


def test_a_folder_that_is_replaced_by_another_goes_on_being_watched(rig):
    daemon = rig.start(rescan_seconds=3600)
    other = rig.home / "other"
    other.mkdir()
    (other / "moved-in.xml").write_bytes(note(1).xml)

    os.rename(rig.folder, rig.home / "old")
    os.rename(other, rig.folder)
    eventually(lambda: note(1).chave in rig.chaves(), "what lay in the new folder is imported")
    time.sleep(1.5)
    rig.drop(note(2))
    rig.drains(20)

    assert daemon.stop() == 0
    rig.assert_each_once([note(1), note(2)])


def test_a_replaced_folder_that_another_daemon_owns_is_left_to_it(rig, tmp_path):
    """A path is in at most one batch: two daemons on one folder would both take it."""
    daemon = rig.start(rescan_seconds=0.5)
    with Rig(tmp_path / "neighbour") as neighbour:
        theirs = neighbour.start(settle_seconds=30)
        os.rename(rig.folder, rig.home / "old")
        rig.folder.symlink_to(neighbour.folder)
        daemon.waits_for("folder_unavailable")

        neighbour.drop(note(1))

        never(lambda: rig.chaves() or daemon.events("batch_processing_started"), seconds=5)
        assert daemon.process.poll() is None
        assert theirs.process.poll() is None


def test_recursive_takes_files_from_folders_below_but_not_from_its_own(rig):
    below = rig.folder / "fornecedor" / "2026"
    below.mkdir(parents=True)
    (below / "a.xml").write_bytes(note(1).xml)
    (rig.folder / "done").mkdir()
    (rig.folder / "failed").mkdir()
    (rig.folder / "done" / "old.xml").write_bytes(note(8).xml)
    (rig.folder / "failed" / "old.xml").write_bytes(note(9).xml)

    daemon = rig.start(recursive="true", rescan_seconds=3600)
    eventually(lambda: rig.chaves() == [note(1).chave], "the one below is imported")
    (below / "b.xml").write_bytes(note(2).xml)
    deep = below / "new"
    deep.mkdir()
    (deep / "c.xml").write_bytes(note(3).xml)
    eventually(lambda: len(rig.chaves()) == 3, "those written later too", 20)
    eventually(lambda: len(rig.done()) == 4, "moved")

    assert daemon.stop() == 0
    rig.assert_each_once([note(1), note(2), note(3)])
    assert rig.done() == ["a.xml", "b.xml", "c.xml", "old.xml"]
    assert rig.failed() == ["old.xml"]


def test_without_recursive_folders_below_are_left_alone(rig):
    (rig.folder / "below").mkdir()
    (rig.folder / "below" / "a.xml").write_bytes(note(1).xml)

    rig.once()

    assert rig.chaves() == []
    assert (rig.folder / "below" / "a.xml").exists()


def test_a_second_daemon_on_the_same_folder_refuses_and_names_the_first(rig):
    first = rig.start()

    second = rig.launch()

    assert second.ends() != 0
    assert f"process {first.pid}" in "\n".join(second.lines())
    assert first.process.poll() is None
    rig.drop(note(1))
    rig.drains()
    assert first.stop() == 0


def test_the_folder_is_free_again_after_the_daemon_was_killed(rig):
    rig.start().kill()

    second = rig.start()

    assert second.stop() == 0


def test_a_closed_batch_is_not_reopened_by_its_own_moves(rig):
    """Moving files makes events; an idle daemon must not go on making jobs of nothing."""
    daemon = rig.start(rescan_seconds=0.5)
    rig.drop_all(notes(10))
    rig.drains()
    jobs = len(daemon.events("batch_processing_started"))

    time.sleep(2)

    assert len(daemon.events("batch_processing_started")) == jobs


# --- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_stops_at_once_with_exit_0(rig, number):
    daemon = rig.start()

    code = daemon.stop(number, seconds=10)

    assert code == 0
    assert daemon.noise() == []
    assert daemon.events("daemon_stopped")


def test_a_stop_in_the_middle_finishes_running_chunks_and_leaves_the_rest(rig):
    dropped = notes(3000)
    rig.drop_all(dropped)
    daemon = rig.start(max_concurrent_uploads=1, workers=1, batch_max_wait_seconds=0.2)
    eventually(lambda: len(rig.chaves()) > 64, "some are stored")

    code = daemon.stop(signal.SIGTERM, seconds=30)

    assert code == 0
    stored, left = rig.chaves(), rig.left()
    assert 0 < len(left) < 3000
    assert len(stored) + len(left) == 3000
    assert len(rig.done()) == len(stored)
    assert rig.failed() == []
    assert rig.history("select state from jobs order by created_at desc limit 1") == [
        ("cancelled",)
    ]
    assert daemon.noise() == []
    assert rig.once().process.returncode == 0
    rig.assert_each_once(dropped)


def test_a_second_stop_gives_up_at_once_and_loses_nothing(rig):
    dropped = notes(1000)
    rig.drop_all(dropped)
    rig.once()  # makes the database
    rig.drop_all(more := notes(1000, start=1000))
    with write_locked(rig.database):
        daemon = rig.start()
        daemon.waits_for("batch_processing_started")
        daemon.send(signal.SIGTERM)
        daemon.waits_for("stopping")
        daemon.send(signal.SIGTERM)
        daemon.ends(15)

        assert len(rig.left()) == 1000
        assert "Traceback" not in "\n".join(daemon.noise())
    assert rig.once().process.returncode == 0
    rig.assert_each_once([*dropped, *more])
    assert rig.failed() == []


def test_a_stop_while_the_database_is_locked_does_not_wait_for_it(rig):
    rig.start().stop()
    with write_locked(rig.database):
        daemon = rig.start()
        rig.drop(note(1))
        daemon.waits_for("database_unavailable")

        code = daemon.stop(signal.SIGTERM, seconds=20)

    assert code == 0
    assert rig.left() == [note(1).name]
    assert rig.failed() == []


def test_no_worker_outlives_a_stopped_daemon(rig):
    daemon = rig.start()
    workers = daemon.workers()
    assert workers

    daemon.stop()

    assert [each.pid for each in workers if each.is_running()] == []
