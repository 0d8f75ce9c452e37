"""What only some goods have: batches, and the groups of medicines, fuel, vehicles and arms.

And the import and export groups, which depend on the operation instead.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from bench.generator_cadastro import LUGARES
from bench.generator_campos import group, money, tags
from bench.generator_operacao import Operacao
from bench.generator_sorteio import Dice


def comercio_exterior(dice: Dice, op: Operacao) -> str:
    """`<DI>` of an import, `<detExport>` of an export."""
    if not op.exterior:
        return ""
    if op.natureza.tp_nf == "0":
        return "".join(_di(dice, op) for _ in range(dice.number(1, 2)))
    drawback = tags(nDraw=dice.whole(20, 11)) if dice.chance(2) else ""
    indireta = ""
    if dice.chance(2):
        chave = dice.key("55", op.emitida_em.date())
        quantia = tags(qExport=dice.decimal(1, 999_999, 4))
        indireta = group("exportInd", tags(nRE=dice.digits(12), chNFe=chave), quantia)
    return group("detExport", drawback, indireta)


def _di(dice: Dice, op: Operacao) -> str:
    registrada = op.emitida_em.date() - timedelta(days=dice.number(5, 60))
    lugar = dice.pick(LUGARES)
    terceiro = ""
    if dice.chance(3):
        terceiro = tags(CNPJ=dice.cnpj(), UFTerceiro=lugar.uf)
    adicoes = (
        group(
            "adi",
            tags(nAdicao=None if dice.chance(8) else number, nSeqAdic=dice.number(1, 99_999)),
            tags(cFabricante=f"FAB <{dice.digits(4)}>"),
            tags(vDescDI=dice.decimal(1, 9_999) if dice.chance(3) else None),
            tags(nDraw=dice.whole(20, 11) if dice.chance(2) else None),
        )
        for number in range(1, dice.number(1, 4) + 1)
    )
    return group(
        "DI",
        tags(nDI=dice.whole(15, 15) if dice.chance(2) else dice.whole(12, 10)),
        tags(dDI=str(registrada), xLocDesemb=lugar.x_mun, UFDesemb=lugar.uf),
        tags(dDesemb=str(registrada + timedelta(days=3)), tpViaTransp=dice.number(1, 13)),
        tags(vAFRMM=dice.reais(1, 900) if dice.chance(2) else None),
        tags(tpIntermedio=dice.pick("123")),
        terceiro,
        tags(cExportador="EXP & CO"),
        *adicoes,
    )


def rastros(dice: Dice, op: Operacao) -> str:
    """One to five batches, each a `<rastro>`."""
    fabricado = op.emitida_em.date() - timedelta(days=dice.number(1, 300))
    return "".join(
        group(
            "rastro",
            tags(nLote=f"L{dice.alphanumeric(7)}", qLote=dice.decimal(1, 9_999_999, 3)),
            tags(dFab=str(fabricado), dVal=str(fabricado + timedelta(days=720))),
            tags(cAgreg=dice.whole(20) if dice.chance(2) else None),
        )
        for _ in range(dice.number(1, 5))
    )


def embalagem(dice: Dice) -> str:
    """`<infProdNFF>` and `<infProdEmb>`, of the simplified emitter for mobile phones."""
    if not dice.chance(40):
        return ""
    nff = tags(cProdFisco=dice.digits(14), cOperNFF=dice.whole(5))
    emb = tags(xEmb="CX<24>", qVolEmb=dice.decimal(1, 99_999, 3), uEmb="L")
    return group("infProdNFF", nff) + group("infProdEmb", emb)


def _med(dice: Dice, _: Operacao) -> str:
    isento = dice.chance(4)
    return group(
        "med",
        tags(cProdANVISA="ISENTO" if isento else dice.digits(13)),
        tags(xMotivoIsencao="RDC 107/2016 & afins" if isento else None, vPMC=dice.reais(3, 900)),
    )


def _comb(dice: Dice, op: Operacao) -> str:
    inicio = dice.decimal(1_000_000, 9_999_999, 3)
    glp = tags(pGLP="60.0000", pGNn="25.5000", pGNi="14.5000", vPart=dice.reais(1, 90))
    bombas = tags(nBico=dice.number(1, 12), nBomba=dice.number(1, 6) if dice.chance(2) else None)
    bombas += tags(nTanque=dice.number(1, 4), vEncIni=inicio)
    origens = (
        group("origComb", tags(indImport=indicador, cUFOrig=uf, pOrig=parte))
        for indicador, uf, parte in (("0", "35", "60.5"), ("1", "33", "39.5000"))
    )
    quantidade_cide = dice.decimal(10_000, 9_999_999, 4)
    aliquota_cide = Decimal("0.1000")
    cide = tags(qBCProd=quantidade_cide, vAliqProd=aliquota_cide)
    cide += tags(vCIDE=money(quantidade_cide * aliquota_cide))
    return group(
        "comb",
        tags(cProdANP="320102001", descANP="GASOLINA C COMUM"),
        glp if dice.chance(3) else "",
        tags(CODIF=dice.whole(21) if dice.chance(3) else None),
        tags(qTemp=dice.decimal(10_001, 99_999_999, 4) if dice.chance(3) else None),
        tags(UFCons=op.destino.uf),
        group("CIDE", cide) if dice.chance(2) else "",
        group("encerrante", bombas, tags(vEncFin=inicio + 50)) if dice.chance(2) else "",
        tags(pBio="27.0000" if dice.chance(2) else None),
        *(origens if dice.chance(2) else ()),
    )


def _veic(dice: Dice, op: Operacao) -> str:
    ano = op.emitida_em.year
    return group(
        "veicProd",
        tags(tpOp=dice.pick("013"), chassi="9BW" + dice.alphanumeric(14), cCor="B1"),
        tags(xCor="Prata <metálica>", pot="0116", cilin="1598", pesoL="1.1200", pesoB="1.5600"),
        tags(
            nSerie=dice.digits(9),
            tpComb=dice.pick(("16", "17", "02")),
            nMotor=dice.alphanumeric(12),
        ),
        tags(CMT="0.4500", dist="2603", anoMod=ano + 1, anoFab=ano, tpPint="M", tpVeic="06"),
        tags(espVeic="1", VIN=dice.pick("RN"), condVeic="1", cMod=dice.digits(6)),
        tags(cCorDENATRAN=f"{dice.number(1, 16):02d}", lota="5", tpRest=dice.pick("01249")),
    )


def _armas(dice: Dice, _: Operacao) -> str:
    return "".join(
        group(
            "arma",
            tags(tpArma=dice.pick("01"), nSerie=dice.alphanumeric(15), nCano=dice.alphanumeric(15)),
            tags(descr='Pistola semiautomática 9x19 mm, cano 4" & carregador <17 tiros>'),
        )
        for _ in range(dice.number(1, 4))
    )


# By the kind of goods.
ESPECIFICOS: dict[str, Callable[[Dice, Operacao], str]] = {
    "medicamento": _med,
    "combustivel": _comb,
    "veiculo": _veic,
    "arma": _armas,
    "papel": lambda dice, _: tags(nRECOPI=dice.whole(20, 20)),
}
