"""Users of an office: each logs in by name, sees and does what the role allows, and is named."""

import json
import stat
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from nfed.settings.users import NOBODY, Role, Users
from nfed.web.access import Sessions
from nfed.web.marks import mark_of
from tests.support.cli_command import environment
from tests.support.harness import eventually, note
from tests.support.served import served
from tests.web.test_web_everyone import violations

TOKEN = "um-segredo-bem-comprido"
LOGIN = "/painel/entrar"
ANA, BIA = "senha da Ana, longa", "senha da Bia, longa"


def user(rig, *arguments, password="", code=0):
    """`nfed user …`, the password by a pipe; what it says."""
    finished = subprocess.run(
        [sys.executable, "-m", "nfed", "user", *arguments],
        cwd=rig.home,
        env=environment(
            rig.home, NFED_DATABASE_URL=f"sqlite:///{rig.database}", NFED_API_TOKEN=TOKEN
        ),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == code, finished.stderr
    return finished.stdout + finished.stderr


@pytest.fixture
def office(rig):
    """A daemon that Ana may only look at, and Bia may operate."""
    user(rig, "add", "Ana", password=ANA)
    user(rig, "add", "Bia", "--role", "operar", password=BIA)
    with served(rig, api_token=TOKEN) as server:
        yield server


def log_in(page, name, password):
    page.get_by_label("Nome").fill(name)
    page.get_by_label("Senha ou token").fill(password)
    page.get_by_role("button", name="Entrar").click()


def test_who_looks_sees_no_button_and_who_operates_does_what_is_logged(office, open_page):
    rig = office.rig
    rig.drop(b"lixo", "lixo.xml")
    eventually(rig.failed)
    ana = open_page(office.url, errors_expected=True)
    bia = open_page(office.url, errors_expected=True)

    log_in(ana, "Ana", BIA)
    expect(ana.get_by_role("alert")).to_have_text("Nome e senha não conferem.")
    log_in(ana, "Ana", ANA)
    expect(ana.get_by_role("button", name="Sair (Ana)")).to_be_visible()
    expect(ana.locator("#drop")).to_have_count(0)
    ana.goto(f"{office.url}/painel/recusado/{mark_of('lixo.xml')}")
    expect(ana.locator("h1")).to_contain_text("lixo.xml")
    expect(ana.get_by_role("button", name="Dispensar")).to_have_count(0)

    log_in(bia, "Bia", BIA)
    expect(bia.locator("#drop")).to_be_visible()
    bia.goto(f"{office.url}/painel/recusado/{mark_of('lixo.xml')}")
    bia.get_by_role("button", name="Dispensar").click()
    expect(bia.get_by_role("status").first).to_contain_text("dismissed")
    (acted,) = office.daemon.events("page_acted")
    assert (acted["user"], acted["action"], acted["files"]) == ("Bia", "dismiss", ["lixo.xml"])


def test_who_looks_is_refused_in_words_whatever_the_browser_sends(office):
    office.post(LOGIN, data={"usuario": "Ana", "senha": ANA})

    answers = [
        office.post("/painel/enviar", files=[("files", ("a.xml", note(1).xml))]),
        office.post("/painel/recusados", data={"acao": "tentar", "arquivo": mark_of("a.xml")}),
        office.post("/painel/recusados/Unknown/ensaio", data={}),
        office.post("/painel/trabalhos/x/cancelar"),
    ]

    assert [each.status_code for each in answers] == [403] * 4
    assert all("o seu papel é ver" in each.text.lower() for each in answers)
    assert office.rig.left() == []
    assert office.daemon.events("page_acted") == []


def test_axe_finds_nothing_on_the_login_with_names(office, open_page):
    for scheme in ("light", "dark"):
        page = open_page(office.url, color_scheme=scheme, viewport={"width": 360, "height": 740})

        page.get_by_label("Nome").fill("Ana")

        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_another_password_or_being_taken_out_ends_the_sessions(office):
    office.post(LOGIN, data={"usuario": "Bia", "senha": BIA})
    before = office.get("/").status_code

    user(office.rig, "password", "Bia", password=ANA)
    changed = office.get("/").status_code
    office.post(LOGIN, data={"usuario": "Bia", "senha": ANA})
    again = office.get("/").status_code
    user(office.rig, "remove", "Bia")

    assert (before, changed, again, office.get("/").status_code) == (200, 303, 200, 303)
    assert office.post(LOGIN, data={"usuario": "Bia", "senha": ANA}).status_code == 401


def test_the_token_still_lets_in_and_is_nobodys_password(office):
    assert office.post(LOGIN, data={"usuario": "Ana", "senha": TOKEN}).status_code == 401
    assert office.post(LOGIN, data={"usuario": "Eva", "senha": ""}).status_code == 401
    assert office.post(LOGIN, data={"usuario": "", "senha": TOKEN}).status_code == 303
    assert 'id="drop"' in office.get("/").text


def test_a_file_that_others_may_read_lets_nobody_in_by_name(office):
    path = office.rig.home / "nfed-users.json"
    path.chmod(0o644)

    assert office.post(LOGIN, data={"usuario": "Ana", "senha": ANA}).status_code == 401
    assert "chmod 600" in str(office.daemon.waits_for("users_unfit")["error"])
    path.chmod(0o600)
    assert office.post(LOGIN, data={"usuario": "Ana", "senha": ANA}).status_code == 303


def test_the_command_keeps_hashes_and_says_what_is_wrong(rig):
    user(rig, "add", "Ana", password=ANA)
    path = rig.home / "nfed-users.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ANA not in path.read_text()
    assert user(rig, "list").split() == ["ver", "Ana"]
    assert "already" in user(rig, "add", "Ana", password=ANA, code=78)
    assert "10 characters" in user(rig, "add", "Bia", password="curta", code=78)
    assert "no name" in user(rig, "add", "a\x1b[31m", password=ANA, code=78)
    assert "expected ver or operar" in user(rig, "add", "Bia", "--role", "x", code=78)
    assert "no user" in user(rig, "remove", "Bia", code=78)
    path.write_text("{}")
    assert "not what nfed user writes" in user(rig, "list", code=78)


def test_a_session_is_of_its_user_and_of_no_other(tmp_path):
    users = Users(tmp_path / "users.json")
    users.add("Ana", Role.LOOK, ANA)
    users.add("Bia", Role.OPERATE, BIA)
    found = users.all()
    now = [1000.0]
    sessions = Sessions(TOKEN, lambda: now[0])
    cookie = sessions.begin(found["Ana"])

    assert sessions.owner(cookie, found) == (True, found["Ana"])
    assert sessions.owner(sessions.begin(None), found) == (True, None)
    said, _, signature = cookie.partition(".")
    swapped = sessions.begin(found["Bia"]).partition(".")[0]
    for forged in ("", ".", f"{swapped}.{signature}", f"{said}.", "W10.W10", "e30.x"):
        assert sessions.owner(forged, found)[0] is False
    assert sessions.owner(cookie, {"Bia": found["Bia"]})[0] is False
    now[0] += 13 * 3600
    assert sessions.owner(cookie, found)[0] is False
    assert not NOBODY.has("")


def test_users_are_written_whole(tmp_path):
    path = tmp_path / "users.json"
    users = Users(path)
    users.add("Ana", Role.LOOK, ANA)
    other = Users(path)
    other.add("Bia", Role.OPERATE, BIA)

    assert set(users.all()) == {"Ana", "Bia"}
    assert [each["name"] for each in json.loads(path.read_text())["users"]] == ["Ana", "Bia"]
    assert users.all()["Bia"].has(BIA)
    assert not users.all()["Bia"].has(ANA)
