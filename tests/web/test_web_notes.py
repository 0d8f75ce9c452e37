"""Notas: the list is filtered by its address, summed, sorted and taken along."""

import csv
import io
import zipfile
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from bench.generator import Generator
from nfed.web.filters import Filters, amount_in
from nfed.web.speech import PORTUGUESE, Speech
from tests.support.harness import Rig, eventually
from tests.support.other_documents import proc_event
from tests.support.served import Served, served

HOME = "/painel/notas"
NOTES = list(Generator(7, issuers=2).notes(70, items=2))
COMPANY = NOTES[0].chave[6:20]
money = Speech(PORTUGUESE).money
FILTERS = [
    ({}, "true"),
    ({"status": "cancelada"}, "n.status = 'cancelada'"),
    ({"modelo": "65"}, "n.modelo = '65'"),
    ({"ambiente": "1"}, "n.tipo_ambiente = '1'"),
    ({"valor_de": "10.000,00", "valor_ate": "1000000"}, "n.valor_total_nota between 10000 and 1e6"),
    ({"tipo": "0"}, "n.tipo_operacao = '0'"),
    ({"finalidade": "4"}, "n.finalidade_emissao = '4'"),
    ({"cfop": "5102"}, "n.id in (select nota_fiscal_id from nf_itens where cfop = '5102')"),
    (
        {"q": COMPANY, "mes": "2026-09"},
        f"e.cpf_cnpj = '{COMPANY}' and n.mes_emissao = '2026-09'",
    ),
    ({"q": COMPANY, "papel": "destinatario"}, f"d.cpf_cnpj = '{COMPANY}'"),
    ({"q": "acucar"}, None),
]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("full")) as rig, served(rig) as server:
        rig.drop_all(NOTES)
        rig.drop(proc_event(NOTES[1].chave), "cancelamento.xml")
        eventually(lambda: len(rig.chaves()) == 70)
        eventually(lambda: rig.rows("select 1 from notas_fiscais where status = 'cancelada'"))
        yield server


def chosen(server: Served, where: str) -> dict[str, Decimal]:
    """By key, the values of notes that SQL of the test's own finds."""
    rows = server.rig.rows(
        "select n.chave_acesso, n.valor_total_nota from notas_fiscais n left join empresas e on"
        f" e.id = n.emitente_id left join empresas d on d.id = n.destinatario_id where {where}"
    )
    return {str(key): Decimal(str(value)) for key, value in rows}


def in_csv(server: Served, query: dict[str, str]) -> dict[str, str]:
    text = server.get(f"{HOME}.csv?{urlencode(query)}").content.decode("utf-8-sig")
    return {
        row["chave_acesso"]: row["valor_total_nota"]
        for row in csv.DictReader(io.StringIO(text), delimiter=";")
    }


@pytest.mark.parametrize(("query", "where"), FILTERS)
def test_list_sums_and_file_are_of_the_same_notes(full, query, where):
    if where is None:
        names = {str(row[0]) for row in full.rig.rows("select razao_social from empresas")}
        sought = [name for name in names if "úcar" in name]
        assert sought
        quoted = ", ".join(f"'{name}'" for name in sought)
        where = f"e.razao_social in ({quoted}) or d.razao_social in ({quoted})"
    expected = chosen(full, where)

    shown = full.get(f"{HOME}?{urlencode(query)}").text

    notes = "1 nota<" if len(expected) == 1 else f"{len(expected)} notas<"
    assert notes in shown
    assert f"R$ {money(sum(expected.values(), Decimal('0.00')))}<" in shown
    if expected:
        assert f'href="{HOME}.csv' in shown
    written = in_csv(full, query)
    assert set(written) == set(expected)
    assert {key: Decimal(value.replace(",", ".")) for key, value in written.items()} == expected


def test_the_file_has_the_order_of_the_list(full):
    values = [
        Decimal(value.replace(",", ".")) for value in in_csv(full, {"ordem": "valor_desc"}).values()
    ]

    assert len(values) == 70
    assert values == sorted(values, reverse=True)


def test_a_workbook_of_the_list_is_one(full):
    answer = full.get(f"{HOME}.xlsx?status=cancelada")

    assert answer.headers["content-disposition"] == 'attachment; filename="notas.xlsx"'
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    assert any(NOTES[1].chave in book.read(name).decode() for name in book.namelist())


def test_filters_live_in_the_address_and_lead_through_all_pages(full, open_page):
    page = open_page(f"{full.url}{HOME}?ordem=valor_asc&ambiente=2", java_script_enabled=False)

    seen = []
    while True:
        seen += page.locator("tbody td:nth-child(5)").all_inner_texts()
        following = page.get_by_role("link", name="Próxima página")
        if not following.count():
            break
        following.click()
        assert "ordem=valor_asc" in page.url
    values = [Decimal(each.replace(".", "").replace(",", ".")) for each in seen]
    assert len(values) == 70
    assert values == sorted(values)
    expect(page.get_by_label("Ambiente")).to_have_value("2")


def test_words_are_searched_while_they_are_typed(full, open_page):
    page = open_page(f"{full.url}{HOME}")

    page.keyboard.press("/")
    page.keyboard.type("nada tem este nome")

    expect(page.locator("#list")).to_contain_text("Nenhuma nota")


def test_a_figure_of_the_summary_leads_to_its_notes(full, open_page):
    page = open_page(f"{full.url}/painel/resumo?empresa={COMPANY}&mes=2026-09&ambiente=2")
    tile = page.locator(".tile").first
    total, count = tile.locator("b").inner_text(), tile.locator("span").inner_text()

    tile.click()

    expect(page.locator(".sums")).to_contain_text(f"R$ {total}")
    assert page.locator(".sums strong").first.inner_text() in count
    assert total != "0,00"


def test_with_a_token_the_file_needs_the_session(rig):
    with served(rig, api_token="um-segredo-bem-comprido") as server:
        assert server.get(f"{HOME}.csv").status_code == 303
        server.post("/painel/entrar", data={"senha": "um-segredo-bem-comprido"})
        assert server.get(f"{HOME}.csv").status_code == 200


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.500,00", "1500.00"), ("1500.5", "1500.5"), ("0,1", "0.1"), ("1.500", None), ("x", None)],
)
def test_amounts_are_read_as_they_are_written(text, amount):
    assert amount_in(text) == (None if amount is None else Decimal(amount))


def test_what_no_filter_can_be_is_left_out(full):
    hostile = {"status": "'", "modelo": "1", "ambiente": "9", "cfop": "x'--", "mes": "9999-99"}

    assert Filters.of(hostile) == Filters()
    assert "não é um valor" in full.get(f"{HOME}?valor_de=1.500").text
    assert full.get(f"{HOME}?{urlencode(hostile)}").status_code == 200
