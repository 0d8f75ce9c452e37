"""Lays out what the bills of a network say alike: NF3-e of energy, NFCom of telecommunications."""

from nfed.documents.layout.columns import DATE, MOMENT, MONEY, RATE, Column, Text

BILL_IDE = (
    Column("codigo_uf", Text(2), "ide/cUF"),
    Column("codigo_numerico", Text(), "ide/cNF"),
    Column("tipo_emissao", Text(1), "ide/tpEmis"),
    Column("site_autorizacao", Text(), "ide/nSiteAutoriz"),
    Column("codigo_municipio_fato_gerador", Text(7), "ide/cMunFG"),
    Column("versao_processo", Text(20), "ide/verProc"),
    Column("data_hora_contingencia", MOMENT, "ide/dhCont"),
    Column("justificativa_contingencia", Text(256), "ide/xJust"),
    Column("tipo_ente_governamental", Text(1), "ide/gCompraGov/tpEnteGov"),
    Column("reducao_compra_governamental", RATE, "ide/gCompraGov/pRedutor"),
    Column("tipo_compra_governamental", Text(1), "ide/gCompraGov/tpOperGov"),
    Column("tipo_pagamento_antecipado", Text(1), "ide/tpPagAnt"),
)
BILL_ICMS = (
    Column("valor_produtos", MONEY, "total/vProd"),
    Column("valor_bc_icms", MONEY, "total/ICMSTot/vBC"),
    Column("valor_icms", MONEY, "total/ICMSTot/vICMS"),
    Column("valor_icms_desonerado", MONEY, "total/ICMSTot/vICMSDeson"),
    Column("valor_fcp", MONEY, "total/ICMSTot/vFCP"),
)
BILL_WITHHELD = (
    Column("valor_retido_pis", MONEY, "total/vRetTribTot/vRetPIS"),
    Column("valor_retido_cofins", MONEY, "total/vRetTribTot/vRetCofins"),
    Column("valor_retido_csll", MONEY, "total/vRetTribTot/vRetCSLL"),
    Column("valor_retido_irrf", MONEY, "total/vRetTribTot/vIRRF"),
)
BILL = (
    Column("valor_nota", MONEY, "total/vNF"),
    Column("valor_total_dfe", MONEY, "total/vTotDFe"),
    Column("competencia", Text(6), "gFat/CompetFat", "AAAAMM"),
    Column("data_vencimento", DATE, "gFat/dVencFat"),
    Column("codigo_barras", Text(48), "gFat/codBarras"),
    Column("debito_automatico", Text(20), "gFat/codDebAuto"),
    Column("banco", Text(5), "gFat/codBanco"),
    Column("agencia", Text(10), "gFat/codAgencia"),
    Column("pix", Text(2000), "gFat/gPIX/urlQRCodePIX"),
    Column("informacoes_fisco", Text(2000), "infAdic/infAdFisco"),
)
