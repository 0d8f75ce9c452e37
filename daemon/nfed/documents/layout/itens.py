"""Lays out a note's items: product and specific products (groups H to L, V)."""

from nfed.documents.layout.columns import (
    DATE,
    INTEGER,
    MONEY,
    QUANTITY,
    QUANTITY_12,
    RATE,
    UNIT_PRICE,
    WEIGHT,
    Column,
    Number,
    Table,
    Text,
)
from nfed.documents.layout.impostos import TAX_TABLES

_DET = "NFe/infNFe/det"
_LOT = Number(11, 3)  # TDec_0803v
_CMT = "prod/veicProd/CMT|prod/veicProd/CMKG"
_MED = "the first; see nf_itens_medicamentos"

NF_ITENS = Table(
    "nf_itens",
    "An item, in the document's order.",
    (
        Column("numero_item", INTEGER, "@nItem"),
        Column("codigo_produto", Text(60), "prod/cProd"),
        Column("codigo_ean", Text(14), "prod/cEAN"),
        Column("descricao", Text(120), "prod/xProd"),
        Column("ncm", Text(8), "prod/NCM"),
        Column("nve", Text(6), "prod/NVE", "the first; all are in nf_itens_nve"),
        Column("cest", Text(7), "prod/CEST"),
        Column("codigo_ex_tipi", Text(3), "prod/EXTIPI"),
        Column("cfop", Text(4), "prod/CFOP"),
        Column("unidade_comercial", Text(6), "prod/uCom"),
        Column("quantidade_comercial", QUANTITY, "prod/qCom"),
        Column("valor_unitario_comercial", UNIT_PRICE, "prod/vUnCom"),
        Column("valor_total_bruto", MONEY, "prod/vProd"),
        Column("codigo_ean_tributavel", Text(14), "prod/cEANTrib"),
        Column("unidade_tributavel", Text(6), "prod/uTrib"),
        Column("quantidade_tributavel", QUANTITY, "prod/qTrib"),
        Column("valor_unitario_tributavel", UNIT_PRICE, "prod/vUnTrib"),
        Column("valor_frete", MONEY, "prod/vFrete"),
        Column("valor_seguro", MONEY, "prod/vSeg"),
        Column("valor_desconto", MONEY, "prod/vDesc"),
        Column("valor_outras_despesas", MONEY, "prod/vOutro"),
        Column("indicador_total", Text(1), "prod/indTot"),
        Column("numero_pedido_compra", Text(15), "prod/xPed"),
        Column("item_pedido_compra", INTEGER, "prod/nItemPed"),
        Column("item_pedido_compra_exato", Text(6), "prod/nItemPed", "with the zeros it begins by"),
        Column("numero_fci", Text(36), "prod/nFCI"),
        Column("numero_lote_medicamento", Text(20), "prod/med/nLote", _MED),
        Column("quantidade_lote_medicamento", _LOT, "prod/med/qLote", "likewise"),
        Column("data_fabricacao_medicamento", DATE, "prod/med/dFab", "likewise"),
        Column("data_validade_medicamento", DATE, "prod/med/dVal", "likewise"),
        Column("preco_maximo_consumidor", MONEY, "prod/med/vPMC", "likewise"),
        Column("codigo_anp", Text(9), "prod/comb/cProdANP"),
        Column("descricao_anp", Text(95), "prod/comb/descANP"),
        Column("percentual_glp", RATE, "prod/comb/pGLP"),
        Column("percentual_gas_natural_nacional", RATE, "prod/comb/pGNn"),
        Column("percentual_gas_natural_importado", RATE, "prod/comb/pGNi"),
        Column("valor_partida", MONEY, "prod/comb/vPart"),
        Column("registro_codif", Text(21), "prod/comb/CODIF"),
        Column("uf_consumo", Text(2), "prod/comb/UFCons"),
        Column("tipo_operacao_veiculo", Text(1), "prod/veicProd/tpOp"),
        Column("chassi", Text(17), "prod/veicProd/chassi"),
        Column("cor_veiculo", Text(4), "prod/veicProd/cCor"),
        Column("descricao_cor", Text(40), "prod/veicProd/xCor"),
        Column("potencia_motor", Text(4), "prod/veicProd/pot"),
        Column("cilindradas", Text(4), "prod/veicProd/cilin|prod/veicProd/CM3"),
        Column("peso_liquido", Text(9), "prod/veicProd/pesoL"),
        Column("peso_bruto", Text(9), "prod/veicProd/pesoB"),
        Column("serie", Text(9), "prod/veicProd/nSerie"),
        Column("tipo_combustivel", Text(2), "prod/veicProd/tpComb"),
        Column("numero_motor", Text(21), "prod/veicProd/nMotor"),
        Column("capacidade_maxima_tracao", Number(9, 4, lenient=True), _CMT),
        Column("capacidade_maxima_tracao_exato", Text(9), _CMT),
        Column("distancia_eixos", Text(4), "prod/veicProd/dist"),
        Column("ano_modelo", Text(4), "prod/veicProd/anoMod"),
        Column("ano_fabricacao", Text(4), "prod/veicProd/anoFab"),
        Column("tipo_pintura", Text(1), "prod/veicProd/tpPint"),
        Column("tipo_veiculo", Text(2), "prod/veicProd/tpVeic"),
        Column("especie_veiculo", Text(1), "prod/veicProd/espVeic"),
        Column("condicao_vin", Text(1), "prod/veicProd/VIN"),
        Column("condicao_veiculo", Text(1), "prod/veicProd/condVeic"),
        Column("codigo_marca_modelo", Text(6), "prod/veicProd/cMod"),
        Column("codigo_cor_denatran", Text(2), "prod/veicProd/cCorDENATRAN"),
        Column("lotacao", INTEGER, "prod/veicProd/lota"),
        Column("restricao_veiculo", Text(1), "prod/veicProd/tpRest"),
        Column("tipo_arma", Text(1), "prod/arma/tpArma", "the first; see nf_itens_armas"),
        Column("numero_serie_arma", Text(15), "prod/arma/nSerie", "likewise"),
        Column("numero_serie_cano", Text(15), "prod/arma/nCano", "likewise"),
        Column("descricao_arma", Text(256), "prod/arma/descr", "likewise"),
        Column("valor_total_tributos", MONEY, "imposto/vTotTrib"),
        Column("codigo_barras", Text(30), "prod/cBarra"),
        Column("codigo_barras_tributavel", Text(30), "prod/cBarraTrib"),
        Column("genero", Text(2), "prod/genero", "layout 1.10"),
        Column("indicador_escala", Text(1), "prod/indEscala"),
        Column("cnpj_fabricante", Text(14), "prod/CNPJFab"),
        Column("codigo_beneficio_fiscal", Text(10), "prod/cBenef"),
        Column("tipo_credito_presumido_ibs_zfm", Text(1), "prod/tpCredPresIBSZFM"),
        Column("indicador_bem_movel_usado", Text(1), "prod/indBemMovelUsado"),
        Column("codigo_produto_fisco", Text(14), "prod/infProdNFF/cProdFisco"),
        Column("codigo_operacao_nff", Text(5), "prod/infProdNFF/cOperNFF"),
        Column("embalagem", Text(8), "prod/infProdEmb/xEmb"),
        Column("quantidade_volume_embalagem", _LOT, "prod/infProdEmb/qVolEmb"),
        Column("unidade_embalagem", Text(8), "prod/infProdEmb/uEmb"),
        Column("renavam", Text(9), "prod/veicProd/RENAVAM", "layout 1.10"),
        Column("codigo_anvisa", Text(13), "prod/med/cProdANVISA"),
        Column("motivo_isencao_anvisa", Text(255), "prod/med/xMotivoIsencao"),
        Column("numero_recopi", Text(20), "prod/nRECOPI"),
        Column("percentual_devolucao", RATE, "impostoDevol/pDevol"),
        Column("valor_ipi_devolvido", MONEY, "impostoDevol/IPI/vIPIDevol"),
        Column("informacoes_adicionais", Text(500), "infAdProd"),
        Column("valor_item", MONEY, "vItem"),
        Column("dfe_referenciado_chave", Text(44), "DFeReferenciado/chaveAcesso"),
        Column("dfe_referenciado_item", INTEGER, "DFeReferenciado/nItem"),
    ),
    element=_DET,
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_ITENS_COMBUSTIVEL = Table(
    "nf_itens_combustivel",
    "Fuel (group LA).",
    (
        Column("codigo_anp", Text(9), "cProdANP"),
        Column("percentual_glp", RATE, "pGLP"),
        Column("percentual_gas_natural_nacional", RATE, "pGNn"),
        Column("percentual_gas_natural_importado", RATE, "pGNi"),
        Column("valor_partida", MONEY, "vPart"),
        Column("codigo_if", Text(21), "CODIF"),
        Column("uf_consumo", Text(2), "UFCons|ICMSCons/UFcons|ICMSCons/UFCons"),
        Column("base_calculo_cide", Number(17, 4), "CIDE/qBCProd"),
        Column("aliquota_cide", QUANTITY, "CIDE/vAliqProd"),
        Column("valor_cide", MONEY, "CIDE/vCIDE"),
        Column("percentual_mistura_gas_natural", RATE, "pMixGN", "layout 3.10"),
        Column("quantidade_temperatura_ambiente", QUANTITY_12, "qTemp"),
        Column("percentual_biodiesel", RATE, "pBio"),
        Column("encerrante_bico", INTEGER, "encerrante/nBico"),
        Column("encerrante_bomba", INTEGER, "encerrante/nBomba"),
        Column("encerrante_tanque", INTEGER, "encerrante/nTanque"),
        Column("encerrante_inicial", WEIGHT, "encerrante/vEncIni"),
        Column("encerrante_final", WEIGHT, "encerrante/vEncFin"),
        Column("valor_bc_icms", MONEY, "ICMSComb/vBCICMS", "layout 1.10, as the next seven"),
        Column("valor_icms", MONEY, "ICMSComb/vICMS"),
        Column("valor_bc_icms_st", MONEY, "ICMSComb/vBCICMSST"),
        Column("valor_icms_st", MONEY, "ICMSComb/vICMSST"),
        Column("valor_bc_icms_st_destino", MONEY, "ICMSInter/vBCICMSSTDest"),
        Column("valor_icms_st_destino", MONEY, "ICMSInter/vICMSSTDest"),
        Column("valor_bc_icms_st_consumo", MONEY, "ICMSCons/vBCICMSSTCons"),
        Column("valor_icms_st_consumo", MONEY, "ICMSCons/vICMSSTCons"),
    ),
    element=f"{_DET}/prod/comb",
    parent="nf_itens",
    link="nf_item_id",
)

NF_ITENS_DI = Table(
    "nf_itens_di",
    "An import declaration (group I01).",
    (
        Column("numero_di", Text(15), "nDI"),
        Column("data_registro", DATE, "dDI"),
        Column("local_desembaraco", Text(60), "xLocDesemb"),
        Column("uf_desembaraco", Text(2), "UFDesemb"),
        Column("data_desembaraco", DATE, "dDesemb"),
        Column("tipo_via_transporte", Text(2), "tpViaTransp"),
        Column("valor_afrmm", MONEY, "vAFRMM"),
        Column("tipo_intermediacao", Text(1), "tpIntermedio"),
        Column("cnpj_adquirente", Text(14), "CNPJ|CPF", "a CPF where a person acquires"),
        Column("uf_adquirente", Text(2), "UFTerceiro"),
        Column("codigo_exportador", Text(60), "cExportador"),
    ),
    element=f"{_DET}/prod/DI",
    parent="nf_itens",
    link="nf_item_id",
)

NF_ITENS_DI_ADICOES = Table(
    "nf_itens_di_adicoes",
    "An addition of an import declaration.",
    (
        Column("numero_adicao", INTEGER, "nAdicao"),
        Column("numero_sequencial", INTEGER, "nSeqAdic"),
        Column("codigo_fabricante", Text(60), "cFabricante"),
        Column("valor_desconto", MONEY, "vDescDI"),
        Column("numero_drawback", Number(20, 0, lenient=True), "nDraw"),
        Column("numero_drawback_exato", Text(20), "nDraw"),
    ),
    element=f"{_DET}/prod/DI/adi",
    parent="nf_itens_di",
    link="di_id",
)

NF_ITENS_RASTREABILIDADE = Table(
    "nf_itens_rastreabilidade",
    "A batch of a traceable product (group I80).",
    (
        Column("numero_lote", Text(20), "nLote"),
        Column("quantidade_lote", _LOT, "qLote"),
        Column("data_fabricacao", DATE, "dFab"),
        Column("data_validade", DATE, "dVal"),
        Column("codigo_agregacao", Text(20), "cAgreg"),
    ),
    element=f"{_DET}/prod/rastro",
    parent="nf_itens",
    link="nf_item_id",
)


def _of_item(name: str, about: str, element: str, *columns: Column) -> Table:
    """A table whose rows belong to an item; `element` stands below det."""
    return Table(
        name,
        about,
        columns,
        element="|".join(f"{_DET}/{each}" for each in element.split("|")),
        parent="nf_itens",
        link="nf_item_id",
    )


NF_ITENS_COMBUSTIVEL_ORIGENS = Table(
    "nf_itens_combustivel_origens",
    "Where a part of the fuel comes from (group LA18).",
    (
        Column("indicador_importacao", Text(1), "indImport"),
        Column("codigo_uf_origem", Text(2), "cUFOrig"),
        Column("percentual_origem", RATE, "pOrig"),
    ),
    element=f"{_DET}/prod/comb/origComb",
    parent="nf_itens_combustivel",
    link="combustivel_id",
)

NF_ITENS_NVE = _of_item(
    "nf_itens_nve",
    "A code of value and statistics (NVE); eight at most.",
    "prod/NVE",
    Column("nve", Text(6), "."),
)

NF_ITENS_CREDITOS_PRESUMIDOS = _of_item(
    "nf_itens_creditos_presumidos",
    "A presumed ICMS credit (group I05c).",
    "prod/gCred",
    Column("codigo", Text(10), "cCredPresumido"),
    Column("percentual", RATE, "pCredPresumido"),
    Column("valor", MONEY, "vCredPresumido"),
)

NF_ITENS_EXPORTACAO = _of_item(
    "nf_itens_exportacao",
    "An export (group I50).",
    "prod/detExport",
    Column("numero_drawback", Text(20), "nDraw"),
    Column("numero_registro_exportacao", Text(12), "exportInd/nRE"),
    Column("chave_acesso", Text(44), "exportInd/chNFe", "the note received for export"),
    Column("quantidade", QUANTITY, "exportInd/qExport"),
)

NF_ITENS_ARMAS = _of_item(
    "nf_itens_armas",
    "A weapon (group L).",
    "prod/arma",
    Column("tipo_arma", Text(1), "tpArma"),
    Column("numero_serie_arma", Text(15), "nSerie"),
    Column("numero_serie_cano", Text(15), "nCano"),
    Column("descricao_arma", Text(256), "descr"),
)

NF_ITENS_MEDICAMENTOS = _of_item(
    "nf_itens_medicamentos",
    "A medicine (group K); several batches an item in layouts before 4.00.",
    "prod/med",
    Column("numero_lote", Text(20), "nLote"),
    Column("quantidade_lote", _LOT, "qLote"),
    Column("data_fabricacao", DATE, "dFab"),
    Column("data_validade", DATE, "dVal"),
    Column("codigo_anvisa", Text(13), "cProdANVISA"),
    Column("motivo_isencao_anvisa", Text(255), "xMotivoIsencao"),
    Column("preco_maximo_consumidor", MONEY, "vPMC"),
)

NF_ITENS_OBSERVACOES = _of_item(
    "nf_itens_observacoes",
    "A named remark of the issuer or for the tax office (group VA).",
    "obsItem/obsCont|obsItem/obsFisco",
    Column("tipo", Text(20), "name()", "contribuinte or fisco"),
    Column("campo", Text(20), "@xCampo"),
    Column("texto", Text(60), "xTexto"),
)

ITEM_TABLES = (
    NF_ITENS,
    *TAX_TABLES,
    NF_ITENS_COMBUSTIVEL,
    NF_ITENS_COMBUSTIVEL_ORIGENS,
    NF_ITENS_DI,
    NF_ITENS_DI_ADICOES,
    NF_ITENS_RASTREABILIDADE,
    NF_ITENS_NVE,
    NF_ITENS_CREDITOS_PRESUMIDOS,
    NF_ITENS_EXPORTACAO,
    NF_ITENS_ARMAS,
    NF_ITENS_MEDICAMENTOS,
    NF_ITENS_OBSERVACOES,
)
