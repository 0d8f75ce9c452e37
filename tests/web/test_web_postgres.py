"""The screens ask PostgreSQL as they ask SQLite."""

import hashlib

from playwright.sync_api import expect

from tests.support.harness import Rig
from tests.support.notes import generator
from tests.support.served import served

HOME = "/painel/notas"


def test_postgresql_sums_up_what_sqlite_does(tmp_path, postgres_url):
    made = [generator().note(n, items=3, rich=True) for n in range(8)]
    company = made[0].chave[6:20]
    shown = []
    for name, settings in (("sqlite", {}), ("postgresql", {"database_url": postgres_url})):
        with Rig(tmp_path / name) as rig, served(rig, **settings) as server:
            rig.drop_all(made)
            rig.drains()
            address = f"/painel/resumo?ambiente=2&empresa={company}"
            shown.append(server.get(address).text.partition("<main")[2])
            shown.append(server.get("/painel/resumo").text.partition("<main")[2])

    assert shown[:2] == shown[2:]
    assert "CFOP" in shown[0]
    assert company in shown[1]


def test_postgresql_answers_the_same_screens(rig, postgres_url, open_page):
    made = generator().note(5, items=3, rich=True)
    with served(rig, database_url=postgres_url) as server:
        rig.drop(made)
        rig.drains()
        page = open_page(f"{server.url}{HOME}")
        page.locator("tbody a").first.click()
        page.locator('a.proof[href*="c=valor_total_nota"]').click()

        expect(page.locator("main")).to_contain_text("NFe/infNFe/total/ICMSTot/vNF")
        expect(page.locator("main")).to_contain_text(hashlib.sha256(made.xml).hexdigest())
