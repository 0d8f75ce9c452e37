"""Lays out a note's groups that have a table: transport, payment, remarks, rural, public."""

from nfed.documents.layout.columns import (
    BIG_INTEGER,
    DATE,
    INTEGER,
    MONEY,
    RATE,
    UNIT_PRICE,
    WEIGHT,
    Column,
    Table,
    Text,
)

_INF = "NFe/infNFe"


def _of_note(name: str, about: str, element: str, *columns: Column, repeats: bool = True) -> Table:
    """A table whose rows belong to a note; `element` stands below infNFe."""
    return Table(
        name,
        about,
        columns,
        element="|".join(f"{_INF}/{each}" for each in element.split("|")),
        parent="notas_fiscais",
        link="nota_fiscal_id",
        repeats=repeats,
    )


NF_TRANSPORTE = Table(
    "nf_transporte",
    "How the goods travel (group X), one row a note.",
    (
        Column("modalidade_frete", Text(1), "modFrete"),
        Column("transportadora_cpf_cnpj", Text(14), "transporta/CNPJ|transporta/CPF"),
        Column("transportadora_nome", Text(60), "transporta/xNome"),
        Column("transportadora_inscricao_estadual", Text(14), "transporta/IE"),
        Column("transportadora_endereco", Text(60), "transporta/xEnder"),
        Column("transportadora_municipio", Text(60), "transporta/xMun"),
        Column("transportadora_uf", Text(2), "transporta/UF"),
        Column("valor_servico", MONEY, "retTransp/vServ"),
        Column("valor_bc_retencao_icms", MONEY, "retTransp/vBCRet"),
        Column("aliquota_retencao", RATE, "retTransp/pICMSRet"),
        Column("valor_icms_retido", MONEY, "retTransp/vICMSRet"),
        Column("cfop_transporte", Text(4), "retTransp/CFOP"),
        Column("codigo_municipio_ocorrencia", Text(7), "retTransp/cMunFG"),
        Column("placa_veiculo", Text(8), "veicTransp/placa"),
        Column("uf_veiculo", Text(2), "veicTransp/UF"),
        Column("rntc", Text(20), "veicTransp/RNTC"),
        Column("identificacao", Text(20), "vagao|balsa"),
    ),
    element=f"{_INF}/transp",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_TRANSPORTE_REBOQUE = Table(
    "nf_transporte_reboque",
    "A trailer.",
    (
        Column("placa", Text(8), "placa"),
        Column("uf", Text(2), "UF"),
        Column("rntc", Text(20), "RNTC"),
    ),
    element=f"{_INF}/transp/reboque",
    parent="nf_transporte",
    link="transporte_id",
)

NF_TRANSPORTE_VOLUMES = Table(
    "nf_transporte_volumes",
    "A kind of package.",
    (
        Column("quantidade", BIG_INTEGER, "qVol"),
        Column("especie", Text(60), "esp"),
        Column("marca", Text(60), "marca"),
        Column("numeracao", Text(60), "nVol"),
        Column("peso_liquido", WEIGHT, "pesoL"),
        Column("peso_bruto", WEIGHT, "pesoB"),
    ),
    element=f"{_INF}/transp/vol",
    parent="nf_transporte",
    link="transporte_id",
)

NF_TRANSPORTE_VOLUMES_LACRES = Table(
    "nf_transporte_volumes_lacres",
    "A seal of a package.",
    (Column("numero_lacre", Text(60), "nLacre"),),
    element=f"{_INF}/transp/vol/lacres",
    parent="nf_transporte_volumes",
    link="volume_id",
)

NF_COBRANCA = Table(
    "nf_cobranca",
    "The invoice that the instalments pay (group Y).",
    (
        Column("numero_fatura", Text(60), "fat/nFat"),
        Column("valor_original", MONEY, "fat/vOrig"),
        Column("valor_desconto", MONEY, "fat/vDesc"),
        Column("valor_liquido", MONEY, "fat/vLiq"),
    ),
    element=f"{_INF}/cobr",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_DUPLICATAS = Table(
    "nf_duplicatas",
    "An instalment.",
    (
        Column("numero_duplicata", Text(60), "nDup"),
        Column("data_vencimento", DATE, "dVenc"),
        Column("valor", MONEY, "vDup"),
        Column("data_pagamento", DATE, note="yours to fill: no XML tells what was paid"),
    ),
    element=f"{_INF}/cobr/dup",
    parent="nf_cobranca",
    link="cobranca_id",
)

NF_PAGAMENTOS = Table(
    "nf_pagamentos",
    "A payment (group YA); in layout 3.10 each `pag` is one.",
    (
        Column("indicador_pagamento", Text(1), "indPag"),
        Column("forma_pagamento", Text(2), "tPag"),
        Column("valor_pagamento", MONEY, "vPag"),
        Column("tipo_integracao", Text(1), "card/tpIntegra"),
        Column("cnpj_credenciadora", Text(14), "card/CNPJ"),
        Column("bandeira_cartao", Text(2), "card/tBand"),
        Column("numero_autorizacao", Text(128), "card/cAut"),
        Column("cnpj_psp", Text(14), note="left empty: the layout has no element for it"),
        Column("end_to_end_id", Text(60), note="left empty: the layout has no element for it"),
        Column("descricao_pagamento", Text(60), "xPag"),
        Column("data_pagamento", DATE, "dPag"),
        Column("cnpj_transacional", Text(14), "CNPJPag", "where the payment was made"),
        Column("uf_transacional", Text(2), "UFPag"),
        Column("cnpj_beneficiario", Text(14), "card/CNPJReceb"),
        Column("terminal_pagamento", Text(40), "card/idTermPag"),
    ),
    element=f"{_INF}/pag/detPag|{_INF}/pag",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_AUTORIZADOS_XML = _of_note(
    "nf_autorizados_xml",
    "Who may fetch the note from the tax office (group GA).",
    "autXML",
    Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
)

NF_AVULSA = _of_note(
    "nf_avulsa",
    "The tax office that issued an avulsa note (group D), one row a note.",
    "avulsa",
    Column("cnpj_orgao", Text(14), "CNPJ"),
    Column("nome_orgao", Text(60), "xOrgao"),
    Column("matricula_agente", Text(60), "matr"),
    Column("nome_agente", Text(60), "xAgente"),
    Column("telefone", Text(14), "fone"),
    Column("uf", Text(2), "UF"),
    Column("numero_dar", Text(60), "nDAR"),
    Column("data_emissao_dar", DATE, "dEmi"),
    Column("valor_dar", MONEY, "vDAR"),
    Column("reparticao_emitente", Text(60), "repEmi"),
    Column("data_pagamento_dar", DATE, "dPag"),
)

NF_COMPRA_GOV_REFERENCIAS = _of_note(
    "nf_compra_gov_referencias",
    "An earlier document of a purchase by a public body (group gCompraGov).",
    "ide/gCompraGov/refDFeAnt",
    Column("chave_acesso", Text(44), "."),
)

NF_PAGAMENTO_ANTECIPADO_REFERENCIAS = _of_note(
    "nf_pagamento_antecipado_referencias",
    "A note of payment in advance (group gPagAntecipado).",
    "ide/gPagAntecipado/refNFe",
    Column("chave_acesso", Text(44), "."),
)

NF_OBSERVACOES = _of_note(
    "nf_observacoes",
    "A named remark of the issuer or for the tax office (group Z).",
    "infAdic/obsCont|infAdic/obsFisco",
    Column("tipo", Text(20), "name()", "contribuinte or fisco"),
    Column("campo", Text(20), "@xCampo"),
    Column("texto", Text(160), "xTexto"),
)

NF_PROCESSOS_REFERENCIADOS = _of_note(
    "nf_processos_referenciados",
    "A court or tax proceeding that the note refers to (group Z10).",
    "infAdic/procRef",
    Column("numero_processo", Text(60), "nProc"),
    Column("origem_processo", Text(1), "indProc"),
    Column("tipo_ato", Text(2), "tpAto"),
)

NF_CANA_FORNECIMENTOS = _of_note(
    "nf_cana_fornecimentos",
    "Sugar cane supplied in a day (group ZC04).",
    "cana/forDia",
    Column("dia", INTEGER, "@dia"),
    Column("quantidade", UNIT_PRICE, "qtde"),
)

NF_CANA_DEDUCOES = _of_note(
    "nf_cana_deducoes",
    "A deduction from the sugar cane's price (group ZC10).",
    "cana/deduc",
    Column("descricao", Text(60), "xDed"),
    Column("valor", MONEY, "vDed"),
)

NF_AGROPECUARIO_DEFENSIVOS = _of_note(
    "nf_agropecuario_defensivos",
    "A prescription of pesticides (group ZF02).",
    "agropecuario/defensivo",
    Column("numero_receituario", Text(30), "nReceituario"),
    Column("cpf_responsavel_tecnico", Text(11), "CPFRespTec"),
)

GROUP_TABLES = (
    NF_TRANSPORTE,
    NF_TRANSPORTE_REBOQUE,
    NF_TRANSPORTE_VOLUMES,
    NF_TRANSPORTE_VOLUMES_LACRES,
    NF_COBRANCA,
    NF_DUPLICATAS,
    NF_PAGAMENTOS,
    NF_AUTORIZADOS_XML,
    NF_AVULSA,
    NF_COMPRA_GOV_REFERENCIAS,
    NF_PAGAMENTO_ANTECIPADO_REFERENCIAS,
    NF_OBSERVACOES,
    NF_PROCESSOS_REFERENCIADOS,
    NF_CANA_FORNECIMENTOS,
    NF_CANA_DEDUCOES,
    NF_AGROPECUARIO_DEFENSIVOS,
)
