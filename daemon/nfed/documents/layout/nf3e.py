"""Lays out what an NF3-e says of the consumer unit, its meters and its bill."""

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
from nfed.documents.layout.dfe_conta import BILL, BILL_ICMS, BILL_IDE, BILL_WITHHELD
from nfed.documents.layout.familias import NF3E, each

NF3E_NOTA = Table(
    "nf3e",
    "What an NF3-e says, one row a document: the consumer unit, its totals and the bill.",
    (
        *BILL_IDE,
        Column("finalidade", Text(1), "ide/finNF3e"),
        Column("instalacao", Text(15), "acessante/idAcesso", "the consumer unit"),
        Column("codigo_cliente", Text(20), "acessante/idCodCliente"),
        Column("tipo_acessante", Text(1), "acessante/tpAcesso"),
        Column("nome_instalacao", Text(60), "acessante/xNomeUC"),
        Column("classe", Text(2), "acessante/tpClasse"),
        Column("subclasse", Text(2), "acessante/tpSubClasse"),
        Column("tipo_fase", Text(1), "acessante/tpFase"),
        Column("grupo_tensao", Text(2), "acessante/tpGrpTensao"),
        Column("modalidade_tarifaria", Text(2), "acessante/tpModTar"),
        Column("latitude", Text(), "acessante/latGPS"),
        Column("longitude", Text(), "acessante/longGPS"),
        Column("roteiro_leitura", Text(100), "acessante/codRoteiroLeitura"),
        *BILL_ICMS,
        Column("valor_bc_icms_st", MONEY, "total/ICMSTot/vBCST"),
        Column("valor_icms_st", MONEY, "total/ICMSTot/vST"),
        Column("valor_fcp_st", MONEY, "total/ICMSTot/vFCPST"),
        Column("valor_pis", MONEY, "total/vPIS"),
        Column("valor_cofins", MONEY, "total/vCOFINS"),
        Column("valor_pis_efetivo", MONEY, "total/vPISEfet"),
        Column("valor_cofins_efetivo", MONEY, "total/vCOFINSEfet"),
        *BILL_WITHHELD,
        *BILL,
        Column("numero_fatura", Text(20), "gFat/nFat"),
        Column("data_apresentacao", DATE, "gFat/dApresFat"),
        Column("data_proxima_leitura", DATE, "gFat/dProxLeitura"),
        Column("participacao_scee", Text(1), "gSCEE/tpPartComp"),
        Column("url_qrcode", Text(1000), "../infNF3eSupl/qrCodNF3e"),
    ),
    element=each(NF3E),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

NF3E_MEDIDORES = Table(
    "nf3e_medidores",
    "A meter, and when it was read.",
    (
        Column("numero", Text(2), "@nMed"),
        Column("medidor", Text(20), "idMedidor"),
        Column("data_leitura_anterior", DATE, "dMedAnt"),
        Column("data_leitura_atual", DATE, "dMedAtu"),
    ),
    element=each(NF3E, "gMed"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NF3E_CONTRATOS = Table(
    "nf3e_contratos",
    "A quantity of demand or energy that is contracted.",
    (
        Column("numero", Text(2), "@nContrat"),
        Column("tipo", Text(1), "tpGrContrat"),
        Column("posto_tarifario", Text(1), "tpPosTar"),
        Column("quantidade", Number(19, 6), "qUnidContrat"),
    ),
    element=each(NF3E, "gGrContrat"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NF3E_GERADORES = Table(
    "nf3e_geradores",
    "A generator that shares its energy (SCEE).",
    (
        Column("instalacao", Text(20), "idAcessGer"),
        Column("potencia_instalada", Number(8, 3), "vPotInst"),
        Column("fonte", Text(1), "tpFonteEnergia"),
        Column(
            "energia_alocada",
            Number(11, 3),
            "enerAloc",
            "the first; the others stand in dfe_outros_valores",
        ),
        Column("posto_tarifario", Text(1), "tpPosTar"),
        Column("energia_injetada", Number(11, 3), "enerInjet"),
        Column("posto_tarifario_injetada", Text(1), "tpPosTarInjet"),
    ),
    element=each(NF3E, "gSCEE/gConsumidor"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NF3E_HISTORICO = Table(
    "nf3e_historico",
    "What was billed in earlier months.",
    (
        Column("competencia", Text(6), "CompetFat"),
        Column("valor", Number(17, 4), "vFat"),
        Column("unidade", Text(1), "uMed"),
        Column("dias", INTEGER, "qtdDias"),
    ),
    element=each(NF3E, "gANEEL/gHistFat/gGrandFat"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NF3E_TARIFAS = Table(
    "nf3e_tarifas",
    "A tariff of an item.",
    (
        Column("data_inicial", DATE, "dIniTarif"),
        Column("data_final", DATE, "dFimTarif"),
        Column("tipo_ato", Text(1), "tpAto"),
        Column("numero_ato", Text(4), "nAto"),
        Column("ano_ato", Text(4), "anoAto"),
        Column("tipo_tarifa", Text(1), "tpTarif"),
        Column("posto_tarifario", Text(1), "cPosTarif"),
        Column("unidade", Text(1), "uMed"),
        Column("valor_homologado", Number(17, 8), "vTarifHom"),
        Column("valor_aplicado", Number(17, 8), "vTarifAplic"),
        Column("motivo_diferenca", Text(2), "motDifTarif"),
    ),
    element=each(NF3E, "NFdet/det/detItem/gTarif"),
    parent="dfe_itens",
    link="dfe_item_id",
)

NF3E_BANDEIRAS = Table(
    "nf3e_bandeiras",
    "A tariff flag's addition to an item.",
    (
        Column("data_inicial", DATE, "dIniAdBand"),
        Column("data_final", DATE, "dFimAdBand"),
        Column("bandeira", Text(1), "tpBand"),
        Column("valor", Number(23, 10), "vAdBand"),
        Column("valor_aplicado", Number(23, 10), "vAdBandAplic"),
        Column("motivo_diferenca", Text(2), "motDifBand"),
    ),
    element=each(NF3E, "NFdet/det/detItem/gAdBand"),
    parent="dfe_itens",
    link="dfe_item_id",
)

NF3E_MEDICOES = Table(
    "nf3e_medicoes",
    "What a meter measured for an item.",
    (
        Column("numero_medidor", Text(2), "nMed"),
        Column("numero_contrato", Text(2), "nContrat"),
        Column("grandeza", Text(2), "gMedida/tpGrMed"),
        Column("posto_tarifario", Text(1), "gMedida/cPosTarif"),
        Column("unidade", Text(1), "gMedida/uMed"),
        Column("leitura_anterior", Number(17, 4), "gMedida/vMedAnt"),
        Column("leitura_atual", Number(17, 4), "gMedida/vMedAtu"),
        Column("constante", Number(19, 6), "gMedida/vConst"),
        Column("quantidade", Number(17, 4), "gMedida/vMed"),
        Column("perda_transformacao", RATE, "gMedida/pPerdaTran"),
        Column("quantidade_perda_transformacao", Number(17, 4), "gMedida/vMedPerdaTran"),
        Column("quantidade_perda_tecnica", Number(17, 4), "gMedida/vMedPerdaTec"),
        Column("motivo_sem_leitura", Text(1), "tpMotNaoLeitura"),
    ),
    element=each(NF3E, "NFdet/det/detItem/prod/gMedicao"),
    parent="dfe_itens",
    link="dfe_item_id",
)

NF3E_CREDITOS = Table(
    "nf3e_creditos",
    "A balance of generated energy (SCEE).",
    (
        Column("posto_tarifario", Text(1), "tpPosTar"),
        Column("saldo_anterior", QUANTITY, "vSaldAnt"),
        Column("credito_expirado", QUANTITY, "vCredExpirado"),
        Column("saldo_atual", QUANTITY, "vSaldAtual"),
        Column("credito_a_expirar", QUANTITY, "vCredExpirar"),
        Column("competencia_expirar", Text(6), "CompetExpirar"),
    ),
    element=each(NF3E, "gSCEE/gSaldoCred", "gSCEE/gTipoSaldo/gSaldoCred"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NF3E_TABLES = (
    NF3E_NOTA,
    NF3E_MEDIDORES,
    NF3E_CONTRATOS,
    NF3E_GERADORES,
    NF3E_HISTORICO,
    NF3E_TARIFAS,
    NF3E_BANDEIRAS,
    NF3E_MEDICOES,
    NF3E_CREDITOS,
)
