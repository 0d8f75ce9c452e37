"""NFS-e of municipalities, and CF-e SAT: into the tables that the other documents have."""

from itertools import permutations
from pathlib import Path

import pytest

from nfed.core.outcome import Duplicate, Imported, Updated
from nfed.documents import document_from, documents_from
from nfed.documents.checks import Checks
from nfed.documents.layout import tables
from nfed.errors import DocumentError
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.municipal import (
    CANCELLED,
    REPLACED,
    abrasf_1,
    abrasf_2,
    coupon,
    coupon_cancellation,
)
from tests.support.stores import ask_sqlite, incoming

DATA = Path(__file__).parents[1] / "data" / "dfe"
CUPOM = "35240311222333000181590000123450000771234561"
OTHER = "35240311222333000181590000123450000781234562"


def read(xml):
    return document_from(xml if isinstance(xml, bytes) else xml.encode(), Checks.none())


def one(document, table, *columns):
    (row,) = document.rows[table]
    return tuple(row[tables()[table].position(name)] for name in columns)


@pytest.fixture
async def store(tmp_path):
    made = SQLiteStore(tmp_path / "nfed.db")
    await made.open()
    yield made
    await made.close()


def test_sao_paulos_own_form_from_an_answer_of_its_service():
    """A real one, cancelled, in an envelope."""
    nfse = read((DATA / "nfse-paulistana.xml").read_bytes())

    assert nfse.key == "3550308-08894935000170-577-CLCZFMZT"
    assert nfse.status == "cancelada"
    assert one(nfse, "nfse", "valor_servico", "item_lista_servico", "retencao_issqn") == (
        "1935", "7285", "1",
    )  # fmt: skip
    assert one(nfse, "dfe_documentos", "destinatario_nome", "data_hora_emissao") == (
        "FLEURY S/A", "2016-09-01 09:33:09",
    )  # fmt: skip


def test_abrasf_1_00():
    nfse = read(abrasf_1())

    assert nfse.key == "3106200-11222333000181-15-ABC123"
    assert one(
        nfse, "nfse", "data_competencia", "valor_issqn", "retencao_issqn", "valor_retido_irrf",
        "valor_liquido", "numero_nfse_substituida", "numero_dps",
    ) == ("2026-03-01", "18.00", "2", "15.00", "920.50", "14", 9)  # fmt: skip
    assert one(nfse, "dfe_documentos", "emitente_nome", "destinatario_cpf_cnpj", "valor_total") == (
        "PRESTADORA", "22333444000155", "1000.00",
    )  # fmt: skip
    aside = [row[1:3] for row in nfse.rows["dfe_outros_valores"]]
    assert ["CompNfse/Nfse/InfNfse/CampoDaCidade", "x"] in aside


@pytest.mark.parametrize("version", ["2.01", "2.02", "2.03", "2.04"])
def test_abrasf_2(version):
    nfse = read(abrasf_2(version))

    assert nfse.key == "4106902-11222333000181-201-XYZ9"
    assert one(
        nfse, "nfse", "data_competencia", "valor_bc", "aliquota", "valor_issqn", "retencao_issqn",
        "codigo_nbs", "codigo_municipio_incidencia",
    ) == ("2026-04-01", "500.00", "5.00", "25.00", "2", "115022000", "4106902")  # fmt: skip
    assert one(nfse, "dfe_documentos", "destinatario_cpf_cnpj", "versao_leiaute") == (
        "12345678909", version,
    )  # fmt: skip


def test_a_bare_nfse_is_the_one_in_a_compnfse():
    whole = abrasf_1()
    bare = whole[whole.index("<Nfse ") : whole.index("</Nfse>") + 7]

    assert read(bare).key == read(whole).key
    assert read(bare).content_sha256 == read(whole).content_sha256


@pytest.mark.parametrize("more", [CANCELLED, REPLACED])
@pytest.mark.parametrize("first", [True, False])
async def test_that_it_was_cancelled_or_replaced_makes_it_no_other(store, tmp_path, more, first):
    files = [abrasf_1(), abrasf_1(more=more)]
    outcomes = []

    for xml in files if first else reversed(files):
        outcomes += await store.store(incoming(xml), "job")

    assert [type(each) for each in outcomes] == [Imported, Updated if first else Duplicate]
    found = ask_sqlite(tmp_path / "nfed.db", "select status, codigo_status from dfe_documentos")
    assert found == [("cancelada", "101")]


def test_what_names_no_provider_is_no_issued_nfse():
    xml = abrasf_1().replace("<Cnpj>11222333000181</Cnpj>", "")

    (found,) = documents_from(xml.encode(), Checks.none())

    assert isinstance(found, DocumentError)
    assert "names no municipality, provider or number" in str(found)


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_a_coupon_and_its_cancellation_in_either_order(store, tmp_path, order):
    files = [coupon(CUPOM), coupon_cancellation(CUPOM, OTHER)]

    for number in order:
        await store.store(incoming(files[number]), "job")

    database = tmp_path / "nfed.db"
    assert ask_sqlite(
        database,
        "select chave_acesso, numero, valor, status, data_emissao from vw_documentos",
    ) == [(CUPOM, 77, 6, "cancelada", "2024-03-15")]
    assert ask_sqlite(database, "select numero_item, icms_valor from cfe_itens") == [
        (1, 0.54), (2, 0.54),
    ]  # fmt: skip
    assert ask_sqlite(database, "select meio, valor, codigo_credenciadora from dfe_pagamentos") == [
        ("01", 4, None), ("03", 3, "999"),
    ]  # fmt: skip
    assert ask_sqlite(database, "select count(*) from cfe") == [(1,)]
