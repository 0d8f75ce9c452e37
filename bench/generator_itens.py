"""One item of a note: the `<det>` group."""

from decimal import Decimal

from bench import generator_icms, generator_tributos
from bench.generator_cadastro import (
    ARMA,
    COMBUSTIVEL,
    HOMOLOGACAO,
    MEDICAMENTO,
    PAPEL,
    PRODUTOS,
    SERVICO,
    VEICULO,
    Produto,
)
from bench.generator_campos import MONEY, ZERO, group, money, percent, tags, unit_price
from bench.generator_especificos import ESPECIFICOS, comercio_exterior, embalagem, rastros
from bench.generator_ibscbs import ibs_cbs, imposto_seletivo
from bench.generator_operacao import Det, Operacao, Somas
from bench.generator_sorteio import Dice

# All of the 13 integer digits that a total can hold.
_LIMIT = Decimal("9999999999999.99")
_PLAIN_FREIGHT = Decimal("1.50")


def det(number: int, op: Operacao, dice: Dice) -> tuple[str, Somas]:
    """The item as XML, and what it adds to the totals."""
    especie = "comum" if dice.number(1, 10) <= 6 else dice.pick(_especies(op))
    produto = _PRODUTO.get(especie) or dice.pick(PRODUTOS)
    quantidade, unitario = _preco(dice, especie)
    bruto = money(MONEY.multiply(quantidade, unitario))
    servico = especie == "servico"
    fora_do_total = not servico and dice.chance(40)
    valores = {} if servico else _acessorios(dice, bruto, fora_do_total)
    base = bruto + valores.get("vFrete", ZERO) + valores.get("vSeg", ZERO)
    base += valores.get("vOutro", ZERO) - valores.get("vDesc", ZERO)
    # An item that vNF leaves out is untaxed too: nothing may be taken off what is not there.
    made = Det(op, dice, quantidade, base, servico, especie == "combustivel", fora_do_total)
    made.somas.add(**valores)
    if servico:
        made.somas["ISS.vServ"] += bruto
    elif not fora_do_total:
        made.somas.add(vProd=bruto)
    prod = group(
        "prod",
        _identificacao(dice, op, produto, number),
        tags(CFOP=dice.pick(op.natureza.cfops) if not servico else "5933"),
        _quantias(dice, produto, quantidade, unitario, bruto),
        tags(**{name: valor or None for name, valor in valores.items()}),
        tags(indTot="0" if fora_do_total else "1"),
        tags(indBemMovelUsado="1" if op.com_ibs_cbs and dice.chance(20) else None),
        comercio_exterior(dice, op),
        _pedido(dice, number),
        rastros(dice, op) if especie in ("medicamento", "rastreado") else "",
        embalagem(dice),
        ESPECIFICOS[especie](dice, op) if especie in ESPECIFICOS else "",
    )
    return _fecha(number, made, prod, _imposto(made)), made.somas


def plain_det(number: int, op: Operacao, dice: Dice) -> tuple[str, Somas]:
    """An item with the fields that every item has, and ICMS00, IPI, PIS and COFINS."""
    produto = dice.pick(PRODUTOS)
    quantidade = dice.decimal(10_000, 999_999, 4)
    unitario = dice.decimal(100, 99_999).quantize(Decimal("1.0000000000"))
    if op.loja:
        quantidade = Decimal(dice.number(1, 12)).quantize(_FOUR)
        unitario = dice.decimal(190, 8_990).quantize(Decimal("1.0000000000"))
    bruto = money(MONEY.multiply(quantidade, unitario))
    made = Det(op, dice, quantidade, bruto + _PLAIN_FREIGHT)
    made.somas.add(vProd=bruto, vFrete=_PLAIN_FREIGHT)
    gtin = dice.gtin()
    price = unit_price(unitario)
    com = tags(uCom=produto.unidade, qCom=quantidade, vUnCom=price, vProd=bruto, cEANTrib=gtin)
    trib = tags(uTrib=produto.unidade, qTrib=quantidade, vUnTrib=price, vFrete=_PLAIN_FREIGHT)
    prod = group(
        "prod",
        tags(cProd=f"{number:05d}", cEAN=gtin, xProd=_nome(produto.nome, op, number)),
        tags(NCM=produto.ncm, CFOP=op.natureza.cfops[0]),
        com,
        trib,
        tags(indTot="1"),
    )
    imposto = generator_icms.icms00(made)
    imposto += generator_tributos.ipi_plain(made) if op.modelo == "55" else ""
    imposto += generator_tributos.contribuicoes_plain(made)
    return f'<det nItem="{number}">{prod}{group("imposto", imposto)}</det>', made.somas


def limit_det(number: int, op: Operacao, dice: Dice, before: Somas) -> tuple[str, Somas]:
    """An untaxed item whose vProd brings vNF, or the vProd of the note, up to the limit."""
    used = before.valor_nota(deduz_desonerado=op.deduz_desonerado)
    bruto = _LIMIT - max(used, before["vProd"], ZERO)
    # A unit price holds 11 integer digits, so the quantity takes three of the 13.
    quantidade = Decimal("1000.0000")
    made = Det(op, dice, quantidade, bruto, isento=True)
    made.somas.add(vProd=bruto)
    prod = group(
        "prod",
        _identificacao(dice, op, PRODUTOS[0], number),
        tags(CFOP=op.natureza.cfops[0]),
        _quantias(dice, PRODUTOS[0], quantidade, bruto / 1000, bruto, same_unit=True),
        tags(indTot="1"),
    )
    imposto = group("imposto", generator_icms.icms(made), generator_tributos.contribuicoes(made))
    return _fecha(number, made, prod, imposto), made.somas


def _especies(op: Operacao) -> tuple[str, ...]:
    if op.modelo == "65":
        return ("longo", "combustivel", "combustivel", "medicamento", "servico", "rastreado")
    if op.exterior:
        return ("longo", "medicamento", "veiculo", "arma", "rastreado")
    if op.natureza.cfops[0] in ("5101", "5102") and op.natureza.fin_nfe == "1":
        return ("longo", *_PRODUTO, "servico", "combustivel", "rastreado")
    return ("longo", "combustivel", "medicamento", "veiculo", "arma", "papel", "rastreado")


_PRODUTO = {
    "servico": SERVICO,
    "medicamento": MEDICAMENTO,
    "combustivel": COMBUSTIVEL,
    "veiculo": VEICULO,
    "arma": ARMA,
    "papel": PAPEL,
}


def _preco(dice: Dice, especie: str) -> tuple[Decimal, Decimal]:
    """A quantity of four places and a unit price of up to ten."""
    match especie:
        case "longo":
            # Eleven integer digits and ten places: all 21 of the longest number there is.
            unitario = Decimal(f"{dice.number(1, 9)}{dice.digits(19)}{dice.number(1, 9)}")
            return dice.decimal(1, 99, 4), unitario.scaleb(-10, context=MONEY)
        case "veiculo":
            return Decimal("1.0000"), dice.decimal(4_500_000, 49_999_999).quantize(_FOUR)
        case "combustivel":
            # Two places that count, because qBCMono in the totals has no more than two.
            return dice.decimal(100, 9_999_999).quantize(_FOUR), dice.decimal(3_000, 8_999, 3)
    quantidade = dice.decimal(1_000, 9_999_999, 4)
    if dice.chance(2):
        return quantidade.quantize(Decimal(1)).quantize(_FOUR) + 1, dice.decimal(50, 99_999)
    return quantidade, dice.decimal(10**9, 10**13, 10)


_FOUR = Decimal("0.0001")


def _acessorios(dice: Dice, bruto: Decimal, fora_do_total: bool) -> dict[str, Decimal]:
    """Freight, insurance, discount and other charges, in the order of the schema."""
    if fora_do_total or dice.chance(2):
        return {}
    return {
        "vFrete": dice.reais(0, 90) if dice.chance(2) else ZERO,
        "vSeg": dice.reais(0, 30) if dice.chance(3) else ZERO,
        "vDesc": percent(bruto, dice.rate(1, 10)) if dice.chance(2) else ZERO,
        "vOutro": dice.reais(0, 50) if dice.chance(3) else ZERO,
    }


def _identificacao(dice: Dice, op: Operacao, produto: Produto, number: int) -> str:
    """From cProd to EXTIPI."""
    ean = dice.pick((dice.gtin(), "SEM GTIN", ""))
    barra = f"ID{dice.digits(12)}" if dice.chance(8) else None
    nves = (f"{dice.pick('ABCDE')}{dice.pick('ABCDE')}{dice.digits(4)}" for _ in range(8))
    nve = (tags(NVE=code) for code, _ in zip(nves, range(dice.number(1, 8)), strict=False))
    cest = ""
    if dice.chance(3):
        cest = tags(CEST=dice.digits(7))
        if dice.chance(2):
            cest += (
                tags(indEscala="S") if dice.chance(2) else tags(indEscala="N", CNPJFab=dice.cnpj())
            )
    creditos = "".join(
        group(
            "gCred",
            tags(cCredPresumido=f"SP{dice.digits(8)}", pCredPresumido=dice.rate(1, 12)),
            tags(vCredPresumido=dice.reais(1, 300)),
        )
        for _ in range(dice.number(1, 4) if dice.chance(16) else 0)
    )
    return (
        tags(cProd=f"{dice.pick('ABC')}-{dice.digits(6)}", cEAN=ean, cBarra=barra)
        + tags(xProd=_nome(produto.nome, op, number), NCM=produto.ncm)
        + ("".join(nve) if op.exterior or dice.chance(20) else "")
        + cest
        + tags(
            cBenef=dice.pick(("SP010051", "RJ80001234", "SEM CBENEF")) if dice.chance(6) else None
        )
        + creditos
        + tags(tpCredPresIBSZFM="1" if op.com_ibs_cbs and dice.chance(20) else None)
        + tags(EXTIPI=dice.digits(3) if dice.chance(12) else None)
    )


def _nome(nome: str, op: Operacao, number: int) -> str:
    # In homologation the first item of an NFC-e has to carry the warning itself.
    if op.modelo == "65" and number == 1:
        return HOMOLOGACAO.replace("NF-E", "NOTA FISCAL")
    return nome


def _quantias(
    dice: Dice,
    produto: Produto,
    quantidade: Decimal,
    unitario: Decimal,
    bruto: Decimal,
    *,
    same_unit: bool = False,
) -> str:
    """From uCom to vUnTrib; the two units differ once in a while, and vProd fits both."""
    u_trib, q_trib, v_trib = produto.unidade, quantidade, unitario
    if not same_unit and quantidade >= 1 and dice.chance(6):
        u_trib, q_trib = "DZ", quantidade * 12
        v_trib = MONEY.divide(bruto, q_trib).quantize(Decimal("1E-10"), context=MONEY)
    return (
        tags(uCom=produto.unidade, qCom=quantidade, vUnCom=unit_price(unitario), vProd=bruto)
        + tags(cEANTrib="SEM GTIN", cBarraTrib=f"TR{dice.digits(9)}" if dice.chance(12) else None)
        + tags(uTrib=u_trib, qTrib=q_trib, vUnTrib=unit_price(v_trib))
    )


def _pedido(dice: Dice, number: int) -> str:
    fci = ""
    if dice.chance(12):
        fci = "-".join(dice.hexadecimal(size) for size in (8, 4, 4, 4, 12))
    pedido = tags(xPed=f"PED&{dice.digits(8)}", nItemPed=number) if dice.chance(4) else ""
    return pedido + tags(nFCI=fci or None)


def _imposto(made: Det) -> str:
    op, dice = made.op, made.dice
    head = ""
    if dice.chance(2):
        aproximado = percent(made.base, dice.rate(10, 40))
        made.somas.add(vTotTrib=aproximado)
        head = tags(vTotTrib=aproximado)
    if made.servico:
        principal = generator_tributos.issqn(made)
    else:
        principal = generator_icms.icms(made)
        if op.modelo == "55":
            com_ipi = made.dice.chance(2)
            principal += (
                generator_tributos.ipi(made, tributado=not dice.chance(3)) if com_ipi else ""
            )
            if op.exterior and op.natureza.tp_nf == "0":
                principal += generator_tributos.imposto_importacao(made)
    outra_uf = op.natureza.id_dest == "2" and not op.natureza.contribuinte
    return group(
        "imposto",
        head,
        principal,
        generator_tributos.contribuicoes(made),
        generator_tributos.difal(made) if outra_uf and not op.emitente.simples else "",
        imposto_seletivo(made) if op.com_ibs_cbs and dice.chance(16) else "",
        ibs_cbs(made) if op.com_ibs_cbs else "",
    )


def _fecha(number: int, made: Det, prod: str, imposto: str) -> str:
    """The `<det>`, with what comes after the taxes."""
    op, dice = made.op, made.dice
    devolve = op.natureza.fin_nfe == "4" and not dice.chance(3)
    devolvido = generator_tributos.imposto_devolvido(made) if devolve else ""
    observado = f'<obsCont xCampo="Lote">{tags(xTexto="Lote <A> & B")}</obsCont>'
    valor = made.somas.valor_com_ibs_cbs(deduz_desonerado=op.deduz_desonerado)
    referido = group("DFeReferenciado", tags(chaveAcesso=dice.key("55", op.emitida_em), nItem=1))
    rest = (
        tags(infAdProd="Série <15> & garantia de 12 meses" if dice.chance(5) else None)
        + (group("obsItem", observado) if dice.chance(12) else "")
        + tags(vItem=valor if op.com_ibs_cbs else None)
        + (referido if op.com_ibs_cbs and op.natureza.fin_nfe in ("4", "5", "6") else "")
    )
    return f'<det nItem="{number}">{prod}{imposto}{devolvido}{rest}</det>'
