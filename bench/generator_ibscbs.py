"""The taxes of the reform, on one item and in the totals: IBS, CBS and the selective tax."""

from decimal import Decimal

from bench.generator_campos import MONEY, ZERO, group, money, optional_group, percent, tags
from bench.generator_operacao import Det, Somas

# Of the test year 2026, and of the years after it.
_RATES_2026 = {"IBSUF": Decimal("0.1000"), "IBSMun": Decimal("0.0000"), "CBS": Decimal("0.9000")}
_RATES_LATER = {"IBSUF": Decimal("8.8500"), "IBSMun": Decimal("8.8125"), "CBS": Decimal("8.8000")}
_NAMES = tuple(_RATES_2026)


def imposto_seletivo(det: Det) -> str:
    """The `<IS>` of the item, by value or also by unit."""
    dice = det.dice
    head = tags(CSTIS="000", cClassTribIS="000001")
    if dice.chance(4):
        return group("IS", head)
    aliquota = dice.rate(1, 9)
    valor = percent(det.base, aliquota)
    det.somas["IS.vIS"] += valor
    unidade = ""
    if dice.chance(2):
        unidade = tags(adRemIS="0.2500", uTrib="L", qTrib=det.quantidade)
    return group("IS", head, tags(vBCIS=det.base, pIS=aliquota), unidade, tags(vIS=valor))


def ibs_cbs(det: Det) -> str:
    """The `<IBSCBS>` of the item; its CST says which of the inner groups it has."""
    dice = det.dice
    fin_nfe = det.op.natureza.fin_nfe
    cst = dice.pick(("000", "000", "000", "200", "510", "515", "550", "410"))
    if det.combustivel:
        cst = "620"
    elif fin_nfe in ("5", "6") and dice.chance(2):
        cst = dice.pick(("800", "811"))
    head = tags(CST=cst, cClassTrib=f"{cst}{dice.number(1, 9):03d}")
    head += tags(indDoacao="1") if dice.chance(20) else ""
    match cst:
        case "410":
            inside = ""
        case "620":
            inside = _monofasia(det)
        case "800":
            inside = group("gTransfCred", _par(det))
        case "811":
            inside = group("gAjusteCompet", tags(competApur=_mes(det)), _par(det))
        case _:
            inside = _g_ibs_cbs(det, cst)
    return group("IBSCBS", head, inside, _estorno(det), _credito_presumido(det))


def totais(somas: Somas) -> str:
    """The `<ISTot>` and the `<IBSCBSTot>` of a note."""
    ibs = "".join(
        group(
            f"g{name}",
            tags(vDif=somas[f"{name}.vDif"], vDevTrib=somas[f"{name}.vDevTrib"]),
            tags(**{f"v{name}": somas[f"{name}.v{name}"]}),
        )
        for name in ("IBSUF", "IBSMun")
    )
    creditos = {
        name: tags(vCredPres=somas[f"{name}.vCredPres"])
        + tags(vCredPresCondSus=somas[f"{name}.vCredPresCondSus"])
        for name in ("IBS", "CBS")
    }
    cbs = tags(vDif=somas["CBS.vDif"], vDevTrib=somas["CBS.vDevTrib"], vCBS=somas["CBS.vCBS"])
    mono = tags(**{name: somas[f"Mono.{name}"] for name in _MONO}) if "Mono" in somas else ""
    estorno = ""
    if "Est.vIBSEstCred" in somas:
        estorno = tags(vIBSEstCred=somas["Est.vIBSEstCred"], vCBSEstCred=somas["Est.vCBSEstCred"])
    seletivo = group("ISTot", tags(vIS=somas["IS.vIS"])) if "IS.vIS" in somas else ""
    return seletivo + group(
        "IBSCBSTot",
        tags(vBCIBSCBS=somas["IBS.vBC"]),
        group("gIBS", ibs, tags(vIBS=somas["IBS.vIBS"]), creditos["IBS"]),
        group("gCBS", cbs, creditos["CBS"]),
        optional_group("gMono", mono),
        optional_group("gEstornoCred", estorno),
    )


_MONO = (
    "vIBSMono",
    "vCBSMono",
    "vIBSMonoReten",
    "vCBSMonoReten",
    "vIBSMonoRet",
    "vCBSMonoRet",
)


def _g_ibs_cbs(det: Det, cst: str) -> str:
    dice = det.dice
    rates = _RATES_LATER if dice.chance(5) else _RATES_2026
    reducao = dice.pick(_REDUCOES) if cst in ("200", "515") else None
    parte = dice.rate(10, 100) if cst in ("510", "515") else None
    devolve = dice.chance(10)
    parts = {name: _um(det, name, rates[name], reducao, parte, devolve) for name in _NAMES}
    ibs = parts["IBSUF"][1] + parts["IBSMun"][1]
    det.somas["IBS.vBC"] += det.base
    det.somas["IBS.vIBS"] += ibs
    return group(
        "gIBSCBS",
        tags(vBC=det.base),
        *(parts["IBSUF"][0], parts["IBSMun"][0], tags(vIBS=ibs), parts["CBS"][0]),
        _tributacao_regular(det, rates) if cst == "550" else "",
        _compra_governamental(det, rates) if det.op.compra_gov else "",
    )


_REDUCOES = (Decimal("60.0000"), Decimal("30.0000"), Decimal("40.0000"), Decimal("100.0000"))


def _um(
    det: Det,
    name: str,
    rate: Decimal,
    reducao: Decimal | None,
    parte: Decimal | None,
    devolve: bool,
) -> tuple[str, Decimal]:
    """One of the three taxes: the group, and the amount that is left to pay."""
    red, effective = "", rate
    if reducao is not None:
        cut = MONEY.multiply(rate, reducao) / 100
        effective = (rate - cut).quantize(Decimal("0.0001"), context=MONEY)
        red = group("gRed", tags(pRedAliq=reducao, pAliqEfet=effective))
    valor = percent(det.base, effective)
    dif = ""
    if parte is not None:
        adiado = percent(valor, parte)
        valor -= adiado
        det.somas[f"{name}.vDif"] += adiado
        dif = group("gDif", tags(pDif=parte, vDif=adiado))
    devolvido = ""
    if devolve:
        volta = percent(valor, Decimal(20))
        valor -= volta
        det.somas[f"{name}.vDevTrib"] += volta
        devolvido = group("gDevTrib", tags(pDevTrib="20.0000", vDevTrib=volta))
    det.somas[f"{name}.v{name}"] += valor
    rates, amount = {f"p{name}": rate}, {f"v{name}": valor}
    zona_franca = ""
    if name == "CBS" and det.op.destino.uf == "AM" and det.dice.chance(2):
        regular = tags(pAliqEfetRegCBS=rate, vTribRegCBS=percent(det.base, rate))
        zona_franca = group("gALCZFMCBS", tags(tpALCZFMCBS="1"), regular)
    return group(f"g{name}", tags(**rates), dif, devolvido, red, zona_franca, tags(**amount)), valor


def _tributacao_regular(det: Det, rates: dict[str, Decimal]) -> str:
    parts = (
        tags(**{f"pAliqEfetReg{name}": rates[name]})
        + tags(**{f"vTribReg{name}": percent(det.base, rates[name])})
        for name in _NAMES
    )
    return group("gTribRegular", tags(CSTReg="000", cClassTribReg="000001"), *parts)


def _compra_governamental(det: Det, rates: dict[str, Decimal]) -> str:
    parts = (
        tags(**{f"pAliq{name}": rates[name]})
        + tags(**{f"vTrib{name}": percent(det.base, rates[name])})
        for name in _NAMES
    )
    return group("gTribCompraGov", *parts)


def _monofasia(det: Det) -> str:
    """Fuel: taxed by the litre, of which a part may be for the next in the chain."""
    blocks: dict[str, Decimal] = {}
    for name in ("IBS", "CBS"):
        por_litro = det.dice.decimal(1_000, 9_999, 4)
        valor = money(det.quantidade * por_litro)
        det.somas[f"Mono.v{name}Mono"] += valor
        blocks[name] = valor
        blocks[f"{name} rate"] = por_litro
    det.somas["Mono"] += ZERO
    retido = det.dice.chance(3)
    parts = []
    for name in ("IBS", "CBS"):
        padrao: dict[str, Decimal] = {
            "qBCMono": det.quantidade,
            f"adRem{name}": blocks[f"{name} rate"],
            f"v{name}Mono": blocks[name],
        }
        anterior = ""
        if retido:
            valor = percent(blocks[name], Decimal("12.5"))
            det.somas[f"Mono.v{name}MonoRet"] += valor
            anterior = group("gMonoRet", tags(**{f"v{name}MonoRet": valor}))
        parts.append(group(f"g{name}MonoAdRem", group("gMonoPadrao", tags(**padrao)), anterior))
    total = tags(vTotIBSMonoItem=blocks["IBS"], vTotCBSMonoItem=blocks["CBS"])
    return group("gIBSCBSMono", *parts, total)


def _par(det: Det) -> str:
    """A pair of IBS and CBS that moves credits between taxpayers or months, not into totals."""
    return tags(vIBS=percent(det.base, Decimal("0.1")), vCBS=percent(det.base, Decimal("0.9")))


def _mes(det: Det) -> str:
    return f"{det.op.emitida_em:%Y-%m}"


def _estorno(det: Det) -> str:
    if not det.dice.chance(12):
        return ""
    ibs, cbs = percent(det.base, Decimal("0.05")), percent(det.base, Decimal("0.45"))
    det.somas["Est.vIBSEstCred"] += ibs
    det.somas["Est.vCBSEstCred"] += cbs
    return group("gEstornoCred", tags(vIBSEstCred=ibs, vCBSEstCred=cbs))


def _credito_presumido(det: Det) -> str:
    dice = det.dice
    if not dice.chance(10):
        return ""
    if dice.chance(3):
        valor = percent(det.base, Decimal("0.075"))
        inside = tags(competApur=_mes(det), tpCredPresIBSZFM="2", vCredPresIBSZFM=valor)
        return group("gCredPresIBSZFM", inside)
    tag = dice.pick(("vCredPres", "vCredPresCondSus"))
    parts = []
    for name, rate in (("IBS", Decimal("0.0500")), ("CBS", Decimal("0.4500"))):
        valor = percent(det.base, rate)
        det.somas[f"{name}.{tag}"] += valor
        parts.append(group(f"g{name}CredPres", tags(pCredPres=rate), tags(**{tag: valor})))
    codigo = f"{dice.number(1, 13):02d}"
    return group("gCredPresOper", tags(vBCCredPres=det.base, cCredPres=codigo), *parts)
