"""A file without a document says what it is: another kind, an answer, or nothing fiscal."""

import base64
import gzip

import pytest

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.errors import DocumentError, NotFiscal
from nfed.words import Language, word

SOAP = (
    '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Header/>'
    "<soap:Body>{}</soap:Body></soap:Envelope>"
)
GINFES = (
    '<ns3:ConsultarNfseResposta xmlns:ns3="http://www.ginfes.com.br/servico_consultar_nfse_resposta'
    '_v03.xsd"><ns3:ListaNfse/></ns3:ConsultarNfseResposta>'
)
DCE = '<DCe xmlns="http://www.portalfiscal.inf.br/dce"><infDCe Id="DCe1"><ide/></infDCe></DCe>'
ESOCIAL = '<eSocial xmlns="http://www.esocial.gov.br/schema/evt/x"><evtX/></eSocial>'
RPS = "<EnviarLoteRpsEnvio><LoteRps><Rps><InfRps/></Rps></LoteRps></EnviarLoteRpsEnvio>"


def refused(text: str) -> DocumentError:
    with pytest.raises(NotFiscal) as found:
        documents_from(text.encode(), Checks())
    return found.value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (GINFES, "NFS-e municipal"),
        (RPS, "RPS"),
        (DCE, "DC-e"),
        (ESOCIAL, "eSocial"),
    ],
)
@pytest.mark.parametrize("wrap", ["{}", SOAP, "<resposta><![CDATA[{}]]></resposta>"])
def test_a_fiscal_document_of_another_kind_is_named(text, kind, wrap):
    error = refused(wrap.format(text))

    assert error.code == "NOT-SUPPORTED"
    assert str(error).endswith(f"is a fiscal document that nfed does not import: {kind}")
    assert error.advice.startswith("It is a fiscal document")


@pytest.mark.parametrize("wrap", ["{}", SOAP])
def test_what_is_not_fiscal_is_named_by_the_element_that_matters(wrap):
    order = f'<pedido xmlns="http://{"muito." * 20}longo.example/ns"><total>1</total></pedido>'

    error = refused(wrap.format(order))

    assert error.code == "NOT-FISCAL"
    assert "root element <pedido> is no fiscal document" in str(error)


@pytest.mark.parametrize("wrap", ["{}", SOAP])
def test_an_answer_without_documents_says_so_in_either_language(wrap):
    answer = (
        '<retDistDFeInt xmlns="http://www.portalfiscal.inf.br/nfe"><cStat>137</cStat>'
        "<xMotivo>Nenhum documento localizado</xMotivo></retDistDFeInt>"
    )

    error = refused(wrap.format(answer))

    assert error.code == "ANSWER"
    assert "137" in str(error)
    assert "não traz nenhum documento" in word(str(error), Language.PORTUGUESE)
    assert "Nenhum documento localizado" in word(str(error), Language.PORTUGUESE)


def test_a_packed_document_of_another_kind_does_not_hide_the_others():
    """A distribution answer with a DC-e in one docZip: a line for it, and no crash."""
    packed = base64.b64encode(gzip.compress(DCE.encode())).decode()
    text = (
        '<retDistDFeInt xmlns="http://www.portalfiscal.inf.br/nfe"><cStat>138</cStat>'
        f'<loteDistDFeInt><docZip NSU="1" schema="x">{packed}</docZip></loteDistDFeInt>'
        "</retDistDFeInt>"
    )

    (found,) = documents_from(text.encode(), Checks())

    assert isinstance(found, DocumentError)
    assert found.code == "NOT-SUPPORTED"
    assert str(found).startswith("<docZip NSU='1' schema='x'> holds <DCe>")


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        ("", "ends too early"),
        ("não", "no base64"),
        (base64.b64encode(b"<NFe/>").decode(), "damaged, or not packed"),
        (base64.b64encode(gzip.compress(DCE.encode(), mtime=0)[:40]).decode(), "ends too early"),
    ],
)
def test_a_damaged_doczip_is_described_in_words_of_nfed(packed, fault):
    (found,) = documents_from(f"<lote><docZip>{packed}</docZip></lote>".encode(), Checks())

    assert isinstance(found, DocumentError)
    assert fault in str(found)
    assert "None" not in str(found)
    assert "Error -" not in str(found)


def test_advice_promises_no_setting_where_none_helps():
    """A packed document of more than 10 MiB: max_file_bytes would not let it in."""
    packed = base64.b64encode(gzip.compress(b"<NFe>" + b" " * (11 << 20) + b"</NFe>")).decode()

    (found,) = documents_from(f'<lote><docZip NSU="1">{packed}</docZip></lote>'.encode(), Checks())

    assert isinstance(found, DocumentError)
    assert found.error_type == "FileTooLarge"
    assert "max_file_bytes" not in found.advice
