"""Lays out an item's taxes (groups N to U), those of the reform among them."""

from nfed.documents.layout.columns import (
    BIG_INTEGER,
    MONEY,
    QUANTITY,
    QUANTITY_12,
    RATE,
    Column,
    Table,
    Text,
)

_IMPOSTO = "NFe/infNFe/det/imposto"
_MONO = "gIBSCBSMono"

NF_ITENS_IS = Table(
    "nf_itens_is",
    "The selective tax (IS) of an item.",
    (
        Column("cst", Text(3), "CSTIS"),
        Column("classificacao_tributaria", Text(6), "cClassTribIS"),
        Column("valor_bc", MONEY, "vBCIS"),
        Column("aliquota", RATE, "pIS"),
        Column("aliquota_especifica", RATE, "adRemIS|pISEspec"),
        Column("unidade_tributavel", Text(6), "uTrib"),
        Column("quantidade_tributavel", QUANTITY, "qTrib"),
        Column("valor_is", MONEY, "vIS"),
    ),
    element=f"{_IMPOSTO}/IS",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)


def _share(name: str, tag: str) -> tuple[Column, ...]:
    """One of the three parts: the state's and the municipality's IBS, and the CBS."""
    group = f"gIBSCBS/g{tag}"
    return (
        Column(f"aliquota_{name}", RATE, f"{group}/p{tag}"),
        Column(f"percentual_diferimento_{name}", RATE, f"{group}/gDif/pDif"),
        Column(f"valor_diferido_{name}", MONEY, f"{group}/gDif/vDif"),
        Column(f"percentual_devolucao_{name}", RATE, f"{group}/gDevTrib/pDevTrib"),
        Column(f"valor_devolvido_{name}", MONEY, f"{group}/gDevTrib/vDevTrib"),
        Column(f"percentual_reducao_{name}", RATE, f"{group}/gRed/pRedAliq"),
        Column(f"aliquota_efetiva_{name}", RATE, f"{group}/gRed/pAliqEfet"),
        Column(f"valor_{name}", MONEY, f"{group}/v{tag}"),
        Column(f"aliquota_regular_{name}", RATE, f"gIBSCBS/gTribRegular/pAliqEfetReg{tag}"),
        Column(f"valor_regular_{name}", MONEY, f"gIBSCBS/gTribRegular/vTribReg{tag}"),
        Column(f"aliquota_compra_gov_{name}", RATE, f"gIBSCBS/gTribCompraGov/pAliq{tag}"),
        Column(f"valor_compra_gov_{name}", MONEY, f"gIBSCBS/gTribCompraGov/vTrib{tag}"),
    )


def _mono_ad_rem(name: str, tag: str) -> tuple[Column, ...]:
    """Monophasic tax by quantity; up to version 1.30 of NT 2025.002 both taxes share their groups,
    and in the first versions there are none below gIBSCBSMono."""

    def either(path: str) -> str:
        first = path.rpartition("/")[2]
        return f"{_MONO}/g{tag}MonoAdRem/{path}|{_MONO}/{path}|{_MONO}/{first}"

    padrao, reten, ret = "gMonoPadrao", "gMonoReten", "gMonoRet"
    dif, bio = f"{_MONO}/gMonoDif", "gpBioDiferenca"
    return (
        Column(f"quantidade_mono_{name}", QUANTITY, either(f"{padrao}/qBCMono")),
        Column(f"aliquota_mono_{name}", RATE, either(f"{padrao}/adRem{tag}")),
        Column(f"valor_mono_{name}", MONEY, either(f"{padrao}/v{tag}Mono")),
        Column(f"quantidade_mono_retencao_{name}", QUANTITY, either(f"{reten}/qBCMonoReten")),
        Column(f"aliquota_mono_retencao_{name}", RATE, either(f"{reten}/adRem{tag}Reten")),
        Column(f"valor_mono_retencao_{name}", MONEY, either(f"{reten}/v{tag}MonoReten")),
        Column(f"quantidade_mono_retida_{name}", QUANTITY, either(f"{ret}/qBCMonoRet")),
        Column(f"aliquota_mono_retida_{name}", RATE, either(f"{ret}/adRem{tag}Ret")),
        Column(f"valor_mono_retido_{name}", MONEY, either(f"{ret}/v{tag}MonoRet")),
        Column(f"percentual_mono_diferimento_{name}", RATE, f"{dif}/pDif{tag}|{_MONO}/pDif{tag}"),
        Column(f"valor_mono_diferido_{name}", MONEY, f"{dif}/v{tag}MonoDif|{_MONO}/v{tag}MonoDif"),
        Column(f"quantidade_biocombustivel_{name}", QUANTITY, either(f"{bio}/qBCBioComb")),
        Column(f"valor_diferenca_mistura_{name}", MONEY, either(f"{bio}/v{tag}Diferenca")),
        Column(f"valor_total_mono_{name}", MONEY, f"{_MONO}/vTot{tag}MonoItem"),
    )


def _mono_ad_valorem(name: str, tag: str, shares: tuple[tuple[str, str], ...]) -> list[Column]:
    """Monophasic tax by value; `shares` are the parts of the IBS."""
    group = f"{_MONO}/g{tag}MonoAdValorem"
    columns = [Column(f"valor_bc_mono_valor_{name}", MONEY, f"{group}/gMonoPadrao/vBCMono")]
    for share, part in shares:
        path = f"{group}/gMonoPadrao"
        columns += [
            Column(f"aliquota_mono_valor_{share}", RATE, f"{path}/pAliqMono{part}"),
            Column(f"valor_mono_valor_{share}", MONEY, f"{path}/v{tag}Mono{part}"),
        ]
    reten, ret, bio = f"{group}/gMonoReten", f"{group}/gMonoRet", f"{group}/gpBioDiferenca"
    return [
        *columns,
        Column(f"valor_mono_valor_{name}", MONEY, f"{group}/gMonoPadrao/v{tag}Mono"),
        Column(f"valor_bc_mono_valor_retencao_{name}", MONEY, f"{reten}/vBCMonoReten"),
        Column(f"aliquota_mono_valor_retencao_{name}", RATE, f"{reten}/pAliqMonoReten"),
        Column(f"valor_mono_valor_retencao_{name}", MONEY, f"{reten}/v{tag}MonoReten"),
        Column(f"valor_mono_valor_retido_{name}", MONEY, f"{ret}/v{tag}MonoRet"),
        Column(f"quantidade_biocombustivel_valor_{name}", QUANTITY, f"{bio}/qBCBioComb"),
        Column(f"valor_diferenca_mistura_valor_{name}", MONEY, f"{bio}/v{tag}Diferenca"),
    ]


def _credit(name: str, tag: str) -> tuple[Column, ...]:
    """The columns of one tax's credits."""
    presumed = f"gCredPresOper/g{tag}CredPres"
    return (
        Column(f"valor_transferido_{name}", MONEY, f"gTransfCred/v{tag}"),
        Column(f"valor_ajuste_{name}", MONEY, f"gAjusteCompet/v{tag}"),
        Column(f"valor_estornado_{name}", MONEY, f"gEstornoCred/v{tag}EstCred"),
        Column(f"percentual_credito_presumido_{name}", RATE, f"{presumed}/pCredPres"),
        Column(f"valor_credito_presumido_{name}", MONEY, f"{presumed}/vCredPres"),
        Column(f"valor_credito_presumido_suspenso_{name}", MONEY, f"{presumed}/vCredPresCondSus"),
    )


_ZFM = "gIBSCBS/gCBS/gALCZFMCBS"

NF_ITENS_IBSCBS = Table(
    "nf_itens_ibscbs",
    "IBS and CBS of an item, whatever its CST.",
    (
        Column("cst", Text(3), "CST"),
        Column("classificacao_tributaria", Text(6), "cClassTrib"),
        Column("indicador_doacao", Text(1), "indDoacao"),
        Column("valor_bc", MONEY, "gIBSCBS/vBC"),
        *_share("ibs_uf", "IBSUF"),
        *_share("ibs_municipio", "IBSMun"),
        Column("valor_ibs", MONEY, "gIBSCBS/vIBS"),
        *_share("cbs", "CBS"),
        Column("tipo_zfm_alc_cbs", Text(1), f"{_ZFM}/tpALCZFMCBS"),
        Column("numero_processo_suframa", Text(12), f"{_ZFM}/nProcSuframa"),
        Column("aliquota_regular_zfm_cbs", RATE, f"{_ZFM}/pAliqEfetRegCBS"),
        Column("valor_regular_zfm_cbs", MONEY, f"{_ZFM}/vTribRegCBS"),
        Column("cst_regular", Text(3), "gIBSCBS/gTribRegular/CSTReg"),
        Column("classificacao_tributaria_regular", Text(6), "gIBSCBS/gTribRegular/cClassTribReg"),
        *_mono_ad_rem("ibs", "IBS"),
        *_mono_ad_rem("cbs", "CBS"),
        *_mono_ad_valorem("ibs", "IBS", (("ibs_uf", "UF"), ("ibs_municipio", "Mun"))),
        *_mono_ad_valorem("cbs", "CBS", ()),
        Column(
            "aliquota_mono_valor_cbs", RATE, f"{_MONO}/gCBSMonoAdValorem/gMonoPadrao/pAliqMonoCBS"
        ),
        Column("competencia_ajuste", Text(7), "gAjusteCompet/competApur"),
        Column("valor_bc_credito_presumido", MONEY, "gCredPresOper/vBCCredPres"),
        Column("codigo_credito_presumido", Text(2), "gCredPresOper/cCredPres"),
        *_credit("ibs", "IBS"),
        *_credit("cbs", "CBS"),
        Column("competencia_credito_zfm", Text(7), "gCredPresIBSZFM/competApur"),
        Column("tipo_credito_zfm", Text(1), "gCredPresIBSZFM/tpCredPresIBSZFM"),
        Column("valor_credito_zfm", MONEY, "gCredPresIBSZFM/vCredPresIBSZFM"),
    ),
    element=f"{_IMPOSTO}/IBSCBS",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)


_DET = "NFe/infNFe/det"

NF_ITENS_ICMS = Table(
    "nf_itens_icms",
    "ICMS of an item, whatever its group (N), and the share of the destination's state (NA).",
    (
        Column("origem", Text(1), "ICMS/*/orig"),
        Column("cst", Text(3), "ICMS/*/CST"),
        Column("csosn", Text(4), "ICMS/*/CSOSN"),
        Column("modalidade_bc", Text(1), "ICMS/*/modBC"),
        Column("percentual_reducao_bc", RATE, "ICMS/*/pRedBC"),
        Column("valor_bc", MONEY, "ICMS/*/vBC"),
        Column("aliquota", RATE, "ICMS/*/pICMS"),
        Column("valor_icms", MONEY, "ICMS/*/vICMS"),
        Column("valor_icms_desonerado", MONEY, "ICMS/*/vICMSDeson"),
        Column("motivo_desoneracao", Text(2), "ICMS/*/motDesICMS"),
        Column("percentual_fcp", RATE, "ICMS/*/pFCP"),
        Column("valor_fcp", MONEY, "ICMS/*/vFCP"),
        Column("modalidade_bc_st", Text(1), "ICMS/*/modBCST"),
        Column("percentual_mva_st", RATE, "ICMS/*/pMVAST"),
        Column("percentual_reducao_bc_st", RATE, "ICMS/*/pRedBCST"),
        Column("valor_bc_st", MONEY, "ICMS/*/vBCST"),
        Column("aliquota_st", RATE, "ICMS/*/pICMSST"),
        Column("valor_icms_st", MONEY, "ICMS/*/vICMSST"),
        Column("percentual_fcp_st", RATE, "ICMS/*/pFCPST"),
        Column("valor_fcp_st", MONEY, "ICMS/*/vFCPST"),
        Column("percentual_bc_operacao", RATE, "ICMS/*/pBCOp"),
        Column("aliquota_icms_uf_destino", RATE, "ICMSUFDest/pICMSUFDest"),
        Column("aliquota_interestadual", RATE, "ICMSUFDest/pICMSInter"),
        Column("percentual_provisorio", RATE, "ICMSUFDest/pICMSInterPart"),
        Column("valor_icms_efetivo", MONEY, "ICMS/*/vICMSEfet"),
        Column("aliquota_credito_sn", RATE, "ICMS/*/pCredSN"),
        Column("valor_credito_sn", MONEY, "ICMS/*/vCredICMSSN"),
        Column("quantidade_bc_mono", QUANTITY, "ICMS/*/qBCMono"),
        Column("aliquota_icms_mono", RATE, "ICMS/*/adRemICMS"),
        Column("valor_icms_mono", MONEY, "ICMS/*/vICMSMono"),
        Column("valor_bc_uf_destino", MONEY, "ICMSUFDest/vBCUFDest"),
        Column("valor_bc_fcp_uf_destino", MONEY, "ICMSUFDest/vBCFCPUFDest"),
        Column("percentual_fcp_uf_destino", RATE, "ICMSUFDest/pFCPUFDest"),
        Column("aliquota_interna_uf_destino", RATE, "ICMSUFDest/pICMSUFDest"),
        Column("aliquota_interestadual_uf_envolvidas", RATE, "ICMSUFDest/pICMSInter"),
        Column("percentual_provisorio_partilha", RATE, "ICMSUFDest/pICMSInterPart"),
        Column("valor_icms_uf_destino", MONEY, "ICMSUFDest/vICMSUFDest"),
        Column("valor_icms_uf_remetente", MONEY, "ICMSUFDest/vICMSUFRemet"),
        Column("valor_fcp_uf_destino", MONEY, "ICMSUFDest/vFCPUFDest"),
        Column("grupo", Text(20), "ICMS/*/name()", "ICMS00, ICMSPart, ICMSSN101 …"),
        Column("valor_bc_fcp", MONEY, "ICMS/*/vBCFCP"),
        Column("valor_bc_fcp_st", MONEY, "ICMS/*/vBCFCPST"),
        Column("valor_bc_fcp_st_retido", MONEY, "ICMS/*/vBCFCPSTRet"),
        Column("percentual_fcp_st_retido", RATE, "ICMS/*/pFCPSTRet"),
        Column("valor_fcp_st_retido", MONEY, "ICMS/*/vFCPSTRet"),
        Column("valor_icms_operacao", MONEY, "ICMS/*/vICMSOp"),
        Column("percentual_diferimento", RATE, "ICMS/*/pDif"),
        Column("valor_icms_diferido", MONEY, "ICMS/*/vICMSDif"),
        Column("percentual_fcp_diferimento", RATE, "ICMS/*/pFCPDif"),
        Column("valor_fcp_diferido", MONEY, "ICMS/*/vFCPDif"),
        Column("valor_fcp_efetivo", MONEY, "ICMS/*/vFCPEfet"),
        Column("codigo_beneficio_reducao_bc", Text(10), "ICMS/*/cBenefRBC"),
        Column("indicador_deduz_desoneracao", Text(1), "ICMS/*/indDeduzDeson"),
        Column("valor_icms_st_desonerado", MONEY, "ICMS/*/vICMSSTDeson"),
        Column("motivo_desoneracao_st", Text(2), "ICMS/*/motDesICMSST"),
        Column("uf_st", Text(2), "ICMS/*/UFST"),
        Column("valor_bc_st_retido", MONEY, "ICMS/*/vBCSTRet"),
        Column("aliquota_consumidor_final", RATE, "ICMS/*/pST"),
        Column("valor_icms_substituto", MONEY, "ICMS/*/vICMSSubstituto"),
        Column("valor_icms_st_retido", MONEY, "ICMS/*/vICMSSTRet"),
        Column("valor_bc_st_destino", MONEY, "ICMS/*/vBCSTDest"),
        Column("valor_icms_st_destino", MONEY, "ICMS/*/vICMSSTDest"),
        Column("percentual_reducao_bc_efetiva", RATE, "ICMS/*/pRedBCEfet"),
        Column("valor_bc_efetiva", MONEY, "ICMS/*/vBCEfet"),
        Column("aliquota_efetiva", RATE, "ICMS/*/pICMSEfet"),
        Column("valor_icms_mono_operacao", MONEY, "ICMS/*/vICMSMonoOp"),
        Column("percentual_reducao_ad_rem", RATE, "ICMS/*/pRedAdRem"),
        Column("motivo_reducao_ad_rem", Text(1), "ICMS/*/motRedAdRem"),
        Column("quantidade_bc_mono_retencao", QUANTITY, "ICMS/*/qBCMonoReten"),
        Column("aliquota_icms_mono_retencao", RATE, "ICMS/*/adRemICMSReten"),
        Column("valor_icms_mono_retencao", MONEY, "ICMS/*/vICMSMonoReten"),
        Column("quantidade_bc_mono_diferido", QUANTITY, "ICMS/*/qBCMonoDif"),
        Column("aliquota_icms_mono_diferido", RATE, "ICMS/*/adRemICMSDif"),
        Column("valor_icms_mono_diferido", MONEY, "ICMS/*/vICMSMonoDif"),
        Column("quantidade_bc_mono_retido", QUANTITY, "ICMS/*/qBCMonoRet"),
        Column("aliquota_icms_mono_retido", RATE, "ICMS/*/adRemICMSRet"),
        Column("valor_icms_mono_retido", MONEY, "ICMS/*/vICMSMonoRet"),
    ),
    element=f"{_DET}/imposto",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)

NF_ITENS_IPI = Table(
    "nf_itens_ipi",
    "IPI of an item (group O).",
    (
        Column("cnpj_produtor", Text(14), "CNPJProd"),
        Column("codigo_selo_controle", Text(60), "cSelo"),
        Column("quantidade_selo_controle", BIG_INTEGER, "qSelo"),
        Column("codigo_enquadramento_legal", Text(3), "cEnq"),
        Column("cst", Text(2), "IPITrib/CST|IPINT/CST"),
        Column("valor_bc", MONEY, "IPITrib/vBC"),
        Column("quantidade_unidade", QUANTITY_12, "IPITrib/qUnid"),
        Column("aliquota", RATE, "IPITrib/pIPI"),
        Column("valor_unidade", QUANTITY, "IPITrib/vUnid"),
        Column("valor_ipi", MONEY, "IPITrib/vIPI"),
        Column("classe_enquadramento", Text(5), "clEnq", "layouts before 4.00"),
    ),
    element=f"{_DET}/imposto/IPI",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)


def _contribution(tax: str, tag: str) -> Table:
    """PIS (groups Q, R) and COFINS (groups S, T) have one form."""
    return Table(
        f"nf_itens_{tax}",
        f"{tag} of an item, and {tag}ST.",
        (
            Column("cst", Text(2), f"{tag}/*/CST"),
            Column("valor_bc", MONEY, f"{tag}/*/vBC"),
            Column("aliquota", RATE, f"{tag}/*/p{tag}"),
            Column("quantidade_vendida", QUANTITY_12, f"{tag}/*/qBCProd"),
            Column("aliquota_reais", QUANTITY, f"{tag}/*/vAliqProd"),
            Column(f"valor_{tax}", MONEY, f"{tag}/*/v{tag}"),
            Column("valor_bc_st", MONEY, f"{tag}ST/vBC"),
            Column("aliquota_st", RATE, f"{tag}ST/p{tag}"),
            Column("quantidade_vendida_st", QUANTITY_12, f"{tag}ST/qBCProd"),
            Column("aliquota_reais_st", QUANTITY, f"{tag}ST/vAliqProd"),
            Column(f"valor_{tax}_st", MONEY, f"{tag}ST/v{tag}"),
            Column(f"indicador_soma_{tax}_st", Text(1), f"{tag}ST/indSoma{tag}ST"),
        ),
        element=f"{_DET}/imposto",
        parent="nf_itens",
        link="nf_item_id",
        repeats=False,
    )


NF_ITENS_II = Table(
    "nf_itens_ii",
    "Import duty of an item (group P).",
    (
        Column("valor_bc", MONEY, "vBC"),
        Column("valor_despesas_aduaneiras", MONEY, "vDespAdu"),
        Column("valor_iof", MONEY, "vIOF"),
        Column("valor_ii", MONEY, "vII"),
    ),
    element=f"{_DET}/imposto/II",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)

NF_ITENS_ISSQN = Table(
    "nf_itens_issqn",
    "ISSQN of an item (group U).",
    (
        Column("valor_bc", MONEY, "vBC"),
        Column("aliquota", RATE, "vAliq"),
        Column("valor_issqn", MONEY, "vISSQN"),
        Column("codigo_municipio_incidencia", Text(7), "cMunFG"),
        Column("codigo_servico", Text(20), "cListServ"),
        Column("valor_deducao", MONEY, "vDeducao"),
        Column("valor_outras_retencoes", MONEY, "vOutro"),
        Column("valor_desconto_incondicionado", MONEY, "vDescIncond"),
        Column("valor_desconto_condicionado", MONEY, "vDescCond"),
        Column("valor_retencao_iss", MONEY, "vISSRet"),
        Column("indicador_iss", Text(2), "indISS"),
        Column("codigo_servico_municipio", Text(20), "cServico"),
        Column("codigo_municipio_geracao_credito", Text(7), "cMun"),
        Column("codigo_pais", Text(4), "cPais"),
        Column("numero_processo", Text(30), "nProcesso"),
        Column("indicador_incentivo_fiscal", Text(1), "indIncentivo"),
        Column("situacao_tributaria", Text(1), "cSitTrib", "layout 2.00"),
    ),
    element=f"{_DET}/imposto/ISSQN",
    parent="nf_itens",
    link="nf_item_id",
    repeats=False,
)

TAX_TABLES = (
    NF_ITENS_ICMS,
    NF_ITENS_IPI,
    _contribution("pis", "PIS"),
    _contribution("cofins", "COFINS"),
    NF_ITENS_II,
    NF_ITENS_ISSQN,
    NF_ITENS_IS,
    NF_ITENS_IBSCBS,
)
