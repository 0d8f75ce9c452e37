"""A client that is generated from the OpenAPI description asks a served API, and is understood."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.harness import Rig, note
from tests.support.other_documents import proc_event
from tests.support.served import served

TOKEN = "um-segredo-bem-comprido"
NOTE = note(1)
ASKING = """
import datetime, json, sys
from nfed_client import AuthenticatedClient
from nfed_client.api.batch import get_statistics, list_jobs
from nfed_client.api.documentos import list_documentos
from nfed_client.api.notas import get_nota, list_notas
from nfed_client.models import ListOrder, Nota, Problem

url, token, chave = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token) as client:
    page = list_notas.sync(client=client, ordem=ListOrder.VALOR_DESC, valor_de="0.01")
    nota = get_nota.sync(chave, client=client, origens=True)
    unknown = get_nota.sync("1" * 44, client=client)
    jobs = list_jobs.sync(client=client)
    documents = list_documentos.sync(client=client)
    statistics = get_statistics.sync(client=client)
with AuthenticatedClient(base_url=url, token="wrong") as stranger:
    refused = list_notas.sync(client=stranger)

assert isinstance(nota, Nota), nota
assert isinstance(page.notas[0].emitida_em, datetime.datetime)
assert isinstance(jobs.jobs[0].created_at, datetime.datetime)
assert isinstance(unknown, Problem) and isinstance(refused, Problem)
print(json.dumps({
    "listed": [each.chave for each in page.notas],
    "total": nota.valor_total_nota,
    "issuer": nota.emitente.cpf_cnpj,
    "items": [each.numero_item for each in nota.nf_itens],
    "pis": nota.nf_itens[0].nf_itens_pis[0].cst,
    "events": [each.tipo_evento for each in nota.eventos],
    "origin": next(o.caminho for o in nota.origens if o.coluna == "valor_total_nota"),
    "unlike": nota.additional_properties and sorted(nota.additional_properties),
    "documents": documents.documentos,
    "jobs": statistics.total_jobs,
    "statuses": [unknown.status, refused.status],
}))
"""


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path) as rig:
        yield rig


def generated(schema: bytes, folder: Path) -> Path:
    """The client's package, in a folder of its own."""
    (folder / "openapi.json").write_bytes(schema)
    (folder / "config.yml").write_text("post_hooks: []\n")
    made = folder / "made"
    made.mkdir()
    finished = subprocess.run(
        [
            *(Path(sys.executable).with_name("openapi-python-client"), "generate"),
            *("--path", folder / "openapi.json", "--config", folder / "config.yml"),
            *("--meta", "none", "--output-path", made / "nfed_client"),
        ],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return made


def test_a_generated_client_lists_and_reads_typed_notes(rig, tmp_path):
    with served(rig, api_token=TOKEN) as server:
        server.client.headers["Authorization"] = f"Bearer {TOKEN}"
        sent = server.upload(("a.xml", NOTE.xml), ("c.xml", proc_event(NOTE.chave, "110110")))
        server.ended(sent.json()["job_id"])
        made = generated(server.get("/openapi.json").content, tmp_path)

        finished = subprocess.run(
            [sys.executable, "-c", ASKING, server.url, TOKEN, NOTE.chave],
            env={"PYTHONPATH": str(made)},
            capture_output=True,
            text=True,
        )
        whole = server.get(f"/notas/{NOTE.chave}").json()

    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["listed"] == [NOTE.chave]
    assert told["total"] == whole["valor_total_nota"]
    assert told["issuer"] == whole["emitente"]["cpf_cnpj"]
    assert told["items"] == [each["numero_item"] for each in whole["nf_itens"]]
    assert told["pis"] == whole["nf_itens"][0]["nf_itens_pis"][0]["cst"]
    assert told["events"] == ["110110"]
    assert told["origin"] == "NFe/infNFe/total/ICMSTot/vNF"
    assert not told["unlike"]
    assert (told["documents"], told["statuses"]) == ([], [404, 401])


def test_operations_have_names_of_their_own_and_one_problem(rig):
    with served(rig) as server:
        schema = server.get("/openapi.json").json()

    operations = [each for methods in schema["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() and name[0].islower() for name in names)
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert all("security" in each for each in operations)
    said = {
        json.dumps(content["schema"])
        for each in operations
        for answer in each["responses"].values()
        for kind, content in answer.get("content", {}).items()
        if kind == "application/problem+json"
    }
    assert said == {'{"$ref": "#/components/schemas/Problem"}'}
