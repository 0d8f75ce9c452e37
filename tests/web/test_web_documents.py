"""Documentos: other documents than notes are found and read, and voided numbers are listed."""

import pytest
from playwright.sync_api import expect

from nfed.documents.checks.key import check_digit
from tests.support.harness import Rig, eventually, note
from tests.support.other_documents import cte, cte_cancellation, unused_numbers
from tests.support.served import served

HOME = "/painel/documentos"
FIRST_43 = [f"35260311222333000181570010000{n:05}100000100" for n in range(100, 160)]
KEYS = [first + check_digit(first) for first in FIRST_43]
CARRIED = note(1)


def _carrying(chave: str, carried: str) -> bytes:
    inside = f"<infCTeNorm><infDoc><infNFe><chave>{carried}</chave></infNFe></infDoc></infCTeNorm>"
    return cte(chave).replace(b"</infCte>", f"{inside}</infCte>".encode())


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("full")) as rig, served(rig) as server:
        rig.drop(CARRIED)
        rig.drop(_carrying(KEYS[0], CARRIED.chave), "carrega.xml")
        for chave in KEYS[1:]:
            rig.drop(cte(chave), f"{chave}.xml")
        rig.drop(unused_numbers(), "inutilizacao.xml")
        eventually(lambda: len(rig.rows("select 1 from dfe_documentos")) == len(KEYS), seconds=60)
        rig.drains(60)
        rig.drop(cte_cancellation(KEYS[1]), "cancelamento.xml")
        eventually(lambda: rig.rows("select 1 from dfe_documentos where status = 'cancelada'"))
        yield server


def test_documents_are_listed_in_pages_and_filtered_by_the_address(full, open_page):
    page = open_page(f"{full.url}{HOME}")

    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Próxima página").click()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.goto(f"{full.url}{HOME}?status=cancelada&tipo=CTe&mes=2026-03")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("CT-e")
    for query in ("tipo=MDFe", "mes=2026-04", "q=girafa", "q=99888777000166"):
        assert "Nenhum documento." in full.get(f"{HOME}?{query}").text
    assert full.get(f"{HOME}?q=transportadora&tipo=sim").text.count("<tr>") == 51
    assert full.get(f"{HOME}?q=11.222.333/0001-81").text.count("<tr>") == 51


def test_a_document_leads_to_the_note_that_it_carries_and_to_its_xml(full, open_page):
    page = open_page(f"{full.url}{HOME}/{KEYS[0]}")

    expect(page.locator("h1")).to_contain_text("CT-e")
    expect(page.locator("main")).to_contain_text("1.234,56")
    page.get_by_text("O XML", exact=True).click()
    expect(page.locator(".source")).to_contain_text("<vTPrest>1234.56</vTPrest>")
    sent = _carrying(KEYS[0], CARRIED.chave)
    assert full.get(f"{HOME}/{KEYS[0]}/xml").content == sent
    page.get_by_role("link", name=CARRIED.chave).click()
    expect(page.locator("h1")).to_contain_text("NF-e")


def test_a_document_that_is_not_stored_says_so(full):
    answer = full.get(f"{HOME}/{KEYS[0][:-1]}x", headers={"Accept-Language": "pt"})

    assert answer.status_code == 404
    assert KEYS[0][:-1] in answer.text


def test_voided_numbers_are_listed(full, open_page):
    page = open_page(f"{full.url}{HOME}")
    page.get_by_role("link", name="Números inutilizados").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("homologada")
    assert "Nenhum número inutilizado." in full.get("/painel/inutilizacoes?mes=1999-01").text
