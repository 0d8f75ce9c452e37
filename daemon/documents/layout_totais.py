"""Columns of notas_fiscais that hold totals (group W), beside those that users have."""

from daemon.documents.layout import DATE, MONEY, Column, Text

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
