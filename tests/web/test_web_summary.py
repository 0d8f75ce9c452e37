"""Resumo: a company's month, in numbers and bars, each of which is the database's."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from bench.generator import Generator
from nfed.web.charts import HEIGHT, bars
from nfed.web.speech import PORTUGUESE, Speech
from tests.support.harness import eventually
from tests.support.notes import with_value
from tests.support.other_documents import proc_event

HOME = "/painel/resumo"
NOTES = list(Generator(7, issuers=1).notes(12, items=3, rich=False))
COMPANY = NOTES[0].chave[6:20]
money = Speech(PORTUGUESE).money


def made(note):
    """The same note, issued in one month of the production environment."""
    return with_value(with_value(note.xml, "dhEmi", "2026-03-05T10:00:00-03:00"), "tpAmb", "1")


def total_of(rig, status):
    rows = rig.rows(
        "select valor_total_nota from notas_fiscais where status = ? and tipo_ambiente = '1'",
        status,
    )
    return sum(Decimal(str(row[0])) for row in rows)


def test_a_companys_month_is_reached_from_the_list_of_companies(rig, server, open_page):
    for note in NOTES[:6]:
        rig.drop(made(note), note.name)
    eventually(lambda: len(rig.chaves()) == 6)
    page = open_page(f"{server.url}{HOME}")

    page.locator("main li a").first.click()

    expect(page.locator("h2").first).to_contain_text("10.504.739/0048-58")
    expect(page.locator("h2").first).to_contain_text("03/2026")
    expect(page.locator(".tile").first).to_contain_text(money(total_of(rig, "autorizada")))


def test_what_is_cancelled_or_of_the_test_environment_is_not_summed(rig, server, open_page):
    for note in NOTES[:6]:
        rig.drop(made(note), note.name)
    rig.drop(with_value(NOTES[6].xml, "dhEmi", "2026-03-05T10:00:00-03:00"), "homologacao.xml")
    rig.drop(proc_event(NOTES[0].chave), "cancelamento.xml")
    eventually(lambda: total_of(rig, "cancelada"))
    page = open_page(f"{server.url}{HOME}?empresa={COMPANY}&mes=2026-03")

    sales = page.locator(".tile").first
    expect(sales).to_contain_text(money(total_of(rig, "autorizada")))
    expect(sales).to_contain_text("5 notas")
    expect(page.locator("main")).to_contain_text("1 nota deste mês é do outro ambiente")
    expect(page.locator("main")).to_contain_text("cancelada")
    page.get_by_role("link", name="Ver essas").click()
    expect(page.locator(".stamp")).to_contain_text("SEM VALOR FISCAL")
    expect(page.locator(".tile").first).to_contain_text("1 nota")


def test_the_bars_say_what_the_table_below_them_says(rig, server, open_page):
    for note in NOTES[:3]:
        rig.drop(made(note), note.name)
    eventually(lambda: len(rig.chaves()) == 3)
    page = open_page(f"{server.url}{HOME}?empresa={COMPANY}&mes=2026-04")

    expect(page.locator(".chart")).to_be_visible()
    total = money(total_of(rig, "autorizada"))
    expect(page.locator(".chart title")).to_have_text([f"Vendas: R$ {total}"])
    row = page.get_by_role("row").filter(has_text="03/2026")
    expect(row).to_contain_text(total)
    row.get_by_role("link", name="03/2026").click()
    expect(page.locator(".tile").first).to_contain_text(total)


def test_without_javascript_the_form_is_enough(rig, server, open_page):
    rig.drop(made(NOTES[0]), NOTES[0].name)
    eventually(rig.chaves)
    page = open_page(f"{server.url}{HOME}", java_script_enabled=False)

    page.get_by_label("CNPJ ou CPF da empresa").fill("10.504.739/0048-58")
    page.get_by_role("button", name="Mostrar").click()

    expect(page.locator(".tile").first).to_contain_text(money(total_of(rig, "autorizada")))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("empresa=1234", "Informe um CNPJ"),
        ("empresa=00000000000191", "Não há nota guardada desta empresa"),
        (f"empresa={COMPANY}&mes=9999-12&ambiente=x", "Não há nota guardada desta empresa"),
        ("empresa=%00%27%22%3Cscript%3E", "Informe um CNPJ"),
    ],
)
def test_what_cannot_be_summed_is_said_in_words(server, query, says):
    answer = server.get(f"{HOME}?{query}")

    assert answer.status_code == 200
    assert says in answer.text


def test_the_tallest_bar_is_as_high_as_the_chart_and_the_smallest_is_seen():
    chart = bars(["2026-01", "2026-02"], [[Decimal(10**9), Decimal("0.01")], [Decimal(0)] * 2])

    assert [bar.height for bar in chart.bars] == [HEIGHT, 1, 0, 0]
    assert all(bar.x >= 0 and bar.x + bar.width <= chart.width for bar in chart.bars)
    assert bars([], [[], []]).bars == []
