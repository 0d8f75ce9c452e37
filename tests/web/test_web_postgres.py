"""The screens ask PostgreSQL as they ask SQLite."""

import hashlib

from playwright.sync_api import expect

from tests.support.notes import generator
from tests.support.served import served

HOME = "/painel/notas"


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
