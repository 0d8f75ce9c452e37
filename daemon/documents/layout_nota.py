"""The layout of a note as a whole: parties, totals, transport, payment, protocol.

Paths follow the manual's element names (MOC 7.0, Anexo I; leiauteNFe_v4.00.xsd).
"""

from daemon.documents.layout import (
    BIG_INTEGER,
    DATE,
    INTEGER,
    MOMENT,
    MONEY,
    RATE,
    WEIGHT,
    Column,
    Table,
    Text,
)

_INF = "NFe/infNFe"
_PROT = "protNFe/infProt"
_CANCELLATION = "from the event of cancellation; empty until events are imported"


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
    """What a party says of itself; the address stands in one of the groups `enders`."""

    def address(tag: str) -> str:
        return "|".join(f"{ender}/{tag}" if ender else tag for ender in enders)

    return (
        Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
        Column("id_estrangeiro", Text(20), "idEstrangeiro"),
        Column("razao_social", Text(60), "xNome"),
        Column("nome_fantasia", Text(60), "xFant"),
        Column("inscricao_estadual", Text(14), "IE"),
        Column("inscricao_municipal", Text(15), "IM"),
        Column("inscricao_suframa", Text(9), "ISUF"),
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
        Column("data_hora_emissao", MOMENT, f"{_INF}/ide/dhEmi"),
        Column("data_hora_saida_entrada", MOMENT, f"{_INF}/ide/dhSaiEnt"),
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
        Column("uf_saida_pais", Text(2), f"{_INF}/exporta/UFSaidaPais"),
        Column("local_exportacao", Text(60), f"{_INF}/exporta/xLocExporta"),
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
        Column("codigo_status", Text(3), f"{_PROT}/cStat"),
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
    ),
    element="",
)

NF_PARTES = Table(
    "nf_partes",
    "Every party as written in its own note; never rewritten by a later one.",
    (
        Column("papel", Text(20), ".", "emitente, destinatario, retirada, entrega, transportador"),
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
    "A payment (group YA).",
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
    ),
    element=f"{_INF}/pag/detPag",
    parent="notas_fiscais",
    link="nota_fiscal_id",
)

NF_CCE = Table(
    "nf_cce",
    "A carta de correção (event 110110); empty until events are imported.",
    (
        Column("sequencia_evento", INTEGER, "nSeqEvento"),
        Column("data_hora_evento", MOMENT, "dhEvento"),
        Column("correcao", Text(), "detEvento/xCorrecao"),
        Column("tipo_ambiente", Text(1), "tpAmb"),
        Column("versao_aplicativo", Text(20), "../../retEvento/infEvento/verAplic"),
        Column("numero_protocolo", Text(17), "../../retEvento/infEvento/nProt"),
        Column("data_hora_recebimento", MOMENT, "../../retEvento/infEvento/dhRegEvento"),
        Column("codigo_status", Text(3), "../../retEvento/infEvento/cStat"),
        Column("motivo_status", Text(255), "../../retEvento/infEvento/xMotivo"),
    ),
    element="procEventoNFe/evento/infEvento",
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
        Column("codigo_status", Text(3), "cStat"),
        Column("motivo_status", Text(255), "xMotivo"),
        Column("xml_enviado", Text(), note="left empty: see notas_fiscais.xml_completo"),
        Column("xml_retorno", Text(), note="left empty: see notas_fiscais.xml_completo"),
    ),
    element=_PROT,
    parent="notas_fiscais",
    link="nota_fiscal_id",
    repeats=False,
)

NOTE_TABLES = (
    EMPRESAS,
    NOTAS_FISCAIS,
    NF_PARTES,
    NF_REFERENCIAS,
    NF_TRANSPORTE,
    NF_TRANSPORTE_REBOQUE,
    NF_TRANSPORTE_VOLUMES,
    NF_TRANSPORTE_VOLUMES_LACRES,
    NF_COBRANCA,
    NF_DUPLICATAS,
    NF_PAGAMENTOS,
    NF_CCE,
    NF_PROCESSAMENTO,
)
