"""The taxes of one item that have a few forms each: IPI, II, ISSQN, PIS, COFINS, DIFAL."""

from decimal import Decimal

from bench.generator_campos import ZERO, Campo, group, money, percent, tags
from bench.generator_operacao import Det

_ENTIRE = Decimal("100.00")


def ipi(det: Det, *, tributado: bool) -> str:
    """The `<IPI>` of the item, ad valorem or by unit, or not taxed."""
    dice = det.dice
    head = tags(CNPJProd=dice.cnpj() if dice.chance(6) else None)
    head += tags(cSelo="9710", qSelo=dice.whole(9)) if dice.chance(6) else ""
    head += tags(cEnq=dice.pick(("999", "301", "1")))
    if not tributado:
        cst = dice.pick(("01", "02", "03", "04", "05", "51", "52", "53", "54", "55"))
        return group("IPI", head, group("IPINT", tags(CST=cst)))
    if dice.chance(4):
        por_unidade = dice.decimal(1, 19_999, 4)
        valor = money(det.quantidade * por_unidade)
        inside = tags(CST=dice.pick(_IPI), qUnid=det.quantidade, vUnid=por_unidade, vIPI=valor)
    else:
        aliquota = dice.rate(0, 20)
        valor = percent(det.base, aliquota)
        inside = tags(CST=dice.pick(_IPI), vBC=det.base, pIPI=aliquota, vIPI=valor)
    det.somas.add(vIPI=valor)
    return group("IPI", head, group("IPITrib", inside))


_IPI = ("00", "49", "50", "99")


def ipi_plain(det: Det) -> str:
    """Taxed ad valorem at one rate."""
    valor = percent(det.base, _IPI_PLAIN)
    det.somas.add(vIPI=valor)
    trib = tags(CST="50", vBC=det.base, pIPI=_IPI_PLAIN, vIPI=valor)
    return group("IPI", tags(cEnq="999"), group("IPITrib", trib))


_IPI_PLAIN = Decimal("9.7500")


def imposto_importacao(det: Det) -> str:
    """The `<II>` of an imported item."""
    dice = det.dice
    valor = percent(det.base, dice.rate(1, 35))
    det.somas.add(vII=valor)
    despesas = dice.reais(0, 900)
    iof = percent(det.base, Decimal("0.38")) if dice.chance(3) else ZERO
    return group("II", tags(vBC=det.base, vDespAdu=despesas, vII=valor, vIOF=iof))


def issqn(det: Det) -> str:
    """The `<ISSQN>` of a service."""
    dice, lugar = det.dice, det.op.emitente.lugar
    deducao = percent(det.base, dice.rate(1, 9)) if dice.chance(3) else ZERO
    base, aliquota = det.base - deducao, dice.rate(2, 5)
    valor = percent(base, aliquota)
    retido = percent(base, dice.rate(1, 2)) if dice.chance(3) else ZERO
    condicionado = percent(base, dice.rate(1, 2)) if dice.chance(4) else ZERO
    for name, amount in (
        ("ISS.vBC", base),
        ("ISS.vISS", valor),
        ("ISS.vDeducao", deducao),
        ("ISS.vDescCond", condicionado),
        ("ISS.vISSRet", retido),
    ):
        det.somas[name] += amount
    return group(
        "ISSQN",
        tags(vBC=base, vAliq=aliquota, vISSQN=valor, cMunFG=lugar.c_mun),
        tags(cListServ=dice.pick(("14.01", "17.06", "01.07")), vDeducao=deducao or None),
        tags(vDescCond=condicionado or None, vISSRet=retido or None),
        tags(indISS=dice.pick(("1", "2", "3", "6")), cServico=dice.digits(6)),
        tags(cMun=lugar.c_mun, cPais="1058") if dice.chance(2) else "",
        tags(nProcesso=dice.digits(20)) if dice.chance(4) else "",
        tags(indIncentivo=dice.pick("12")),
    )


def contribuicoes(det: Det) -> str:
    """`<PIS>`, `<PISST>`, `<COFINS>` and `<COFINSST>`; the last of each pair is rare."""
    forma = "NT" if det.isento else det.dice.pick(("Aliq", "Aliq", "Aliq", "Qtde", "NT", "Outr"))
    com_st = not det.isento and det.dice.chance(16)
    return "".join(
        _contribuicao(det, nome, forma) + (_contribuicao_st(det, nome) if com_st else "")
        for nome in ("PIS", "COFINS")
    )


def contribuicoes_plain(det: Det) -> str:
    """Both by their rates outside the cumulative regime, 1.65 % and 7.60 %."""
    return "".join(
        group(nome, group(f"{nome}Aliq", _por_aliquota(det, nome, "01", rate)))
        for nome, rate in (("PIS", _PIS), ("COFINS", _COFINS))
    )


_PIS, _COFINS = Decimal("1.6500"), Decimal("7.6000")


def difal(det: Det) -> str:
    """The `<ICMSUFDest>` of a sale to a non-taxpayer of another state."""
    dice = det.dice
    inter = dice.pick(("4.00", "7.00", "12.00"))
    interna = dice.rate(17, 22)
    valor = percent(det.base, interna - Decimal(inter))
    det.somas.add(vICMSUFDest=valor, vICMSUFRemet=ZERO)
    com_fcp, aliquota_fcp = dice.chance(2), dice.rate(1, 2)
    fcp = percent(det.base, aliquota_fcp) if com_fcp else ZERO
    det.somas.add(vFCPUFDest=fcp)
    return group(
        "ICMSUFDest",
        tags(vBCUFDest=det.base),
        tags(vBCFCPUFDest=det.base, pFCPUFDest=aliquota_fcp) if com_fcp else "",
        tags(pICMSUFDest=interna, pICMSInter=inter, pICMSInterPart=_ENTIRE),
        tags(vFCPUFDest=fcp if com_fcp else None, vICMSUFDest=valor, vICMSUFRemet=ZERO),
    )


def imposto_devolvido(det: Det) -> str:
    """The `<impostoDevol>` of a returned item."""
    parte = det.dice.pick((_ENTIRE, Decimal("50.00"), Decimal("33.33")))
    valor = percent(percent(det.base, det.dice.rate(1, 15)), parte)
    det.somas.add(vIPIDevol=valor)
    return group("impostoDevol", tags(pDevol=parte), group("IPI", tags(vIPIDevol=valor)))


def _contribuicao(det: Det, nome: str, forma: str) -> str:
    dice = det.dice
    if forma == "NT":
        inside = tags(CST=dice.pick(("04", "05", "06", "07", "08", "09")))
    elif forma == "Aliq":
        inside = _por_aliquota(det, nome, dice.pick(("01", "02")), dice.rate(0, 9))
    elif forma == "Qtde":
        inside = _por_quantidade(det, nome, "03")
    elif dice.chance(3):
        inside = _por_quantidade(det, nome, dice.pick(("49", "98")))
    else:
        inside = _por_aliquota(det, nome, dice.pick(("49", "50", "75", "99")), dice.rate(0, 9))
    return group(nome, group(f"{nome}{forma}", inside))


def _por_aliquota(det: Det, nome: str, cst: str, aliquota: Decimal) -> str:
    valor = _soma_contribuicao(det, nome, percent(det.base, aliquota))
    fields: dict[str, Campo] = {f"p{nome}": aliquota, f"v{nome}": valor}
    return tags(CST=cst, vBC=det.base, **fields)


def _por_quantidade(det: Det, nome: str, cst: str) -> str:
    por_unidade = det.dice.decimal(1, 29_999, 4)
    valor = _soma_contribuicao(det, nome, money(det.quantidade * por_unidade))
    fields: dict[str, Campo] = {f"v{nome}": valor}
    return tags(CST=cst, qBCProd=det.quantidade, vAliqProd=por_unidade, **fields)


def _soma_contribuicao(det: Det, nome: str, valor: Decimal) -> Decimal:
    det.somas[f"ISS.v{nome}" if det.servico else f"v{nome}"] += valor
    return valor


def _contribuicao_st(det: Det, nome: str) -> str:
    """Never added to vNF (indSoma...ST 1 would), because rule W16-10 does not say how."""
    dice = det.dice
    if dice.chance(2):
        aliquota = dice.rate(1, 9)
        valor = percent(det.base, aliquota)
        # PISST/vBC is of the type that does not hold 0.00.
        head = tags(vBC=max(det.base, Decimal("0.01")), **{f"p{nome}": aliquota})
    else:
        por_unidade = dice.decimal(1, 29_999, 4)
        valor = money(det.quantidade * por_unidade)
        head = tags(qBCProd=det.quantidade, vAliqProd=por_unidade)
    soma = {f"indSoma{nome}ST": "0" if dice.chance(2) else None}
    return group(f"{nome}ST", head, tags(**{f"v{nome}": valor}), tags(**soma))
