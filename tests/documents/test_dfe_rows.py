"""What documents other than notes become in rows: every leaf of the schemas, and real samples."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from nfed.documents import document_from
from nfed.documents.checks import Checks, Policy
from nfed.documents.layout import tables
from nfed.errors import WrongTotals
from tests.support.full_documents import full_documents
from tests.support.full_notes import columns_of, layout_columns
from tests.support.official_schema import FAMILIES, NFELIB
from tests.support.other_documents import old_cte, old_mdfe

DATA = Path(__file__).parents[1] / "data" / "dfe"


# Of 15 digits before the point; dfe_documentos has room for 13, nfse for all.
TOO_WIDE = (
    "NFSe/infNFSe/valores/vLiq",
    "NFSe/infNFSe/DPS/infDPS/valores/vServPrest/vServ",
    "DPS/infDPS/valores/vServPrest/vServ",
)


def read(path):
    return document_from(path.read_bytes(), Checks.none())


def values(document, table, *columns):
    at = tables()[table].position
    return [tuple(row[at(name)] for name in columns) for row in document.rows.get(table, ())]


def one(document, table, *columns):
    (found,) = values(document, table, *columns)
    return found


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "nfe"])
def test_every_leaf_of_the_official_schema_is_in_its_column(family):
    columns = layout_columns()
    lost = []
    for xml, leaves in full_documents(family):
        document = document_from(xml, Checks.none())
        for path, text in leaves.items():
            own = columns_of(path, columns) or [("dfe_outros_valores", None)]
            for table, column in own:
                if table == "dfe_documentos" and path in TOO_WIDE:
                    continue
                name = "valor" if column is None else column.stored_names[-1]
                held = {str(value) for (value,) in values(document, table, name)}
                if not held & {text, text[:7], text[:10], text.replace("T", " ")[:19]}:
                    lost.append((path, text, table, name, sorted(held)[:3]))

    assert lost == []


def test_a_cte_of_layout_4_00():
    cte = read(DATA / "cte-4.00.xml")

    assert one(cte, "cte", "modal", "cfop", "valor_prestacao", "icms_cst", "icms_valor") == (
        "01", "6353", "221.19", "00", "26.54",
    )  # fmt: skip
    assert values(cte, "dfe_partes", "papel", "cpf_cnpj") == [
        ("emitente", "92382301841312"),
        ("remetente", "23924902942209"),
        ("destinatario", "02394820392092"),
    ]
    components = [Decimal(value) for (value,) in values(cte, "dfe_componentes", "valor")]
    assert sum(components) == Decimal("221.19")
    assert ("01", "PESO REAL", "209.8000") in values(
        cte, "cte_quantidades", "unidade", "tipo_medida", "quantidade"
    )
    assert values(cte, "dfe_referencias", "relacao", "chave_acesso") == [
        ("transportada", "02394910232349239234934138491040891884149930")
    ]
    assert one(cte, "dfe_ibscbs", "cst", "valor_ibs", "valor_cbs") == ("100", "3.32", "5.53")
    assert values(cte, "dfe_outros_valores", "caminho") == []


def test_a_cte_of_an_old_layout():
    cte = read(DATA / "cte-1.04.xml")

    assert one(cte, "dfe_documentos", "versao_leiaute", "especie") == ("1.04", "documento")
    assert one(cte, "cte", "modal")[0] == "01"
    assert values(cte, "dfe_partes", "papel")[0] == ("emitente",)


@pytest.mark.parametrize(
    ("sample", "modal"),
    [
        ("43120178408960000182570010000000041000000047-cte.xml", "01"),
        ("35190602427026001207570040000522031000522035-cte-multimodal.xml", "06"),
        ("35170799999999999999670000000000261309301440-cte-of.xml", "01"),
    ],
)
def test_a_cte_of_layout_3_00(sample, modal):
    cte = read(NFELIB / "cte/samples/v4_0" / sample)

    assert one(cte, "dfe_documentos", "versao_leiaute") == ("3.00",)
    assert one(cte, "cte", "modal") == (modal,)
    assert Decimal(one(cte, "cte", "valor_prestacao")[0]) == Decimal(
        one(cte, "dfe_documentos", "valor_total")[0]
    )


NOTE, CTE, MDFE = (f"35140511222333000181{model}00100000007710000000" for model in (55, 57, 58))


def test_a_cte_of_layout_2_00_written_for_this():
    cte = document_from(old_cte(f"{CTE}71", f"{NOTE}71").encode(), Checks.none())

    assert one(cte, "dfe_documentos", "versao_leiaute", "valor_total", "tomador_nome") == (
        "2.00", "100.00", "DESTINO",
    )  # fmt: skip
    assert one(cte, "dfe_documentos", "data_hora_emissao", "data_hora_emissao_tz") == (
        "2014-05-15 14:45:30", None,
    )  # fmt: skip
    assert values(cte, "dfe_referencias", "relacao", "chave_acesso") == [
        ("transportada", f"{NOTE}71")
    ]
    assert values(cte, "dfe_outros_valores", "caminho") == []


def test_an_mdfe_of_layout_1_00_written_for_this():
    mdfe = document_from(old_mdfe(f"{MDFE}71", f"{CTE}71").encode(), Checks.none())

    assert one(mdfe, "dfe_documentos", "versao_leiaute", "valor_total") == ("1.00", "1000.00")
    assert one(mdfe, "mdfe", "rntrc", "quantidade_cte") == ("12345678", 1)
    assert values(mdfe, "dfe_veiculos", "papel", "placa") == [("tracao", "ABC1234")]
    assert values(mdfe, "dfe_condutores", "cpf") == [("12345678909",)]
    assert values(mdfe, "mdfe_documentos", "tipo", "chave_acesso") == [("cte", f"{CTE}71")]
    assert values(mdfe, "dfe_outros_valores", "caminho") == []


def test_an_mdfe():
    mdfe = read(DATA / "mdfe-3.00.xml")

    assert one(mdfe, "mdfe", "rntrc", "quantidade_cte", "valor_carga") == ("12345678", 5, "33.19")
    assert values(mdfe, "mdfe_descargas", "nome_municipio") == [("JOINVILLE",)]
    assert {row[0] for row in mdfe.rows["mdfe_documentos"]} == {0}
    assert set(values(mdfe, "mdfe_documentos", "tipo")) == {("nfe",)}
    assert values(mdfe, "dfe_percursos", "uf") == [("PR",), ("SC",)]
    assert values(mdfe, "dfe_veiculos", "papel", "placa")[0] == ("tracao", "AAA4444")
    assert values(mdfe, "dfe_condutores", "cpf") == [("03720677940",)]
    assert values(mdfe, "mdfe_pagamentos_parcelas", "data_vencimento", "valor") == [
        ("2025-11-11", "1000.00")
    ]


def test_an_nfse_of_the_national_service():
    nfse = read(DATA / "nfse-1.01.xml")

    assert one(
        nfse, "nfse", "data_competencia", "valor_servico", "valor_issqn", "retencao_issqn",
        "valor_retido_cp", "valor_liquido",
    ) == ("2026-04-07", "5000.00", "150.00", "2", "550.00", "4300.00")  # fmt: skip
    assert [papel for (papel,) in values(nfse, "dfe_partes", "papel")] == [
        "emitente",
        "prestador",
        "tomador",
    ]


def test_a_dps_that_came_by_itself_is_kept_as_issued():
    dps = read(NFELIB / "nfse/samples/v1_0/dps-simples.xml")

    assert one(dps, "dfe_documentos", "tipo", "status") == ("DPS", "emitida")
    assert one(dps, "nfse", "valor_servico")[0] == one(dps, "dfe_documentos", "valor_total")[0]


def test_a_ticket_an_energy_bill_and_a_telecom_bill():
    bpe = read(NFELIB / "bpe/samples/v1_0/bpe.xml")
    nf3e = read(NFELIB / "nf3e/samples/v1_0/nota_energia-nf3e.xml")
    nfcom = read(NFELIB / "nfcom/samples/v1_0/NFCom-nfcom.xml")

    assert one(bpe, "bpe", "nome_origem", "nome_destino") == ("SAO PAULO", "RIO DE JANEIRO")
    assert values(bpe, "dfe_pagamentos", "valor") == [("100.00",)]
    assert values(nf3e, "dfe_itens", "numero_item", "icms_cst") == [(1, None), (2, "00")]
    assert len(values(nf3e, "nf3e_medidores", "medidor")) == 2
    assert {row[0] for row in nf3e.rows["nf3e_tarifas"]} == {1}
    assert one(nfcom, "nfcom", "assinante", "valor_icms") == ("1", "111.54")
    assert len(values(nfcom, "dfe_informacoes", "texto")) == 2


def test_a_ticket_of_an_airline():
    """BP-e TA, by nfelib's sample, which is made up."""
    ticket = read(NFELIB / "bpe/samples/v1_0/bpe-ta.xml")

    assert (ticket.text("tipo"), ticket.text("valor_total")) == ("BPeTA", "100.00")
    assert one(ticket, "bpe", "modal", "tipo_compra", "passageiro_nome", "valor_total_dfe") == (
        "2", "0", "PASSAGEIRO TESTE", "100.30",
    )  # fmt: skip
    assert values(
        ticket, "bpe_viagens", "numero_voo", "sigla_companhia", "aeroporto_origem",
        "aeroporto_destino",
    ) == [("1234", "UMK", "GRU", "GIG")]  # fmt: skip
    assert values(ticket, "dfe_outros_valores", "caminho") == []


def test_the_fields_of_an_event_of_another_kind_are_kept():
    closing = read(
        NFELIB / "mdfe/samples/v3_0"
        / "encerramento1101123511031029073900013955001000000001105112804101-ped-eve.xml"
    )  # fmt: skip

    fields = dict(values(closing, "dfe_eventos_campos", "caminho", "valor"))
    assert fields["evEncMDFe/dtEnc"]
    assert fields["evEncMDFe/cMun"]
    assert values(closing, "dfe_outros_valores", "valor") == []


WARNING = Checks(
    schema=Policy.OFF,
    key=Policy.OFF,
    signature=Policy.OFF,
    authorisation=Policy.OFF,
    format=Policy.OFF,
)


def codes(xml):
    return [each.code for each in document_from(xml, WARNING).findings]


@pytest.mark.parametrize(
    ("sample", "old", "new", "code"),
    [
        ("cte-4.00.xml", "<vComp>117.78</vComp>", "<vComp>117.80</vComp>", "TOT-CTE-COMP"),
        ("cte-4.00.xml", "<vICMS>26.54</vICMS>", "<vICMS>26.56</vICMS>", "TOT-CTE-ICMS"),
        ("nfse-1.01.xml", "<vLiq>4300.00</vLiq>", "<vLiq>4300.02</vLiq>", "TOT-NFSE-LIQ"),
        ("mdfe-3.00.xml", "<qCTe>5</qCTe>", "<qCTe>6</qCTe>", "TOT-MDFE-QTD"),
    ],
)
def test_totals_that_contradict_what_they_are_made_of_are_told(sample, old, new, code):
    xml = (DATA / sample).read_text("utf-8")
    assert codes(xml.encode()) == []
    assert old in xml

    assert codes(xml.replace(old, new, 1).encode()) == [code]


def test_totals_that_contradict_refuse_where_the_policy_says_so():
    xml = (DATA / "nfse-1.01.xml").read_text("utf-8").replace("<vLiq>4300", "<vLiq>4301")

    with pytest.raises(WrongTotals, match="TOT-NFSE-LIQ"):
        document_from(xml.encode(), replace(WARNING, totals=Policy.REFUSE))
