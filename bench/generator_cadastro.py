"""Who and what the notes are about: places, issuers, buyers, goods. All made up."""

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import NamedTuple

from bench.generator_campos import Campo, group, tags
from bench.generator_sorteio import Dice

HOMOLOGACAO = "NF-E EMITIDA EM AMBIENTE DE HOMOLOGACAO - SEM VALOR FISCAL"


class Lugar(NamedTuple):
    """A municipality with its IBGE codes and its distance from UTC."""

    uf: str
    c_uf: str
    c_mun: str
    x_mun: str
    cep: str
    utc_hours: int

    @property
    def fuso(self) -> timezone:
        """The local time of the place; Brazil has had no summer time since 2019."""
        return timezone(timedelta(hours=self.utc_hours))


LUGARES = (
    Lugar("SP", "35", "3550308", "São Paulo", "01310100", -3),
    Lugar("AM", "13", "1302603", "Manaus", "69005010", -4),
    Lugar("AC", "12", "1200401", "Rio Branco", "69900064", -5),
    Lugar("PE", "26", "2605459", "Fernando de Noronha", "53990000", -2),
    Lugar("RJ", "33", "3304557", "Rio de Janeiro", "20040002", -3),
    Lugar("MT", "51", "5103403", "Cuiabá", "78005370", -4),
    Lugar("MG", "31", "3106200", "Belo Horizonte", "30130010", -3),
    Lugar("PR", "41", "4106902", "Curitiba", "80010010", -3),
    Lugar("RS", "43", "4314902", "Porto Alegre", "90010150", -3),
    Lugar("SC", "42", "4205407", "Florianópolis", "88010400", -3),
    Lugar("BA", "29", "2927408", "Salvador", "40020000", -3),
    Lugar("PE", "26", "2611606", "Recife", "50030230", -3),
    Lugar("CE", "23", "2304400", "Fortaleza", "60025001", -3),
    Lugar("DF", "53", "5300108", "Brasília", "70040010", -3),
    Lugar("GO", "52", "5208707", "Goiânia", "74003010", -3),
    Lugar("PA", "15", "1501402", "Belém", "66010000", -3),
    Lugar("MS", "50", "5002704", "Campo Grande", "79002000", -4),
    Lugar("ES", "32", "3205309", "Vitória", "29010002", -3),
    Lugar("MA", "21", "2111300", "São Luís", "65010000", -3),
    Lugar("RO", "11", "1100205", "Porto Velho", "76801000", -4),
    Lugar("RN", "24", "2408102", "Natal", "59012300", -3),
    Lugar("PB", "25", "2507507", "João Pessoa", "58010000", -3),
    Lugar("AL", "27", "2704302", "Maceió", "57020000", -3),
    Lugar("SE", "28", "2800308", "Aracaju", "49010020", -3),
    Lugar("PI", "22", "2211001", "Teresina", "64000020", -3),
    Lugar("TO", "17", "1721000", "Palmas", "77001002", -3),
    Lugar("RR", "14", "1400100", "Boa Vista", "69301000", -4),
    Lugar("AP", "16", "1600303", "Macapá", "68900010", -3),
)

_EMPRESAS = (
    "Açúcar & Cia <Ltda>",
    "Indústria Gráfica São José S/A",
    "Comércio de Peças D'Ávila & Filhos Ltda",
    "Distribuidora Três Irmãos EIRELI",
    "Laticínios Serra Azul Ltda - ME",
    'Ferragens "O Parafusão" Ltda',
    "Química do Brasil S.A. > Filial",
    "Posto Avenida Combustíveis Ltda",
    "Atacadão do Norte & Nordeste S/A",
    "Vinícola Vale dos Parreirais Ltda",
)
PESSOAS = (
    "João da Silva & Souza",
    "Maria Aparecida Conceição",
    "Antônio José Gonçalves",
    "Luíza Brandão d'Ávila",
    "Zoë Müller Araújo",
    "Inácio Peçanha Júnior",
)
_ESTRANGEIROS = (
    ("José Núñez & Hijos S.A.", "0639", "ARGENTINA"),
    ("Müller <Maschinenbau> GmbH", "0230", "ALEMANHA"),
    ("Smith & Sons Ltd", "6289", "REINO UNIDO"),
    ("Société Générale d'Équipement", "2755", "FRANÇA"),
)
_RUAS = (
    "Avenida Paulista",
    "Rua XV de Novembro",
    "Praça da Sé",
    "Travessa 7 & 8",
    "Rodovia BR-101",
)
_BAIRROS = ("Centro", "Jardim América", "Vila São José", "Distrito Industrial <Norte>")


class Produto(NamedTuple):
    """Something to sell."""

    ncm: str
    unidade: str
    nome: str


PRODUTOS = (
    Produto("17019900", "KG", "Açúcar cristal"),
    Produto("09012100", "PCT", "Café torrado & moído 500 g"),
    Produto("73181500", "CT", 'Parafuso 1/2" x 3 <aço inox>'),
    Produto("19052090", "UN", "Pão d'água francês"),
    Produto("72085100", "KG", "Chapa laminada > 10 mm"),
    Produto("10063021", "FD", "Arroz parboilizado tipo 1, 30x1 kg"),
    Produto("84713012", "UN", "Notebook 14pol 16GB/512GB"),
    Produto("33049910", "UN", "Loção hidratante 200 ml - fragrância avelã"),
    Produto("39233000", "MIL", "Garrafa PET 2 L (pré-forma)"),
    Produto("64039990", "PR", "Calçado de couro nº 42"),
    Produto("22042100", "CX", "Vinho tinto fino seco 750 ml, cx. c/ 12"),
    Produto("85444200", "M", "Cabo flexível 2,5 mm² 750V"),
)
SERVICO = Produto("00", "HR", "Instalação & manutenção de máquinas")
MEDICAMENTO = Produto("30049099", "CX", "Dipirona sódica 500 mg c/ 10 comprimidos")
COMBUSTIVEL = Produto("27101259", "L", "Gasolina C comum")
VEICULO = Produto("87032310", "UN", "Automóvel 1.6 flex, câmbio automático")
ARMA = Produto("93020000", "UN", "Pistola calibre 9 mm")
PAPEL = Produto("48010030", "KG", "Papel imune para impressão de jornal")


@dataclass(frozen=True, slots=True)
class Emitente:
    """An issuer; `certificado_cnpj` is its head office, which owns the certificate."""

    cnpj: str
    certificado_cnpj: str
    nome: str
    lugar: Lugar
    crt: str  # emit/CRT: 1 and 4 are Simples Nacional and use the CSOSN groups
    xml: str  # the whole <emit> group

    @property
    def simples(self) -> bool:
        """Whether its items carry CSOSN instead of CST."""
        return self.crt in ("1", "4")

    @property
    def alphanumeric(self) -> bool:
        """Whether its CNPJ has letters."""
        return not self.cnpj.isdigit()


def emitentes(seed: int, count: int) -> tuple[Emitente, ...]:
    """The issuers of a seed. One in twenty, but at least one of two, has letters in its CNPJ."""
    with_letters = max(1, count // 20) if count > 1 else 0
    return tuple(
        _emitente(Dice(f"nfed/{seed}/emitente/{place}"), place, place >= count - with_letters)
        for place in range(count)
    )


def _emitente(dice: Dice, place: int, letters: bool) -> Emitente:
    lugar = LUGARES[place % len(LUGARES)]
    matriz = dice.cnpj(letters=letters)
    # A branch signs with the certificate of its head office: only the root agrees.
    filial = matriz if letters or place % 3 else dice.branch_of(matriz)
    # Every third issuer is in the Simples, but never the first nor one with letters,
    # so that plain notes, which want CST 00, always find an issuer.
    crt = "3" if letters or place % 3 != 2 else ("1", "1", "4", "2")[place // 3 % 4]
    nome = _EMPRESAS[place % len(_EMPRESAS)]
    xml = group(
        "emit",
        tags(CNPJ=filial, xNome=nome, xFant=nome.split()[0] if place % 2 else None),
        group("enderEmit", _rua(dice), _cidade(lugar), tags(cPais="1058", xPais="Brasil")),
        tags(IE=dice.whole(12, 9), IEST=dice.whole(12, 9) if place % 4 == 1 else None),
        tags(IM=dice.whole(9, 5), CNAE=dice.digits(7) if place % 2 else None),
        tags(CRT=crt, ISUFEmit=dice.digits(9) if lugar.uf == "AM" else None),
    )
    return Emitente(filial, matriz, nome, lugar, crt, xml)


def comprador(dice: Dice, letters: bool, lugar: Lugar, contribuinte: bool) -> str:
    """A `<dest>` in Brazil: a taxpayer, a company that is none, or a person."""
    nome = HOMOLOGACAO if dice.chance(3) else None
    endereco = group("enderDest", endereco_nacional(dice, lugar))
    rest = tags(email="compras@example.com.br" if dice.chance(3) else None)
    if contribuinte:
        quem = tags(CNPJ=dice.cnpj(letters=letters), xNome=nome or dice.pick(_EMPRESAS))
        suframa = dice.digits(9) if lugar.uf in ("AM", "AC", "RO", "RR", "AP") else None
        inscricao = tags(indIEDest="1", IE=dice.whole(14, 8), ISUF=suframa)
    elif dice.chance(3):
        quem = tags(CNPJ=dice.cnpj(letters=letters), xNome=nome or dice.pick(_EMPRESAS))
        inscricao = tags(indIEDest="2", IM=dice.whole(12, 5) if dice.chance(2) else None)
    else:
        quem = tags(CPF=dice.cpf(), xNome=nome or dice.pick(PESSOAS))
        inscricao = tags(indIEDest="9")
    return group("dest", quem, endereco, inscricao, rest)


def estrangeiro(dice: Dice) -> str:
    """A `<dest>` abroad; its own number may be empty, as many emitters leave it."""
    nome, c_pais, x_pais = dice.pick(_ESTRANGEIROS)
    numero = "" if dice.chance(4) else f"{dice.pick('ABCXYZ')}-{dice.digits(8)}"
    return group(
        "dest",
        tags(idEstrangeiro=numero, xNome=nome),
        group(
            "enderDest",
            _rua(dice),
            tags(cMun="9999999", xMun="EXTERIOR", UF="EX", cPais=c_pais, xPais=x_pais),
        ),
        tags(indIEDest="9"),
    )


def consumidor(dice: Dice, letters: bool, lugar: Lugar) -> str:
    """The `<dest>` of an NFC-e, which more often than not is nobody at all."""
    lot = dice.number(1, 10)
    if lot <= 6:
        return ""
    if lot <= 8:
        return group("dest", tags(CPF=dice.cpf(), indIEDest="9"))
    endereco = group("enderDest", endereco_nacional(dice, lugar))
    quem: dict[str, Campo] = (
        {"CPF": dice.cpf()} if lot == 9 else {"CNPJ": dice.cnpj(letters=letters)}
    )
    return group("dest", tags(**quem, xNome=dice.pick(PESSOAS)), endereco, tags(indIEDest="9"))


def local(dice: Dice, name: str, lugar: Lugar) -> str:
    """A `<retirada>` or an `<entrega>`."""
    quem: dict[str, Campo] = {"CPF": dice.cpf()} if dice.chance(3) else {"CNPJ": dice.cnpj()}
    if dice.chance(2):
        quem["xNome"] = dice.pick(_EMPRESAS)
    rest = tags(email="doca@example.com.br", IE=dice.whole(12, 8)) if dice.chance(2) else ""
    return group(name, tags(**quem), endereco_nacional(dice, lugar), rest)


def transportadora(dice: Dice) -> str:
    """A `<transporta>`, which may lack any of its fields."""
    lugar = dice.pick(LUGARES)
    quem: dict[str, Campo] = {"CPF": dice.cpf()} if dice.chance(6) else {"CNPJ": dice.cnpj()}
    ie = "ISENTO" if dice.chance(5) else dice.whole(12, 8)
    return group(
        "transporta",
        tags(**quem, xNome=dice.pick(_EMPRESAS), IE=ie, xEnder=f"{dice.pick(_RUAS)}, 100"),
        tags(xMun=lugar.x_mun, UF=lugar.uf),
    )


def endereco_nacional(dice: Dice, lugar: Lugar) -> str:
    """The inside of an address in Brazil."""
    pais = tags(cPais="1058", xPais="BRASIL") if dice.chance(2) else ""
    fone = tags(fone="11" + dice.digits(9)) if dice.chance(2) else ""
    return _rua(dice) + _cidade(lugar) + pais + fone


def _rua(dice: Dice) -> str:
    nro = "S/N" if dice.chance(8) else str(dice.number(1, 9999))
    x_cpl = "Galpão 3 <fundos>" if dice.chance(5) else None
    return tags(xLgr=dice.pick(_RUAS), nro=nro, xCpl=x_cpl, xBairro=dice.pick(_BAIRROS))


def _cidade(lugar: Lugar) -> str:
    return tags(cMun=lugar.c_mun, xMun=lugar.x_mun, UF=lugar.uf, CEP=lugar.cep)
