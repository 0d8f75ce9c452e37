"""Lays out what an MDF-e says."""

from nfed.documents.layout.columns import (
    DATE,
    INTEGER,
    MOMENT,
    MONEY,
    QUANTITY,
    Column,
    Table,
    Text,
)
from nfed.documents.layout.familias import MDFE, each

MDFE_DOCUMENTO = Table(
    "mdfe",
    "What an MDF-e says, one row a document, and its closing.",
    (
        Column("codigo_uf", Text(2), "ide/cUF"),
        Column("codigo_numerico", Text(), "ide/cMDF"),
        Column(
            "tipo_emitente",
            Text(1),
            "ide/tpEmit",
            "1 prestador de serviço, 2 carga própria, 3 prestador com CT-e globalizado",
        ),
        Column("tipo_transportador", Text(1), "ide/tpTransp", "1 ETC, 2 TAC, 3 CTC"),
        Column("modal", Text(1), "ide/modal", "1 rodoviário, 2 aéreo, 3 aquaviário, 4 ferroviário"),
        Column("tipo_emissao", Text(1), "ide/tpEmis"),
        Column("processo_emissao", Text(1), "ide/procEmi"),
        Column("versao_processo", Text(20), "ide/verProc"),
        Column("uf_inicio", Text(2), "ide/UFIni"),
        Column("uf_fim", Text(2), "ide/UFFim"),
        Column("data_hora_inicio_viagem", MOMENT, "ide/dhIniViagem"),
        Column("canal_verde", Text(1), "ide/indCanalVerde"),
        Column("carregamento_posterior", Text(1), "ide/indCarregaPosterior"),
        Column("versao_modal", Text(4), "infModal/@versaoModal"),
        Column("rntrc", Text(8), "infModal/rodo/infANTT/RNTRC|infModal/rodo/RNTRC"),
        Column("ciot", Text(12), "infModal/rodo/CIOT", "layout 1.00; else mdfe_ciots"),
        Column(
            "categoria_combinacao_veicular", Text(2), "infModal/rodo/infANTT/valePed/categCombVeic"
        ),
        Column("codigo_agendamento_porto", Text(16), "infModal/rodo/codAgPorto"),
        Column("tipo_carga", Text(2), "prodPred/tpCarga"),
        Column("produto_predominante", Text(120), "prodPred/xProd"),
        Column("gtin", Text(14), "prodPred/cEAN"),
        Column("ncm", Text(8), "prodPred/NCM"),
        Column("cep_carregamento", Text(8), "prodPred/infLotacao/infLocalCarrega/CEP"),
        Column("latitude_carregamento", Text(), "prodPred/infLotacao/infLocalCarrega/latitude"),
        Column("longitude_carregamento", Text(), "prodPred/infLotacao/infLocalCarrega/longitude"),
        Column("cep_descarregamento", Text(8), "prodPred/infLotacao/infLocalDescarrega/CEP"),
        Column(
            "latitude_descarregamento", Text(), "prodPred/infLotacao/infLocalDescarrega/latitude"
        ),
        Column(
            "longitude_descarregamento", Text(), "prodPred/infLotacao/infLocalDescarrega/longitude"
        ),
        Column("quantidade_cte", INTEGER, "tot/qCTe"),
        Column("quantidade_nfe", INTEGER, "tot/qNFe"),
        Column("quantidade_mdfe", INTEGER, "tot/qMDFe"),
        Column("valor_carga", MONEY, "tot/vCarga"),
        Column("unidade_carga", Text(2), "tot/cUnid", "01 kg, 02 ton"),
        Column("quantidade_carga", QUANTITY, "tot/qCarga"),
        Column("informacoes_fisco", Text(2000), "infAdic/infAdFisco"),
        Column("informacoes_complementares", Text(5000), "infAdic/infCpl"),
        Column("cnpj_paa", Text(14), "infPAA/CNPJPAA"),
        Column("url_qrcode", Text(1000), "../infMDFeSupl/qrCodMDFe"),
        Column(
            "data_encerramento",
            DATE,
            note="dtEnc of the registered closing (event 110112), whichever comes first",
        ),
        Column("codigo_uf_encerramento", Text(2), note="cUF of the closing"),
        Column("codigo_municipio_encerramento", Text(7), note="cMun of the closing"),
        Column("protocolo_encerramento", Text(17), note="nProt of the closing's registration"),
        Column("data_hora_encerramento", MOMENT, note="dhRegEvento of the closing"),
    ),
    element=each(MDFE),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

MDFE_MODAL = Table(
    "mdfe_modal",
    "What an MDF-e says of a way of transport other than the road.",
    (
        Column("aereo_nacionalidade", Text(4), "infModal/aereo/nac"),
        Column("aereo_matricula", Text(6), "infModal/aereo/matr"),
        Column("aereo_voo", Text(9), "infModal/aereo/nVoo"),
        Column("aereo_aerodromo_embarque", Text(4), "infModal/aereo/cAerEmb"),
        Column("aereo_aerodromo_destino", Text(4), "infModal/aereo/cAerDes"),
        Column("aereo_data_voo", DATE, "infModal/aereo/dVoo"),
        Column("aquaviario_irin", Text(10), "infModal/aquav/irin"),
        Column("aquaviario_tipo_embarcacao", Text(), "infModal/aquav/tpEmb"),
        Column("aquaviario_codigo_embarcacao", Text(10), "infModal/aquav/cEmbar"),
        Column("aquaviario_embarcacao", Text(60), "infModal/aquav/xEmbar"),
        Column("aquaviario_viagem", Text(), "infModal/aquav/nViag"),
        Column("aquaviario_porto_embarque", Text(5), "infModal/aquav/cPrtEmb"),
        Column("aquaviario_porto_destino", Text(5), "infModal/aquav/cPrtDest"),
        Column("aquaviario_porto_transbordo", Text(60), "infModal/aquav/prtTrans"),
        Column("aquaviario_tipo_navegacao", Text(1), "infModal/aquav/tpNav"),
        Column("aquaviario_mmsi", Text(9), "infModal/aquav/MMSI"),
        Column("ferroviario_prefixo_trem", Text(10), "infModal/ferrov/trem/xPref"),
        Column("ferroviario_data_hora_trem", MOMENT, "infModal/ferrov/trem/dhTrem"),
        Column("ferroviario_origem_trem", Text(3), "infModal/ferrov/trem/xOri"),
        Column("ferroviario_destino_trem", Text(3), "infModal/ferrov/trem/xDest"),
        Column("ferroviario_quantidade_vagoes", INTEGER, "infModal/ferrov/trem/qVag"),
    ),
    element=each(MDFE),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

MDFE_CARREGAMENTOS = Table(
    "mdfe_carregamentos",
    "A municipality where an MDF-e is loaded.",
    (
        Column("codigo_municipio", Text(7), "cMunCarrega"),
        Column("nome_municipio", Text(60), "xMunCarrega"),
    ),
    element=each(MDFE, "ide/infMunCarrega"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_DESCARGAS = Table(
    "mdfe_descargas",
    "A municipality where an MDF-e is unloaded.",
    (
        Column("codigo_municipio", Text(7), "cMunDescarga"),
        Column("nome_municipio", Text(60), "xMunDescarga"),
    ),
    element=each(MDFE, "infDoc/infMunDescarga"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_DOCUMENTOS = Table(
    "mdfe_documentos",
    "A document that is unloaded in a municipality.",
    (
        Column("elemento", Text(20), "name()", "infCTe, infNFe …: what lists it"),
        Column("tipo", Text(10), note="nfe, cte, mdfe … by the key; papel without one"),
        Column("chave_acesso", Text(44), "chCTe|chNFe|chMDFe"),
        Column("segundo_codigo_barras", Text(36), "SegCodBarra"),
        Column("reentrega", Text(1), "indReentrega"),
        Column("quantidade_total", QUANTITY, "infEntregaParcial/qtdTotal"),
        Column("quantidade_parcial", QUANTITY, "infEntregaParcial/qtdParcial"),
        Column("prestacao_parcial", Text(1), "indPrestacaoParcial"),
        Column("numero", Text(20), "nNF|nCT", "layout 1.00"),
        Column("serie", Text(3), "serie", "layout 1.00"),
        Column("subserie", Text(3), "subser", "layout 1.00"),
        Column("cpf_cnpj", Text(14), "CNPJ", "layout 1.00"),
        Column("uf", Text(2), "UF", "layout 1.00"),
        Column("data_emissao", DATE, "dEmi", "layout 1.00"),
        Column("valor", MONEY, "vNF|vCarga", "layout 1.00"),
    ),
    element=each(
        MDFE,
        "infDoc/infMunDescarga/infCTe",
        "infDoc/infMunDescarga/infNFe",
        "infDoc/infMunDescarga/infMDFeTransp",
        "infDoc/infMunDescarga/infCTe/infNFePrestParcial",
        "infDoc/infMunDescarga/infNF",
        "infDoc/infMunDescarga/infCT",
    ),
    parent="mdfe_descargas",
    link="mdfe_descarga_id",
)

MDFE_CONTRATANTES = Table(
    "mdfe_contratantes",
    "Who contracts the transport.",
    (
        Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
        Column("id_estrangeiro", Text(20), "idEstrangeiro"),
        Column("nome", Text(60), "xNome"),
        Column("numero_contrato", Text(20), "infContrato/NroContrato"),
        Column("valor_contrato", MONEY, "infContrato/vContratoGlobal"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/infContratante"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_CIOTS = Table(
    "mdfe_ciots",
    "A CIOT, and who is answerable for it.",
    (
        Column("ciot", Text(12), "CIOT"),
        Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/infCIOT"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_VALES_PEDAGIO = Table(
    "mdfe_vales_pedagio",
    "A toll voucher.",
    (
        Column("fornecedor_cnpj", Text(14), "CNPJForn"),
        Column("pagador_cpf_cnpj", Text(14), "CNPJPg|CPFPg"),
        Column("numero_compra", Text(20), "nCompra"),
        Column("valor", MONEY, "vValePed"),
        Column("tipo", Text(2), "tpValePed"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/valePed/disp", "infModal/rodo/valePed/disp"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_PAGAMENTOS = Table(
    "mdfe_pagamentos",
    "How the freight is paid.",
    (
        Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
        Column("id_estrangeiro", Text(20), "idEstrangeiro"),
        Column("nome", Text(60), "xNome"),
        Column("valor_contrato", MONEY, "vContrato"),
        Column("alto_desempenho", Text(1), "indAltoDesemp"),
        Column("forma_pagamento", Text(1), "indPag", "0 à vista, 1 a prazo"),
        Column("valor_adiantamento", MONEY, "vAdiant"),
        Column("antecipa_adiantamento", Text(1), "indAntecipaAdiant"),
        Column("tipo_antecipacao", Text(1), "tpAntecip"),
        Column("banco", Text(5), "infBanc/codBanco"),
        Column("agencia", Text(10), "infBanc/codAgencia"),
        Column("ipef_cnpj", Text(14), "infBanc/CNPJIPEF"),
        Column("pix", Text(60), "infBanc/PIX"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/infPag"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

MDFE_PAGAMENTOS_COMPONENTES = Table(
    "mdfe_pagamentos_componentes",
    "A component of a payment of freight.",
    (
        Column("tipo", Text(2), "tpComp"),
        Column("valor", MONEY, "vComp"),
        Column("descricao", Text(60), "xComp"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/infPag/Comp"),
    parent="mdfe_pagamentos",
    link="mdfe_pagamento_id",
)

MDFE_PAGAMENTOS_PARCELAS = Table(
    "mdfe_pagamentos_parcelas",
    "An instalment of a payment of freight.",
    (
        Column("numero", Text(3), "nParcela"),
        Column("data_vencimento", DATE, "dVenc"),
        Column("valor", MONEY, "vParcela"),
    ),
    element=each(MDFE, "infModal/rodo/infANTT/infPag/infPrazo"),
    parent="mdfe_pagamentos",
    link="mdfe_pagamento_id",
)

MDFE_ENCERRAMENTOS = Table(
    "mdfe_encerramentos",
    "The closing of an MDF-e, one row an event; mdfe has it beside what it closes.",
    (
        Column("data", DATE, "dtEnc"),
        Column("codigo_uf", Text(2), "cUF"),
        Column("codigo_municipio", Text(7), "cMun"),
        Column("protocolo_mdfe", Text(17), "nProt"),
        Column("por_terceiro", Text(1), "indEncPorTerceiro"),
    ),
    element="eventoMDFe/infEvento/detEvento/evEncMDFe",
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

MDFE_TABLES = (
    MDFE_DOCUMENTO,
    MDFE_ENCERRAMENTOS,
    MDFE_MODAL,
    MDFE_CARREGAMENTOS,
    MDFE_DESCARGAS,
    MDFE_DOCUMENTOS,
    MDFE_CONTRATANTES,
    MDFE_CIOTS,
    MDFE_VALES_PEDAGIO,
    MDFE_PAGAMENTOS,
    MDFE_PAGAMENTOS_COMPONENTES,
    MDFE_PAGAMENTOS_PARCELAS,
)
