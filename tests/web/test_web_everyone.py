"""The page is for everyone: axe finds nothing, the keyboard is enough, a phone is wide enough."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from nfed.web.marks import mark_of
from tests.support.chromium import axe
from tests.support.harness import Rig, eventually, truncated
from tests.support.notes import generator
from tests.support.served import Served, served
from tests.web.screens import SCREENS

NOTE = generator().note(5, items=3, rich=True)
MORE = (
    "/painel/recusados/XMLParseError",
    f"/painel/recusado/{mark_of('lixo.xml')}",
    f"/painel/notas/{NOTE.chave}",
    f"/painel/notas/{NOTE.chave}/texto",
    f"/painel/notas/{NOTE.chave}/prova?t=notas_fiscais&n=0&c=valor_total_nota",
    f"/painel/resumo?empresa={NOTE.chave[6:20]}&ambiente=2",
    "/painel/nada",
)


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Iterator[Served]:
    """A daemon that has something on every screen."""
    with Rig(tmp_path_factory.mktemp("full")) as rig, served(rig) as server:
        rig.drop(NOTE)
        rig.drop(b"lixo", "lixo.xml")
        rig.drop(truncated(1), "cortada.xml")
        eventually(lambda: rig.chaves() and rig.failed())
        yield server


def violations(page: Page) -> list[str]:
    """As axe names them, with the elements."""
    page.evaluate(axe())  # by the debugger's way, to which the page's policy does not apply
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(full, open_page, scheme):
    page = open_page(full.url, color_scheme=scheme, errors_expected=True)

    found = {}
    for address in (*SCREENS, *MORE):
        page.goto(f"{full.url}{address}")
        if complaints := violations(page):
            found[address] = complaints

    assert found == {}


def test_no_screen_is_wider_than_a_phone(full, open_page):
    page = open_page(full.url, viewport={"width": 360, "height": 740}, errors_expected=True)

    wide = {}
    for address in (*SCREENS, *MORE):
        page.goto(f"{full.url}{address}")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[address] = width

    assert wide == {}


def test_the_keyboard_is_enough(full, open_page):
    page = open_page(full.url)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ir para o conteúdo")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("2")
    expect(page).to_have_url(f"{full.url}/painel/recusados")
    page.keyboard.press("g")
    page.keyboard.press("3")
    expect(page).to_have_url(f"{full.url}/painel/notas")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_problem_is_a_page_in_the_readers_language(full):
    answer = full.get("/painel/notas/" + "1" * 44)

    assert answer.status_code == 404
    assert "Não há nada aqui" in answer.text
