"""Documents that are not notes, small and unsigned, about a note of a given key."""

import base64
import gzip

NFE = "http://www.portalfiscal.inf.br/nfe"
NFSE = "http://www.sped.fazenda.gov.br/nfse"


def event(
    chave: str,
    kind: str = "110111",
    sequence: int = 1,
    text: str = "<xJust>erro de digitação</xJust>",
) -> str:
    """What is sent to the tax office."""
    return (
        f'<evento xmlns="{NFE}" versao="1.00">'
        f'<infEvento Id="ID{kind}{chave}{sequence:02}"><cOrgao>35</cOrgao><tpAmb>2</tpAmb>'
        f"<CNPJ>{chave[6:20]}</CNPJ><chNFe>{chave}</chNFe>"
        f"<dhEvento>2026-03-02T10:00:00-03:00</dhEvento><tpEvento>{kind}</tpEvento>"
        f"<nSeqEvento>{sequence}</nSeqEvento><verEvento>1.00</verEvento>"
        f'<detEvento versao="1.00"><descEvento>Evento</descEvento>{text}</detEvento>'
        "</infEvento></evento>"
    )


def answer(chave: str, kind: str = "110111", sequence: int = 1, cstat: str = "135") -> str:
    """What the tax office answers."""
    return (
        f'<retEvento xmlns="{NFE}" versao="1.00"><infEvento><tpAmb>2</tpAmb>'
        "<verAplic>SP1</verAplic>"
        f"<cOrgao>35</cOrgao><cStat>{cstat}</cStat><xMotivo>Evento registrado</xMotivo>"
        f"<chNFe>{chave}</chNFe><tpEvento>{kind}</tpEvento><nSeqEvento>{sequence}</nSeqEvento>"
        "<dhRegEvento>2026-03-02T10:00:05-03:00</dhRegEvento><nProt>135260000000001</nProt>"
        "</infEvento></retEvento>"
    )


def proc_event(chave: str, kind: str = "110111", sequence: int = 1, **more: str) -> bytes:
    """Both, as they are kept."""
    cstat = more.pop("cstat", "135")
    return (
        f'<procEventoNFe xmlns="{NFE}" versao="1.00">{event(chave, kind, sequence, **more)}'
        f"{answer(chave, kind, sequence, cstat)}</procEventoNFe>"
    ).encode()


def protocol(
    chave: str, cstat: str = "100", number: str = "135260000000009", digest: str = ""
) -> str:
    """A protNFe; without a digest it is for any content."""
    return (
        f'<protNFe xmlns="{NFE}" versao="4.00"><infProt><tpAmb>2</tpAmb><verAplic>SP1</verAplic>'
        f"<chNFe>{chave}</chNFe><dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto>"
        f"<nProt>{number}</nProt>{f'<digVal>{digest}</digVal>' if digest else ''}"
        f"<cStat>{cstat}</cStat><xMotivo>Autorizado o uso da NF-e</xMotivo></infProt></protNFe>"
    )


def summary(chave: str, situation: str = "1") -> str:
    """A resNFe."""
    return (
        f'<resNFe xmlns="{NFE}" versao="1.01"><chNFe>{chave}</chNFe><CNPJ>{chave[6:20]}</CNPJ>'
        "<xNome>FORNECEDOR</xNome><IE>123</IE><dhEmi>2026-03-01T09:00:00-03:00</dhEmi>"
        "<tpNF>1</tpNF><vNF>10.00</vNF><digVal>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</digVal>"
        "<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>135260000000009</nProt>"
        f"<cSitNFe>{situation}</cSitNFe></resNFe>"
    )


def unused_numbers() -> bytes:
    """A ProcInutNFe."""
    part = (
        "<cUF>35</cUF><ano>26</ano><CNPJ>11222333000181</CNPJ><mod>55</mod><serie>1</serie>"
        "<nNFIni>10</nNFIni><nNFFin>12</nNFFin>"
    )
    return (
        f'<ProcInutNFe xmlns="{NFE}" versao="4.00"><inutNFe versao="4.00"><infInut Id="ID1">'
        f"<tpAmb>2</tpAmb><xServ>INUTILIZAR</xServ>{part}<xJust>Falha de sistema, teste</xJust>"
        '</infInut></inutNFe><retInutNFe versao="4.00"><infInut><tpAmb>2</tpAmb>'
        f"<verAplic>SP1</verAplic><cStat>102</cStat><xMotivo>Homologada</xMotivo>{part}"
        "<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>135260000000077</nProt>"
        "</infInut></retInutNFe></ProcInutNFe>"
    ).encode()


def distribution(*contents: str | bytes) -> bytes:
    """A retDistDFeInt that carries documents, each packed."""
    zips = "".join(
        f'<docZip NSU="{number:015}" schema="x">'
        f"{base64.b64encode(gzip.compress(_bytes(each), mtime=0)).decode()}</docZip>"
        for number, each in enumerate(contents, 1)
    )
    return (
        f'<retDistDFeInt xmlns="{NFE}" versao="1.01"><tpAmb>2</tpAmb><cStat>138</cStat>'
        f"<loteDistDFeInt>{zips}</loteDistDFeInt></retDistDFeInt>"
    ).encode()


def bare(note: bytes) -> str:
    """The NFe of an nfeProc, without a declaration."""
    text = note.decode()
    return text[text.index("<NFe") : text.index("</NFe>") + len("</NFe>")]


def cte(chave: str, protocol_too: bool = True) -> bytes:
    """A cteProc, its taker the recipient."""
    ns = "http://www.portalfiscal.inf.br/cte"
    prot = (
        f'<protCTe versao="4.00"><infProt><tpAmb>2</tpAmb><chCTe>{chave}</chCTe>'
        "<dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto><nProt>135260000000055</nProt>"
        "<cStat>100</cStat><xMotivo>Autorizado o uso do CT-e</xMotivo></infProt></protCTe>"
    )
    return (
        f'<cteProc xmlns="{ns}" versao="4.00"><CTe><infCte versao="4.00" Id="CTe{chave}"><ide>'
        "<mod>57</mod><serie>1</serie><nCT>77</nCT><dhEmi>2026-03-01T09:00:00-03:00</dhEmi>"
        "<tpAmb>2</tpAmb><toma3><toma>3</toma></toma3></ide><emit><CNPJ>11222333000181</CNPJ>"
        "<xNome>TRANSPORTADORA</xNome></emit><dest><CNPJ>22333444000155</CNPJ>"
        "<xNome>DESTINO</xNome></dest><vPrest><vTPrest>1234.56</vTPrest></vPrest>"
        f"</infCte></CTe>{prot if protocol_too else ''}</cteProc>"
    ).encode()


def cte_cancellation(chave: str) -> bytes:
    """A procEventoCTe of 110111, registered."""
    about = f"<cOrgao>35</cOrgao><tpAmb>2</tpAmb><chCTe>{chave}</chCTe>"
    kind = "<tpEvento>110111</tpEvento><nSeqEvento>1</nSeqEvento>"
    return (
        '<procEventoCTe xmlns="http://www.portalfiscal.inf.br/cte" versao="4.00">'
        f'<eventoCTe versao="4.00"><infEvento Id="ID110111{chave}001">{about}'
        f"<dhEvento>2026-03-02T10:00:00-03:00</dhEvento>{kind}"
        '<detEvento versaoEvento="4.00"><evCancCTe><descEvento>Cancelamento</descEvento>'
        "<nProt>135260000000055</nProt><xJust>Erro na emissao do documento</xJust></evCancCTe>"
        '</detEvento></infEvento></eventoCTe><retEventoCTe versao="4.00"><infEvento>'
        f"{about}{kind}<cStat>135</cStat><dhRegEvento>2026-03-02T10:00:01-03:00</dhRegEvento>"
        "<nProt>135260000000056</nProt></infEvento></retEventoCTe></procEventoCTe>"
    ).encode()


def nfse(chave: str) -> str:
    """An NFS-e of the national service."""
    return (
        f'<NFSe xmlns="{NFSE}" versao="1.01"><infNFSe Id="NFS{chave}"><nNFSe>77</nNFSe>'
        "<dhProc>2026-03-02T10:00:00-03:00</dhProc>"
        f"<emit><CNPJ>{chave[9:23]}</CNPJ></emit></infNFSe></NFSe>"
    )


def nfse_event(chave: str, kind: str) -> str:
    """An event of one, as the national service hands it out."""
    return (
        f'<evento xmlns="{NFSE}" versao="1.01"><infEvento Id="EVT{chave}{kind}001">'
        '<nSeqEvento>001</nSeqEvento><pedRegEvento versao="1.01"><infPedReg>'
        f"<chNFSe>{chave}</chNFSe><e{kind}><cMotivo>01</cMotivo></e{kind}>"
        "</infPedReg></pedRegEvento></infEvento></evento>"
    )


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def other_event(
    chave: str,
    name: str,
    kind: str = "110111",
    detail: str = "<evCanc><xJust>erro de digitação</xJust></evCanc>",
    cstat: str = "135",
    answered: str | None = None,
) -> str:
    """A procEventoCTe, procEventoMDFe and so on; `answered` is the key that the answer names."""
    ns = f"http://www.portalfiscal.inf.br/{name.lower()}"
    return (
        f'<procEvento{name} xmlns="{ns}" versao="4.00"><evento{name} versao="4.00">'
        f'<infEvento Id="ID{kind}{chave}001"><cOrgao>35</cOrgao><tpAmb>1</tpAmb>'
        f"<CNPJ>{chave[6:20]}</CNPJ><ch{name}>{chave}</ch{name}>"
        f"<dhEvento>2026-03-02T10:00:00-03:00</dhEvento><tpEvento>{kind}</tpEvento>"
        f'<nSeqEvento>1</nSeqEvento><detEvento versaoEvento="4.00">{detail}</detEvento>'
        f'</infEvento></evento{name}><retEvento{name} versao="4.00"><infEvento><tpAmb>1</tpAmb>'
        f"<verAplic>SP1</verAplic><cOrgao>35</cOrgao><cStat>{cstat}</cStat>"
        f"<xMotivo>Evento registrado</xMotivo><ch{name}>{answered or chave}</ch{name}>"
        f"<tpEvento>{kind}</tpEvento><xEvento>Cancelamento</xEvento><nSeqEvento>1</nSeqEvento>"
        "<dhRegEvento>2026-03-02T10:00:05-03:00</dhRegEvento><nProt>135260000000001</nProt>"
        f"</infEvento></retEvento{name}></procEvento{name}>"
    )


def old_cte(chave: str, carried: str) -> str:
    """A CT-e of layout 2.00, written by its manual: its times have no offset."""
    return (
        '<CTe xmlns="http://www.portalfiscal.inf.br/cte">'
        f'<infCte versao="2.00" Id="CTe{chave}"><ide><cUF>35</cUF><CFOP>5353</CFOP>'
        "<mod>57</mod><serie>1</serie><nCT>77</nCT><dhEmi>2014-05-15T14:45:30</dhEmi>"
        "<tpAmb>1</tpAmb><modal>01</modal><UFIni>SP</UFIni><UFFim>MG</UFFim>"
        "<toma03><toma>3</toma></toma03></ide><emit><CNPJ>11222333000181</CNPJ>"
        "<xNome>TRANSPORTADORA</xNome></emit><dest><CNPJ>22333444000155</CNPJ>"
        "<xNome>DESTINO</xNome></dest><vPrest><vTPrest>100.00</vTPrest><vRec>100.00</vRec></vPrest>"
        "<infCTeNorm><infDoc><infNFe>"
        f"<chave>{carried}</chave></infNFe></infDoc><infModal versaoModal='2.00'><rodo>"
        "<RNTRC>12345678</RNTRC></rodo></infModal></infCTeNorm></infCte></CTe>"
    )


def old_mdfe(chave: str, carried: str) -> str:
    """An MDF-e of layout 1.00, written by its manual: its times have no offset."""
    return (
        '<MDFe xmlns="http://www.portalfiscal.inf.br/mdfe">'
        f'<infMDFe versao="1.00" Id="MDFe{chave}"><ide><cUF>35</cUF><tpAmb>1</tpAmb><mod>58</mod>'
        "<serie>1</serie><nMDF>28</nMDF><modal>1</modal><dhEmi>2014-05-15T14:45:30</dhEmi>"
        "<UFIni>SP</UFIni><UFFim>MG</UFFim></ide><emit><CNPJ>11222333000181</CNPJ>"
        "<xNome>TRANSPORTADORA</xNome></emit><infModal versaoModal='1.00'><rodo>"
        "<RNTRC>12345678</RNTRC><veicTracao><placa>ABC1234</placa><condutor><xNome>JOSE</xNome>"
        "<CPF>12345678909</CPF></condutor></veicTracao></rodo></infModal><infDoc><infMunDescarga>"
        "<cMunDescarga>3106200</cMunDescarga><xMunDescarga>BELO HORIZONTE</xMunDescarga><infCTe>"
        f"<chCTe>{carried}</chCTe></infCTe></infMunDescarga></infDoc><tot><qCTe>1</qCTe>"
        "<vCarga>1000.00</vCarga><cUnid>01</cUnid><qCarga>50.0000</qCarga></tot></infMDFe></MDFe>"
    )
