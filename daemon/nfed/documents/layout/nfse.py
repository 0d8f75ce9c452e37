"""Lays out what an NFS-e and its DPS say."""

from nfed.documents.layout.columns import (
    BIG_INTEGER,
    DATE,
    MOMENT,
    MONEY,
    RATE,
    Column,
    Number,
    Table,
    Text,
)
from nfed.documents.layout.familias import DPS
from nfed.documents.layout.nfse_municipal import NFSE as MUNICIPAL_NFSE
from nfed.documents.layout.nfse_municipal import with_municipal


def _nfse(path: str) -> str:
    return f"NFSe/infNFSe/{path}"


def _dps(path: str) -> str:
    """In the DPS that an NFS-e carries, or in one that came by itself."""
    return "|".join(f"{group}/{path}" for group in DPS)


NFSE_NOTA = Table(
    "nfse",
    "What an NFS-e or a DPS says, one row a document: the service, its ISSQN and what is withheld. "
    "Of a municipal NFS-e what it has of this; `aliquota` is as its municipality writes it.",
    with_municipal(
        (
            Column("local_emissao", Text(150), _nfse("xLocEmi")),
            Column("codigo_municipio_emissao", Text(), _dps("cLocEmi")),
            Column("codigo_municipio_prestacao", Text(), _dps("serv/locPrest/cLocPrestacao")),
            Column("pais_prestacao", Text(2), _dps("serv/locPrest/cPaisPrestacao")),
            Column("local_prestacao", Text(150), _nfse("xLocPrestacao")),
            Column("codigo_municipio_incidencia", Text(7), _nfse("cLocIncid")),
            Column("local_incidencia", Text(150), _nfse("xLocIncid")),
            Column("numero_dfse", Text(13), _nfse("nDFSe")),
            Column("versao_aplicativo", Text(20), _nfse("verAplic")),
            Column("ambiente_gerador", Text(1), _nfse("ambGer")),
            Column("tipo_emissao", Text(1), _nfse("tpEmis")),
            Column("processo_emissao", Text(1), _nfse("procEmi")),
            Column("numero_dps", BIG_INTEGER, _dps("nDPS")),
            Column("serie_dps", Text(5), _dps("serie")),
            Column("versao_aplicativo_dps", Text(20), _dps("verAplic")),
            Column("data_competencia", DATE, _dps("dCompet")),
            Column(
                "emitente_dps", Text(1), _dps("tpEmit"), "1 prestador, 2 tomador, 3 intermediário"
            ),
            Column("motivo_emissao_terceiro", Text(1), _dps("cMotivoEmisTI")),
            Column("codigo_tributacao_nacional", Text(6), _dps("serv/cServ/cTribNac")),
            Column("descricao_tributacao_nacional", Text(600), _nfse("xTribNac")),
            Column("codigo_tributacao_municipal", Text(), _dps("serv/cServ/cTribMun")),
            Column("descricao_tributacao_municipal", Text(600), _nfse("xTribMun")),
            Column("codigo_nbs", Text(9), _dps("serv/cServ/cNBS")),
            Column("descricao_nbs", Text(600), _nfse("xNBS")),
            Column("descricao_servico", Text(2000), _dps("serv/cServ/xDescServ")),
            Column("codigo_interno", Text(), _dps("serv/cServ/cIntContrib")),
            Column("valor_recebido", Number(17, 2), _dps("valores/vServPrest/vReceb")),
            Column("valor_servico", Number(17, 2), _dps("valores/vServPrest/vServ")),
            Column(
                "valor_desconto_incondicionado",
                Number(17, 2),
                _dps("valores/vDescCondIncond/vDescIncond"),
            ),
            Column(
                "valor_desconto_condicionado",
                Number(17, 2),
                _dps("valores/vDescCondIncond/vDescCond"),
            ),
            Column("percentual_deducao", RATE, _dps("valores/vDedRed/pDR")),
            Column("valor_deducao", Number(17, 2), _dps("valores/vDedRed/vDR")),
            Column("valor_calculado_deducao", Number(17, 2), _nfse("valores/vCalcDR")),
            Column("tipo_beneficio_municipal", Text(1), _nfse("valores/tpBM")),
            Column("valor_beneficio_municipal", Number(17, 2), _nfse("valores/vCalcBM")),
            Column("valor_bc", Number(17, 2), _nfse("valores/vBC")),
            Column("aliquota", RATE, _nfse("valores/pAliqAplic")),
            Column("aliquota_informada", RATE, _dps("valores/trib/tribMun/pAliq")),
            Column("valor_issqn", Number(17, 2), _nfse("valores/vISSQN")),
            Column(
                "tributacao_issqn",
                Text(1),
                _dps("valores/trib/tribMun/tribISSQN"),
                "1 tributável, 2 imune, 3 exportação, 4 não incidência",
            ),
            Column("pais_resultado", Text(2), _dps("valores/trib/tribMun/cPaisResult")),
            Column("tipo_imunidade", Text(1), _dps("valores/trib/tribMun/tpImunidade")),
            Column("tipo_suspensao", Text(1), _dps("valores/trib/tribMun/exigSusp/tpSusp")),
            Column("processo_suspensao", Text(30), _dps("valores/trib/tribMun/exigSusp/nProcesso")),
            Column("numero_beneficio", Text(14), _dps("valores/trib/tribMun/BM/nBM")),
            Column(
                "valor_reducao_beneficio", Number(17, 2), _dps("valores/trib/tribMun/BM/vRedBCBM")
            ),
            Column("percentual_reducao_beneficio", RATE, _dps("valores/trib/tribMun/BM/pRedBCBM")),
            Column(
                "retencao_issqn",
                Text(1),
                _dps("valores/trib/tribMun/tpRetISSQN"),
                "1 não retido, 2 retido pelo tomador, 3 retido pelo intermediário",
            ),
            Column("pis_cofins_cst", Text(2), _dps("valores/trib/tribFed/piscofins/CST")),
            Column(
                "pis_cofins_valor_bc",
                Number(17, 2),
                _dps("valores/trib/tribFed/piscofins/vBCPisCofins"),
            ),
            Column("pis_aliquota", RATE, _dps("valores/trib/tribFed/piscofins/pAliqPis")),
            Column("cofins_aliquota", RATE, _dps("valores/trib/tribFed/piscofins/pAliqCofins")),
            Column("pis_valor", Number(17, 2), _dps("valores/trib/tribFed/piscofins/vPis")),
            Column("cofins_valor", Number(17, 2), _dps("valores/trib/tribFed/piscofins/vCofins")),
            Column(
                "retencao_pis_cofins",
                Text(1),
                _dps("valores/trib/tribFed/piscofins/tpRetPisCofins"),
                "what of PIS, COFINS and CSLL is withheld",
            ),
            Column("valor_retido_cp", Number(17, 2), _dps("valores/trib/tribFed/vRetCP")),
            Column("valor_retido_irrf", Number(17, 2), _dps("valores/trib/tribFed/vRetIRRF")),
            Column("valor_retido_csll", Number(17, 2), _dps("valores/trib/tribFed/vRetCSLL")),
            Column(
                "valor_tributos_federais",
                Number(17, 2),
                _dps("valores/trib/totTrib/vTotTrib/vTotTribFed"),
            ),
            Column(
                "valor_tributos_estaduais",
                Number(17, 2),
                _dps("valores/trib/totTrib/vTotTrib/vTotTribEst"),
            ),
            Column(
                "valor_tributos_municipais",
                Number(17, 2),
                _dps("valores/trib/totTrib/vTotTrib/vTotTribMun"),
            ),
            Column(
                "percentual_tributos_federais",
                RATE,
                _dps("valores/trib/totTrib/pTotTrib/pTotTribFed"),
            ),
            Column(
                "percentual_tributos_estaduais",
                RATE,
                _dps("valores/trib/totTrib/pTotTrib/pTotTribEst"),
            ),
            Column(
                "percentual_tributos_municipais",
                RATE,
                _dps("valores/trib/totTrib/pTotTrib/pTotTribMun"),
            ),
            Column("indicador_total_tributos", Text(1), _dps("valores/trib/totTrib/indTotTrib")),
            Column("percentual_tributos_simples", RATE, _dps("valores/trib/totTrib/pTotTribSN")),
            Column("valor_total_retido", Number(17, 2), _nfse("valores/vTotalRet")),
            Column("valor_liquido", Number(17, 2), _nfse("valores/vLiq")),
            Column("outras_informacoes", Text(2000), _nfse("xOutInf")),
            Column("exterior_modo_prestacao", Text(1), _dps("serv/comExt/mdPrestacao")),
            Column("exterior_vinculo_prestacao", Text(1), _dps("serv/comExt/vincPrest")),
            Column("exterior_moeda", Text(3), _dps("serv/comExt/tpMoeda")),
            Column("exterior_valor_moeda", Number(17, 2), _dps("serv/comExt/vServMoeda")),
            Column("exterior_mecanismo_apoio_prestador", Text(2), _dps("serv/comExt/mecAFComexP")),
            Column("exterior_mecanismo_apoio_tomador", Text(2), _dps("serv/comExt/mecAFComexT")),
            Column("exterior_movimentacao_bens", Text(1), _dps("serv/comExt/movTempBens")),
            Column("exterior_numero_di", Text(12), _dps("serv/comExt/nDI")),
            Column("exterior_numero_re", Text(12), _dps("serv/comExt/nRE")),
            Column("exterior_envia_mdic", Text(1), _dps("serv/comExt/mdic")),
            Column("obra_inscricao", Text(30), _dps("serv/obra/inscImobFisc")),
            Column("obra_codigo", Text(30), _dps("serv/obra/cObra")),
            Column("obra_cib", Text(8), _dps("serv/obra/cCIB")),
            Column("evento_nome", Text(255), _dps("serv/atvEvento/xNome")),
            Column("evento_data_inicial", DATE, _dps("serv/atvEvento/dtIni")),
            Column("evento_data_final", DATE, _dps("serv/atvEvento/dtFim")),
            Column("evento_identificacao", Text(30), _dps("serv/atvEvento/idAtvEvt")),
            Column("documento_tecnico", Text(40), _dps("serv/infoCompl/idDocTec")),
            Column("documento_referencia", Text(255), _dps("serv/infoCompl/docRef")),
            Column("numero_pedido", Text(60), _dps("serv/infoCompl/xPed")),
            Column("informacoes_complementares", Text(2000), _dps("serv/infoCompl/xInfComp")),
            Column("codigo_verificacao", Text(), note="of a municipal NFS-e"),
            Column("item_lista_servico", Text(20), note="of a municipal NFS-e"),
            Column("codigo_cnae", Text(7), note="of a municipal NFS-e"),
            Column("valor_issqn_retido", MONEY, note="of a municipal NFS-e"),
            Column(
                "iss_retido",
                Text(5),
                note="of a municipal NFS-e, as written: retencao_issqn says it "
                "in the national words",
            ),
            Column("responsavel_retencao", Text(1), note="of a municipal NFS-e"),
            Column("exigibilidade_iss", Text(2), note="of a municipal NFS-e"),
            Column("natureza_operacao", Text(2), note="of a municipal NFS-e (ABRASF 1.00)"),
            Column("regime_especial", Text(2), note="of a municipal NFS-e"),
            Column("optante_simples_nacional", Text(2), note="of a municipal NFS-e"),
            Column("incentivo_fiscal", Text(1), note="of a municipal NFS-e"),
            Column("valor_outras_retencoes", MONEY, note="of a municipal NFS-e"),
            Column("valor_credito", MONEY, note="of a municipal NFS-e"),
            Column("obra_art", Text(), note="of a municipal NFS-e"),
            Column(
                "numero_nfse_substituida",
                Text(15),
                note="of a municipal NFS-e: what it replaces, without leading zeros",
            ),
            Column(
                "numero_nfse_substituta", Text(15), note="of a municipal NFS-e: what replaces it"
            ),
            Column("data_hora_cancelamento", MOMENT, note="of a municipal NFS-e"),
            Column("codigo_cancelamento", Text(4), note="of a municipal NFS-e"),
        ),
        MUNICIPAL_NFSE,
    ),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

NFSE_IBSCBS = Table(
    "nfse_ibscbs",
    "IBS and CBS of an NFS-e.",
    (
        Column("finalidade", Text(1), _dps("IBSCBS/finNFSe")),
        Column("consumo_pessoal", Text(1), _dps("IBSCBS/indFinal")),
        Column("codigo_operacao", Text(6), _dps("IBSCBS/cIndOp")),
        Column("tipo_operacao_governamental", Text(1), _dps("IBSCBS/tpOper")),
        Column("tipo_ente_governamental", Text(1), _dps("IBSCBS/tpEnteGov")),
        Column("indicador_destinatario", Text(1), _dps("IBSCBS/indDest")),
        Column("cst", Text(3), _dps("IBSCBS/valores/trib/gIBSCBS/CST")),
        Column("classificacao_tributaria", Text(6), _dps("IBSCBS/valores/trib/gIBSCBS/cClassTrib")),
        Column("codigo_credito_presumido", Text(2), _dps("IBSCBS/valores/trib/gIBSCBS/cCredPres")),
        Column("cst_regular", Text(3), _dps("IBSCBS/valores/trib/gIBSCBS/gTribRegular/CSTReg")),
        Column(
            "classificacao_tributaria_regular",
            Text(6),
            _dps("IBSCBS/valores/trib/gIBSCBS/gTribRegular/cClassTribReg"),
        ),
        Column(
            "percentual_diferimento_ibs_uf", RATE, _dps("IBSCBS/valores/trib/gIBSCBS/gDif/pDifUF")
        ),
        Column(
            "percentual_diferimento_ibs_municipio",
            RATE,
            _dps("IBSCBS/valores/trib/gIBSCBS/gDif/pDifMun"),
        ),
        Column(
            "percentual_diferimento_cbs", RATE, _dps("IBSCBS/valores/trib/gIBSCBS/gDif/pDifCBS")
        ),
        Column("codigo_municipio_incidencia", Text(7), _nfse("IBSCBS/cLocalidadeIncid")),
        Column("local_incidencia", Text(600), _nfse("IBSCBS/xLocalidadeIncid")),
        Column("reducao_compra_governamental", RATE, _nfse("IBSCBS/pRedutor")),
        Column("valor_bc", Number(17, 2), _nfse("IBSCBS/valores/vBC")),
        Column("valor_reembolso", Number(17, 2), _nfse("IBSCBS/valores/vCalcReeRepRes")),
        Column("aliquota_ibs_uf", RATE, _nfse("IBSCBS/valores/uf/pIBSUF")),
        Column("percentual_reducao_ibs_uf", RATE, _nfse("IBSCBS/valores/uf/pRedAliqUF")),
        Column("aliquota_efetiva_ibs_uf", RATE, _nfse("IBSCBS/valores/uf/pAliqEfetUF")),
        Column("aliquota_ibs_municipio", RATE, _nfse("IBSCBS/valores/mun/pIBSMun")),
        Column("percentual_reducao_ibs_municipio", RATE, _nfse("IBSCBS/valores/mun/pRedAliqMun")),
        Column("aliquota_efetiva_ibs_municipio", RATE, _nfse("IBSCBS/valores/mun/pAliqEfetMun")),
        Column("aliquota_cbs", RATE, _nfse("IBSCBS/valores/fed/pCBS")),
        Column("percentual_reducao_cbs", RATE, _nfse("IBSCBS/valores/fed/pRedAliqCBS")),
        Column("aliquota_efetiva_cbs", RATE, _nfse("IBSCBS/valores/fed/pAliqEfetCBS")),
        Column("valor_total_nota", Number(17, 2), _nfse("IBSCBS/totCIBS/vTotNF")),
        Column("valor_ibs", Number(17, 2), _nfse("IBSCBS/totCIBS/gIBS/vIBSTot")),
        Column(
            "percentual_credito_presumido_ibs",
            RATE,
            _nfse("IBSCBS/totCIBS/gIBS/gIBSCredPres/pCredPresIBS"),
        ),
        Column(
            "valor_credito_presumido_ibs",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gIBS/gIBSCredPres/vCredPresIBS"),
        ),
        Column(
            "valor_diferido_ibs_uf", Number(17, 2), _nfse("IBSCBS/totCIBS/gIBS/gIBSUFTot/vDifUF")
        ),
        Column("valor_ibs_uf", Number(17, 2), _nfse("IBSCBS/totCIBS/gIBS/gIBSUFTot/vIBSUF")),
        Column(
            "valor_diferido_ibs_municipio",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gIBS/gIBSMunTot/vDifMun"),
        ),
        Column(
            "valor_ibs_municipio", Number(17, 2), _nfse("IBSCBS/totCIBS/gIBS/gIBSMunTot/vIBSMun")
        ),
        Column(
            "percentual_credito_presumido_cbs",
            RATE,
            _nfse("IBSCBS/totCIBS/gCBS/gCBSCredPres/pCredPresCBS"),
        ),
        Column(
            "valor_credito_presumido_cbs",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gCBS/gCBSCredPres/vCredPresCBS"),
        ),
        Column("valor_diferido_cbs", Number(17, 2), _nfse("IBSCBS/totCIBS/gCBS/vDifCBS")),
        Column("valor_cbs", Number(17, 2), _nfse("IBSCBS/totCIBS/gCBS/vCBS")),
        Column(
            "aliquota_regular_ibs_uf", RATE, _nfse("IBSCBS/totCIBS/gTribRegular/pAliqEfeRegIBSUF")
        ),
        Column(
            "valor_regular_ibs_uf",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gTribRegular/vTribRegIBSUF"),
        ),
        Column(
            "aliquota_regular_ibs_municipio",
            RATE,
            _nfse("IBSCBS/totCIBS/gTribRegular/pAliqEfeRegIBSMun"),
        ),
        Column(
            "valor_regular_ibs_municipio",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gTribRegular/vTribRegIBSMun"),
        ),
        Column("aliquota_regular_cbs", RATE, _nfse("IBSCBS/totCIBS/gTribRegular/pAliqEfeRegCBS")),
        Column(
            "valor_regular_cbs", Number(17, 2), _nfse("IBSCBS/totCIBS/gTribRegular/vTribRegCBS")
        ),
        Column("aliquota_compra_gov_ibs_uf", RATE, _nfse("IBSCBS/totCIBS/gTribCompraGov/pIBSUF")),
        Column(
            "valor_compra_gov_ibs_uf", Number(17, 2), _nfse("IBSCBS/totCIBS/gTribCompraGov/vIBSUF")
        ),
        Column(
            "aliquota_compra_gov_ibs_municipio",
            RATE,
            _nfse("IBSCBS/totCIBS/gTribCompraGov/pIBSMun"),
        ),
        Column(
            "valor_compra_gov_ibs_municipio",
            Number(17, 2),
            _nfse("IBSCBS/totCIBS/gTribCompraGov/vIBSMun"),
        ),
        Column("aliquota_compra_gov_cbs", RATE, _nfse("IBSCBS/totCIBS/gTribCompraGov/pCBS")),
        Column("valor_compra_gov_cbs", Number(17, 2), _nfse("IBSCBS/totCIBS/gTribCompraGov/vCBS")),
    ),
    parent="dfe_documentos",
    link="dfe_documento_id",
    repeats=False,
)

NFSE_TABLES = (
    NFSE_NOTA,
    NFSE_IBSCBS,
)
