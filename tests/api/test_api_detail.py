"""A note is told with its events, its correction, what is related, and where its values stand."""

from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest
from lxml import etree

from bench.generator import check_digit
from nfed.api import create_app
from nfed.batch.processor import BatchProcessor
from nfed.settings import Settings
from tests.support.notes import generator
from tests.support.other_documents import cte, cte_cancellation, proc_event
from tests.support.served import assert_problem

NOTE = generator().note(1, items=3, rich=True)
_STEM = "3526031122233300018157001000000077100000001"
CTE = f"{_STEM}{check_digit(_STEM)}"
CARRIED = f"<infCTeNorm><infDoc><infNFe><chave>{NOTE.chave}</chave></infNFe></infDoc></infCTeNorm>"
FILES = {
    "note.xml": NOTE.xml,
    "second.xml": proc_event(
        NOTE.chave, "110110", 2, text="<xCorrecao>A segunda correção</xCorrecao>"
    ),
    "first.xml": proc_event(NOTE.chave, "110110", 1, text="<xCorrecao>A primeira</xCorrecao>"),
    "refused.xml": proc_event(
        NOTE.chave, "110110", 3, text="<xCorrecao>Recusada</xCorrecao>", cstat="573"
    ),
    "cte.xml": cte(CTE).replace(b"</infCte>", CARRIED.encode() + b"</infCte>"),
    "cancelled.xml": cte_cancellation(CTE),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path}/nfed.db"


@pytest.fixture
async def client(url, tmp_path):
    """The API over a database of each kind, with all the files in it."""
    drop = tmp_path / "drop"
    drop.mkdir()
    for name, content in FILES.items():
        (drop / name).write_bytes(content)
    processor = BatchProcessor(database_url=url, ledger=tmp_path / "ledger.db", workers=1)
    assert (await processor.process_folder(drop))["successful"] == len(FILES)
    settings = Settings(database_url=url, ledger=tmp_path / "ledger.db", xml_folder=drop)
    async with _asking(settings) as made:
        yield made


@asynccontextmanager
async def _asking(settings):
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_a_note_has_its_events_and_the_correction_that_holds(client):
    told = (await client.get(f"/notas/{NOTE.chave}")).json()

    assert sorted(each["sequencia_evento"] for each in told["eventos"]) == [1, 2, 3]
    assert told["correcao"]["texto"] == "A segunda correção"
    assert not any(name.startswith("nota_") for each in told["eventos"] for name in each)
    assert "origens" not in told


async def test_a_note_and_a_document_name_each_other(client):
    note = (await client.get(f"/notas/{NOTE.chave}")).json()
    document = (await client.get(f"/documentos/{CTE}")).json()

    carried = {"sentido": "citado por", "relacao": "transportada", "chave": CTE, "especie": "cte"}
    kind = "nfce" if note["modelo"] == "65" else "nfe"
    assert [each for each in note["relacionados"] if each["sentido"] == "citado por"] == [carried]
    assert {
        (each["relacao"], each["especie"])
        for each in note["relacionados"]
        if each["sentido"] == "cita"
    } <= {("referenciada", None)}
    assert document["relacionados"] == [
        {"sentido": "cita", "relacao": "transportada", "chave": NOTE.chave, "especie": kind}
    ]
    assert [each["tipo_evento"] for each in document["eventos"]] == ["110111"]
    assert document["status"] == "cancelada"


async def test_every_origin_leads_to_the_element_that_the_value_was_read_from(client):
    told = (await client.get(f"/notas/{NOTE.chave}", params={"origens": "true"})).json()

    root = etree.fromstring(NOTE.xml)
    assert len(told["origens"]) > 100
    for each in told["origens"]:
        found = root.xpath(_path(each["caminho"]))
        assert len(found) == 1, each
        text = found[0] if isinstance(found[0], str) else (found[0].text or "")
        name = "" if isinstance(found[0], str) else etree.QName(found[0]).localname
        assert each["texto"].strip() in (text.strip(), name), each
    items = [each for each in told["origens"] if each["coluna"] == "valor_total_bruto"]
    assert [each["posicao"] for each in items] == [0, 1, 2]
    for each in items:
        stored = told["nf_itens"][each["posicao"]]["valor_total_bruto"]
        assert Decimal(stored) == Decimal(each["texto"])


def _path(said: str) -> str:
    """An XPath that does not ask for namespaces; a step without a number is the first."""
    first, *steps = said.split("/")
    names = [f"//*[local-name()='{first}']"]
    for step in steps:
        name, _, place = step.partition("[")
        at = f"[{place}" if place else "[1]"
        names.append(step if step.startswith("@") else f"*[local-name()='{name}']{at}")
    return "/".join(names)


async def test_what_is_not_stored_has_no_detail(client):
    assert_problem(await client.get(f"/notas/{'1' * 44}"), 404)
    assert_problem(await client.get(f"/documentos/{'1' * 44}"), 404)
