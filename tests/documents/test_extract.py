"""Rows from an element: places, repetitions, older layouts, what has no column, the digest."""

import pytest
from lxml import etree

from nfed.documents.layout import tables
from nfed.documents.rows.extract import Extraction

NAMESPACE = "http://www.portalfiscal.inf.br/nfe"


def extraction(inside, *, namespace=NAMESPACE, needs_offsets=True):
    xml = f'<infNFe xmlns="{namespace}" Id="NFe1" versao="4.00">{inside}</infNFe>'
    made = Extraction(needs_offsets=needs_offsets)
    made.walk(etree.fromstring(xml), "NFe/infNFe")
    return made


def values(made, table, *names):
    """The named values of every row of a table."""
    rows = made.rows().get(table, [])
    found = [tuple(row[tables()[table].position(name)] for name in names) for row in rows]
    return [each[0] for each in found] if len(names) == 1 else found


def aside(made):
    return values(made, "nf_outros_valores", "caminho", "valor", "motivo")


def test_what_repeats_has_a_row_each_and_the_first_stays_where_users_know_it():
    made = extraction(
        '<det nItem="1"><prod><NVE>AA0001</NVE><NVE>AA0002</NVE>'
        "<arma><tpArma>0</tpArma></arma><arma><tpArma>1</tpArma></arma></prod></det>"
        '<det nItem="2"><prod><NVE>AA0003</NVE></prod></det>'
    )

    assert values(made, "nf_itens", "nve", "tipo_arma") == [("AA0001", "0"), ("AA0003", None)]
    assert values(made, "nf_itens_nve", "nve") == ["AA0001", "AA0002", "AA0003"]
    assert values(made, "nf_itens_armas", "tipo_arma") == ["0", "1"]
    assert [row[0] for row in made.rows()["nf_itens_nve"]] == [0, 0, 1]
    assert aside(made) == []


def test_the_icms_group_is_named():
    made = extraction(
        '<det nItem="1"><imposto><ICMS><ICMSPart><orig>0</orig><CST>10</CST></ICMSPart></ICMS>'
        "</imposto></det>"
    )

    assert values(made, "nf_itens_icms", "grupo", "cst") == [("ICMSPart", "10")]


def test_messages_of_the_tax_office_stand_in_pairs():
    made = Extraction()
    made.walk(
        etree.fromstring(
            "<infProt><cMsg>1</cMsg><xMsg>um</xMsg><cMsg>2</cMsg><xMsg>dois</xMsg></infProt>"
        ),
        "protNFe/infProt",
    )

    assert values(made, "nf_mensagens_fisco", "codigo", "mensagem") == [("1", "um"), ("2", "dois")]


@pytest.mark.parametrize(
    ("issued", "day", "month"),
    [
        ("2026-01-31T23:59:59-05:00", "2026-01-31", "2026-01"),
        ("2026-02-01T00:30:00-02:00", "2026-02-01", "2026-02"),
        ("2026-02-01T02:00:00+00:00", "2026-02-01", "2026-02"),
    ],
)
def test_day_and_month_of_issue_are_the_issuers_own(issued, day, month):
    made = extraction(f"<ide><dhEmi>{issued}</dhEmi></ide>")

    assert values(made, "notas_fiscais", "data_emissao", "mes_emissao") == [(day, month)]


def test_layout_2_00_gives_days_and_an_hour_of_their_own():
    made = extraction(
        "<ide><indPag>1</indPag><dEmi>2010-11-02</dEmi><dSaiEnt>2010-11-03</dSaiEnt>"
        "<hSaiEnt>10:20:30</hSaiEnt></ide>"
    )

    assert values(
        made,
        "notas_fiscais",
        "data_hora_emissao",
        "data_hora_emissao_tz",
        "data_emissao",
        "mes_emissao",
        "data_saida_entrada",
        "hora_saida_entrada",
        "indicador_pagamento",
    ) == [
        ("2010-11-02 00:00:00", None, "2010-11-02", "2010-11", "2010-11-03", "10:20:30", "1"),
    ]
    assert made.unreadable == {}
    assert aside(made) == []


@pytest.mark.parametrize("needs_offsets", [True, False])
def test_a_moment_without_offset_is_told_only_where_there_should_be_one(needs_offsets):
    made = extraction(
        "<ide><dhCont>2010-11-02T10:20:30</dhCont></ide>", needs_offsets=needs_offsets
    )

    assert values(made, "notas_fiscais", "data_hora_contingencia", "data_hora_contingencia_tz") == [
        ("2010-11-02 10:20:30", None)
    ]
    assert list(made.unreadable) == (["ide/dhCont"] if needs_offsets else [])
    assert aside(made) == []


def test_layout_3_10_pays_without_detpag():
    made = extraction(
        "<pag><tPag>01</tPag><vPag>1.50</vPag></pag>"
        "<pag><tPag>03</tPag><vPag>2.50</vPag><card><tBand>01</tBand></card></pag>"
    )

    assert values(made, "nf_pagamentos", "forma_pagamento", "bandeira_cartao") == [
        ("01", None),
        ("03", "01"),
    ]


def test_layout_4_00_has_no_payment_of_pag_itself():
    made = extraction("<pag><detPag><tPag>90</tPag></detPag><vTroco>0.10</vTroco></pag>")

    assert values(made, "nf_pagamentos", "forma_pagamento") == ["90"]
    assert values(made, "notas_fiscais", "valor_troco") == ["0.10"]


MONO = "<gIBSCBSMono><gMonoDif><pDifIBS>1.00</pDifIBS></gMonoDif></gIBSCBSMono>"


@pytest.mark.parametrize(
    ("inside", "table", "column", "value"),
    [
        ("<exporta><UFEmbarq>SP</UFEmbarq></exporta>", "notas_fiscais", "uf_saida_pais", "SP"),
        ("<exporta><xLocEmbarq>S</xLocEmbarq></exporta>", "notas_fiscais", "local_exportacao", "S"),
        ("<det><prod><genero>10</genero></prod></det>", "nf_itens", "genero", "10"),
        (
            "<det><prod><veicProd><CM3>1</CM3></veicProd></prod></det>",
            "nf_itens",
            "cilindradas",
            "1",
        ),
        (
            "<det><prod><veicProd><CMKG>0.4</CMKG></veicProd></prod></det>",
            "nf_itens",
            "capacidade_maxima_tracao",
            "0.4",
        ),
        (
            "<det><prod><comb><pMixGN>1.5</pMixGN></comb></prod></det>",
            "nf_itens_combustivel",
            "percentual_mistura_gas_natural",
            "1.5",
        ),
        (
            "<det><prod><comb><ICMSCons><UFcons>RJ</UFcons></ICMSCons></comb></prod></det>",
            "nf_itens_combustivel",
            "uf_consumo",
            "RJ",
        ),
        (
            "<det><prod><med><nLote>A</nLote></med><med><nLote>B</nLote></med></prod></det>",
            "nf_itens_medicamentos",
            "numero_lote",
            "B",
        ),
        (
            "<det><imposto><IPI><clEnq>C</clEnq></IPI></imposto></det>",
            "nf_itens_ipi",
            "classe_enquadramento",
            "C",
        ),
        (
            "<det><imposto><ISSQN><cSitTrib>N</cSitTrib></ISSQN></imposto></det>",
            "nf_itens_issqn",
            "situacao_tributaria",
            "N",
        ),
        (
            f"<det><imposto><IBSCBS>{MONO}</IBSCBS></imposto></det>",
            "nf_itens_ibscbs",
            "percentual_mono_diferimento_ibs",
            "1.00",
        ),
        (
            "<det><imposto><IS><pISEspec>2.00</pISEspec></IS></imposto></det>",
            "nf_itens_is",
            "aliquota_especifica",
            "2.00",
        ),
    ],
)
def test_names_and_places_of_older_layouts_are_read(inside, table, column, value):
    made = extraction(inside)

    assert values(made, table, column)[-1] == value
    assert aside(made) == []


def test_the_quantity_that_both_monophasic_taxes_shared_is_in_both():
    made = extraction(
        "<det><imposto><IBSCBS><gIBSCBSMono><gMonoPadrao><qBCMono>7.0000</qBCMono></gMonoPadrao>"
        "</gIBSCBSMono></IBSCBS></imposto></det>"
    )

    assert values(made, "nf_itens_ibscbs", "quantidade_mono_ibs", "quantidade_mono_cbs") == [
        ("7.0000", "7.0000")
    ]


def test_what_the_layout_does_not_know_is_kept_with_its_path():
    made = extraction(
        '<det nItem="1"><prod><cNovo>A</cNovo></prod></det>'
        '<det nItem="2" x="y"><prod><gNovo><a>1</a><a>2</a></gNovo></prod></det>'
        "<natOp>ignored</natOp>"
    )

    assert aside(made) == [
        ("NFe/infNFe/det/prod/cNovo", "A", "desconhecido"),
        ("NFe/infNFe/det[2]/@x", "y", "desconhecido"),
        ("NFe/infNFe/det[2]/prod/gNovo/a", "1", "desconhecido"),
        ("NFe/infNFe/det[2]/prod/gNovo/a[2]", "2", "desconhecido"),
        ("NFe/infNFe/natOp", "ignored", "desconhecido"),
    ]


def test_what_is_no_note_has_nothing_kept_aside():
    made = Extraction()

    made.walk(etree.fromstring("<infCte><a>1</a></infCte>"), "CTe/infCte")

    assert made.rows().keys() <= {"dfe_documentos"}
    assert made.digest


def test_a_repetition_that_differs_is_kept_and_one_that_does_not_is_no_loss():
    made = extraction("<ide><natOp>A</natOp><natOp>A</natOp><natOp>B</natOp></ide>")

    assert values(made, "notas_fiscais", "natureza_operacao") == ["A"]
    assert aside(made) == [("NFe/infNFe/ide/natOp[3]", "B", "repetido")]


def test_a_text_where_a_number_belongs_is_kept_and_told():
    made = extraction("<total><ICMSTot><vNF>1,50</vNF></ICMSTot></total>")

    assert values(made, "notas_fiscais", "valor_total_nota") == [None]
    assert aside(made) == [("NFe/infNFe/total/ICMSTot/vNF", "1,50", "ilegivel")]
    assert list(made.unreadable) == ["total/ICMSTot/vNF"]


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("1234567890123.12", True),
        ("0001.50", True),
        ("-1.50", True),
        (" 1.50 ", True),
        ("1.5000", True),
        ("1.505", False),
        ("12345678901234.00", False),
        ("1e3", False),
        ("1.", False),
        ("١", False),
        ("1.50" + "0" * 200, False),
    ],
)
def test_a_decimal_that_its_column_would_round_is_kept_aside(text, is_held):
    made = extraction(f"<total><ICMSTot><vNF>{text}</vNF></ICMSTot></total>")

    assert values(made, "notas_fiscais", "valor_total_nota") == [text.strip() if is_held else None]
    assert len(aside(made)) == (0 if is_held else 1)
    assert len(made.unreadable) == (0 if is_held else 1)


def test_a_unit_price_keeps_all_its_digits_in_two_columns():
    made = extraction("<det><prod><vUnCom>12345678901.1234567890</vUnCom></prod></det>")

    assert values(
        made, "nf_itens", "valor_unitario_comercial", "valor_unitario_comercial_exato"
    ) == [("12345678901.1234567890", "12345678901.1234567890")]


def test_what_is_listed_is_neither_stored_nor_kept_aside():
    made = extraction(
        "<infPAA><CNPJPAA>1</CNPJPAA><PAASignature><SignatureValue>AA==</SignatureValue>"
        "<RSAKeyValue><Modulus>AA==</Modulus></RSAKeyValue></PAASignature></infPAA>"
    )

    assert values(made, "notas_fiscais", "paa_cnpj") == ["1"]
    assert aside(made) == []


def test_many_unknown_values_are_bounded_in_number_and_length():
    """And siblings are not counted again for each of them, which would take many minutes."""
    deep = "<grupo>" * 120 + "<a>1</a>" * 60_000 + "</grupo>" * 120

    made = extraction(deep)

    kept = aside(made)
    assert len(kept) == 20_000
    assert {len(path) for path, _, _ in kept} == {300}
    assert "20000" in made.unreadable["nf_outros_valores"]


BASE = "<ide><natOp>A</natOp></ide><pag><x a='1'>B</x></pag>"


@pytest.mark.parametrize(
    "same",
    [
        "<pag><x a='1'>B</x></pag><ide><natOp>A</natOp></ide>",
        "<ide> <natOp>  A\n</natOp></ide><pag><x a='1'>B</x></pag>",
        "<ide><natOp><![CDATA[A]]></natOp></ide><pag><x a='1'>B</x></pag>",
    ],
)
def test_the_digest_does_not_depend_on_order_blanks_or_spelling(same):
    assert extraction(same).digest == extraction(BASE).digest
    assert extraction(same, namespace="").digest == extraction(BASE).digest


@pytest.mark.parametrize(
    "other",
    [
        "<ide><natOp>B</natOp></ide><pag><x a='1'>B</x></pag>",
        "<ide><natOp>A</natOp></ide><pag><x a='2'>B</x></pag>",
        "<ide><natOp>A</natOp></ide><pag><x>B</x></pag>",
        "<ide><natOp a='1'>A</natOp></ide><pag><x a='1'>B</x></pag>",
        "<ide><natOp>A</natOp></ide><pag><x a='1'>B</x></pag><y>C</y>",
        "<ide><natOp>A</natOp></ide><pag a='1'><x>B</x></pag>",
        "<ide><natOp>A</natOp><pag><x a='1'>B</x></pag></ide>",
        "<ide/><natOp>A</natOp><pag><x a='1'>B</x></pag>",
    ],
)
def test_the_digest_tells_any_other_text_attribute_or_place(other):
    assert extraction(other).digest != extraction(BASE).digest
