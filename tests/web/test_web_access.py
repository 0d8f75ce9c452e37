"""Who may see the page, and what a browser is held to."""

import re

import pytest

from tests.support.harness import note
from tests.support.served import served
from tests.web.screens import SCREENS

TOKEN = "um-segredo-bem-comprido"
LOGIN = "/painel/entrar"


def test_every_page_holds_the_browser_to_its_own_host(server):
    for address in SCREENS:
        answer = server.get(address)

        assert answer.status_code == 200, address
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|style=|\son[a-z]+=|<script(?![^>]* src=\"/)", answer.text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", answer.text)


def test_assets_carry_their_hash_and_are_kept_for_ever(server):
    found = set(re.findall(r'"(/painel/assets/[^"]+)"', server.get("/").text))

    assert len(found) == 5
    for address in found:
        answer = server.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert re.search(r"\.[0-9a-f]{10}\.(css|js|svg)$", address)
    assert server.get("/painel/assets/nfed.css").status_code == 404
    assert server.get("/painel/assets/..%2f..%2fsite.py").status_code == 404


def test_with_a_token_nothing_but_the_login_and_the_assets_is_answered(rig):
    with served(rig, api_token=TOKEN) as server:
        asset = re.search(r'"(/painel/assets/[^"]+)"', server.get(LOGIN).text)[1]

        for address in (*SCREENS, "/painel/agora", "/painel/eventos"):
            assert server.get(address).status_code == 303, address
            assert server.get(address, headers={"HX-Request": "true"}).status_code == 401
        assert server.post("/painel/enviar", files=[("files", ("a.xml", b"x"))]).status_code == 303
        assert rig.left() == []
        assert server.get(asset).status_code == 200


def test_the_token_becomes_a_cookie_that_no_script_sees(rig):
    with served(rig, api_token=TOKEN) as server:
        wrong = server.post(LOGIN, data={"senha": f"{TOKEN}x"})
        right = server.post(LOGIN, data={"senha": TOKEN, "voltar": "/painel/agora"})
        cookie = right.headers["set-cookie"]
        home = server.get("/")
        left = server.post("/painel/sair")

        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        assert (right.status_code, right.headers["location"]) == (303, "/painel/agora")
        assert all(each in cookie for each in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))
        assert TOKEN not in cookie
        assert home.status_code == 200
        assert left.headers["location"] == LOGIN
        assert server.get("/").status_code == 303


def test_another_token_ends_every_session(rig):
    with served(rig, api_token=TOKEN) as server:
        server.post(LOGIN, data={"senha": TOKEN})
        cookies = dict(server.client.cookies)
        server.daemon.stop()
    with served(rig, api_token=f"{TOKEN}-novo") as server:
        server.client.cookies.update(cookies)

        assert server.get("/").status_code == 303


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_login_leads_to_no_other_site(rig, back):
    with served(rig, api_token=TOKEN) as server:
        answer = server.post(LOGIN, data={"senha": TOKEN, "voltar": back})

        assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_form_does_nothing_even_with_the_cookie(rig, headers):
    with served(rig, api_token=TOKEN) as server:
        server.post(LOGIN, data={"senha": TOKEN})

        answer = server.post(
            "/painel/enviar", files=[("files", ("a.xml", note(1).xml))], headers=headers
        )

        assert answer.status_code == 403
        assert rig.left() == []


def test_a_name_that_only_resolves_to_loopback_sees_nothing(server):
    for address in SCREENS:
        assert server.get(address, headers={"Host": "evil.example"}).status_code == 421


def test_the_language_is_the_browsers_and_then_the_readers_own(server):
    def language(**headers: str) -> str:
        return re.search(r'<html lang="([^"]+)"', server.get("/", headers=headers).text)[1]

    by_browser = [language(**{"Accept-Language": each}) for each in ("en-US,pt;q=0.5", "fr", "")]
    server.post("/painel/idioma", data={"idioma": "en", "voltar": "/"})
    chosen = language(**{"Accept-Language": "pt-BR"})

    assert by_browser == ["en", "pt-BR", "pt-BR"]
    assert chosen == "en"
