"""CT-e, MDF-e, NFS-e and ranges of numbers over HTTP; XML that a client has is not sent again."""

from hashlib import sha256

import pytest

from bench.generator import check_digit
from tests.support.harness import Rig, note
from tests.support.other_documents import cte, cte_cancellation, unused_numbers
from tests.support.served import assert_problem, served

_STEMS = [f"352603112223330001815700100000007710000000{n}" for n in range(5)]
KEYS = [f"{stem}{check_digit(stem)}" for stem in _STEMS]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("documentos")) as rig, served(rig) as server:
        files = [(f"{key}.xml", cte(key)) for key in KEYS]
        files += [("c.xml", cte_cancellation(KEYS[1])), ("i.xml", unused_numbers())]
        files += [("n.xml", note(1).xml)]
        job = server.ended(server.upload(*files).json()["job_id"])
        assert job["successful_files"] == len(files)
        yield server


def test_documents_are_listed_page_by_page(server):
    first = server.get("/documentos", params={"limit": 3, "tipo": "CTe"}).json()
    rest = server.get(
        "/documentos", params={"limit": 3, "tipo": "CTe", "cursor": first["next_cursor"]}
    ).json()
    cancelled = server.get("/documentos", params={"status": "cancelada"}).json()

    seen = [each["chave"] for each in first["documentos"] + rest["documentos"]]
    assert sorted(seen) == KEYS
    assert rest["next_cursor"] is None
    assert [each["chave"] for each in cancelled["documentos"]] == [KEYS[1]]


def test_a_document_and_its_xml_are_told(server):
    told = server.get(f"/documentos/{KEYS[0]}")
    answer = server.get(f"/documentos/{KEYS[0]}/xml")

    assert told.json()["chave_acesso"] == KEYS[0]
    assert answer.content == cte(KEYS[0])
    for path in ("", "/xml"):
        assert_problem(server.get(f"/documentos/{'1' * 44}{path}"), 404)
        assert_problem(server.get(f"/documentos/_{path}"), 422, "chave")


def test_ranges_of_numbers_are_listed(server):
    (only,) = server.get("/inutilizacoes", params={"numero": 11}).json()["inutilizacoes"]

    assert (only["numero_inicial"], only["numero_final"]) == (10, 12)
    assert server.get("/inutilizacoes", params={"numero": 13}).json()["inutilizacoes"] == []


@pytest.mark.parametrize("path", [f"/documentos/{KEYS[0]}/xml", f"/notas/{note(1).chave}/xml"])
def test_xml_that_the_client_has_is_not_sent_again(server, path):
    first = server.get(path)
    tag = first.headers["etag"]

    assert tag == f'"{sha256(first.content).hexdigest()}"'
    for sent in (tag, f'"x", W/{tag}', "*"):
        again = server.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert server.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
