"""Trabalhos and Configuração."""

from playwright.sync_api import expect

from tests.support.harness import note
from tests.support.served import served


def test_a_jobs_files_are_listed_with_their_outcomes(server, open_page):
    server.rig.drop(note(1))
    server.rig.drop(b"lixo", "lixo.xml")
    server.rig.drains()
    page = open_page(server.url)

    page.locator("#live a").first.click()

    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).to_contain_text(note(1).chave)
    page.get_by_label("Desfecho").select_option("refused")
    page.get_by_role("button", name="Mostrar").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("lixo.xml")


def test_the_settings_are_shown_with_their_origin_and_no_secret(rig):
    token = "um-segredo-bem-comprido"
    with served(rig, api_token=token) as server:
        server.post("/painel/entrar", data={"senha": token})

        text = server.get("/painel/configuracao").text

        assert "check_key" in text
        assert "ambiente" in text
        assert token not in text
        assert "****" in text
