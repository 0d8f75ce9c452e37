"""The `<infNFe>` of a note: everything around the items."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bench import generator_cadastro, generator_ibscbs
from bench.generator_campos import ZERO, group, optional_group, tags
from bench.generator_itens import det, limit_det, plain_det
from bench.generator_operacao import Operacao, Somas
from bench.generator_partes import (
    anexos,
    cobranca,
    cobranca_plain,
    pagamento,
    referencias,
    transporte,
    transporte_plain,
)
from bench.generator_sorteio import Dice


@dataclass(frozen=True, slots=True)
class Corpo:
    """The inside of an infNFe, and what the generator tells about it."""

    xml: str
    valor_total: Decimal  # total/ICMSTot/vNF


def rich_infnfe(op: Operacao, dice: Dice, chave: str, items: int) -> Corpo:
    """Any note at all, with `items` items."""
    somas = Somas()
    dets = []
    for number in range(1, items + 1):
        if op.ate_o_limite and number == items:
            xml, added = limit_det(number, op, dice, somas)
        else:
            xml, added = det(number, op, dice)
        dets.append(xml)
        somas.merge(added)
    valor = somas.valor_nota(deduz_desonerado=op.deduz_desonerado)
    return Corpo(
        "".join(
            (
                _ide(op, dice, chave),
                op.emitente.xml,
                _dest(op, dice),
                *_locais(op, dice),
                *dets,
                _total(op, dice, somas, valor),
                transporte(op, dice),
                cobranca(op, dice, valor),
                pagamento(op, dice, valor),
                anexos(op, dice),
            )
        ),
        valor,
    )


def plain_infnfe(op: Operacao, dice: Dice, chave: str, items: int) -> Corpo:
    """A sale of goods with carrier, invoice, two instalments and one payment."""
    somas = Somas()
    dets = []
    for number in range(1, items + 1):
        xml, added = plain_det(number, op, dice)
        dets.append(xml)
        somas.merge(added)
    valor = somas.valor_nota(deduz_desonerado=True)
    nfe = op.modelo == "55"
    return Corpo(
        "".join(
            (
                _ide_plain(op, chave),
                op.emitente.xml,
                _dest(op, dice),
                *dets,
                group("total", _icms_tot(somas, valor)),
                transporte_plain(dice) if nfe else group("transp", tags(modFrete="9")),
                cobranca_plain(op, valor) if nfe else "",
                group("pag", group("detPag", tags(tPag="15" if nfe else "01", vPag=valor))),
                group("infAdic", tags(infCpl="Pedido 4711")),
            )
        ),
        valor,
    )


def _ide_head(op: Operacao, chave: str) -> str:
    return tags(
        cUF=chave[:2],
        cNF=chave[35:43],
        natOp=op.natureza.nome,
        mod=op.modelo,
        serie=int(chave[22:25]),
        nNF=int(chave[25:34]),
        dhEmi=op.emitida_em.isoformat(),
    )


def _ide_plain(op: Operacao, chave: str) -> str:
    nfe = op.modelo == "55"
    return group(
        "ide",
        _ide_head(op, chave),
        tags(tpNF="1", idDest="1", cMunFG=op.emitente.lugar.c_mun, tpImp="1" if nfe else "4"),
        tags(tpEmis="1", cDV=chave[43], tpAmb="2", finNFe="1", indFinal="0" if nfe else "1"),
        tags(indPres="1", procEmi="0", verProc="nfed bench 1.0"),
    )


def _ide(op: Operacao, dice: Dice, chave: str) -> str:
    natureza, issued = op.natureza, op.emitida_em
    nfe = op.modelo == "55"
    leaves = issued + timedelta(hours=dice.number(0, 72)) if nfe and dice.chance(2) else None
    delivery = issued.date() + timedelta(days=dice.number(1, 30))
    presenca = dice.pick(("0", "1", "1", "2", "3", "9")) if nfe else dice.pick(("1", "1", "4"))
    intermediado = dice.pick("01") if presenca in ("2", "3", "4", "9") else None
    tp_imp = dice.pick(("1", "1", "2", "3")) if nfe else dice.pick("45")
    contingencia = ""
    if op.tp_emis != "1":
        motivo = "Sem acesso à internet na matriz & filial <chuva>"
        contingencia = tags(dhCont=issued.isoformat(), xJust=motivo)
    compra_gov = ""
    if op.compra_gov:
        compra_gov = tags(tpEnteGov=dice.pick("123"), pRedutor="10.0000", tpOperGov=dice.pick("12"))
        compra_gov += tags(refDFeAnt=dice.key("55", issued)) if dice.chance(2) else ""
    antecipado = ""
    if op.com_ibs_cbs and nfe and dice.chance(20):
        antecipado = tags(refNFe=dice.key("55", issued))
    rtc = op.com_ibs_cbs
    return group(
        "ide",
        _ide_head(op, chave),
        tags(
            dhSaiEnt=leaves.isoformat() if leaves else None,
            dPrevEntrega=str(delivery) if rtc and dice.chance(3) else None,
            tpNF=natureza.tp_nf,
            idDest=natureza.id_dest,
            cMunFG=op.emitente.lugar.c_mun,
            cMunFGIBS=op.emitente.lugar.c_mun if rtc and dice.chance(6) else None,
            tpImp="6" if op.danfe_simplificado else tp_imp,
            tpEmis=op.tp_emis,
            cDV=chave[43],
            tpAmb="2",
            finNFe=natureza.fin_nfe,
            tpNFDebito=f"{dice.number(1, 8):02d}" if natureza.fin_nfe == "6" else None,
            tpNFCredito=f"{dice.number(1, 6):02d}" if natureza.fin_nfe == "5" else None,
            indFinal="0" if natureza.contribuinte else "1",
            indPres=presenca,
            indIntermed=intermediado,
            cIndOp=dice.digits(6) if rtc and dice.chance(6) else None,
            procEmi=dice.pick("03") if nfe else "0",
            verProc="nfed bench 1.0",
        ),
        contingencia,
        referencias(op, dice),
        optional_group("gCompraGov", compra_gov),
        optional_group("gPagAntecipado", antecipado),
    )


def _dest(op: Operacao, dice: Dice) -> str:
    letters = op.letras and dice.chance(6)
    if op.modelo == "65":
        return generator_cadastro.consumidor(dice, letters, op.destino)
    if op.exterior:
        return generator_cadastro.estrangeiro(dice)
    return generator_cadastro.comprador(dice, letters, op.destino, op.natureza.contribuinte)


def _locais(op: Operacao, dice: Dice) -> list[str]:
    """`<retirada>`, `<entrega>` and `<autXML>`."""
    parts = []
    if op.modelo == "55":
        if dice.chance(10):
            parts.append(generator_cadastro.local(dice, "retirada", op.emitente.lugar))
        if dice.chance(8):
            parts.append(generator_cadastro.local(dice, "entrega", op.destino))
    if dice.chance(4):
        parts.append(group("autXML", tags(CNPJ=dice.cnpj(letters=op.letras and dice.chance(6)))))
    if dice.chance(6):
        parts.append(group("autXML", tags(CPF=dice.cpf())))
    return parts


def _total(op: Operacao, dice: Dice, somas: Somas, valor: Decimal) -> str:
    retido = ""
    if op.modelo == "55" and dice.chance(8):
        retido = tags(vRetPIS=dice.reais(1, 90), vRetCOFINS=dice.reais(1, 90))
        retido += tags(vRetCSLL=dice.reais(1, 90), vBCIRRF=dice.reais(100, 900))
        retido += tags(vIRRF=dice.reais(1, 90))
        retido += tags(vBCRetPrev=dice.reais(9, 90), vRetPrev="1.00") if dice.chance(2) else ""
    reforma = ""
    if op.com_ibs_cbs:
        total = somas.valor_com_ibs_cbs(deduz_desonerado=op.deduz_desonerado)
        reforma = generator_ibscbs.totais(somas) + tags(vNFTot=total)
    issqn = _issqn_tot(op, dice, somas) if "ISS.vServ" in somas else ""
    retencoes = optional_group("retTrib", retido)
    return group("total", _icms_tot(somas, valor), issqn, retencoes, reforma)


_TOT_DIFAL = ("vFCPUFDest", "vICMSUFDest", "vICMSUFRemet")
_TOT_ST = ("vFCP", "vBCST", "vST", "vFCPST", "vFCPSTRet")
_MONO = ("qBCMono", "vICMSMono")
_TOT_MONO = tuple(f"{name}{kind}" for kind in ("", "Reten", "Ret") for name in _MONO)
_TOT_VALORES = (
    *("vProd", "vFrete", "vSeg", "vDesc", "vII", "vIPI", "vIPIDevol"),
    *("vPIS", "vCOFINS", "vOutro"),
)


def _icms_tot(somas: Somas, valor: Decimal) -> str:
    difal = {name: somas[name] for name in _TOT_DIFAL if "vICMSUFDest" in somas}
    mono = {name: somas[name].quantize(ZERO) for name in _TOT_MONO if name in somas}
    return group(
        "ICMSTot",
        tags(vBC=somas["vBC"], vICMS=somas["vICMS"], vICMSDeson=somas["vICMSDeson"]),
        tags(**difal),
        tags(**{name: somas[name] for name in _TOT_ST}),
        tags(**mono),
        tags(**{name: somas[name] for name in _TOT_VALORES}),
        tags(vNF=valor, vTotTrib=somas.get("vTotTrib")),
    )


def _issqn_tot(op: Operacao, dice: Dice, somas: Somas) -> str:
    def present(*names: str) -> str:
        """The type of these totals holds no 0.00."""
        return tags(**{name: somas[f"ISS.{name}"] or None for name in names})

    return group(
        "ISSQNtot",
        present("vServ", "vBC", "vISS", "vPIS", "vCOFINS"),
        tags(dCompet=str(op.emitida_em.date())),
        present("vDeducao", "vDescCond", "vISSRet"),
        tags(cRegTrib=dice.pick("123456") if dice.chance(3) else None),
    )
