"""The layout of the reform's taxes of an item: IS (group UA), IBS and CBS (group UB).

NT 2025.002; the places of monophasic amounts in its versions up to 1.30 are alternatives.
"""

from daemon.documents.layout import MONEY, QUANTITY, RATE, Column, Table, Text

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
    """Monophasic tax by quantity; up to version 1.30 both taxes share their groups."""

    def either(path: str) -> str:
        return f"{_MONO}/g{tag}MonoAdRem/{path}|{_MONO}/{path}"

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
        Column(f"percentual_mono_diferimento_{name}", RATE, f"{dif}/pDif{tag}"),
        Column(f"valor_mono_diferido_{name}", MONEY, f"{dif}/v{tag}MonoDif"),
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
    """What the credits of one tax come to."""
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
