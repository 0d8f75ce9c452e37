"""The parts of a note beside its items: references, transport, billing, payment, annexes."""

from datetime import timedelta
from decimal import Decimal

from bench.generator_cadastro import LUGARES, PESSOAS, transportadora
from bench.generator_campos import ZERO, Campo, group, optional_group, percent, tags
from bench.generator_operacao import Operacao
from bench.generator_sorteio import Dice


def referencias(op: Operacao, dice: Dice) -> str:
    """The `<NFref>`s, in each of their forms."""
    if op.modelo == "65":
        return ""
    needed = op.natureza.fin_nfe != "1"
    if not needed and not dice.chance(8):
        return ""
    count = dice.number(1, 4)
    return "".join(group("NFref", _referencia(op, dice)) for _ in range(count))


def transporte(op: Operacao, dice: Dice) -> str:
    """The `<transp>`, which may be as good as empty."""
    if op.modelo == "65" or dice.chance(4):
        return group("transp", tags(modFrete="9"))
    retido = ""
    if dice.chance(6):
        base, aliquota = dice.reais(10, 900), dice.rate(7, 17)
        retido = tags(vServ=base, vBCRet=base, pICMSRet=aliquota, vICMSRet=percent(base, aliquota))
        retido += tags(CFOP="5353", cMunFG=op.emitente.lugar.c_mun)
    match dice.number(1, 8):
        case 1:
            meio = tags(vagao=f"VAGÃO {dice.digits(6)}")
        case 2:
            meio = tags(balsa="Balsa Rio & Mar")
        case 3 | 4 | 5:
            reboques = "".join(_veiculo(dice, "reboque") for _ in range(dice.number(0, 3)))
            meio = _veiculo(dice, "veicTransp") + reboques
        case _:
            meio = ""
    volumes = "".join(_volume(dice) for _ in range(dice.number(0, 3)))
    return group(
        "transp",
        tags(modFrete=dice.pick("01234")),
        transportadora(dice) if dice.chance(2) else "",
        optional_group("retTransp", retido),
        meio,
        volumes,
    )


def transporte_plain(dice: Dice) -> str:
    """A carrier and one volume."""
    volume = tags(qVol="1", esp="CAIXA", pesoL="10.000", pesoB="11.500")
    return group("transp", tags(modFrete="0"), transportadora(dice), group("vol", volume))


def cobranca(op: Operacao, dice: Dice, valor: Decimal) -> str:
    """The `<cobr>`: an invoice, instalments, or both; or nothing at all."""
    if op.modelo == "65" or not op.natureza.paga or valor < 10 or dice.chance(2):
        return ""
    desconto = percent(valor, dice.rate(1, 5)) if dice.chance(3) else ZERO
    liquido = valor - desconto
    fatura = tags(nFat=f"FAT/{dice.digits(6)}", vOrig=valor, vDesc=desconto, vLiq=liquido)
    parcelas = _duplicatas(op, liquido, dice.number(1, 12))
    match dice.number(1, 6):
        case 1:
            return group("cobr", parcelas)
        case 2:
            return group("cobr", group("fat", fatura))
        case _:
            return group("cobr", group("fat", fatura), parcelas)


def cobranca_plain(op: Operacao, valor: Decimal) -> str:
    """An invoice in two instalments."""
    fatura = tags(nFat="1", vOrig=valor, vDesc=ZERO, vLiq=valor)
    return group("cobr", group("fat", fatura), _duplicatas(op, valor, 2))


def pagamento(op: Operacao, dice: Dice, valor: Decimal) -> str:
    """The `<pag>`: what is paid adds up to vNF and the change."""
    if not op.natureza.paga or not valor:
        return group("pag", group("detPag", tags(tPag="90", vPag=ZERO)))
    parts = dice.number(1, 4)
    share = (valor / parts).quantize(ZERO)
    if share * (parts - 1) >= valor:
        parts = 1
    amounts = [share] * (parts - 1)
    amounts.append(valor - sum(amounts, ZERO))
    details = [_parcela(op, dice, amount) for amount in amounts]
    troco = None
    if dice.chance(5) and valor < 10**9:
        troco = dice.reais(1, 49)
        details.append(group("detPag", tags(tPag="01", vPag=troco)))
    return group("pag", *details, tags(vTroco=troco))


def anexos(op: Operacao, dice: Dice) -> str:
    """From `<infIntermed>` to `<infPAA>`, in the order of the schema."""
    nfe = op.modelo == "55"
    intermediario = tags(CNPJ=dice.cnpj(), idCadIntTran="loja.exemplo & cia")
    saida = dice.pick(LUGARES)
    exporta = tags(UFSaidaPais=saida.uf, xLocExporta=saida.x_mun)
    exporta += tags(xLocDespacho="Cais <7> & armazém") if dice.chance(2) else ""
    compra = tags(xNEmp=f"2026NE{dice.digits(6)}", xPed="PED & 1", xCont=f"CT <{dice.digits(4)}>")
    exportacao = nfe and op.exterior and op.natureza.tp_nf == "1"
    return "".join(
        (
            group("infIntermed", intermediario) if dice.chance(6) else "",
            _inf_adic(dice) if not dice.chance(4) else "",
            group("exporta", exporta) if exportacao else "",
            group("compra", compra) if nfe and dice.chance(8) else "",
            _cana(op, dice) if nfe and dice.chance(20) else "",
            _resp_tec(dice) if dice.chance(3) else "",
            group("infSolicNFF", tags(xSolic='{"nff": "<1> & 2"}')) if dice.chance(40) else "",
            _agropecuario(dice) if nfe and dice.chance(20) else "",
            _paa(dice) if dice.chance(60) else "",
        )
    )


def _referencia(op: Operacao, dice: Dice) -> str:
    near = op.emitida_em.date()
    antigo = tags(cUF="35", AAMM=f"{near - timedelta(days=dice.number(31, 3000)):%y%m}")
    numero = tags(serie=dice.number(0, 9), nNF=dice.whole(6))
    match dice.number(1, 7):
        case 1 | 2:
            return tags(refNFe=dice.key("55", near))
        case 3:
            # A refNFeSig hides the number: the key with its cNF as zeros.
            chave = dice.key("55", near)
            return tags(refNFeSig=f"{chave[:35]}00000000{chave[43]}")
        case 4:
            return group(
                "refNF", antigo, tags(CNPJ=dice.cnpj(), mod=dice.pick(("01", "02"))), numero
            )
        case 5:
            quem: dict[str, Campo] = (
                {"CPF": dice.cpf()} if dice.chance(2) else {"CNPJ": dice.cnpj()}
            )
            rest = tags(IE="ISENTO" if dice.chance(3) else dice.whole(12, 8), mod="04")
            return group("refNFP", antigo, tags(**quem), rest, numero)
        case 6:
            return tags(refCTe=dice.key("57", near))
        case _:
            cupom = tags(nECF=dice.digits(3), nCOO=dice.digits(6))
            return group("refECF", tags(mod=dice.pick(("2B", "2C", "2D"))), cupom)


def _veiculo(dice: Dice, name: str) -> str:
    antiga = dice.chance(2)
    letras = "".join(dice.pick("ABCDEFGHJK") for _ in range(3))
    placa = f"{letras}{dice.digits(4)}" if antiga else f"{letras}{dice.digits(1)}A{dice.digits(2)}"
    return group(name, tags(placa=placa, UF=dice.pick(LUGARES).uf, RNTC=dice.digits(8)))


def _volume(dice: Dice) -> str:
    liquido = dice.decimal(1, 9_999_999, 3)
    lacres = (
        group("lacres", tags(nLacre=f"LC<{dice.digits(5)}>")) for _ in range(dice.number(0, 3))
    )
    return group(
        "vol",
        tags(qVol=dice.whole(5), esp=dice.pick(("CAIXA", "PALETE", "TAMBOR & BOMBONA"))),
        tags(marca="Marca Açaí", nVol=f"1/{dice.number(1, 9)}") if dice.chance(2) else "",
        tags(pesoL=liquido, pesoB=liquido + Decimal("0.750")),
        *lacres,
    )


def _duplicatas(op: Operacao, valor: Decimal, count: int) -> str:
    share = (valor / count).quantize(ZERO)
    # Rounded up, the shares before the last must leave something for the last.
    share -= Decimal("0.01") if share * count > valor else ZERO
    first = op.emitida_em.date()
    return "".join(
        group(
            "dup",
            tags(nDup=f"{number:03d}", dVenc=str(first + timedelta(days=30 * number))),
            tags(vDup=share if number < count else valor - share * (count - 1)),
        )
        for number in range(1, count + 1)
    )


_PAGAMENTOS = ("01", "02", "03", "04", "10", "14", "15", "16", "17", "18", "20", "99")


def _parcela(op: Operacao, dice: Dice, valor: Decimal) -> str:
    forma = dice.pick(_PAGAMENTOS)
    cartao = ""
    if forma in ("03", "04", "17"):
        cartao = tags(tpIntegra=dice.pick("12"))
        if dice.chance(2):
            cartao += tags(CNPJ=dice.cnpj(), tBand=dice.pick(("01", "02", "99")))
            cartao += tags(cAut=f"AUT&{dice.alphanumeric(12)}")
        if dice.chance(4):
            cartao += tags(CNPJReceb=dice.cnpj(), idTermPag=f"T{dice.digits(7)}")
    onde = tags(CNPJPag=dice.cnpj(), UFPag=dice.pick(LUGARES).uf) if dice.chance(8) else ""
    return group(
        "detPag",
        tags(indPag=dice.pick("01") if dice.chance(2) else None, tPag=forma),
        tags(xPag="Vale & troca" if forma == "99" else None, vPag=valor),
        tags(dPag=str(op.emitida_em.date()) if dice.chance(3) else None),
        onde,
        optional_group("card", cartao),
    )


def _inf_adic(dice: Dice) -> str:
    observacoes = (
        f'<obsCont xCampo="Campo {number}">{tags(xTexto="Vendedor: D`Ávila & <João>")}</obsCont>'
        for number in range(1, dice.number(1, 10) + 1)
    )
    fisco = (
        f'<obsFisco xCampo="TERMO">{tags(xTexto=f"{dice.digits(8)} > {dice.digits(4)}")}</obsFisco>'
    )
    processo = tags(nProc=f"{dice.digits(7)}-{dice.digits(2)}", indProc=dice.pick("012349"))
    processo += tags(tpAto=dice.pick(("08", "10", "12", "14", "15")) if dice.chance(2) else None)
    cpl = f"Pedido <{dice.digits(6)}> & romaneio; trib. aprox. R$ {dice.reais(1, 99)} (IBPT) | "
    return group(
        "infAdic",
        tags(infAdFisco="Decreto nº 1.234/2020, art. 5º & § 2º" if dice.chance(3) else None),
        tags(infCpl=(cpl * dice.pick((1, 1, 2, 40))).strip()),
        *(observacoes if dice.chance(4) else ()),
        fisco if dice.chance(6) else "",
        group("procRef", processo) if dice.chance(6) else "",
    )


def _cana(op: Operacao, dice: Dice) -> str:
    dias = [(day, dice.decimal(10**9, 10**14, 10)) for day in range(1, 31, dice.number(1, 9))]
    total = sum((amount for _, amount in dias), ZERO)
    anterior = dice.decimal(10**12, 10**15, 10)
    deducoes = [dice.reais(1, 90) for _ in range(dice.number(0, 3))]
    deduzido, fornecido = sum(deducoes, ZERO), dice.reais(1_000, 90_000)
    return group(
        "cana",
        tags(safra=f"{op.emitida_em:%Y}", ref=f"{op.emitida_em:%m/%Y}"),
        *(f'<forDia dia="{day}">{tags(qtde=amount)}</forDia>' for day, amount in dias),
        tags(qTotMes=total, qTotAnt=anterior, qTotGer=total + anterior),
        *(group("deduc", tags(xDed="Taxa & associação", vDed=amount)) for amount in deducoes),
        tags(vFor=fornecido, vTotDed=deduzido, vLiqFor=fornecido - deduzido),
    )


def _resp_tec(dice: Dice) -> str:
    csrt = tags(idCSRT="01", hashCSRT="3lWKBxyQEHGe4xLpB2mJgZ7r5GE=") if dice.chance(3) else ""
    contato = tags(xContato=dice.pick(PESSOAS), email="suporte@example.com.br", fone="1132654321")
    return group("infRespTec", tags(CNPJ=dice.cnpj()), contato, csrt)


def _agropecuario(dice: Dice) -> str:
    if dice.chance(2):
        guia = tags(tpGuia=dice.pick("1234567"), UFGuia="MT", serieGuia="A<1>", nGuia=dice.whole(9))
        return group("agropecuario", group("guiaTransito", guia))
    receitas = (
        group("defensivo", tags(nReceituario=f"R&{dice.digits(6)}", CPFRespTec=dice.cpf()))
        for _ in range(dice.number(1, 3))
    )
    return group("agropecuario", *receitas)


def _paa(dice: Dice) -> str:
    """A signature inside infNFe: whoever looks for the first SignatureValue finds this one."""
    key = group("RSAKeyValue", tags(Modulus="c2VtIHZhbG9yIGZpc2NhbA==", Exponent="AQAB"))
    signature = group("PAASignature", tags(SignatureValue="c2VtIHZhbG9yIGZpc2NhbA=="), key)
    return group("infPAA", tags(CNPJPAA=dice.cnpj()), signature)
