"""Lays out what documents of several kinds say alike: parties, references, payments."""

from nfed.documents.layout.columns import (
    DATE,
    INTEGER,
    MONEY,
    WEIGHT,
    Column,
    Number,
    Table,
    Text,
)
from nfed.documents.layout.familias import BPES, CFE, CTES, DPS, MDFE, NF3E, NFCOM, NFSE, each
from nfed.documents.layout.nfse_municipal import PARTIES as MUNICIPAL_PARTIES
from nfed.documents.layout.nfse_municipal import PARTY, with_municipal

_ADDRESSES = (
    "",
    "enderEmit",
    "enderReme",
    "enderExped",
    "enderReceb",
    "enderDest",
    "enderToma",
    "enderComp",
    "enderAgencia",
    "enderNac",
    "enderFerro",
    "end",
    "end/endNac",
    "end/endExt",
)
_PARTIES = "|".join(
    (
        each(CTES, "emit", "rem", "exped", "receb", "dest", "toma", "ide/toma4"),
        each(CTES, "ide/tomaTerceiro", "origem", "destino", "infCTeNorm/docAnt/emiDocAnt"),
        each(CTES, "infCTeNorm/infModal/ferrov/trafMut/ferroEnv"),
        each(CTES, "infModal/ferrov/trafMut/ferroEnv"),
        each(MDFE, "emit"),
        each(BPES, "emit", "comp", "agencia"),
        each((*NF3E, *NFCOM), "emit", "dest", "gFat/enderCorresp"),
        each(NFSE, "emit"),
        each(CFE, "emit", "dest"),
        each(DPS, "prest", "toma", "interm", "IBSCBS/dest"),
    )
)
_REFERENCES = "|".join(
    (
        each(
            CTES,
            *(f"infCTeNorm/infDoc/{name}" for name in ("infNF", "infNFe", "infOutros", "infDCe")),
            *(f"rem/{name}" for name in ("infNF", "infNFe", "infOutros")),
            "infCTeNorm/docAnt/emiDocAnt/idDocAnt/idDocAntPap",
            "infCTeNorm/docAnt/emiDocAnt/idDocAnt/idDocAntEle",
            "infCTeNorm/infDocRef",
            "infCTeNorm/infGTVe",
            "infCTeNorm/infServVinc/infCTeMultimodal",
            "infCTeNorm/infCteSub",
            "infCTeNorm/refCTeCanc",
            "infCteSub",
            "infCteComp",
            "infCteAnu",
            "ide/gCompraGov/refDFeAnt",
            "ide/gPagAntecipado/chDFePagAnt",
            "det/infNFe",
            "det/infDocAnt",
            "det/infDocAnt/infNFeTranspParcial",
        ),
        each(BPES, "infBPeSub", "infBPeVinculado", "ide/gCompraGov/refDFeAnt"),
        each(NF3E, "gSub", "gJudic", "NFdet", "ide/gCompraGov/refDFeAnt"),
        each(NFCOM, "gSub", "gCofat", "ide/gCompraGov/refDFeAnt"),
        each(
            DPS,
            "subst",
            "chNFSeRej",
            "valores/vDedRed/documentos/docDedRed",
            "IBSCBS/gRefNFSe/refNFSe",
            "IBSCBS/valores/gReeRepRes/documentos",
        ),
    )
)


def _address(*tags: str) -> str:
    """In the party's address, or beside its name."""
    return "|".join(f"{above}/{tag}".lstrip("/") for tag in tags for above in _ADDRESSES)


DFE_PARTES = Table(
    "dfe_partes",
    "Every party of a document, as written there.",
    with_municipal(
        (
            Column(
                "papel",
                Text(30),
                "name()",
                "emitente, remetente, expedidor, recebedor, destinatario, tomador, comprador, "
                "agencia, prestador, intermediario",
            ),
            Column("cpf_cnpj", Text(14), "CNPJ|CPF"),
            Column("id_estrangeiro", Text(), "idEstrangeiro|NIF|idOutros"),
            Column("motivo_sem_nif", Text(1), "cNaoNIF"),
            Column("caepf", Text(14), "CAEPF"),
            Column("razao_social", Text(300), "xNome"),
            Column("nome_fantasia", Text(150), "xFant"),
            Column("inscricao_estadual", Text(14), "IE"),
            Column("inscricao_estadual_st", Text(14), "IEST"),
            Column("inscricao_estadual_uf_destino", Text(14), "IEUFDest"),
            Column("inscricao_municipal", Text(15), "IM"),
            Column("indicador_ie", Text(1), "indIEDest"),
            Column("inscricao_suframa", Text(9), "ISUF|ISUFEmit"),
            Column("regime_tributario", Text(1), "CRT"),
            Column("cnae", Text(7), "CNAE"),
            Column("termo_autorizacao", Text(20), "TAR"),
            Column("logradouro", Text(255), _address("xLgr")),
            Column("numero", Text(60), _address("nro")),
            Column("complemento", Text(156), _address("xCpl")),
            Column("bairro", Text(60), _address("xBairro")),
            Column("codigo_municipio", Text(7), _address("cMun")),
            Column("nome_municipio", Text(60), _address("xMun", "xCidade")),
            Column("uf", Text(60), _address("UF", "xEstProvReg"), "abroad, the region as written"),
            Column("cep", Text(), _address("CEP", "cEndPost"), "abroad, the postal code"),
            Column(
                "codigo_pais", Text(), _address("cPais"), "in an NFS-e the country's two letters"
            ),
            Column("nome_pais", Text(60), _address("xPais")),
            Column("telefone", Text(20), _address("fone")),
            Column("email", Text(80), _address("email")),
            Column(
                "opcao_simples_nacional",
                Text(1),
                "regTrib/opSimpNac",
                "1 não optante, 2 MEI, 3 ME/EPP",
            ),
            Column("regime_apuracao_simples", Text(1), "regTrib/regApTribSN"),
            Column("regime_especial", Text(1), "regTrib/regEspTrib"),
            Column("codigo_interno", Text(10), "cInt", "of a railway"),
            Column("codigo_nis", Text(15), "cNIS", "of an NF3-e"),
            Column("numero_beneficio", Text(10), "NB", "of an NF3-e"),
            Column("nome_adicional", Text(60), "xNomeAdicional", "of an NF3-e"),
        ),
        PARTY,
    ),
    element=f"{_PARTIES}|{MUNICIPAL_PARTIES}",
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_REFERENCIAS = Table(
    "dfe_referencias",
    "Another document that this one names: by its key, or on paper.",
    (
        Column(
            "relacao",
            Text(30),
            "name()",
            "transportada, anterior, complementada, substituida, anulada and others: what the "
            "document is to this one",
        ),
        Column(
            "tipo",
            Text(10),
            note="nfe, nfce, cte, cteos, mdfe, bpe, nf3e, nfcom, nfse by the key; papel without "
            "one",
        ),
        Column(
            "chave_acesso",
            Text(50),
            (
                "chave|chCte|chCTe|chCTeMultimodal|chBPe|chBPeMultiplo|chNF3e|chNFCom|chNFComLocal|"
                "@chNF3eAnt|chNFe|chNFSe|chSubstda|dFeNacional/chaveDFe|chDFePagAnt|."
            ),
        ),
        Column("tipo_documento", Text(2), "tpDoc|tpDedRed|dFeNacional/tipoChaveDFe"),
        Column(
            "descricao_documento",
            Text(),
            (
                "descOutros|xDescOutDed|dFeNacional/xTipoChaveDFe|docFiscalOutro/xDocFiscal|"
                "docOutro/xDoc"
            ),
        ),
        Column("modelo", Text(15), "mod|gNF/mod|NFNFS/modNFS"),
        Column("serie", Text(15), "serie|gNF/serie|NFNFS/serieNFS"),
        Column("subserie", Text(3), "subser|subserie"),
        Column(
            "numero",
            Text(),
            (
                "nDoc|gNF/nNF|NFSeMun/nNFSeMun|NFNFS/nNFS|nDocFisc|nDoc|"
                "docFiscalOutro/nDocFiscal|docOutro/nDoc"
            ),
        ),
        Column("codigo_municipio", Text(7), "NFSeMun/cMunNFSeMun|docFiscalOutro/cMunDocFiscal"),
        Column("codigo_verificacao", Text(9), "NFSeMun/cVerifNFSeMun"),
        Column("emitente_cpf_cnpj", Text(14), "gNF/CNPJ|fornec/CNPJ|fornec/CPF"),
        Column("emitente_nome", Text(300), "fornec/xNome"),
        Column("data_emissao", DATE, "dEmi|dtEmiDoc"),
        Column("data_competencia", DATE, "dtCompDoc"),
        Column("tipo_reembolso", Text(2), "tpReeRepRes"),
        Column("descricao_reembolso", Text(150), "xTpReeRepRes"),
        Column("tipo_prestacao", Text(1), "tpPrest", "1 total, 2 parcial"),
        Column("competencia", Text(6), "gNF/CompetEmis"),
        Column("competencia_apuracao", Text(6), "gNF/CompetApur"),
        Column("hash", Text(44), "gNF/hash115|@mod6HashAnt"),
        Column("data_prevista", DATE, "dPrev"),
        Column("numero_romaneio", Text(20), "nRoma"),
        Column("numero_pedido", Text(20), "nPed"),
        Column("cfop", Text(4), "nCFOP"),
        Column("valor", Number(17, 2), "vNF|vDocFisc|vDoc|vDeducaoReducao|vlrReeRepRes"),
        Column("valor_dedutivel", Number(17, 2), "vDedutivelRedutivel"),
        Column("valor_produtos", MONEY, "vProd"),
        Column("valor_bc", MONEY, "vBC"),
        Column("valor_icms", MONEY, "vICMS"),
        Column("valor_bc_st", MONEY, "vBCST"),
        Column("valor_st", MONEY, "vST"),
        Column("peso", WEIGHT, "nPeso"),
        Column("pin_suframa", Text(9), "PIN"),
        Column("altera_tomador", Text(1), "indAlteraToma"),
        Column("motivo", Text(2), "motSub|tpSub|cMotivo"),
        Column("texto", Text(255), "xMotivo"),
    ),
    element=_REFERENCES,
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_COMPONENTES = Table(
    "dfe_componentes",
    "A component of the value of a CT-e or of a BP-e.",
    (
        Column("tipo", Text(2), "tpComp"),
        Column("nome", Text(15), "xNome|xComp"),
        Column("valor", MONEY, "vComp"),
        Column("quantidade", INTEGER, "qComp"),
    ),
    element=each(CTES, "vPrest/Comp", "det/Comp", "infCTeNorm/infGTVe/Comp")
    + "|"
    + each(BPES, "infValorBPe/Comp", "detBPeTM/det/Comp"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_PERCURSOS = Table(
    "dfe_percursos",
    "A state that the journey passes through, in order.",
    (Column("uf", Text(2), "UFPer"),),
    element=each((*CTES, *MDFE), "ide/infPercurso"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_PASSAGENS = Table(
    "dfe_passagens",
    "A place that the cargo of a CT-e passes through, in order.",
    (Column("codigo", Text(15), "xPass"),),
    element=each(CTES, "compl/fluxo/pass"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_VEICULOS = Table(
    "dfe_veiculos",
    "A vehicle of a CT-e, GTV-e or MDF-e.",
    (
        Column("papel", Text(30), "name()", "tracao, reboque or veiculo"),
        Column("placa", Text(8), "placa"),
        Column("uf", Text(2), "UF"),
        Column("renavam", Text(11), "RENAVAM"),
        Column("rntrc", Text(8), "RNTRC|prop/RNTRC"),
        Column("codigo_interno", Text(10), "cInt"),
        Column("tara", INTEGER, "tara"),
        Column("capacidade_kg", INTEGER, "capKG"),
        Column("capacidade_m3", INTEGER, "capM3"),
        Column("tipo_rodado", Text(2), "tpRod"),
        Column("tipo_carroceria", Text(2), "tpCar"),
        Column("tipo_propriedade", Text(1), "tpProp", "layout 2.00"),
        Column("tipo_veiculo", Text(1), "tpVeic", "layout 2.00"),
        Column("proprietario_cpf_cnpj", Text(14), "prop/CNPJ|prop/CPF"),
        Column("proprietario_nome", Text(60), "prop/xNome"),
        Column("proprietario_inscricao_estadual", Text(14), "prop/IE"),
        Column("proprietario_uf", Text(2), "prop/UF"),
        Column("proprietario_tipo", Text(1), "prop/tpProp"),
        Column("proprietario_taf", Text(12), "prop/TAF"),
        Column("proprietario_registro_estadual", Text(25), "prop/NroRegEstadual"),
    ),
    element=each(
        CTES,
        "infCTeNorm/infModal/rodo/veic",
        "infCTeNorm/infModal/rodoOS/veic",
        "detGTV/infVeiculo",
    )
    + "|"
    + each(
        MDFE, "infModal/rodo/veicTracao", "infModal/rodo/veicReboque", "infModal/rodo/veicPrincipal"
    ),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_CONDUTORES = Table(
    "dfe_condutores",
    "A driver.",
    (
        Column("nome", Text(60), "xNome"),
        Column("cpf", Text(11), "CPF"),
    ),
    element=each(CTES, "infCTeNorm/infModal/rodo/moto")
    + "|"
    + each(MDFE, "infModal/rodo/veicTracao/condutor", "infModal/rodo/veicPrincipal/condutor"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_LACRES = Table(
    "dfe_lacres",
    "A seal of an MDF-e or of its vehicle.",
    (Column("numero", Text(60), "nLacre"),),
    element=each(CTES, "infCTeNorm/infModal/rodo/lacRodo")
    + "|"
    + each(MDFE, "lacres", "infModal/rodo/lacRodo"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_SEGUROS = Table(
    "dfe_seguros",
    "An insurance of the cargo.",
    (
        Column(
            "responsavel",
            Text(1),
            "respSeg|infResp/respSeg",
            "in a CT-e 0 remetente to 5 tomador, in an MDF-e 1 emitente, 2 contratante",
        ),
        Column("responsavel_cpf_cnpj", Text(14), "infResp/CNPJ|infResp/CPF"),
        Column("seguradora", Text(30), "xSeg|infSeg/xSeg"),
        Column("seguradora_cnpj", Text(14), "infSeg/CNPJ"),
        Column("apolice", Text(20), "nApol"),
        Column("valor_carga", MONEY, "vCarga", "layout 2.00"),
    ),
    element=each(CTES, "infCTeNorm/seg", "infCTeNorm/infModal/multimodal/seg")
    + "|"
    + each(MDFE, "seg"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_SEGUROS_AVERBACOES = Table(
    "dfe_seguros_averbacoes",
    "A registration of an insurance.",
    (Column("numero", Text(40), "."),),
    element=each(CTES, "infCTeNorm/seg/nAver", "infCTeNorm/infModal/multimodal/seg/nAver")
    + "|"
    + each(MDFE, "seg/nAver"),
    parent="dfe_seguros",
    link="dfe_seguro_id",
)

DFE_DUPLICATAS = Table(
    "dfe_duplicatas",
    "An instalment of a CT-e's invoice.",
    (
        Column("numero", Text(60), "nDup"),
        Column("data_vencimento", DATE, "dVenc"),
        Column("valor", MONEY, "vDup"),
    ),
    element=each(CTES, "infCTeNorm/cobr/dup", "cobr/dup"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_OBSERVACOES = Table(
    "dfe_observacoes",
    "A remark with a name.",
    (
        Column("tipo", Text(30), "name()", "contribuinte or fisco"),
        Column("campo", Text(20), "@xCampo"),
        Column("texto", Text(160), "xTexto"),
    ),
    element=each(CTES, "compl/ObsCont", "compl/ObsFisco"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_INFORMACOES = Table(
    "dfe_informacoes",
    "Complementary information of an NF3-e or NFCom, which may have several.",
    (Column("texto", Text(3000), "."),),
    element=each((*NF3E, *NFCOM), "infAdic/infCpl"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_AUTORIZADOS = Table(
    "dfe_autorizados",
    "Who may download the document.",
    (Column("cpf_cnpj", Text(14), "CNPJ|CPF"),),
    element=each((*CTES, *MDFE, *BPES, *NF3E, *NFCOM), "autXML"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_RESPONSAVEIS_TECNICOS = Table(
    "dfe_responsaveis_tecnicos",
    "Who made the software.",
    (
        Column("cnpj", Text(14), "CNPJ"),
        Column("contato", Text(60), "xContato"),
        Column("email", Text(60), "email"),
        Column("telefone", Text(14), "fone"),
        Column("id_csrt", Text(3), "idCSRT"),
        Column("hash_csrt", Text(28), "hashCSRT"),
    ),
    element=each((*CTES, *MDFE, *BPES, *NF3E, *NFCOM), "infRespTec", "gRespTec"),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

DFE_PAGAMENTOS = Table(
    "dfe_pagamentos",
    "A payment of a BP-e or CF-e SAT.",
    (
        Column("meio", Text(2), "tPag|cMP"),
        Column("descricao", Text(100), "xPag"),
        Column("documento", Text(20), "nDocPag"),
        Column("valor", MONEY, "vPag|vMP"),
        Column("tipo_integracao", Text(1), "card/tpIntegra"),
        Column("credenciadora_cnpj", Text(14), "card/CNPJ"),
        Column("bandeira", Text(2), "card/tBand"),
        Column("descricao_bandeira", Text(100), "card/xBand"),
        Column("autorizacao", Text(20), "card/cAut"),
        Column("nsu_transacao", Text(20), "card/nsuTrans"),
        Column("nsu_host", Text(20), "card/nsuHost"),
        Column("parcelas", Text(3), "card/nParcelas"),
        Column("codigo_credenciadora", Text(3), "cAdmC", "of a CF-e SAT"),
        Column("informacoes", Text(2000), "card/infAdCard"),
    ),
    element=each(BPES, "pag") + "|" + each(CFE, "pgto/MP"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_PAGAMENTOS_VINCULADOS = Table(
    "dfe_pagamentos_vinculados",
    "A payment that is bound to the document for the split of IBS and CBS.",
    (
        Column("numero", INTEGER, "@nPag"),
        Column("id_transacao", Text(35), "@idTransacao"),
        Column("meio", Text(2), "tpMeioPgto"),
        Column("recebedor_cnpj", Text(14), "CNPJReceb"),
        Column("psp_cnpj_base", Text(8), "CNPJBasePSP"),
    ),
    element=each((*CTES, *BPES, *NF3E, *NFCOM), "pgtoVinc/pgto"),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_MENSAGENS_FISCO = Table(
    "dfe_mensagens_fisco",
    "A message of the tax office beside the protocol.",
    (
        Column("codigo", Text(4), "cMsg"),
        Column("mensagem", Text(255), "xMsg"),
    ),
    element="|".join(f"prot{name}/infFisco" for name in ("CTe", "MDFe", "BPe", "NF3e", "NFCom")),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_EVENTOS_CAMPOS = Table(
    "dfe_eventos_campos",
    "Every field of an event's detEvento (of an NFS-e's: of its infPedReg), whatever its type.",
    (
        Column("ordem", INTEGER, note="1 for the first of the event"),
        Column("caminho", Text(), note="the XML path below detEvento"),
        Column("valor", Text(), note="the text as written"),
    ),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_OUTROS_VALORES = Table(
    "dfe_outros_valores",
    "What a document says beyond the columns of its tables, as nf_outros_valores of a note.",
    (
        Column("caminho", Text(), note="the XML path, `[2]` for the second of one name"),
        Column("valor", Text(), note="the text as written"),
        Column("motivo", Text(20), note="desconhecido (no column), repetido or ilegivel"),
    ),
    parent="dfe_documentos",
    link="dfe_documento_id",
)

DFE_GRUPOS_TABLES = (
    DFE_PARTES,
    DFE_REFERENCIAS,
    DFE_COMPONENTES,
    DFE_PERCURSOS,
    DFE_PASSAGENS,
    DFE_VEICULOS,
    DFE_CONDUTORES,
    DFE_LACRES,
    DFE_SEGUROS,
    DFE_SEGUROS_AVERBACOES,
    DFE_DUPLICATAS,
    DFE_OBSERVACOES,
    DFE_INFORMACOES,
    DFE_AUTORIZADOS,
    DFE_RESPONSAVEIS_TECNICOS,
    DFE_PAGAMENTOS,
    DFE_PAGAMENTOS_VINCULADOS,
    DFE_MENSAGENS_FISCO,
    DFE_EVENTOS_CAMPOS,
    DFE_OUTROS_VALORES,
)
