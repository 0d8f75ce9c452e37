"""Text from a file or a server reaches no terminal as it is: it could move the cursor, hide what
follows, or read as something else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nfed.core.escape import escaped, escaped_json, escaped_lines
from nfed.logs.entry import Entry
from nfed.logs.journal import journal_item
from nfed.logs.rendering import console_renderer, json_line
from tests.support.cli_command import nfed
from tests.support.harness import Rig, note
from tests.support.supervisor import Journal

HOSTILE = "Raz\u00e3o \u009b31m\u202egnp.exe\u2028\u00ad\u200b\x7f"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def unprintable(text: str) -> set[str]:
    return {each for each in text if not each.isprintable() and each != "\n"}


@given(st.text(st.characters()))
def test_what_is_escaped_can_be_printed_and_what_could_be_is_left(text: str):
    assert escaped(text).isprintable()
    assert escaped(escaped(text)) == escaped(text)
    assert unprintable(escaped_lines(text)) == set()
    if text.isprintable():
        assert escaped(text) == text


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_an_escaped_json_document_says_the_same(said: dict[str, str]):
    document = escaped_json(json.dumps(said, ensure_ascii=False, indent=2))

    assert json.loads(document) == said
    assert unprintable(document) == set()


def test_accents_and_letters_of_any_script_stay():
    assert escaped("Raz\u00e3o\u202e") == "Raz\u00e3o\\u202e"
    assert (
        escaped_json('"\u00e7\u00e3 \u65e5\u672c \U0001f600"')
        == '"\u00e7\u00e3 \u65e5\u672c \U0001f600"'
    )


@pytest.mark.parametrize("how", ["json", "console", "journal"])
def test_no_rendering_of_an_entry_holds_what_a_terminal_obeys(how: str):
    fields: dict[str, object] = {"error": HOSTILE, "names": [HOSTILE], "exception": f"a\n{HOSTILE}"}
    entry = Entry("error", "nfed", "file_processing_failed", fields)

    match how:
        case "json":
            rendered: list[bytes] = [json_line(entry)]
        case "console":
            rendered = [*console_renderer(colours=False)(entry)]
        case _:
            rendered = [*journal_item(entry)]

    text = "\n".join(each.decode("utf-8") for each in rendered)
    assert unprintable(text) == set()
    assert "Raz\u00e3o" in text
    assert "202e" in text


def test_a_refused_document_shows_nothing_raw_anywhere(rig: Rig, tmp_path: Path):
    journal = Journal(tmp_path / "journal")
    natop = "Venda \u009b31m\u202e".encode()
    content = re.sub(b"<natOp>.*?</natOp>", b"<natOp>" + natop + b"</natOp>", note(1).xml)
    bad = "a\u202eb.xml"
    rig.drop(content, bad)
    rig.once(check_schema="refuse", journal_socket=tmp_path / "journal")
    rig.drop(content, "again.xml")
    daemon = rig.once(check_schema="refuse")

    reason = (rig.folder / "failed" / f"{bad}.error.json").read_text("utf-8")
    commands = [("status",), ("status", "--json"), ("jobs",), ("jobs", "--json")]
    env = {"NFED_XML_FOLDER": str(rig.folder), "NFED_DATABASE_URL": f"sqlite:///{rig.database}"}
    [(job,), *_] = rig.history("select job_id from jobs order by created_at")
    commands += [("jobs", str(job)), ("jobs", str(job), "--json")]
    printed = [nfed(rig.home, *command, **env).stdout for command in commands]

    [(told,)] = rig.history("select error from files where name = 'again.xml'")
    assert "\u202e" in str(told)  # the ledger keeps what was said
    assert "\\u202e" in reason
    assert "\\u202e" in printed[0]
    assert json.loads(reason)["error"] == told
    for text in (reason, *printed, *daemon.lines()):
        assert unprintable(text) == set()
    for entry in journal.entries():
        assert unprintable("\n".join(map("\n".join, entry.values()))) == set()
    journal.close()
