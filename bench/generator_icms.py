"""The `<ICMS>` of one item, in each of its twenty groups."""

from collections.abc import Callable
from decimal import Decimal

from bench.generator_campos import ZERO, group, money, percent, tags
from bench.generator_operacao import Det


def icms(det: Det) -> str:
    """The `<ICMS>` of the item, one of the twenty groups."""
    grupo = det.dice.pick(_grupos(det))
    return group("ICMS", group(grupo, _GRUPOS[grupo](det)))


def icms00(det: Det) -> str:
    """Taxed in full, and nothing else."""
    return group("ICMS", group("ICMS00", _origem(det, CST="00"), _propria(det, det.base)))


def _grupos(det: Det) -> tuple[str, ...]:
    if det.isento:
        return ("ICMSSN102",) if det.op.emitente.simples else ("ICMS40",)
    if det.combustivel:
        return ("ICMS02", "ICMS15", "ICMS53", "ICMS61")
    if det.op.modelo == "65":
        return _SN_65 if det.op.emitente.simples else _CST_65
    return _SN_55 if det.op.emitente.simples else _CST_55


def _origem(det: Det, **codigo: str) -> str:
    return tags(orig=det.dice.pick("00000012345678"), **codigo)


def _propria(det: Det, base: Decimal) -> str:
    aliquota = det.dice.rate(4, 22)
    valor = percent(base, aliquota)
    det.somas.add(vBC=base, vICMS=valor)
    return tags(modBC=det.dice.pick("0123"), vBC=base, pICMS=aliquota, vICMS=valor)


def _reduzida(det: Det, *, base_first: bool = False) -> str:
    """The own tax over a reduced base; the schema has pRedBC on either side of vBC."""
    reducao, aliquota = det.dice.rate(5, 60), det.dice.rate(4, 22)
    base = det.base - percent(det.base, reducao)
    valor = percent(base, aliquota)
    det.somas.add(vBC=base, vICMS=valor)
    modo = tags(modBC=det.dice.pick("0123"))
    bases = tags(vBC=base, pRedBC=reducao) if base_first else tags(pRedBC=reducao, vBC=base)
    return modo + bases + tags(pICMS=aliquota, vICMS=valor)


def _fcp(det: Det, *, com_base: bool = True) -> str:
    if not det.dice.chance(3):
        return ""
    aliquota = det.dice.rate(1, 2)
    valor = percent(det.base, aliquota)
    det.somas.add(vFCP=valor)
    return tags(vBCFCP=det.base if com_base else None, pFCP=aliquota, vFCP=valor)


def _st(det: Det) -> str:
    dice = det.dice
    margem = dice.rate(20, 90) if dice.chance(2) else None
    reducao = dice.rate(5, 30) if dice.chance(3) else None
    base = det.base + (percent(det.base, margem) if margem else ZERO)
    base -= percent(base, reducao) if reducao else ZERO
    aliquota = dice.rate(2, 19)
    valor = percent(base, aliquota)
    det.somas.add(vBCST=base, vST=valor)
    modo = tags(modBCST=dice.pick("0123456"), pMVAST=margem, pRedBCST=reducao)
    fcp = ""
    if dice.chance(3):
        aliquota_fcp = dice.rate(1, 2)
        valor_fcp = percent(base, aliquota_fcp)
        det.somas.add(vFCPST=valor_fcp)
        fcp = tags(vBCFCPST=base, pFCPST=aliquota_fcp, vFCPST=valor_fcp)
    return modo + tags(vBCST=base, pICMSST=aliquota, vICMSST=valor) + fcp


def _desonerado(det: Det, motivos: tuple[str, ...], *, always: bool = False) -> str:
    if not always and not det.dice.chance(3):
        return ""
    valor = percent(det.base, det.dice.rate(4, 18))
    det.somas.add(vICMSDeson=valor)
    # Without the indicator the older reading holds, and that takes the amount off.
    deduz = ("1" if det.dice.chance(2) else None) if det.op.deduz_desonerado else "0"
    return tags(vICMSDeson=valor, motDesICMS=det.dice.pick(motivos), indDeduzDeson=deduz)


def _st_desonerado(det: Det) -> str:
    if not det.dice.chance(4):
        return ""
    valor = percent(det.base, det.dice.rate(1, 5))
    return tags(vICMSSTDeson=valor, motDesICMSST=det.dice.pick(("3", "9", "12")))


def _retido(det: Det) -> str:
    aliquota = det.dice.rate(7, 20)
    valor = percent(det.base, aliquota)
    substituto = percent(valor, Decimal("60.00")) if det.dice.chance(2) else None
    retido = tags(vBCSTRet=det.base, pST=aliquota, vICMSSubstituto=substituto, vICMSSTRet=valor)
    if not det.dice.chance(3):
        return retido
    aliquota_fcp = det.dice.rate(1, 2)
    valor_fcp = percent(det.base, aliquota_fcp)
    det.somas.add(vFCPSTRet=valor_fcp)
    return retido + tags(vBCFCPSTRet=det.base, pFCPSTRet=aliquota_fcp, vFCPSTRet=valor_fcp)


def _efetivo(det: Det) -> str:
    if not det.dice.chance(3):
        return ""
    reducao, aliquota = det.dice.rate(1, 30), det.dice.rate(7, 18)
    base = det.base - percent(det.base, reducao)
    valor = percent(base, aliquota)
    return tags(pRedBCEfet=reducao, vBCEfet=base, pICMSEfet=aliquota, vICMSEfet=valor)


def _diferido(det: Det, *, base: Decimal) -> str:
    """Operation, deferred part and what is left, and sometimes the same of the FCP."""
    aliquota, parte = det.dice.rate(4, 22), det.dice.rate(10, 100)
    operacao = percent(base, aliquota)
    adiado = percent(operacao, parte)
    det.somas.add(vBC=base, vICMS=operacao - adiado)
    valores = tags(pICMS=aliquota, vICMSOp=operacao, pDif=parte, vICMSDif=adiado)
    valores += tags(vICMS=operacao - adiado)
    if not det.dice.chance(3):
        return valores
    aliquota_fcp = det.dice.rate(1, 2)
    fcp = percent(base, aliquota_fcp)
    fcp_adiado = percent(fcp, parte)
    det.somas.add(vFCP=fcp)
    valores += tags(vBCFCP=base, pFCP=aliquota_fcp, vFCP=fcp)
    return valores + tags(pFCPDif=parte, vFCPDif=fcp_adiado, vFCPEfet=fcp - fcp_adiado)


def _monofasico(det: Det) -> str:
    por_litro = det.dice.decimal(5_000, 19_999, 4)
    valor = money(det.quantidade * por_litro)
    det.somas.add(qBCMono=det.quantidade, vICMSMono=valor)
    return tags(qBCMono=det.quantidade, adRemICMS=por_litro, vICMSMono=valor)


def _icms15(det: Det) -> str:
    por_litro = det.dice.decimal(5_000, 19_999, 4)
    valor = money(det.quantidade * por_litro)
    det.somas.add(qBCMonoReten=det.quantidade, vICMSMonoReten=valor)
    retido = tags(qBCMonoReten=det.quantidade, adRemICMSReten=por_litro, vICMSMonoReten=valor)
    reducao = tags(pRedAdRem="12.50", motRedAdRem="1") if det.dice.chance(3) else ""
    return _origem(det, CST="15") + _monofasico(det) + retido + reducao


def _icms51(det: Det) -> str:
    if det.dice.chance(4):
        return _origem(det, CST="51")
    reducao = det.dice.rate(5, 60)
    base = det.base - percent(det.base, reducao)
    modo = tags(modBC="3", pRedBC=reducao, cBenefRBC="SP010051" if det.dice.chance(2) else None)
    return _origem(det, CST="51") + modo + tags(vBC=base) + _diferido(det, base=base)


def _icms53(det: Det) -> str:
    por_litro, parte = det.dice.decimal(5_000, 19_999, 4), det.dice.rate(1, 90)
    operacao = money(det.quantidade * por_litro)
    adiado = percent(operacao, parte)
    valor = operacao - adiado
    det.somas.add(qBCMono=det.quantidade, vICMSMono=valor)
    head = tags(qBCMono=det.quantidade, adRemICMS=por_litro, vICMSMonoOp=operacao, pDif=parte)
    rest = tags(vICMSMonoDif=adiado, vICMSMono=valor)
    if det.dice.chance(2):
        rest += tags(qBCMonoDif=det.quantidade, adRemICMSDif=por_litro)
    return _origem(det, CST="53") + head + rest


def _icms61(det: Det) -> str:
    por_litro = det.dice.decimal(5_000, 19_999, 4)
    valor = money(det.quantidade * por_litro)
    det.somas.add(qBCMonoRet=det.quantidade, vICMSMonoRet=valor)
    inside = tags(qBCMonoRet=det.quantidade, adRemICMSRet=por_litro, vICMSMonoRet=valor)
    return _origem(det, CST="61") + inside


def _icms90(det: Det) -> str:
    own = ""
    if not det.dice.chance(4):
        if det.dice.chance(2):
            own = _reduzida(det, base_first=True) + _fcp(det)
        else:
            own = tags(modBC="3", vBC=det.base) + _diferido(det, base=det.base)
    st = "" if det.dice.chance(2) else _st(det)
    rest = _desonerado(det, ("3", "9", "12")) + _st_desonerado(det)
    return _origem(det, CST="90") + own + st + rest


def _part(det: Det) -> str:
    head = _origem(det, CST=det.dice.pick(("10", "20", "90")))
    divisao = tags(pBCOp=det.dice.rate(10, 90), UFST=det.op.destino.uf)
    return (
        head + _reduzida(det, base_first=True) + _st(det) + divisao + _desonerado(det, ("9", "10"))
    )


def _icmsst(det: Det) -> str:
    valor = percent(det.base, det.dice.rate(4, 18))
    destino = tags(vBCSTDest=det.base, vICMSSTDest=valor)
    return _origem(det, CST=det.dice.pick(("41", "60"))) + _retido(det) + destino + _efetivo(det)


def _credito_simples(det: Det) -> str:
    aliquota = det.dice.rate(1, 4)
    return tags(pCredSN=aliquota, vCredICMSSN=percent(det.base, aliquota))


def _sn900(det: Det) -> str:
    own = "" if det.dice.chance(4) else _reduzida(det, base_first=True)
    st = "" if det.dice.chance(2) else _st(det)
    return (
        _origem(det, CSOSN="900") + own + st + (_credito_simples(det) if det.dice.chance(2) else "")
    )


def _icms40(det: Det) -> str:
    cst = det.dice.pick(("40", "41", "50"))
    if det.isento:
        return _origem(det, CST=cst)
    return _origem(det, CST=cst) + _desonerado(det, ("1", "3", "7", "9", "16", "90"))


_GRUPOS: dict[str, Callable[[Det], str]] = {
    "ICMS00": lambda d: _origem(d, CST="00") + _propria(d, d.base) + _fcp(d, com_base=False),
    "ICMS02": lambda d: _origem(d, CST="02") + _monofasico(d),
    "ICMS10": lambda d: (
        _origem(d, CST="10") + _propria(d, d.base) + _fcp(d) + _st(d) + _st_desonerado(d)
    ),
    "ICMS15": _icms15,
    "ICMS20": lambda d: (
        _origem(d, CST="20") + _reduzida(d) + _fcp(d) + _desonerado(d, ("3", "9", "10", "12"))
    ),
    "ICMS30": lambda d: _origem(d, CST="30") + _st(d) + _desonerado(d, ("6", "7", "9")),
    "ICMS40": _icms40,
    "ICMS51": _icms51,
    "ICMS53": _icms53,
    "ICMS60": lambda d: (
        _origem(d, CST="60") + (_retido(d) if d.dice.chance(2) else "") + _efetivo(d)
    ),
    "ICMS61": _icms61,
    "ICMS70": lambda d: (
        _origem(d, CST="70")
        + _reduzida(d)
        + _fcp(d)
        + _st(d)
        + _desonerado(d, ("3", "9", "12"))
        + _st_desonerado(d)
    ),
    "ICMS90": _icms90,
    "ICMSPart": _part,
    "ICMSST": _icmsst,
    "ICMSSN101": lambda d: _origem(d, CSOSN="101") + _credito_simples(d),
    "ICMSSN102": lambda d: _origem(d, CSOSN=d.dice.pick(("102", "103", "300", "400"))),
    "ICMSSN201": lambda d: _origem(d, CSOSN="201") + _st(d) + _credito_simples(d),
    "ICMSSN202": lambda d: _origem(d, CSOSN=d.dice.pick(("202", "203"))) + _st(d),
    "ICMSSN500": lambda d: (
        _origem(d, CSOSN="500") + (_retido(d) if d.dice.chance(2) else "") + _efetivo(d)
    ),
    "ICMSSN900": _sn900,
}
_SN_55 = ("ICMSSN101", "ICMSSN102", "ICMSSN201", "ICMSSN202", "ICMSSN500", "ICMSSN900")
_SN_65 = ("ICMSSN102", "ICMSSN102", "ICMSSN500", "ICMSSN900")
_CST_65 = ("ICMS00", "ICMS00", "ICMS20", "ICMS40", "ICMS60", "ICMS90")
_CST_55 = (
    *("ICMS00",) * 6,
    *("ICMS10", "ICMS20", "ICMS30", "ICMS40", "ICMS51"),
    *("ICMS60", "ICMS70", "ICMS90", "ICMSPart", "ICMSST"),
)
