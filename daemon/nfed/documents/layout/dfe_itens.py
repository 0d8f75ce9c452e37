"""Lays out the items of documents that have any, and IBS and CBS."""

from dataclasses import replace

from nfed.documents.layout.columns import (
    DATE,
    INTEGER,
    MONEY,
    QUANTITY,
    RATE,
    Column,
    Number,
    Table,
    Text,
)
from nfed.documents.layout.familias import BPES, CTES, NF3E, NFCOM, each
from nfed.documents.layout.impostos import NF_ITENS_IBSCBS

_ICMS_GROUPS = tuple(f"ICMS{cst}" for cst in ("00", "10", "20", "40", "51", "60", "90", "SN"))


def _item(path: str) -> str:
    """In an NF3-e below detItem, in an NFCom beside it."""
    return f"detItem/{path}|{path}"


def _withheld(tag: str) -> str:
    return _item(f"imposto/retTrib/{tag}") + f"|detItemAnt/retTrib/{tag}"


def _icms(tag: str) -> str:
    """In the group of whatever CST."""
    paths = [
        f"{above}/{group}/{tag}"
        for above in ("detItem/imposto", "imposto")
        for group in _ICMS_GROUPS
    ]
    return "|".join([*paths, f"imp/ICMS/*/{tag}"])


DFE_ITENS = Table(
    "dfe_itens",
    "An item of an NF3-e or NFCom; a delivery of a CT-e simplificado; a journey of a BP-e TM.",
    (
        Column("numero_item", INTEGER, "@nItem|@nViagem"),
        Column("codigo_produto", Text(60), _item("prod/cProd")),
        Column("descricao", Text(120), _item("prod/xProd")),
        Column("classificacao", Text(7), _item("prod/cClass") + "|detItemAnt/cClass"),
        Column("cfop", Text(4), _item("prod/CFOP")),
        Column("unidade", Text(1), _item("prod/uMed")),
        Column("quantidade", QUANTITY, _item("prod/qFaturada") + "|detItemAnt/qFaturada"),
        Column("valor_unitario", Number(23, 10), _item("prod/vItem") + "|detItemAnt/vItem"),
        Column("valor_desconto", MONEY, "prod/vDesc"),
        Column("valor_outros", MONEY, "prod/vOutro"),
        Column("valor_total", Number(23, 10), _item("prod/vProd") + "|detItemAnt/vProd|vPrest|vBP"),
        Column("data_expiracao", DATE, "prod/dExpiracao"),
        Column(
            "indicador_devolucao", Text(1), _item("prod/indDevolucao") + "|detItemAnt/indDevolucao"
        ),
        Column("indicador_preco_acl", Text(1), "detItem/prod/indPrecoACL"),
        Column("origem_quantidade", Text(1), "detItem/prod/indOrigemQtd"),
        Column("cnpj_operadora", Text(14), "prod/CNPJLD"),
        Column("cnpj_cobranca_terceiros", Text(14), "prod/CNPJCobrTerc"),
        Column("item_anterior", Text(4), "@nItemAnt|detItem/@nItemAnt|detItemAnt/@nItemAnt"),
        Column("chave_anterior", Text(44), "@chNFComAnt"),
        Column("nota_anterior_central", Text(1), "@indNFComAntPapelFatCentral"),
        Column("chave_pagamento_antecipado", Text(44), _item("prod/gPagAntecipado/chDFePagAnt")),
        Column("item_pagamento_antecipado", Text(3), _item("prod/gPagAntecipado/nItemPagAnt")),
        Column("tipo_ajuste", Text(1), "gAjusteNF3eAnt/tpAjuste"),
        Column("motivo_ajuste", Text(1), "gAjusteNF3eAnt/motAjuste"),
        Column("codigo_municipio_inicio", Text(7), "cMunIni", "of a CT-e simplificado or BP-e TM"),
        Column("nome_municipio_inicio", Text(60), "xMunIni"),
        Column("codigo_municipio_fim", Text(7), "cMunFim"),
        Column("nome_municipio_fim", Text(60), "xMunFim"),
        Column("valor_liquido", MONEY, "vPrestLiq"),
        Column("valor_receber", MONEY, "vRec"),
        Column("contador_inicial", Text(20), "nContInicio", "of a BP-e TM"),
        Column("contador_final", Text(20), "nContFim"),
        Column("quantidade_passageiros", INTEGER, "qPass"),
        Column("tipo_ressarcimento", Text(2), "gRessarc/tpRessarc"),
        Column("data_ressarcimento", DATE, "gRessarc/dRef"),
        Column("processo_ressarcimento", Text(60), "gRessarc/nProcesso"),
        Column("protocolo_reclamacao", Text(60), "gRessarc/nProtReclama"),
        Column("observacao_ressarcimento", Text(100), "gRessarc/xObs"),
        Column("sem_cst", Text(1), _item("imposto/indSemCST")),
        Column("icms_cst", Text(2), _icms("CST")),
        Column("icms_simples_nacional", Text(1), _icms("indSN")),
        Column("icms_reducao_bc", RATE, _icms("pRedBC")),
        Column("icms_valor_bc", MONEY, _icms("vBC") + "|detItemAnt/vBC"),
        Column("icms_aliquota", RATE, _icms("pICMS") + "|detItemAnt/pICMS"),
        Column("icms_valor", MONEY, _icms("vICMS") + "|detItemAnt/vICMS"),
        Column("icms_valor_desonerado", MONEY, _icms("vICMSDeson")),
        Column("icms_codigo_beneficio", Text(10), _icms("cBenef")),
        Column("icms_valor_credito", MONEY, _icms("vCred")),
        Column("fcp_percentual", RATE, _icms("pFCP")),
        Column("fcp_valor", MONEY, _icms("vFCP") + "|detItemAnt/vFCP"),
        Column("icms_st_valor_bc", MONEY, _icms("vBCST") + "|detItemAnt/vBCST"),
        Column("icms_st_aliquota", RATE, _icms("pICMSST")),
        Column("icms_st_valor", MONEY, _icms("vICMSST") + "|detItemAnt/vICMSST"),
        Column("fcp_st_percentual", RATE, _icms("pFCPST")),
        Column("fcp_st_valor", MONEY, _icms("vFCPST") + "|detItemAnt/vFCPST"),
        Column("icms_valor_bc_st_retido", MONEY, _icms("vBCSTRet")),
        Column("icms_aliquota_st_retido", RATE, _icms("pICMSSTRet")),
        Column("icms_valor_substituto", MONEY, _icms("vICMSSubstituto")),
        Column("icms_valor_st_retido", MONEY, _icms("vICMSSTRet")),
        Column("fcp_valor_bc_st_retido", MONEY, _icms("vBCFCPSTRet")),
        Column("fcp_percentual_st_retido", RATE, _icms("pFCPSTRet")),
        Column("fcp_valor_st_retido", MONEY, _icms("vFCPSTRet")),
        Column("icms_reducao_bc_efetiva", RATE, _icms("pRedBCEfet")),
        Column("icms_valor_bc_efetiva", MONEY, _icms("vBCEfet")),
        Column("icms_aliquota_efetiva", RATE, _icms("pICMSEfet")),
        Column("icms_valor_efetivo", MONEY, _icms("vICMSEfet")),
        Column("pis_cst", Text(2), _item("imposto/PIS/CST")),
        Column("pis_valor_bc", MONEY, _item("imposto/PIS/vBC")),
        Column("pis_aliquota", RATE, _item("imposto/PIS/pPIS")),
        Column("pis_valor", MONEY, _item("imposto/PIS/vPIS") + "|detItemAnt/vPIS"),
        Column("pis_valor_bc_efetivo", MONEY, "detItem/imposto/PISEfet/vBCPISEfet"),
        Column("pis_aliquota_efetiva", RATE, "detItem/imposto/PISEfet/pPISEfet"),
        Column("pis_valor_efetivo", MONEY, "detItem/imposto/PISEfet/vPISEfet|detItemAnt/vPISEfet"),
        Column("cofins_cst", Text(2), _item("imposto/COFINS/CST")),
        Column("cofins_valor_bc", MONEY, _item("imposto/COFINS/vBC")),
        Column("cofins_aliquota", RATE, _item("imposto/COFINS/pCOFINS")),
        Column("cofins_valor", MONEY, _item("imposto/COFINS/vCOFINS") + "|detItemAnt/vCOFINS"),
        Column("cofins_valor_bc_efetivo", MONEY, "detItem/imposto/COFINSEfet/vBCCOFINSEfet"),
        Column("cofins_aliquota_efetiva", RATE, "detItem/imposto/COFINSEfet/pCOFINSEfet"),
        Column(
            "cofins_valor_efetivo",
            MONEY,
            "detItem/imposto/COFINSEfet/vCOFINSEfet|detItemAnt/vCOFINSEfet",
        ),
        Column("fust_valor_bc", MONEY, _item("imposto/FUST/vBC")),
        Column("fust_aliquota", RATE, _item("imposto/FUST/pFUST")),
        Column("fust_valor", MONEY, _item("imposto/FUST/vFUST")),
        Column("funttel_valor_bc", MONEY, _item("imposto/FUNTTEL/vBC")),
        Column("funttel_aliquota", RATE, _item("imposto/FUNTTEL/pFUNTTEL")),
        Column("funttel_valor", MONEY, _item("imposto/FUNTTEL/vFUNTTEL")),
        Column("retido_pis", Number(21, 8), _withheld("vRetPIS")),
        Column("retido_cofins", Number(21, 8), _withheld("vRetCofins")),
        Column("retido_csll", Number(21, 8), _withheld("vRetCSLL")),
        Column("retido_irrf_valor_bc", Number(21, 8), _withheld("vBCIRRF")),
        Column("retido_irrf", Number(21, 8), _withheld("vIRRF")),
        Column("difal_codigo_uf", Text(2), "imposto/ICMSUFDest/@cUFDest"),
        Column("difal_valor_bc", MONEY, "imposto/ICMSUFDest/vBCUFDest"),
        Column("difal_percentual_fcp", RATE, "imposto/ICMSUFDest/pFCPUFDest"),
        Column("difal_aliquota", RATE, "imposto/ICMSUFDest/pICMSUFDest"),
        Column("difal_valor_fcp", MONEY, "imposto/ICMSUFDest/vFCPUFDest"),
        Column("difal_valor_uf_destino", MONEY, "imposto/ICMSUFDest/vICMSUFDest"),
        Column("difal_valor_uf_emitente", MONEY, "imposto/ICMSUFDest/vICMSUFEmi"),
        Column("difal_codigo_beneficio", Text(10), "imposto/ICMSUFDest/cBenefUFDest"),
        Column("informacoes_fisco", Text(2000), "imp/infAdFisco"),
        Column("informacoes", Text(500), _item("infAdProd")),
    ),
    element=each(NF3E, "NFdet/det")
    + "|"
    + each(NFCOM, "det")
    + "|"
    + each(CTES, "det")
    + "|"
    + each(BPES, "detBPeTM/det"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

_TOTALS = {
    "valor_bc": "vBCIBSCBS",
    "valor_ibs": "gIBS/vIBS",
    **{
        f"valor_{name}{part}": f"{group}/{tag}"
        for part, group, own in (
            ("ibs_uf", "gIBS/gIBSUF", "vIBSUF"),
            ("ibs_municipio", "gIBS/gIBSMun", "vIBSMun"),
            ("cbs", "gCBS", "vCBS"),
        )
        for name, tag in (("diferido_", "vDif"), ("devolvido_", "vDevTrib"), ("", own))
    },
}
_OF_OTHERS = ("CST", "cClassTrib", "indDoacao", "gIBSCBS/", "gEstornoCred/")
_OF_NOTES_ALONE = ("tipo_zfm_alc_cbs", "numero_processo_suframa")
# The group is the note's, by its technical notes; so are its columns.
_IBSCBS = tuple(
    column
    for column in NF_ITENS_IBSCBS.columns
    if (column.path or "").startswith(_OF_OTHERS) and column.name not in _OF_NOTES_ALONE
)

DFE_IBSCBS = Table(
    "dfe_ibscbs",
    "IBS and CBS of a document; of one with items, their totals.",
    tuple(
        replace(column, path=f"{column.path}|{_TOTALS[column.name]}")
        if column.name in _TOTALS
        else column
        for column in _IBSCBS
    ),
    element=each(CTES, "imp/IBSCBS", "total/IBSCBSTot")
    + "|"
    + each(BPES, "imp/IBSCBS", "total/IBSCBSTot")
    + "|"
    + each((*NF3E, *NFCOM), "total/IBSCBSTot"),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

DFE_ITENS_IBSCBS = Table(
    "dfe_itens_ibscbs",
    "IBS and CBS of an item.",
    _IBSCBS,
    element=each(CTES, "det/IBSCBS")
    + "|"
    + each(BPES, "detBPeTM/det/imp/IBSCBS")
    + "|"
    + each(NF3E, "NFdet/det/detItem/imposto/IBSCBS")
    + "|"
    + each(NFCOM, "det/imposto/IBSCBS"),
    parent="dfe_itens",
    link="dfe_item_id",
    repeats=False,
)

DFE_ITENS_TABLES = (
    DFE_ITENS,
    DFE_ITENS_IBSCBS,
    DFE_IBSCBS,
)
