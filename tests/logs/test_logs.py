"""The log as lines: their form, what is masked, and readers that do not read."""

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from nfed.logs.entry import Entry
from nfed.logs.masking import Mask
from nfed.logs.outbox import DescriptorSink, Item, Outbox
from tests.support.cli_command import Terminal
from tests.support.harness import ROOT, Rig, eventually, note, notes
from tests.support.notes import note as note_xml
from tests.support.notes import with_value

CPF = "529.982.247-25"
BARE = "52998224725"
KEY = note(1).chave


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


# --- form ---------------------------------------------------------------------------------------


def test_a_json_line_has_five_members_and_the_fields_are_the_context(rig):
    rig.drop(note(1), "nota.xml")

    daemon = rig.once()

    said = [json.loads(line) for line in daemon.lines()]
    for line in said:
        assert list(line) == ["timestamp", "level", "logger", "event", "context"]
        assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
        assert line["logger"] == "nfed"
    [done] = [line for line in said if line["event"] == "file_processed_successfully"]
    assert done["level"] == "info"
    assert done["context"]["file"] == "nota.xml"
    assert done["context"]["job_id"] in [row[0] for row in rig.history("select job_id from jobs")]


def test_a_terminal_gets_coloured_lines_for_people(tmp_path):
    (tmp_path / "xml_nf").mkdir()
    terminal = Terminal(tmp_path, "run", "--once")

    assert terminal.ends() == 0

    said = terminal.text
    assert re.search(r"\x1b\[\d+m[\d:]{8}\x1b\[0m watching \S+/xml_nf, storing in nfed.db", said), (
        said
    )
    assert '"event"' not in said


def test_a_library_speaks_in_the_same_form(tmp_path):
    [line] = _said(
        "structlog.contextvars.bind_contextvars(job_id='7f3a')\n"
        "logging.getLogger('asyncio').error('slow', extra={'seconds': 3})",
        tmp_path,
    )

    said = json.loads(line)
    assert (said["logger"], said["event"], said["level"]) == ("asyncio", "slow", "error")
    assert said["context"] == {"job_id": "7f3a", "seconds": 3}


def _said(code: str, home: Path, configure: str = "'INFO', 'json'") -> list[str]:
    prelude = (
        "import logging, structlog\nfrom nfed import logs\n"
        f"logs.configure({configure})\nlog = structlog.get_logger('nfed')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", prelude + code],
        cwd=home,
        env={"PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stderr.splitlines()


@pytest.mark.parametrize(
    ("count", "log_files", "lines"),
    [(3, "auto", 3), (101, "auto", 0), (101, "always", 101), (3, "never", 0)],
)
def test_log_files_says_whether_each_file_is_a_line(rig, count, log_files, lines):
    rig.drop_all(notes(count))
    rig.drop(b"<a/>", "bad.xml")

    daemon = rig.once(log_files=log_files, debounce_seconds=1)

    assert len(daemon.events("file_processed_successfully")) == lines
    assert len(daemon.events("file_processing_failed")) == 1


# --- what is not said ---------------------------------------------------------------------------


def test_no_cpf_of_a_hostile_document_is_in_the_log_but_keys_are(rig):
    """Refusals and warnings quote what they found; so do libxml2's own messages."""
    rig.drop(note(1), f"nota de {BARE}.xml")
    rig.drop(with_value(note_xml(2), "vNF", CPF), "decimal.xml")
    rig.drop(with_value(note_xml(3), "CNPJ", CPF), "cnpj.xml")
    rig.drop(f"<pessoa-{CPF}/>".encode(), "root.xml")
    rig.drop(f"<a></a-{BARE}>".encode(), "mismatch.xml")
    rig.drop(f"<a cpf='{BARE}' {BARE}='1'/>".encode(), "attribute.xml")
    rig.drop(f"<!DOCTYPE a SYSTEM 'http://h/{BARE}'><a/>".encode(), "doctype.xml")
    rig.drop(b"<a>&c" + BARE.encode() + b";</a>", "entity.xml")

    daemon = rig.once(log_level="DEBUG")

    text = "\n".join(daemon.lines())
    assert len(daemon.events("file_processing_failed")) >= 5
    assert BARE not in text
    assert CPF not in text
    assert f'"chave": "{KEY}"' in text
    assert CPF in str(rig.reason("root.xml")["error"])  # the reason beside the file is whole


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"cpf {BARE}", "cpf ***"),
        (f"<CPF>{BARE}</CPF>", "<CPF>***</CPF>"),
        (f"'{CPF}'", "'***'"),
        ("529 982 247 25 and 529982247-25", "*** and ***"),
        ("١٢٣٤٥٦٧٨٩٠١", "***"),
        (f"x{BARE}y", "x***y"),
        (f"chave {KEY} stays", f"chave {KEY} stays"),
        (f"NFe{KEY}", f"NFe{KEY}"),
        (f"000{BARE}.xml", "***.xml"),
        (f"0{BARE} 000{CPF} 000 {CPF}", "*** *** 000 ***"),
        ("00.052.998/2247-25", "***"),
        ("00000000000191, 00.000.000/0001-91", None),  # a CNPJ, though it ends as a CPF does
        ("00052998224726, 000529982247250, 1000052998224725", None),
        (f"000{BARE}{'0' * 30}", None),  # a key's 44 digits
        ("CNPJ 11222333000181, 192.168.100.10, 2026-11-23", None),
        ("20261123-214219-abc123 in 1700000000000000000 ns", None),
        (
            "postgresql://nfed:s3cr3t@db:5432/nfed refused",
            "postgresql://nfed:***@db:5432/nfed refused",
        ),
        ("password=hunter22 host=db", "password=*** host=db"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ('"apikey": "abc"', '"apikey": "***"'),
        ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoi.c2ln used", "*** used"),
        ("sb_secret_abc", "***"),
        ("my s+cret word", "my *** word"),
        ("Failing row contains (1, Maria, Rua A).", "Failing row contains (…"),
        ("got <?xml version='1.0'?><nfeProc>", "got <?xml…"),
    ],
)
def test_what_must_not_be_shown_is_masked_and_the_rest_is_not(said, shown):
    mask = Mask({"s+cret"})
    fields = {"error": said, "nested": [{"deep": (said,)}]}

    masked = mask(Entry("info", "nfed", "an_event", fields)).fields

    expected = said if shown is None else shown
    assert masked == {"error": expected, "nested": [{"deep": [expected]}]}


def test_numbers_stay_numbers_and_long_texts_are_cut():
    masked = Mask()(Entry("info", "nfed", "e", {"bytes": 52998224725, "error": "x" * 5000}))

    assert masked.fields["bytes"] == 52998224725
    assert masked.fields["error"] == "x" * 2000 + "…"


def test_a_password_that_a_library_says_is_masked(tmp_path):
    [line] = _said(
        "logging.getLogger('db').error('cannot log in with %s', 'p@ss/w')",
        tmp_path,
        "'INFO', 'json', secrets={'p@ss/w'}",
    )

    assert json.loads(line)["event"] == "cannot log in with ***"


@pytest.mark.parametrize(
    "call",
    [
        f"error('fmt %d {BARE}', '{CPF}')",
        f"error('%s %s', '{CPF}')",
        "error('%s', Unsayable())",
        "error('said', extra={'more': Unsayable()})",
    ],
)
def test_a_broken_log_call_is_one_line_that_names_the_place_and_no_argument(tmp_path, call):
    lines = _said(
        f"class Unsayable:\n    def __str__(self): raise ValueError('{CPF}')\n"
        f"logging.getLogger('lib').{call}",
        tmp_path,
    )

    [said] = map(json.loads, lines)
    assert (said["logger"], said["level"], said["event"]) == ("lib", "error", "log_call_broken")
    assert said["context"]["where"] == "<string>:7"
    assert said["context"]["error_type"] in ("TypeError", "ValueError")
    assert CPF not in lines[0]
    assert BARE not in lines[0]


def test_a_warning_is_an_entry(tmp_path):
    [line] = _said(f"import warnings; warnings.warn('old: {CPF}', stacklevel=1)", tmp_path)

    said = json.loads(line)
    assert (said["logger"], said["level"]) == ("py.warnings", "warning")
    assert said["event"] == "UserWarning: old: ***"


@pytest.mark.parametrize("wait", ["concurrent.futures", "asyncio"])
def test_a_waiter_whom_nobody_can_wake_for_want_of_memory_ends_the_process(tmp_path, wait):
    """Both libraries log what a callback raises, and go on: whoever waits would wait for ever."""
    code = {
        "concurrent.futures": (
            "import concurrent.futures, threading\n"
            "def broken(future): raise MemoryError\n"
            "pool = concurrent.futures.ThreadPoolExecutor(1)\n"
            "pool.submit(int).add_done_callback(broken)\n"
            "threading.Event().wait(60)"
        ),
        "asyncio": (
            "import asyncio\n"
            "def broken(): raise MemoryError\n"
            "async def main():\n"
            "    asyncio.get_running_loop().call_soon(broken)\n"
            "    await asyncio.sleep(60)\n"
            "asyncio.run(main())"
        ),
    }[wait]

    ended = subprocess.run(
        [sys.executable, "-c", f"from nfed import logs\nlogs.configure('INFO', 'json')\n{code}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=50,
    )  # fmt: skip

    assert ended.returncode == 75
    assert ended.stderr.startswith("nfed: not enough memory")


def test_an_exception_that_ends_a_thread_is_an_entry(tmp_path):
    [line] = _said(
        f"import threading\ndef broken(): raise ValueError('{CPF}')\n"
        "thread = threading.Thread(target=broken, name='mine')\nthread.start(); thread.join()",
        tmp_path,
    )

    said = json.loads(line)
    assert (said["level"], said["event"]) == ("error", "thread_broke")
    assert (said["context"]["thread"], said["context"]["error_type"]) == ("mine", "ValueError")
    assert said["context"]["exception"].splitlines()[-1] == "ValueError: ***"


def test_an_exception_that_cannot_be_raised_is_an_entry(tmp_path):
    [line] = _said(
        "class Held:\n"
        f"    def __repr__(self): return '{CPF}'\n"
        f"    def __del__(self): raise ValueError('{CPF}')\n"
        "held = Held(); del held",
        tmp_path,
    )

    said = json.loads(line)
    assert (said["level"], said["event"]) == ("error", "exception_ignored")
    assert said["context"]["where"] == "Held.__del__"
    assert said["context"]["exception"].splitlines()[-1] == "ValueError: ***"


# --- readers that do not read -------------------------------------------------------------------


def test_a_pipe_that_nobody_reads_does_not_stop_the_import(rig):
    """64 KiB fit into a pipe: some 250 lines. The daemon says far more."""
    ours, theirs = os.pipe()
    dropped = notes(600)
    rig.drop_all(dropped)

    daemon = rig.launch(stderr=theirs, log_files="always")
    os.close(theirs)
    rig.drains(90)
    rig.assert_each_once(dropped)
    with open(ours, encoding="utf-8") as stream:
        daemon.send(15)
        said = [json.loads(line) for line in stream]

    assert daemon.ends() == 0
    events = [line["event"] for line in said]
    assert events.count("file_processed_successfully") == 600
    assert "daemon_stopped" in events
    assert "log_lines_dropped" not in events


def test_a_daemon_whose_log_nobody_reads_ends_in_time(rig):
    ours, theirs = os.pipe()
    rig.drop_all(notes(500))
    daemon = rig.launch(stderr=theirs, log_files="always")
    rig.drains(60)

    assert daemon.stop(seconds=20) == 0

    os.close(ours)
    os.close(theirs)


def test_a_log_whose_reader_is_gone_ends_nothing(rig):
    ours, theirs = os.pipe()
    daemon = rig.launch(stderr=theirs)
    os.close(theirs)
    os.close(ours)

    rig.drop(note(1))
    rig.drains()

    assert daemon.stop() == 0
    rig.assert_each_once([note(1)])


class _Slow:
    """A sink that writes when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.written: list[Item] = []

    def write(self, items: Sequence[Item], given_up: threading.Event) -> int:
        while not self.let.wait(0.01):
            if given_up.is_set():
                return len(items)
        self.written.extend(items)
        return 0


def test_what_finds_no_room_is_counted_and_the_count_said_when_there_is_room():
    sink = _Slow()
    outbox = Outbox(sink, lambda count: (f"{count} dropped".encode(),), most_bytes=2 << 20)

    for number in range(100):
        outbox.put((b"%d" % number + b"x" * 50_000,))
    sink.let.set()
    outbox.close(30)

    kept = [item for item in sink.written if b"dropped" not in item[0]]
    assert 10 < len(kept) < 30  # a mebibyte's worth
    assert [item[0] for item in sink.written if b"dropped" in item[0]] == [
        f"{100 - len(kept)} dropped".encode()
    ]


def test_the_last_of_the_room_is_for_what_is_urgent():
    sink = _Slow()
    outbox = Outbox(sink, lambda count: (b"dropped",), most_bytes=2 << 20)
    for _ in range(100):
        outbox.put((b"x" * 50_000,))

    outbox.put((b"urgent",), urgent=True)
    sink.let.set()
    outbox.close(30)

    assert (b"urgent",) in sink.written


def test_closing_an_outbox_that_is_stuck_returns():
    sink = _Slow()
    outbox = Outbox(sink, lambda count: (b"",))
    outbox.put((b"never written",))

    outbox.close(0.05)

    eventually(lambda: not outbox.is_running)
    assert sink.written == []


def test_an_outbox_that_retires_waits_for_nobody_and_its_heir_says_what_was_lost():
    stuck, still_stuck, open_sink = _Slow(), _Slow(), _Slow()
    open_sink.let.set()
    first, second, third = (
        Outbox(sink, lambda count: (f"{count} dropped".encode(),))
        for sink in (stuck, still_stuck, open_sink)
    )
    for outbox in (first, second):
        for number in range(30):
            outbox.put((b"%d" % number,))

    first.retire(second, 3600)
    assert first.is_running
    second.retire(third, 3600)
    third.put((b"goes on",))
    for outbox in (first, second):
        outbox.put((b"too late",))
        outbox.close(0)
    eventually(lambda: not first.is_running and not second.is_running)
    third.close(30)

    said = [item[0] for item in open_sink.written]
    dropped = [int(line.split()[0]) for line in said if line.endswith(b" dropped")]
    assert sum(dropped) == 62
    assert b"goes on" in said
    assert stuck.written == still_stuck.written == []


def test_what_an_heir_inherits_is_said_without_another_line():
    stuck, open_sink = _Slow(), _Slow()
    open_sink.let.set()
    outbox = Outbox(stuck, lambda count: (b"",))
    heir = Outbox(open_sink, lambda count: (f"{count} dropped".encode(),))
    outbox.put((b"never written",))

    outbox.retire(heir, 0)

    eventually(lambda: open_sink.written == [(b"1 dropped",)])
    heir.close(30)


def test_a_descriptor_that_would_block_is_waited_for():
    """Some supervisors hand a stderr over that is non-blocking."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    content = [(b"%06d\n" % number,) for number in range(30_000)]
    read = io.BytesIO()

    def drain() -> None:
        while part := os.read(ours, 4096):
            read.write(part)

    reader = threading.Thread(target=drain)
    reader.start()
    lost = DescriptorSink(theirs).write(content, threading.Event())
    os.close(theirs)
    reader.join()
    os.close(ours)

    assert lost == 0
    assert read.getvalue() == b"".join(item[0] for item in content)
