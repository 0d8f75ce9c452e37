"""Agora: files are handed in, and what becomes of them is seen at once."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.harness import eventually, note, notes, truncated
from tests.support.served import served

# What a browser does when files are dropped: a DataTransfer that holds them.
_DROP = """(target, files) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) transfer.items.add(new File([text], name));
  const how = {bubbles: true, cancelable: true, dataTransfer: transfer};
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, how));
}"""
IMPORTED = ".tile >> nth=0 >> b"


def test_fifty_dropped_files_arrive_live(server, open_page):
    page = open_page(server.url)
    dropped = notes(50)

    files = [[each.name, each.xml.decode()] for each in dropped]
    page.locator("#drop").evaluate(_DROP, [*files, ["leia-me.txt", "nada"]])

    expect(page.locator(IMPORTED)).to_have_text("50")
    expect(page.locator("#uploads li")).to_have_count(50)
    expect(page.locator("#uploads li .good")).to_have_count(50)
    expect(page.locator("#uploads > p")).to_contain_text("deixados de fora")
    server.rig.assert_each_once(dropped)


def test_a_folder_is_handed_in_by_the_chooser(server, open_page, tmp_path: Path):
    lote = tmp_path / "lote"
    lote.mkdir()
    for each in notes(3):
        (lote / each.name).write_bytes(each.xml)
    page = open_page(server.url)

    page.locator("#files").set_input_files(sorted(lote.iterdir()))
    page.get_by_role("button", name="Enviar").click()

    expect(page.locator(IMPORTED)).to_have_text("3")


def test_a_commit_is_seen_within_a_second(server, open_page):
    page = open_page(server.url)
    expect(page.locator(IMPORTED)).to_have_text("0")

    server.rig.drop(note(1))
    eventually(server.rig.chaves)
    committed = time.monotonic()
    expect(page.locator(IMPORTED)).to_have_text("1")

    assert time.monotonic() - committed < 1.0


def test_what_waits_is_named_with_its_reason(server, open_page):
    page = open_page(server.url)

    server.rig.drop(truncated(1), "cortada.xml")

    expect(page.locator("#live")).to_contain_text("cortada.xml")
    expect(page.locator("#live")).to_contain_text("termina cedo demais; o resto ainda pode chegar")


def test_what_is_not_taken_is_named(server, open_page):
    page = open_page(server.url)

    server.rig.drop(b"nada", "planilha.xlsx")

    expect(page.locator("#left")).to_contain_text("planilha.xlsx", timeout=30_000)


def test_a_file_is_handed_in_without_javascript(server, open_page):
    page = open_page(server.url, java_script_enabled=False)

    page.locator("#files").set_input_files(
        [{"name": "nota.xml", "mimeType": "text/xml", "buffer": note(1).xml}]
    )
    page.get_by_role("button", name="Enviar").click()

    expect(page.locator("main > .banner")).to_have_text("1 arquivo foi entregue.")
    eventually(server.rig.chaves)


def test_a_name_is_shown_and_harmless(server, open_page):
    name = "<img src=x onerror=alert(1)>\u202elmx.xml"
    page = open_page(server.url)

    server.rig.drop(truncated(1), name)

    expect(page.locator("#live")).to_contain_text("<img src=x onerror=alert(1)>\\u202elmx.xml")
    expect(page.locator("#live img")).to_have_count(0)


def test_the_page_says_that_nfed_is_away_and_comes_back_by_itself(rig, open_page):
    with served(rig) as server:
        page = open_page(server.url, errors_expected=True)
        expect(page.locator("#away")).to_be_hidden()
        server.daemon.stop()
        expect(page.locator("#away")).to_be_visible()
        rig.drop_all(notes(2))
    with served(rig, port=server.port):
        expect(page.locator("#away")).to_be_hidden()
        expect(page.locator(IMPORTED)).to_have_text("2")


@pytest.mark.slow
def test_the_running_job_has_a_live_bar(server, open_page):
    page = open_page(server.url)

    server.rig.drop_all(notes(1500))

    expect(page.locator("#live progress")).to_be_visible()
    expect(page.locator("#live .job")).to_have_text(
        re.compile(r"[1-9]\d* de [\d.]+ arquivos · .+/s")
    )
    expect(page.locator(IMPORTED)).to_have_text("1.500", timeout=30_000)
    expect(page.locator("#live progress")).to_have_count(0)
