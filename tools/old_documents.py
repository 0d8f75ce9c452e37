"""Makes the documents that databases of old versions are filled with: always the same ones.

They come in stages: what a stage brings may meet what an earlier one stored.
"""

import gzip
import io
import re
import zipfile

from bench.generator import Generator, check_digit, with_protocol
from tests.support.full_notes import full_notes
from tests.support.other_documents import (
    NFE,
    answer,
    bare,
    cte,
    distribution,
    event,
    nfse,
    nfse_event,
    proc_event,
    protocol,
    summary,
    unused_numbers,
)

SEED = 2026
_ISSUER = "11222333000181"
_NFSE = "3550308" + "22" + "0X0J92JY000196" + "0000000000077" + "2603" + "1234567890"
_CORRECTION = "<xCorrecao>Onde se lê 1, leia-se {}</xCorrecao><xCondUso>A Carta…</xCondUso>"
_MEDICINE = (
    "<med><nLote>L1</nLote><qLote>10.000</qLote><dFab>2012-01-31</dFab><dVal>2014-01-31</dVal>"
    "<vPMC>9.90</vPMC></med></prod>"
)
_MDFE = "http://www.portalfiscal.inf.br/mdfe"
_CTE = "http://www.portalfiscal.inf.br/cte"

type Files = dict[str, bytes]


def stages() -> list[Files]:
    """Files by name, in the order in which their stages are imported."""
    made: list[Files] = [{}, {}, {}]
    generator = Generator(SEED)
    _notes(made, generator)
    _later_protocols(made, generator)
    _events(made, generator)
    _others(made)
    _wrapped(made, generator)
    _refused(made, generator)
    for number, (_, xml) in enumerate(full_notes()):
        made[0][f"inteira-{number:02}.xml"] = _with_key(xml, _key("55", 900 + number))
    return [
        {f"{number}-{name}": _bytes(content) for name, content in sorted(files.items())}
        for number, files in enumerate(made, 1)
    ]


def _notes(made: list[Files], generator: Generator) -> None:
    """Whole notes of both models, of the layouts old and new, and in other encodings."""
    first, _, last = made
    for n in range(12):
        first[f"nfe-{n:02}.xml"] = generator.note(n, items=1 + n % 3).xml
    for n in range(12, 15):
        first[f"nfce-{n}.xml"] = generator.note(n, items=2, modelo="65").xml
    first["nfe-15-simples.xml"] = generator.note(15, items=2, rich=False).xml
    first["nfe-16-sem-protocolo.xml"] = generator.note(16, items=1, authorised=False).xml
    for n, layout in enumerate(("3.10", "2.00", "1.10"), 17):
        old = bare(generator.note(n, items=1).xml).replace('versao="4.00"', f'versao="{layout}"')
        old = old.replace("<mod>", "<indPag>1</indPag><mod>", 1)
        first[f"nfe-{n}-leiaute-{layout}.xml"] = old.replace("</prod>", _MEDICINE, 1).encode()
    latin = generator.note(20, items=1).xml.decode()
    latin = latin.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    first["nfe-20-latin1.xml"] = latin.encode("latin-1", "xmlcharrefreplace")
    unknown = generator.note(21, items=1).xml
    unknown = unknown.replace(b"<indTot>", b"<cNovo>&lt;A 1</cNovo><indTot>", 1)
    first["nfe-21-campo-novo.xml"] = unknown
    last["nfe-00-outra-vez.xml"] = first["nfe-00.xml"]
    last["nfce-12-outra-vez.xml"] = first["nfce-12.xml"]


def _later_protocols(made: list[Files], generator: Generator) -> None:
    """Notes whose answer comes apart from them, in either order, and answers that say no."""
    first, second, last = made
    whole = {n: generator.note(n, items=2).xml for n in range(30, 37)}
    first["nfe-30-nua.xml"] = bare(whole[30]).encode()
    second["nfe-30-protocolo.xml"] = protocol(_key_of(whole[30])).encode()
    first["nfe-31-protocolo.xml"] = protocol(_key_of(whole[31])).encode()
    second["nfe-31-nua.xml"] = bare(whole[31]).encode()
    first["nfe-32-nua.xml"] = bare(whole[32]).encode()
    second["nfe-32-inteira.xml"] = whole[32]
    first["nfe-33-denegada.xml"] = with_protocol(whole[33], c_stat="302")
    first["nfe-34-rejeitada.xml"] = with_protocol(whole[34], c_stat="225")
    first["nfe-35-resumo.xml"] = summary(_key_of(whole[35])).encode()
    last["nfe-35-inteira.xml"] = whole[35]
    first["nfe-36-resumo.xml"] = summary(_key_of(whole[36])).encode()
    second["nfe-36-resumo-cancelada.xml"] = summary(_key_of(whole[36]), "3").encode()


def _events(made: list[Files], generator: Generator) -> None:
    """Events before their note, after it and without it; halves, corrections, rejections."""
    first, second, last = made
    whole = {n: generator.note(n, items=1).xml for n in range(40, 46)}
    key = {n: _key_of(xml) for n, xml in whole.items()}
    first["nfe-40.xml"] = whole[40]
    second["nfe-40-cancelamento.xml"] = proc_event(key[40])
    first["nfe-41-cancelamento.xml"] = proc_event(key[41])
    second["nfe-41.xml"] = whole[41]
    first["nfe-42.xml"] = whole[42]
    first["nfe-42-cce-1.xml"] = proc_event(key[42], "110110", 1, text=_CORRECTION.format(2))
    second["nfe-42-cce-2.xml"] = proc_event(key[42], "110110", 2, text=_CORRECTION.format(3))
    first["nfe-43-cce-1.xml"] = proc_event(key[43], "110110", 1, text=_CORRECTION.format(4))
    last["nfe-43.xml"] = whole[43]
    last["nfe-43-ciencia.xml"] = proc_event(key[43], "210210", text="")
    first["nfe-44-pedido.xml"] = event(key[44]).encode()
    second["nfe-44-resposta.xml"] = answer(key[44]).encode()
    last["nfe-44.xml"] = whole[44]
    first["nfe-45.xml"] = whole[45]
    second["nfe-45-cancelamento-negado.xml"] = proc_event(
        key[45], text="<xJust>primeira</xJust><vNF>1.00</vNF>", cstat="501"
    )
    last["nfe-45-cancelamento.xml"] = proc_event(
        key[45], text="<xJust>segunda</xJust><vNF>2.00</vNF>"
    )
    first["sem-nota-epec.xml"] = proc_event(
        _key("55", 800),
        "110140",
        text='<cOrgaoAutor>35</cOrgaoAutor><dest x="1"><UF>SP</UF><vNF>10.00</vNF></dest>',
    )
    first["sem-nota-resumo.xml"] = (
        f'<resEvento xmlns="{NFE}" versao="1.01"><cOrgao>35</cOrgao><CNPJ>{_ISSUER}</CNPJ>'
        f"<chNFe>{_key('55', 801)}</chNFe><dhEvento>2026-03-02T10:00:00-03:00</dhEvento>"
        "<tpEvento>110110</tpEvento><nSeqEvento>1</nSeqEvento><xEvento>Carta de Correção</xEvento>"
        "<dhRecbto>2026-03-02T10:00:05-03:00</dhRecbto><nProt>135260000000081</nProt></resEvento>"
    ).encode()


def _others(made: list[Files]) -> None:
    """What is no NF-e."""
    first, second, last = made
    first["inutilizacao.xml"] = unused_numbers()
    transport = _key("57", 77)
    first["cte-sem-protocolo.xml"] = cte(transport, protocol_too=False)
    second["cte.xml"] = cte(transport)
    last["cte-cancelamento.xml"] = _event_of_other("CTe", _CTE, transport)
    manifest = _key("58", 78)
    first["mdfe.xml"] = _mdfe(manifest)
    second["mdfe-cancelamento.xml"] = _event_of_other("MDFe", _MDFE, manifest)
    first["nfse.xml"] = nfse(_NFSE).encode()
    second["nfse-cancelamento.xml"] = nfse_event(_NFSE, "101101").encode()


def _wrapped(made: list[Files], generator: Generator) -> None:
    """Several documents in one file."""
    _, second, last = made
    whole = [generator.note(n, items=1, rich=False).xml for n in range(50, 58)]
    second["lote.xml"] = (
        f'<enviNFe xmlns="{NFE}" versao="4.00"><idLote>1</idLote>'
        f"{bare(whole[0])}{bare(whole[1])}</enviNFe>"
    ).encode()
    second["distribuicao.xml"] = distribution(
        whole[2], summary(_key_of(whole[3])), proc_event(_key_of(whole[2]), "110111")
    )
    last["consulta.xml"] = (
        f'<retConsSitNFe xmlns="{NFE}" versao="4.00"><cStat>101</cStat>'
        f"{protocol(_key_of(whole[0]))}{proc_event(_key_of(whole[0])).decode()}</retConsSitNFe>"
    ).encode()
    second["arquivo.zip"] = _zip({"a.xml": whole[4], "pasta/b.xml": whole[5], "leia.txt": b"x"})
    last["arquivo.xml.gz"] = gzip.compress(whole[6], mtime=0)


def _refused(made: list[Files], generator: Generator) -> None:
    """Files that are at fault, and documents that contradict a stored one."""
    first, second, last = made
    first |= dict(generator.broken(60))
    # Cut short it would be waited for, as somebody may still be writing it.
    del first["broken-000060-truncated.xml"]
    other, count = re.subn(rb"<xProd>[^<]*<", b"<xProd>Outra coisa<", first["nfe-01.xml"], count=1)
    assert count == 1
    second["nfe-01-outra.xml"] = other
    last["nfe-40-outro-cancelamento.xml"] = proc_event(
        _key_of(first["nfe-40.xml"]), text="<xJust>outra coisa</xJust>"
    )


def _mdfe(chave: str) -> bytes:
    return (
        f'<mdfeProc xmlns="{_MDFE}" versao="3.00"><MDFe><infMDFe versao="3.00" Id="MDFe{chave}">'
        "<ide><cUF>35</cUF><tpAmb>2</tpAmb><mod>58</mod><serie>1</serie><nMDF>78</nMDF>"
        "<dhEmi>2026-03-01T09:00:00-03:00</dhEmi></ide><emit>"
        f"<CNPJ>{_ISSUER}</CNPJ><xNome>TRANSPORTADORA</xNome></emit>"
        "<tot><vCarga>987.65</vCarga></tot></infMDFe></MDFe>"
        '<protMDFe versao="3.00"><infProt><tpAmb>2</tpAmb>'
        f"<chMDFe>{chave}</chMDFe><dhRecbto>2026-03-01T10:00:00-03:00</dhRecbto>"
        "<nProt>135260000000058</nProt><cStat>100</cStat><xMotivo>Autorizado</xMotivo>"
        "</infProt></protMDFe></mdfeProc>"
    ).encode()


def _event_of_other(kind: str, namespace: str, chave: str) -> bytes:
    """A cancellation of a CT-e or an MDF-e, as it is kept."""
    about = (
        f"<tpAmb>2</tpAmb><ch{kind}>{chave}</ch{kind}><tpEvento>110111</tpEvento>"
        "<nSeqEvento>1</nSeqEvento>"
    )
    return (
        f'<procEvento{kind} xmlns="{namespace}" versao="3.00"><evento{kind} versao="3.00">'
        f'<infEvento Id="ID110111{chave}01"><cOrgao>35</cOrgao><CNPJ>{_ISSUER}</CNPJ>{about}'
        '<dhEvento>2026-03-02T10:00:00-03:00</dhEvento><detEvento versaoEvento="3.00">'
        "<xJust>erro de digitação</xJust></detEvento></infEvento>"
        f'</evento{kind}><retEvento{kind} versao="3.00"><infEvento><cStat>135</cStat>'
        f"<xMotivo>Evento registrado</xMotivo>{about}"
        "<dhRegEvento>2026-03-02T10:00:05-03:00</dhRegEvento><nProt>135260000000059</nProt>"
        f"</infEvento></retEvento{kind}></procEvento{kind}>"
    ).encode()


def _zip(files: Files) -> bytes:
    """An archive that is the same whenever it is made."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _key(model: str, number: int) -> str:
    """A chave of São Paulo in March 2026."""
    first = f"352603{_ISSUER}{model}001{number:09}1{number:08}"
    return first + check_digit(first)


def _key_of(note: bytes) -> str:
    found = re.search(rb'Id="NFe([0-9A-Z]{44})"', note)
    assert found is not None
    return found[1].decode()


def _with_key(xml: bytes, chave: str) -> bytes:
    """The note, and the protocol that it may have, under this key."""
    xml = xml.replace(_key_of(xml).encode(), chave.encode())
    return re.sub(rb"(<protNFe>.*<chNFe>)[^<]*", rb"\g<1>" + chave.encode(), xml, flags=re.S)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
