"""Columns of notas_fiscais that the note's own fields fill, beside those that users have."""

from daemon.documents.layout import (
    DATE,
    DAY,
    INTEGER,
    MOMENT,
    MONEY,
    MONTH,
    RATE,
    UNIT_PRICE,
    Column,
    Text,
)

_INF = "NFe/infNFe"
_IDE = f"{_INF}/ide"
_ISSUED = f"{_IDE}/dhEmi|{_IDE}/dEmi"
_MOVED = f"{_IDE}/dhSaiEnt|{_IDE}/dSaiEnt"

IDENTIFICATION_COLUMNS = (
    Column("data_emissao", DAY, _ISSUED, "the issuer's own day"),
    Column("mes_emissao", MONTH, _ISSUED, "AAAA-MM, the issuer's own month: the fiscal period"),
    Column("data_saida_entrada", DAY, _MOVED),
    Column("hora_saida_entrada", Text(8), f"{_IDE}/hSaiEnt", "layout 2.00"),
    Column("data_prevista_entrega", DATE, f"{_IDE}/dPrevEntrega"),
    Column("indicador_pagamento", Text(1), f"{_IDE}/indPag", "layouts before 4.00"),
    Column("codigo_municipio_fato_gerador_ibs", Text(7), f"{_IDE}/cMunFGIBS"),
    Column("tipo_nota_debito", Text(2), f"{_IDE}/tpNFDebito"),
    Column("tipo_nota_credito", Text(2), f"{_IDE}/tpNFCredito"),
    Column("codigo_indicador_operacao", Text(6), f"{_IDE}/cIndOp"),
    Column("data_hora_contingencia", MOMENT, f"{_IDE}/dhCont"),
    Column("justificativa_contingencia", Text(256), f"{_IDE}/xJust"),
    Column("compra_gov_tipo_ente", Text(1), f"{_IDE}/gCompraGov/tpEnteGov"),
    Column("compra_gov_percentual_redutor", RATE, f"{_IDE}/gCompraGov/pRedutor"),
    Column("compra_gov_tipo_operacao", Text(1), f"{_IDE}/gCompraGov/tpOperGov"),
)
"""Group B: when, what and why."""

CLOSING_COLUMNS = (
    Column("valor_troco", MONEY, f"{_INF}/pag/vTroco"),
    Column("intermediador_cnpj", Text(14), f"{_INF}/infIntermed/CNPJ"),
    Column("intermediador_identificador", Text(60), f"{_INF}/infIntermed/idCadIntTran"),
    Column("cana_quantidade_mes", UNIT_PRICE, f"{_INF}/cana/qTotMes"),
    Column("cana_quantidade_anterior", UNIT_PRICE, f"{_INF}/cana/qTotAnt"),
    Column("cana_quantidade_geral", UNIT_PRICE, f"{_INF}/cana/qTotGer"),
    Column("cana_valor_fornecimentos", MONEY, f"{_INF}/cana/vFor"),
    Column("cana_valor_deducoes", MONEY, f"{_INF}/cana/vTotDed"),
    Column("cana_valor_liquido", MONEY, f"{_INF}/cana/vLiqFor"),
    Column("resp_tecnico_id_csrt", Text(2), f"{_INF}/infRespTec/idCSRT"),
    Column("resp_tecnico_hash_csrt", Text(28), f"{_INF}/infRespTec/hashCSRT"),
    Column("solicitacao_nff", Text(5000), f"{_INF}/infSolicNFF/xSolic"),
    Column("guia_transito_tipo", Text(1), f"{_INF}/agropecuario/guiaTransito/tpGuia"),
    Column("guia_transito_uf", Text(2), f"{_INF}/agropecuario/guiaTransito/UFGuia"),
    Column("guia_transito_serie", Text(9), f"{_INF}/agropecuario/guiaTransito/serieGuia"),
    Column("guia_transito_numero", INTEGER, f"{_INF}/agropecuario/guiaTransito/nGuia"),
    Column("paa_cnpj", Text(14), f"{_INF}/infPAA/CNPJPAA", "who signs for the issuer"),
    Column("qr_code", Text(1000), "NFe/infNFeSupl/qrCode"),
    Column("url_chave", Text(85), "NFe/infNFeSupl/urlChave", "where a consumer looks it up"),
    Column("identificador_protocolo", Text(60), "protNFe/infProt/@Id"),
)
"""Groups YA to ZX: payment, remarks, sugar cane, technician, rural transit, QR code, protocol."""
