"""Lays out a note as a whole: its parties, its totals, what it refers to, its protocol.

Paths follow the manual's element names (MOC 7.0, Anexo I; leiauteNFe_v4.00.xsd). Where a layout
before 4.00 has another name or place for the same thing, it is an alternative in the path.
"""

from nfed.documents.layout.columns import (
    DATE,
    DAY,
    INTEGER,
    MOMENT,
    MONEY,
    MONTH,
    RATE,
    UNIT_PRICE,
    Column,
    Table,
    Text,
)
from nfed.documents.layout.grupos import GROUP_TABLES

_TOTAL = "NFe/infNFe/total"
_ICMS = f"{_TOTAL}/ICMSTot"
_ISSQN = f"{_TOTAL}/ISSQNtot"
_RET = f"{_TOTAL}/retTrib"
_IBSCBS = f"{_TOTAL}/IBSCBSTot"

_ICMS_COLUMNS = (
    Column("valor_fcp_uf_destino", MONEY, f"{_ICMS}/vFCPUFDest"),
    Column("valor_icms_uf_destino", MONEY, f"{_ICMS}/vICMSUFDest"),
    Column("valor_icms_uf_remetente", MONEY, f"{_ICMS}/vICMSUFRemet"),
    Column("quantidade_bc_mono", MONEY, f"{_ICMS}/qBCMono"),
    Column("valor_icms_mono", MONEY, f"{_ICMS}/vICMSMono"),
    Column("quantidade_bc_mono_retencao", MONEY, f"{_ICMS}/qBCMonoReten"),
    Column("valor_icms_mono_retencao", MONEY, f"{_ICMS}/vICMSMonoReten"),
    Column("quantidade_bc_mono_retido", MONEY, f"{_ICMS}/qBCMonoRet"),
    Column("valor_icms_mono_retido", MONEY, f"{_ICMS}/vICMSMonoRet"),
)

_ISSQN_COLUMNS = (
    Column("valor_total_servicos", MONEY, f"{_ISSQN}/vServ"),
    Column("base_calculo_issqn", MONEY, f"{_ISSQN}/vBC"),
    Column("valor_issqn", MONEY, f"{_ISSQN}/vISS"),
    Column("valor_pis_servicos", MONEY, f"{_ISSQN}/vPIS"),
    Column("valor_cofins_servicos", MONEY, f"{_ISSQN}/vCOFINS"),
    Column("data_prestacao_servico", DATE, f"{_ISSQN}/dCompet"),
    Column("valor_deducao_issqn", MONEY, f"{_ISSQN}/vDeducao"),
    Column("valor_outras_retencoes_issqn", MONEY, f"{_ISSQN}/vOutro"),
    Column("valor_desconto_incondicionado_issqn", MONEY, f"{_ISSQN}/vDescIncond"),
    Column("valor_desconto_condicionado_issqn", MONEY, f"{_ISSQN}/vDescCond"),
    Column("valor_retencao_issqn", MONEY, f"{_ISSQN}/vISSRet"),
    Column("regime_especial_tributacao", Text(1), f"{_ISSQN}/cRegTrib"),
)

_WITHHELD_COLUMNS = (
    Column("valor_retido_pis", MONEY, f"{_RET}/vRetPIS"),
    Column("valor_retido_cofins", MONEY, f"{_RET}/vRetCOFINS"),
    Column("valor_retido_csll", MONEY, f"{_RET}/vRetCSLL"),
    Column("base_calculo_irrf", MONEY, f"{_RET}/vBCIRRF"),
    Column("valor_retido_irrf", MONEY, f"{_RET}/vIRRF"),
    Column("base_calculo_previdencia", MONEY, f"{_RET}/vBCRetPrev"),
    Column("valor_retido_previdencia", MONEY, f"{_RET}/vRetPrev"),
)

_REFORM_COLUMNS = (
    Column("valor_is", MONEY, f"{_TOTAL}/ISTot/vIS"),
    Column("base_calculo_ibs_cbs", MONEY, f"{_IBSCBS}/vBCIBSCBS"),
    Column("valor_diferido_ibs_uf", MONEY, f"{_IBSCBS}/gIBS/gIBSUF/vDif"),
    Column("valor_devolvido_ibs_uf", MONEY, f"{_IBSCBS}/gIBS/gIBSUF/vDevTrib"),
    Column("valor_ibs_uf", MONEY, f"{_IBSCBS}/gIBS/gIBSUF/vIBSUF"),
    Column("valor_diferido_ibs_municipio", MONEY, f"{_IBSCBS}/gIBS/gIBSMun/vDif"),
    Column("valor_devolvido_ibs_municipio", MONEY, f"{_IBSCBS}/gIBS/gIBSMun/vDevTrib"),
    Column("valor_ibs_municipio", MONEY, f"{_IBSCBS}/gIBS/gIBSMun/vIBSMun"),
    Column("valor_ibs", MONEY, f"{_IBSCBS}/gIBS/vIBS"),
    Column("valor_credito_presumido_ibs", MONEY, f"{_IBSCBS}/gIBS/vCredPres"),
    Column("valor_credito_presumido_suspenso_ibs", MONEY, f"{_IBSCBS}/gIBS/vCredPresCondSus"),
    Column("valor_diferido_cbs", MONEY, f"{_IBSCBS}/gCBS/vDif"),
    Column("valor_devolvido_cbs", MONEY, f"{_IBSCBS}/gCBS/vDevTrib"),
    Column("valor_cbs", MONEY, f"{_IBSCBS}/gCBS/vCBS"),
    Column("valor_credito_presumido_cbs", MONEY, f"{_IBSCBS}/gCBS/vCredPres"),
    Column("valor_credito_presumido_suspenso_cbs", MONEY, f"{_IBSCBS}/gCBS/vCredPresCondSus"),
    Column("valor_mono_ibs", MONEY, f"{_IBSCBS}/gMono/vIBSMono"),
    Column("valor_mono_cbs", MONEY, f"{_IBSCBS}/gMono/vCBSMono"),
    Column("valor_mono_retencao_ibs", MONEY, f"{_IBSCBS}/gMono/vIBSMonoReten"),
    Column("valor_mono_retencao_cbs", MONEY, f"{_IBSCBS}/gMono/vCBSMonoReten"),
    Column("valor_mono_retido_ibs", MONEY, f"{_IBSCBS}/gMono/vIBSMonoRet"),
    Column("valor_mono_retido_cbs", MONEY, f"{_IBSCBS}/gMono/vCBSMonoRet"),
    Column("valor_estornado_ibs", MONEY, f"{_IBSCBS}/gEstornoCred/vIBSEstCred"),
    Column("valor_estornado_cbs", MONEY, f"{_IBSCBS}/gEstornoCred/vCBSEstCred"),
    Column("valor_total_com_ibs_cbs_is", MONEY, f"{_TOTAL}/vNFTot"),
)

TOTAL_COLUMNS = (*_ICMS_COLUMNS, *_ISSQN_COLUMNS, *_WITHHELD_COLUMNS, *_REFORM_COLUMNS)


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


_PROT = "protNFe/infProt"
_DAY = "midnight where a layout before 3.10 gives the day alone"
_CANCELLATION = "as fonte_cancelamento says it"


def _place(role: str, element: str) -> tuple[Column, ...]:
    """The columns of retirada (group F) and entrega (group G) in notas_fiscais."""
    base = f"{_INF}/{element}"
    return (
        Column(f"{role}_cpf_cnpj", Text(14), f"{base}/CNPJ|{base}/CPF"),
        Column(f"{role}_logradouro", Text(60), f"{base}/xLgr"),
        Column(f"{role}_numero", Text(60), f"{base}/nro"),
        Column(f"{role}_complemento", Text(60), f"{base}/xCpl"),
        Column(f"{role}_bairro", Text(60), f"{base}/xBairro"),
        Column(f"{role}_codigo_municipio", Text(7), f"{base}/cMun"),
        Column(f"{role}_nome_municipio", Text(60), f"{base}/xMun"),
        Column(f"{role}_uf", Text(2), f"{base}/UF"),
        Column(f"{role}_cep", Text(8), f"{base}/CEP"),
        Column(f"{role}_codigo_pais", Text(4), f"{base}/cPais"),
        Column(f"{role}_nome_pais", Text(60), f"{base}/xPais"),
        Column(f"{role}_telefone", Text(14), f"{base}/fone"),
        Column(f"{role}_email", Text(60), f"{base}/email"),
        Column(f"{role}_inscricao_estadual", Text(14), f"{base}/IE"),
    )


def _party_columns(enders: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns of a party; its address stands in one of the groups `enders`."""

    def address(tag: str) -> str:
        return "|".join(f"{ender}/{tag}" if ender else tag for ender in enders)

    return (
        Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
        Column("id_estrangeiro", Text(20), "idEstrangeiro"),
        Column("razao_social", Text(60), "xNome"),
        Column("nome_fantasia", Text(60), "xFant"),
        Column("inscricao_estadual", Text(14), "IE"),
        Column("inscricao_municipal", Text(15), "IM"),
        Column("inscricao_suframa", Text(9), "ISUF|ISUFEmit"),
        Column("regime_tributario", Text(1), "CRT"),
        Column("logradouro", Text(60), address("xLgr") + "|xEnder"),
        Column("numero", Text(60), address("nro")),
        Column("complemento", Text(60), address("xCpl")),
        Column("bairro", Text(60), address("xBairro")),
        Column("codigo_municipio", Text(7), address("cMun")),
        Column("nome_municipio", Text(60), address("xMun")),
        Column("uf", Text(2), address("UF")),
        Column("cep", Text(8), address("CEP")),
        Column("codigo_pais", Text(4), address("cPais")),
        Column("nome_pais", Text(60), address("xPais")),
        Column("telefone", Text(14), address("fone")),
        Column("email", Text(60), "email"),
        Column("indicador_ie_destinatario", Text(1), "indIEDest"),
        Column("inscricao_estadual_st", Text(14), "IEST"),
        Column("cnae", Text(7), "CNAE"),
    )


EMPRESAS = Table(
    "empresas",
    "A party, one row a CPF/CNPJ, as its newest note (by dhEmi) writes it. A field that the role "
    "in that note cannot carry keeps the value of the newest note that could.",
    (
        Column("tipo_pessoa", Text(10), note="juridica for a CNPJ, fisica for a CPF"),
        *_party_columns(("enderEmit", "enderDest")),
        Column("emissao_como_emitente", Text(20), note="dhEmi (UTC) of the newest as emitente"),
        Column("emissao_como_destinatario", Text(20), note="the same as destinatario"),
    ),
    element=f"{_INF}/emit|{_INF}/dest",
)

NOTAS_FISCAIS = Table(
    "notas_fiscais",
    "An NF-e (modelo 55) or NFC-e (modelo 65), one row a chave de acesso.",
    (
        Column("chave_acesso", Text(44), f"{_INF}/@Id", "without its prefix NFe"),
        Column("codigo_uf", Text(2), f"{_INF}/ide/cUF"),
        Column("codigo_numerico_aleatorio", Text(8), f"{_INF}/ide/cNF"),
        Column("natureza_operacao", Text(60), f"{_INF}/ide/natOp"),
        Column("modelo", Text(2), f"{_INF}/ide/mod"),
        Column("serie", Text(3), f"{_INF}/ide/serie"),
        Column("numero_nf", INTEGER, f"{_INF}/ide/nNF"),
        Column("data_hora_emissao", MOMENT, f"{_INF}/ide/dhEmi|{_INF}/ide/dEmi", _DAY),
        Column(
            "data_hora_saida_entrada",
            MOMENT,
            f"{_INF}/ide/dhSaiEnt|{_INF}/ide/dSaiEnt",
            _DAY,
        ),
        Column("tipo_operacao", Text(1), f"{_INF}/ide/tpNF"),
        Column("destino_operacao", Text(1), f"{_INF}/ide/idDest"),
        Column("codigo_municipio_fato_gerador", Text(7), f"{_INF}/ide/cMunFG"),
        Column("tipo_impressao", Text(1), f"{_INF}/ide/tpImp"),
        Column("tipo_emissao", Text(1), f"{_INF}/ide/tpEmis"),
        Column("digito_verificador", Text(1), f"{_INF}/ide/cDV"),
        Column("tipo_ambiente", Text(1), f"{_INF}/ide/tpAmb"),
        Column("finalidade_emissao", Text(1), f"{_INF}/ide/finNFe"),
        Column("consumidor_final", Text(1), f"{_INF}/ide/indFinal"),
        Column("presenca_comprador", Text(1), f"{_INF}/ide/indPres"),
        Column("indicador_intermediador", Text(1), f"{_INF}/ide/indIntermed"),
        Column("processo_emissao", Text(1), f"{_INF}/ide/procEmi"),
        Column("versao_processo", Text(20), f"{_INF}/ide/verProc"),
        Column("emitente_id", INTEGER, note="empresas.id of the emitente"),
        Column("destinatario_id", INTEGER, note="empresas.id of the destinatario, if identified"),
        *_place("retirada", "retirada"),
        *_place("entrega", "entrega"),
        Column("base_calculo_icms", MONEY, f"{_INF}/total/ICMSTot/vBC"),
        Column("valor_icms", MONEY, f"{_INF}/total/ICMSTot/vICMS"),
        Column("valor_icms_desonerado", MONEY, f"{_INF}/total/ICMSTot/vICMSDeson"),
        Column("valor_fcp", MONEY, f"{_INF}/total/ICMSTot/vFCP"),
        Column("base_calculo_icms_st", MONEY, f"{_INF}/total/ICMSTot/vBCST"),
        Column("valor_icms_st", MONEY, f"{_INF}/total/ICMSTot/vST"),
        Column("valor_fcp_st", MONEY, f"{_INF}/total/ICMSTot/vFCPST"),
        Column("valor_fcp_st_retido", MONEY, f"{_INF}/total/ICMSTot/vFCPSTRet"),
        Column("valor_total_produtos", MONEY, f"{_INF}/total/ICMSTot/vProd"),
        Column("valor_frete", MONEY, f"{_INF}/total/ICMSTot/vFrete"),
        Column("valor_seguro", MONEY, f"{_INF}/total/ICMSTot/vSeg"),
        Column("valor_desconto", MONEY, f"{_INF}/total/ICMSTot/vDesc"),
        Column("valor_imposto_importacao", MONEY, f"{_INF}/total/ICMSTot/vII"),
        Column("valor_ipi", MONEY, f"{_INF}/total/ICMSTot/vIPI"),
        Column("valor_ipi_devolvido", MONEY, f"{_INF}/total/ICMSTot/vIPIDevol"),
        Column("valor_pis", MONEY, f"{_INF}/total/ICMSTot/vPIS"),
        Column("valor_cofins", MONEY, f"{_INF}/total/ICMSTot/vCOFINS"),
        Column("valor_outras_despesas", MONEY, f"{_INF}/total/ICMSTot/vOutro"),
        Column("valor_total_nota", MONEY, f"{_INF}/total/ICMSTot/vNF"),
        Column("valor_total_tributos", MONEY, f"{_INF}/total/ICMSTot/vTotTrib"),
        Column("modalidade_frete", Text(1), f"{_INF}/transp/modFrete"),
        Column("informacoes_complementares", Text(), f"{_INF}/infAdic/infCpl"),
        Column("informacoes_fisco", Text(), f"{_INF}/infAdic/infAdFisco"),
        Column("uf_saida_pais", Text(2), f"{_INF}/exporta/UFSaidaPais|{_INF}/exporta/UFEmbarq"),
        Column(
            "local_exportacao",
            Text(60),
            f"{_INF}/exporta/xLocExporta|{_INF}/exporta/xLocEmbarq",
        ),
        Column("local_despacho", Text(60), f"{_INF}/exporta/xLocDespacho"),
        Column("nota_empenho", Text(22), f"{_INF}/compra/xNEmp"),
        Column("pedido_compra", Text(60), f"{_INF}/compra/xPed"),
        Column("contrato_compra", Text(90), f"{_INF}/compra/xCont"),
        Column("safra", Text(9), f"{_INF}/cana/safra"),
        Column("mes_ano_referencia", Text(7), f"{_INF}/cana/ref"),
        Column("status", Text(20), note="from cStat: see the data dictionary's head"),
        Column("tipo_ambiente_protocolo", Text(1), f"{_PROT}/tpAmb"),
        Column("versao_aplicativo_recepcao", Text(20), f"{_PROT}/verAplic"),
        Column("numero_protocolo", Text(17), f"{_PROT}/nProt"),
        Column("digest_value", Text(28), f"{_PROT}/digVal"),
        Column("data_hora_recebimento", MOMENT, f"{_PROT}/dhRecbto"),
        Column("codigo_status", Text(4), f"{_PROT}/cStat"),
        Column("motivo_status", Text(255), f"{_PROT}/xMotivo"),
        Column(
            "data_hora_cancelamento",
            MOMENT,
            note=_CANCELLATION,
        ),
        Column(
            "protocolo_cancelamento",
            Text(17),
            note=_CANCELLATION,
        ),
        Column(
            "justificativa_cancelamento",
            Text(255),
            note=_CANCELLATION,
        ),
        Column(
            "fonte_cancelamento",
            Text(10),
            note="who says that it is cancelled, the best that is known: evento, cancNFe (asked "
            "for without an event, until 2013), resumo, protocolo (rewritten), consulta",
        ),
        Column(
            "digest_assinatura",
            Text(44),
            note="the Signature's DigestValue; without one, the digest of infNFe",
        ),
        Column("xml_completo", Text(), note="the file's text as it came (keep_xml)"),
        Column("xml_assinado", Text(), note="left empty: xml_completo holds the signed NFe"),
        Column("resp_tecnico_cnpj", Text(14), f"{_INF}/infRespTec/CNPJ"),
        Column("resp_tecnico_contato", Text(60), f"{_INF}/infRespTec/xContato"),
        Column("resp_tecnico_email", Text(60), f"{_INF}/infRespTec/email"),
        Column("resp_tecnico_telefone", Text(14), f"{_INF}/infRespTec/fone"),
        Column("versao_leiaute", Text(4), f"{_INF}/@versao"),
        Column("arquivo_nome", Text(), note="name of the file that brought this state"),
        Column("arquivo_sha256", Text(64), note="SHA-256 of that file's bytes, hexadecimal"),
        Column("conteudo_sha256", Text(64), note="SHA-256 of what infNFe says, however written"),
        Column("job_id", Text(36), note="the job that stored it, as in `nfed jobs`"),
        *IDENTIFICATION_COLUMNS,
        *TOTAL_COLUMNS,
        *CLOSING_COLUMNS,
    ),
    element="",
    key="chave_acesso",
)

NF_PARTES = Table(
    "nf_partes",
    "Every party as written in its own note; never rewritten by a later one.",
    (
        Column(
            "papel", Text(20), "name()", "emitente, destinatario, retirada, entrega, transportador"
        ),
        *_party_columns(("enderEmit", "enderDest", "")),
    ),
    element=f"{_INF}/emit|{_INF}/dest|{_INF}/retirada|{_INF}/entrega|{_INF}/transp/transporta",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_REFERENCIAS = Table(
    "nf_referencias",
    "A document that the note refers to (group BA).",
    (
        Column("tipo", Text(10), note="nfe, nfce, modelo1, cte, nfp or ecf, by the element found"),
        Column("chave_acesso_referenciada", Text(44), "refNFe|refNFeSig"),
        Column("ref_uf", Text(2), "refNF/cUF|refNFP/cUF"),
        Column("ref_ano_mes", Text(4), "refNF/AAMM|refNFP/AAMM"),
        Column("ref_cnpj", Text(14), "refNF/CNPJ"),
        Column("ref_modelo", Text(2), "refNF/mod|refNFP/mod"),
        Column("ref_serie", Text(3), "refNF/serie|refNFP/serie"),
        Column("ref_numero_nf", INTEGER, "refNF/nNF|refNFP/nNF"),
        Column("ref_cpf_cnpj_produtor", Text(14), "refNFP/CNPJ|refNFP/CPF"),
        Column("ref_inscricao_estadual", Text(14), "refNFP/IE"),
        Column("chave_acesso_cte", Text(44), "refCTe"),
        Column("ref_modelo_ecf", Text(20), "refECF/mod"),
        Column("ref_numero_ecf", INTEGER, "refECF/nECF"),
        Column("ref_numero_coo", INTEGER, "refECF/nCOO"),
    ),
    element=f"{_INF}/ide/NFref",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_CCE = Table(
    "nf_cce",
    "A carta de correção (event 110110) of a stored note; nf_eventos holds it in any case.",
    (
        Column("sequencia_evento", INTEGER, note="nf_eventos.sequencia_evento"),
        Column("data_hora_evento", MOMENT, note="nf_eventos.data_hora_evento"),
        Column("correcao", Text(), note="nf_eventos.texto"),
        Column("tipo_ambiente", Text(1), note="nf_eventos.tipo_ambiente"),
        Column("versao_aplicativo", Text(20), note="nf_eventos.versao_aplicativo"),
        Column("numero_protocolo", Text(17), note="nf_eventos.numero_protocolo"),
        Column("data_hora_recebimento", MOMENT, note="nf_eventos.data_hora_registro"),
        Column("codigo_status", Text(3), note="nf_eventos.codigo_status"),
        Column("motivo_status", Text(255), note="nf_eventos.motivo_status"),
    ),
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_PROCESSAMENTO = Table(
    "nf_processamento",
    "What the tax office answered; a row for each protocol that the note got further by.",
    (
        Column("tipo_processamento", Text(20), note="autorizacao, for a protocol of the note"),
        Column("numero_lote", Text(15), note="left empty: not part of a stored note"),
        Column("numero_recibo", Text(15), note="left empty: not part of a stored note"),
        Column("data_hora_envio", MOMENT, note="left empty: not part of a stored note"),
        Column("tempo_medio", INTEGER, note="left empty: not part of a stored note"),
        Column("codigo_status", Text(4), "cStat"),
        Column("motivo_status", Text(255), "xMotivo"),
        Column("xml_enviado", Text(), note="left empty: see notas_fiscais.xml_completo"),
        Column("xml_retorno", Text(), note="left empty: see notas_fiscais.xml_completo"),
    ),
    element=_PROT,
    parent="notas_fiscais",
    link="nota_fiscal_id",
    repeats=False,
)

NF_MENSAGENS_FISCO = Table(
    "nf_mensagens_fisco",
    "A message of the tax office beside the protocol.",
    (
        Column("codigo", Text(4), "."),
        Column("mensagem", Text(255), "../xMsg"),
    ),
    element=f"{_PROT}/cMsg",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_OUTROS_VALORES = Table(
    "nf_outros_valores",
    "What the note says beyond the columns above, so that nothing is lost: elements that this "
    "layout does not know, repetitions where it has one place, text where it has a number.",
    (
        Column("caminho", Text(), note="the XML path, `[2]` for the second of one name"),
        Column("valor", Text(), note="the text as written"),
        Column("motivo", Text(20), note="desconhecido, repetido or ilegivel"),
    ),
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NOTE_TABLES = (
    EMPRESAS,
    NOTAS_FISCAIS,
    NF_PARTES,
    NF_REFERENCIAS,
    *GROUP_TABLES,
    NF_CCE,
    NF_PROCESSAMENTO,
    NF_MENSAGENS_FISCO,
    NF_OUTROS_VALORES,
)
