"""Draws what a note documents: the kind of operation, and the sums that its items add up to."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bench.generator_cadastro import LUGARES, Emitente, Lugar
from bench.generator_campos import ZERO
from bench.generator_sorteio import Dice


class Somas(dict[str, Decimal]):
    """Sums by name: the tags of ICMSTot, and those of other totals as "ISS.vBC".

    A sum nothing was added to reads as zero and is not in the mapping.
    """

    def __missing__(self, name: str) -> Decimal:
        return ZERO

    def add(self, **amounts: Decimal) -> None:
        """Add to the sums of ICMSTot."""
        for name, amount in amounts.items():
            self[name] += amount

    def merge(self, other: "Somas") -> None:
        """Add every sum of another."""
        for name, amount in other.items():
            self[name] += amount

    def valor_nota(self, *, deduz_desonerado: bool) -> Decimal:
        """Total/ICMSTot/vNF by rule W16-10, of a whole note or of a single item.

        The rule lets the emitter choose whether vICMSDeson is taken off (indDeduzDeson).
        """
        total = self["vProd"] + self["ISS.vServ"] - self["vDesc"]
        total += self["vST"] + self["vFCPST"] + self["vFrete"] + self["vSeg"] + self["vOutro"]
        total += self["vII"] + self["vIPI"] + self["vIPIDevol"]
        return total - self["vICMSDeson"] if deduz_desonerado else total

    def valor_com_ibs_cbs(self, *, deduz_desonerado: bool) -> Decimal:
        """Total/vNFTot: vNF and the taxes that are charged on top of it."""
        valor = self.valor_nota(deduz_desonerado=deduz_desonerado)
        return valor + self["IBS.vIBS"] + self["CBS.vCBS"] + self["IS.vIS"]


@dataclass(frozen=True, slots=True)
class Natureza:
    """A kind of operation: ide/natOp, and what follows from it."""

    nome: str
    cfops: tuple[str, ...]
    tp_nf: str = "1"
    id_dest: str = "1"
    fin_nfe: str = "1"
    contribuinte: bool = True
    paga: bool = True


VENDA = Natureza("Venda de mercadoria", ("5101", "5102", "5405"))
_CONSUMIDOR = Natureza("Venda a consumidor", ("5102", "5405"), contribuinte=False)
_NATUREZAS = (
    *(VENDA,) * 5,
    _CONSUMIDOR,
    Natureza("Venda interestadual", ("6101", "6102", "6404"), id_dest="2"),
    Natureza("Venda interestadual", ("6101", "6102", "6404"), id_dest="2"),
    Natureza("Venda a não contribuinte", ("6107", "6108"), id_dest="2", contribuinte=False),
    Natureza("Venda a não contribuinte", ("6107", "6108"), id_dest="2", contribuinte=False),
    Natureza("Exportação & afins", ("7101", "7102"), id_dest="3", contribuinte=False),
    Natureza("Importação direta", ("3101", "3102"), "0", "3", contribuinte=False, paga=False),
    Natureza("Devolução de compra", ("5202", "5411"), fin_nfe="4", paga=False),
    Natureza("Devolução de compra", ("6202", "6411"), id_dest="2", fin_nfe="4", paga=False),
    Natureza("Complemento de valor", ("5102",), fin_nfe="2"),
    Natureza("Remessa p/ demonstração", ("5912", "5949"), paga=False),
)
_CREDITO = Natureza("Nota de crédito", ("5949",), fin_nfe="5", paga=False)
_DEBITO = Natureza("Nota de débito", ("5949",), fin_nfe="6", paga=False)


@dataclass(frozen=True, slots=True)
class Operacao:
    """The circumstances that every group of one note looks at."""

    modelo: str
    emitente: Emitente
    emitida_em: datetime
    natureza: Natureza
    destino: Lugar
    tp_emis: str
    com_ibs_cbs: bool  # only issuers outside the Simples, since 2026
    compra_gov: bool  # sold to a government: ide/gCompraGov
    deduz_desonerado: bool
    ate_o_limite: bool  # one item fills vNF up to the 13 integer digits it can hold
    loja: bool = False  # a few pieces of each thing, for a few reais

    @property
    def exterior(self) -> bool:
        """Import or export."""
        return self.natureza.id_dest == "3"

    @property
    def danfe_simplificado(self) -> bool:
        """Whether an NF-e is printed small (tpImp 6), with a QR code, on every fifth day.

        NT 2026.002; in production since August 2026.
        """
        issued = self.emitida_em
        since = (issued.year, issued.month) >= (2026, 8)
        return since and self.modelo == "55" and self.tp_emis == "1" and issued.day % 5 == 3

    @property
    def letras(self) -> bool:
        """Whether CNPJs with letters are about: July 2026 and later."""
        return (self.emitida_em.year, self.emitida_em.month) >= (2026, 7)


@dataclass(slots=True)
class Det:
    """One `<det>` in the making: what its taxes are computed from, and its sums so far."""

    op: Operacao
    dice: Dice
    quantidade: Decimal
    base: Decimal  # vProd + vFrete + vSeg + vOutro - vDesc
    servico: bool = False
    combustivel: bool = False
    isento: bool = False  # pays no tax at all, so that its vProd is all it adds to vNF
    somas: Somas = field(default_factory=Somas)


def plain(modelo: str, emitente: Emitente, emitida_em: datetime, *, loja: bool = False) -> Operacao:
    """A sale like most others; `loja`: of a small shop."""
    natureza = VENDA if modelo == "55" else _CONSUMIDOR
    return Operacao(
        modelo, emitente, emitida_em, natureza, emitente.lugar, "1", False, False, True, False, loja
    )


def rich(dice: Dice, modelo: str, emitente: Emitente, emitida_em: datetime) -> Operacao:
    """Any operation at all."""
    com_ibs_cbs = emitida_em.year >= 2026 and not emitente.simples
    natureza = dice.pick(_NATUREZAS) if modelo == "55" else _CONSUMIDOR
    tp_emis = "1"
    if dice.chance(12):
        tp_emis = dice.pick(("2", "4", "6", "7")) if modelo == "55" else "9"
    if modelo == "55" and com_ibs_cbs and dice.chance(8):
        natureza = dice.pick((_CREDITO, _DEBITO))
    return Operacao(
        modelo=modelo,
        emitente=emitente,
        emitida_em=emitida_em,
        natureza=natureza,
        destino=dice.pick(LUGARES) if natureza.id_dest == "2" else emitente.lugar,
        tp_emis=tp_emis,
        com_ibs_cbs=com_ibs_cbs,
        compra_gov=com_ibs_cbs and modelo == "55" and dice.chance(10),
        deduz_desonerado=not dice.chance(6),
        ate_o_limite=not com_ibs_cbs and natureza.paga and dice.chance(40),
    )
