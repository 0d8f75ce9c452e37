"""Recusados: by cause, cured, put back, set aside; nothing is deleted."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from nfed.web.marks import mark_of
from nfed.web.refused import excerpt_of
from tests.support.harness import eventually, note
from tests.support.notes import generator
from tests.support.served import served

HOME = "/painel/recusados"
HOSTILE = "ruim <b>&\u202e.xml"


def with_wrong_key(n: int) -> bytes:
    """A note whose key has a wrong check digit, in the Id and nowhere else."""
    made = generator().note(n, items=1, rich=False)
    last = "0" if made.chave[-1] != "0" else "1"
    return made.xml.replace(made.chave.encode(), (made.chave[:-1] + last).encode())


def refuse(rig, *files: tuple[str, bytes]) -> None:
    for name, content in files:
        rig.drop(content, name)
    failed = rig.folder / "failed"
    eventually(lambda: all((failed / name).exists() for name, _ in files))


def test_files_are_grouped_by_cause_and_each_tells_why(server, open_page):
    broken = "<a>\n<b>\n<script>alert(1)</script>\u202e\n</c>\n</a>".encode()
    refuse(server.rig, ("lixo.xml", b"lixo"), (HOSTILE, broken), ("chave.xml", with_wrong_key(1)))

    page = open_page(f"{server.url}{HOME}")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Não é um XML inteiro").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="ruim").click()

    expect(page.locator("h1")).to_have_text("ruim <b>&\\u202e.xml")
    expect(page.locator(".source .here")).to_have_text("4</c>")
    expect(page.locator(".source")).to_contain_text("<script>alert(1)</script>\\u202e")
    assert page.locator("main script, main b").count() == 0


def test_one_is_tried_again_and_one_is_dismissed_with_its_reason(server, open_page):
    refuse(server.rig, ("um.xml", b"lixo"), ("dois.xml", b"lixo dois"))
    failed = server.rig.folder / "failed"
    (failed / "um.xml").write_bytes(note(1).xml)
    page = open_page(f"{server.url}/painel/recusado/{mark_of('um.xml')}")

    page.get_by_role("button", name="Tentar de novo").click()
    expect(page.locator("main > .banner")).to_contain_text("1 arquivo voltou à pasta")
    eventually(server.rig.chaves)
    page.get_by_label("dois.xml").check()
    page.get_by_role("button", name="Dispensar os marcados").click()
    expect(page.locator("main")).to_contain_text("Nenhum arquivo recusado.")

    aside = failed / "dismissed"
    assert sorted(each.name for each in aside.iterdir()) == ["dois.xml", "dois.xml.error.json"]
    assert (aside / "dois.xml").read_bytes() == b"lixo dois"
    assert json.loads((aside / "dois.xml.error.json").read_bytes())["file"] == "dois.xml"
    assert server.rig.failed() == ["dois.xml", "dois.xml.error.json"]


def test_dismissing_never_overwrites_a_namesake(server):
    for content in (b"lixo um", b"lixo dois"):
        refuse(server.rig, ("a.xml", content))
        server.post(HOME, data={"acao": "dispensar", "arquivo": mark_of("a.xml")})

    aside = server.rig.folder / "failed" / "dismissed"
    assert (aside / "a.xml").read_bytes() == b"lixo um"
    assert (aside / "a.2.xml").read_bytes() == b"lixo dois"
    assert len(list(aside.iterdir())) == 4


@pytest.mark.slow
def test_a_group_is_tried_out_cured_and_tried_again(rig, open_page):
    count = 1000
    with served(rig) as server:
        for n in range(count):
            rig.drop(with_wrong_key(n), f"chave-{n}.xml")
        eventually(lambda: len(rig.failed()) == 2 * count, seconds=120)
        page = open_page(f"{server.url}{HOME}/InvalidAccessKey.KEY")

        page.get_by_label("check_key").select_option("warn")
        page.get_by_role("button", name="Ensaiar").click()

        expect(page.locator("#trial .good")).to_have_text("1.000", timeout=60_000)
        expect(page.locator("#trial .source")).to_have_text('check_key = "warn"')
        assert len(rig.failed()) == 2 * count
        assert rig.chaves() == []
        server.daemon.stop()
    with served(rig, check_key="warn") as server:
        page = open_page(f"{server.url}{HOME}/InvalidAccessKey.KEY")
        page.get_by_role("button", name="Tentar de novo todos os 1.000").click()
        expect(page.locator("main > .banner")).to_contain_text("1.000", timeout=60_000)
        eventually(lambda: len(rig.chaves()) == count, seconds=120)
        assert rig.failed() == []


@pytest.mark.slow
def test_a_hundred_thousand_refused_files_make_no_page_slower(rig):
    failed = rig.folder / "failed"
    failed.mkdir()
    reason = json.dumps({"error": "lixo", "error_type": "XMLParseError", "timestamp": "2026-11-30"})
    for n in range(100_000):
        (failed / f"{n}.xml").write_bytes(b"")
        (failed / f"{n}.xml.error.json").write_text(reason)
    with served(rig) as server:
        eventually(lambda: "100.000" in server.get(HOME).text, seconds=30)
        eventually(lambda: "ainda estão sendo lidos" not in server.get(HOME).text, seconds=120)
        took = []
        for address in ("/", HOME, f"{HOME}/XMLParseError") * 5:
            began = time.monotonic()
            answer = server.get(address)
            took.append(time.monotonic() - began)
            assert answer.status_code == 200
            assert len(answer.content) < 100_000

        assert sorted(took)[len(took) // 2] < 0.2
        following = re.search(
            r'rel="next" href="([^"]+)"', server.get(f"{HOME}/XMLParseError").text
        )
        first = re.findall(r'aria-label="(\d+\.xml)"', server.get(f"{HOME}/XMLParseError").text)
        second = re.findall(r'aria-label="(\d+\.xml)"', server.get(following[1]).text)
        assert len(first) == len(second) == 50
        assert not set(first) & set(second)


@pytest.mark.parametrize(
    "mark", ["x", "Li4vLi4vbmZlZC5kYg", mark_of("../../nfed.db"), "%00", "%2e%2e"]
)
def test_no_address_leads_out_of_failed(server, mark):
    refuse(server.rig, ("lixo.xml", b"lixo"))
    (server.rig.folder / "failed" / "elo.xml").symlink_to(server.rig.home / "nfed.db")

    for asked in (mark, mark_of("elo.xml")):
        assert server.get(f"/painel/recusado/{asked}").status_code in (404, 405)
        assert server.get(f"/painel/recusado/{asked}/arquivo").status_code in (404, 405)


def test_the_line_is_found_by_number_and_by_path():
    numbered = excerpt_of(b"um\ndois\ntres", "broken at line 2, column 1")
    by_path = excerpt_of(b"<a>\n <b>\n  <c>1,5</c>\n </b>\n</a>", "<b/c> holds '1,5'")
    long = excerpt_of(b"<a>" + b"x" * 5000 + b"<c>1,5</c></a>", "<c> holds '1,5'")

    assert [line for line in numbered.lines if line[2]] == [(2, "dois", True)]
    assert [line[:2] for line in by_path.lines if line[2]] == [(3, "  <c>1,5</c>")]
    assert "<c>1,5</c>" in long.lines[0][1]
    assert len(long.lines[0][1]) < 500
