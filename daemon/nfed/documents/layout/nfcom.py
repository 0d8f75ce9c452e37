"""Lays out what an NFCom says of the subscriber and of its bill."""

from nfed.documents.layout.columns import (
    DATE,
    MONEY,
    Column,
    Table,
    Text,
)
from nfed.documents.layout.dfe_conta import BILL, BILL_ICMS, BILL_IDE, BILL_WITHHELD
from nfed.documents.layout.familias import NFCOM, each

NFCOM_NOTA = Table(
    "nfcom",
    "What an NFCom says, one row a document: the subscriber, its totals and the bill.",
    (
        *BILL_IDE,
        Column("finalidade", Text(1), "ide/finNFCom"),
        Column("tipo_faturamento", Text(1), "ide/tpFat"),
        Column("pre_pago", Text(1), "ide/indPrePago"),
        Column("cessao_meios_rede", Text(1), "ide/indCessaoMeiosRede"),
        Column("nota_entrada", Text(1), "ide/indNotaEntrada"),
        Column("assinante", Text(30), "assinante/iCodAssinante"),
        Column("tipo_assinante", Text(2), "assinante/tpAssinante"),
        Column("tipo_servico", Text(1), "assinante/tpServUtil"),
        Column("contrato", Text(20), "assinante/nContrato"),
        Column("data_inicio_contrato", DATE, "assinante/dContratoIni"),
        Column("data_fim_contrato", DATE, "assinante/dContratoFim"),
        Column("terminal_principal", Text(12), "assinante/NroTermPrinc"),
        Column("codigo_uf_terminal", Text(2), "assinante/cUFPrinc"),
        *BILL_ICMS,
        Column("valor_pis", MONEY, "total/vPIS"),
        Column("valor_cofins", MONEY, "total/vCOFINS"),
        Column("valor_funttel", MONEY, "total/vFUNTTEL"),
        Column("valor_fust", MONEY, "total/vFUST"),
        *BILL_WITHHELD,
        Column("valor_desconto", MONEY, "total/vDesc"),
        Column("valor_outros", MONEY, "total/vOutro"),
        *BILL,
        Column("periodo_uso_inicial", DATE, "gFat/dPerUsoIni"),
        Column("periodo_uso_final", DATE, "gFat/dPerUsoFim"),
        Column("saldo_pontos", Text(20), "gFidelidade/qtdSaldoPts"),
        Column("data_saldo_pontos", DATE, "gFidelidade/dRefSaldoPts"),
        Column("pontos_resgatados", Text(20), "gFidelidade/qtdPtsResg"),
        Column("data_resgate_pontos", DATE, "gFidelidade/dRefResgPts"),
        Column("centralizador_cnpj", Text(14), "gFatCentral/CNPJ"),
        Column("centralizador_codigo_uf", Text(2), "gFatCentral/cUF"),
        Column("url_qrcode", Text(1000), "../infNFComSupl/qrCodNFCom"),
    ),
    element=each(NFCOM),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

NFCOM_TERMINAIS = Table(
    "nfcom_terminais",
    "A further terminal of the subscriber.",
    (Column("numero", Text(12), "."),),
    element=each(NFCOM, "assinante/NroTermAdic"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

NFCOM_TABLES = (
    NFCOM_NOTA,
    NFCOM_TERMINAIS,
)
