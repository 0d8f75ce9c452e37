"""Documents that are not notes, written for the book of questions: carriers, services, bills."""

from collections.abc import Iterator, Sequence

_MDFE = "http://www.portalfiscal.inf.br/mdfe"
_CARRIERS = (
    ("11222333000181", "TRANSPORTES ARARA LTDA"),
    ("44555666000199", "RODOVIAS DO SUL S.A."),
    ("77888999000110", "EXPRESSO CAATINGA ME"),
)
_MUNICIPALITIES = (("3550308", "São Paulo"), ("3106200", "Belo Horizonte"), ("4106902", "Curitiba"))


def written(keys: Sequence[str]) -> Iterator[str]:
    """CT-e and MDF-e that carry notes of these keys; NFS-e, NF3-e and NFCom of five months."""
    for number, chave in enumerate(keys, 1):
        yield _cte(number, chave)
    for number in range(1, len(keys) // 3 + 1):
        yield _mdfe(number, [key_of("57", each) for each in range(3 * number - 2, 3 * number + 1)])
        if number % 4:
            yield _closing(number)
    for number in range(1, 25):
        yield _nfse(number)
    for number in range(1, 11):
        yield _bill("NF3e", "66", number)
        yield _bill("NFCom", "62", number)


def key_of(model: str, number: int) -> str:
    """A key of a model; its check digit is not right."""
    carrier = _CARRIERS[number % 3][0]
    return f"352603{carrier}{model}001{number:09d}1{number:08d}0"


def _protocol(kind: str, chave: str) -> str:
    return (
        f'<prot{kind} versao="1.00"><infProt><tpAmb>2</tpAmb><ch{kind}>{chave}</ch{kind}>'
        "<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>135260000000055</nProt>"
        f"<cStat>100</cStat><xMotivo>Autorizado</xMotivo></infProt></prot{kind}>"
    )


def _moment(number: int) -> str:
    return f"2026-{1 + number % 5:02d}-{1 + number % 28:02d}T09:00:00-03:00"


def _cte(number: int, carried: str) -> str:
    cnpj, name = _CARRIERS[number % 3]
    freight = 150 * number
    chave = key_of("57", number)
    return (
        '<cteProc xmlns="http://www.portalfiscal.inf.br/cte" versao="4.00"><CTe>'
        f'<infCte versao="4.00" Id="CTe{chave}"><ide><CFOP>{5353 + 1000 * (number % 2)}</CFOP>'
        f"<mod>57</mod><serie>1</serie><nCT>{number}</nCT><dhEmi>{_moment(number)}</dhEmi>"
        "<tpAmb>2</tpAmb><tpCTe>0</tpCTe><modal>01</modal><UFIni>SP</UFIni><UFFim>MG</UFFim>"
        f"</ide><emit><CNPJ>{cnpj}</CNPJ><xNome>{name}</xNome></emit><vPrest>"
        f"<vTPrest>{freight}.00</vTPrest><vRec>{freight}.00</vRec><Comp><xNome>FRETE</xNome>"
        f"<vComp>{freight}.00</vComp></Comp></vPrest><imp><ICMS><ICMS00><CST>00</CST>"
        f"<vBC>{freight}.00</vBC><pICMS>12.00</pICMS><vICMS>{freight * 12 // 100}.00</vICMS>"
        f"</ICMS00></ICMS></imp><infCTeNorm><infCarga><vCarga>{4000 * number}.00</vCarga>"
        "<proPred>PECAS</proPred><infQ><cUnid>01</cUnid><tpMed>PESO BRUTO</tpMed>"
        f"<qCarga>{100 * number}.0000</qCarga></infQ></infCarga><infDoc><infNFe>"
        f"<chave>{carried}</chave></infNFe></infDoc></infCTeNorm></infCte></CTe>"
        f"{_protocol('CTe', chave)}</cteProc>"
    )


def _mdfe(number: int, keys: Sequence[str]) -> str:
    cnpj, name = _CARRIERS[number % 3]
    chave = key_of("58", number)
    carried = "".join(f"<infCTe><chCTe>{each}</chCTe></infCTe>" for each in keys)
    code, place = _MUNICIPALITIES[number % 3]
    return (
        f'<mdfeProc xmlns="{_MDFE}" versao="3.00"><MDFe><infMDFe versao="3.00" Id="MDFe{chave}">'
        f"<ide><mod>58</mod><serie>1</serie><nMDF>{number}</nMDF><dhEmi>{_moment(number)}</dhEmi>"
        f"<UFIni>SP</UFIni><UFFim>MG</UFFim></ide><emit><CNPJ>{cnpj}</CNPJ><xNome>{name}</xNome>"
        f"</emit><infDoc><infMunDescarga><cMunDescarga>{code}</cMunDescarga>"
        f"<xMunDescarga>{place}</xMunDescarga>{carried}</infMunDescarga></infDoc>"
        f"<tot><qCTe>{len(keys)}</qCTe><vCarga>{1000 * number}.00</vCarga></tot></infMDFe></MDFe>"
        f"{_protocol('MDFe', chave)}</mdfeProc>"
    )


def _closing(number: int) -> str:
    chave = key_of("58", number)
    about = f"<cOrgao>35</cOrgao><tpAmb>2</tpAmb><chMDFe>{chave}</chMDFe>"
    kind = "<tpEvento>110112</tpEvento><nSeqEvento>1</nSeqEvento>"
    return (
        f'<procEventoMDFe xmlns="{_MDFE}" versao="3.00"><eventoMDFe versao="3.00"><infEvento>'
        f"{about}<dhEvento>2026-06-01T10:00:00-03:00</dhEvento>{kind}"
        '<detEvento versaoEvento="3.00"><evEncMDFe><dtEnc>2026-06-01</dtEnc><cUF>31</cUF>'
        "<cMun>3106200</cMun></evEncMDFe></detEvento></infEvento></eventoMDFe>"
        f'<retEventoMDFe versao="3.00"><infEvento>{about}{kind}<cStat>135</cStat>'
        f"<nProt>935260000{number:06d}</nProt></infEvento></retEventoMDFe></procEventoMDFe>"
    )


def _nfse(number: int) -> str:
    code, place = _MUNICIPALITIES[number % 3]
    cnpj, name = _CARRIERS[(number + 1) % 3]
    value = 400 * number
    iss, income, social = value * 5 // 100, value * 15 // 1000, value * 11 // 100
    is_withheld = number % 2
    kept = income + social + (iss if is_withheld else 0)
    return (
        '<NFSe xmlns="http://www.sped.fazenda.gov.br/nfse" versao="1.01">'
        f'<infNFSe Id="NFS{code}22{cnpj}{number:013d}26030{number:09d}">'
        f"<cLocIncid>{code}</cLocIncid><xLocIncid>{place}</xLocIncid><nNFSe>{number}</nNFSe>"
        f"<dhProc>{_moment(number)}</dhProc><nDFSe>{number}</nDFSe><emit><CNPJ>{cnpj}</CNPJ>"
        f"<xNome>{name}</xNome></emit><valores><vBC>{value}.00</vBC><pAliqAplic>5.00</pAliqAplic>"
        f"<vISSQN>{iss}.00</vISSQN><vTotalRet>{kept}.00</vTotalRet><vLiq>{value - kept}.00</vLiq>"
        f"</valores><DPS><infDPS><dhEmi>{_moment(number)}</dhEmi>"
        f"<dCompet>{_moment(number)[:10]}</dCompet><toma><CNPJ>99888777000166</CNPJ>"
        f"<xNome>TOMADORA</xNome></toma><valores><vServPrest><vServ>{value}.00</vServ>"
        f"</vServPrest><trib><tribMun><tribISSQN>1</tribISSQN>"
        f"<tpRetISSQN>{1 + is_withheld}</tpRetISSQN></tribMun><tribFed>"
        f"<vRetCP>{social}.00</vRetCP><vRetIRRF>{income}.00</vRetIRRF></tribFed></trib></valores>"
        "</infDPS></DPS></infNFSe></NFSe>"
    )


def _bill(kind: str, model: str, number: int) -> str:
    chave = key_of(model, number)
    issuer = {"NF3e": "LUZ DO INTERIOR S.A.", "NFCom": "FIBRA VELOZ S.A."}[kind]
    icms, more = 18 * number, 3 * number
    own = "" if kind == "NF3e" else f"<vFUNTTEL>1.00</vFUNTTEL><vFUST>{number}.00</vFUST>"
    return (
        f'<{kind.lower()}Proc xmlns="http://www.portalfiscal.inf.br/{kind.lower()}"><{kind}>'
        f'<inf{kind} versao="1.00" Id="{kind}{chave}"><ide><mod>{model}</mod><serie>1</serie>'
        f"<nNF>{number}</nNF><dhEmi>{_moment(number)}</dhEmi></ide><emit>"
        f"<CNPJ>55444333000122</CNPJ><xNome>{issuer}</xNome></emit><dest>"
        "<CNPJ>99888777000166</CNPJ><xNome>CONSUMIDORA</xNome></dest><total>"
        f"<vProd>{100 * number}.00</vProd><ICMSTot><vBC>{100 * number}.00</vBC>"
        f"<vICMS>{icms}.00</vICMS></ICMSTot><vCOFINS>{more}.00</vCOFINS><vPIS>1.65</vPIS>{own}"
        f"<vNF>{100 * number}.00</vNF></total><gFat><CompetFat>2026{1 + number % 5:02d}</CompetFat>"
        f"<dVencFat>2026-{2 + number % 5:02d}-10</dVencFat></gFat></inf{kind}></{kind}>"
        f"{_protocol(kind, chave)}</{kind.lower()}Proc>"
    )
