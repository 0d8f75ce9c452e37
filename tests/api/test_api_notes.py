"""What is stored, over HTTP: lists by party and date, whole notes, the XML itself."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest
from lxml import etree

from bench.generator import Generator, Note
from nfed.core.ports import NoteFilter
from nfed.errors import StoreUnavailable
from nfed.exports.originals import declared_encoding
from nfed.stores.sqlite.notes import SQLiteNotes
from tests.support.harness import Rig
from tests.support.served import Served, assert_problem, served

NS = {"n": "http://www.portalfiscal.inf.br/nfe"}
_generator = Generator(11)
NOTES = [_generator.note(n, items=3, rich=True) for n in range(25)]


def value(note: Note, path: str) -> str:
    found = etree.fromstring(note.xml).xpath(f"string(//n:infNFe/{path})", namespaces=NS)
    return str(found)


def issuer(note: Note) -> str:
    return value(note, "n:emit/n:CNPJ") or value(note, "n:emit/n:CPF")


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Iterator[Served]:
    """A daemon with all the notes. Read only."""
    with Rig(tmp_path_factory.mktemp("notas")) as rig:
        rig.drop_all(NOTES)
        rig.once()
        with served(rig) as server:
            yield server


def chaves(server: Served, **query: object) -> list[str]:
    answer = server.get("/notas", params=query)
    assert answer.status_code == 200, answer.text
    return [each["chave"] for each in answer.json()["notas"]]


def test_all_notes_are_listed_the_newest_issue_first(filled):
    page = filled.get("/notas").json()

    issued = {each.chave: value(each, "n:ide/n:dhEmi") for each in NOTES}
    local = [issued[each["chave"]][:19] for each in page["notas"]]
    assert sorted(each["chave"] for each in page["notas"]) == sorted(issued)
    assert local == sorted(local, reverse=True)
    assert page["next_cursor"] is None
    for each in page["notas"]:
        assert each["emitida_em"] == issued[each["chave"]]


def test_pages_lead_through_all_notes_once(filled):
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = filled.get("/notas", params=query).json()
        assert len(page["notas"]) <= 4
        seen += [each["chave"] for each in page["notas"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == chaves(filled, limit=500)


def test_notes_are_found_by_issuer_and_by_recipient(filled):
    first = NOTES[0]
    emitente = issuer(first)
    summary = next(
        each for each in filled.get("/notas").json()["notas"] if each["chave"] == first.chave
    )

    by_issuer = chaves(filled, emitente=emitente)
    by_recipient = chaves(filled, destinatario=summary["destinatario"])
    both = chaves(filled, emitente=emitente, destinatario=summary["destinatario"])

    assert sorted(by_issuer) == sorted(each.chave for each in NOTES if issuer(each) == emitente)
    assert summary["emitente"] == emitente
    assert first.chave in by_recipient
    assert set(both) == set(by_issuer) & set(by_recipient)
    assert chaves(filled, emitente="00000000000000") == []


def test_notes_are_found_by_the_issuers_own_date_first_and_last_day_included(filled):
    days = sorted(value(each, "n:ide/n:dhEmi")[:10] for each in NOTES)
    first, last = days[5], days[15]

    found = chaves(filled, de=first, ate=last)

    expected = [each.chave for each in NOTES if first <= value(each, "n:ide/n:dhEmi")[:10] <= last]
    assert sorted(found) == sorted(expected)
    assert chaves(filled, de="9999-12-31") == []
    assert len(chaves(filled, ate="9999-12-31")) == len(NOTES)


def test_notes_are_found_by_what_they_say(filled):
    first = NOTES[0]
    total = value(first, "n:total/n:ICMSTot/n:vNF")
    name = value(first, "n:det[1]/n:prod/n:xProd")

    found = {
        "numero": chaves(filled, numero=value(first, "n:ide/n:nNF")),
        "valor": chaves(filled, valor_de=total, valor_ate=total),
        "texto": chaves(filled, texto=name.upper()),
        "modelo": chaves(filled, modelo=value(first, "n:ide/n:mod")),
        "ambiente": chaves(filled, ambiente=value(first, "n:ide/n:tpAmb")),
        "status": chaves(filled, status="autorizada"),
    }

    for name, each in found.items():
        assert first.chave in each, name
    assert len(found["numero"]) == len(found["valor"]) == 1
    assert chaves(filled, status="cancelada") == []


def test_notes_come_in_the_order_that_is_asked_for_page_by_page(filled):
    totals = {each.chave: Decimal(value(each, "n:total/n:ICMSTot/n:vNF")) for each in NOTES}
    seen: list[str] = []
    query: dict[str, object] = {"limit": 4, "ordem": "valor_desc", "valor_de": "0.01"}
    while True:
        page = filled.get("/notas", params=query).json()
        seen += [each["chave"] for each in page["notas"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert len(seen) == len(set(seen)) == len(NOTES)
    assert [totals[each] for each in seen] == sorted(totals.values(), reverse=True)
    assert chaves(filled, ordem="emissao_asc") == chaves(filled)[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"valor_de": "10,00"},
        {"valor_ate": "-1"},
        {"numero": "x"},
        {"ambiente": "3"},
        {"modelo": "57"},
        {"status": "paga"},
        {"ordem": "chave"},
        {"texto": "x" * 101},
        {"emitente": "12.345.678/0001-95"},
        {"emitente": "1"},
        {"de": "31/01/2026"},
        {"de": "2026-02-30"},
        {"ate": "0"},
        {"limit": 501},
        {"limit": "x"},
    ],
)
def test_a_malformed_question_is_a_problem(filled, query):
    assert_problem(filled.get("/notas", params=query), 422, next(iter(query)))


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WzEsMl0", "é", "W10", "WyJhIiwgMWU5OV0"])
def test_a_made_up_cursor_is_no_page(filled, cursor):
    assert_problem(filled.get("/notas", params={"cursor": cursor}), 404)


def test_a_whole_note_has_every_number_to_the_last_digit(filled):
    for note in NOTES[:8]:
        told = filled.get(f"/notas/{note.chave}").json()

        assert told["chave_acesso"] == note.chave
        assert told["valor_total_nota"] == value(note, "n:total/n:ICMSTot/n:vNF")
        assert told["data_hora_emissao"] == value(note, "n:ide/n:dhEmi")
        assert told["emitente"]["cpf_cnpj"] == issuer(note)
        assert len(told["nf_itens"]) == note.itens
        for n, item in enumerate(told["nf_itens"], 1):
            prod = f"n:det[@nItem='{n}']/n:prod"
            assert item["numero_item"] == n
            for column, tag in (
                ("quantidade_comercial", "qCom"),
                ("valor_unitario_comercial", "vUnCom"),
                ("valor_total_bruto", "vProd"),
            ):
                sent = value(note, f"{prod}/n:{tag}")
                assert isinstance(item[column], str)
                assert Decimal(item[column]) == Decimal(sent), (column, item[column], sent)
            assert "id" not in item
            assert "nota_fiscal_id" not in item
        assert "xml_completo" not in told
        assert not any(name.endswith(("_tz",)) for name in told)


def test_rows_below_items_hang_on_their_items(filled):
    """Taxes of the second item are the second item's."""
    note = NOTES[0]
    told = filled.get(f"/notas/{note.chave}").json()

    for n, item in enumerate(told["nf_itens"], 1):
        sent = value(note, f"n:det[@nItem='{n}']/n:imposto/n:PIS/*/n:vPIS")
        (pis,) = item["nf_itens_pis"]
        assert Decimal(pis.get("valor_pis", "0")) == Decimal(sent or "0")


def test_no_number_of_a_note_is_a_json_float(filled):
    text = filled.get(f"/notas/{NOTES[1].chave}").text

    assert not re.search(r"[:\[,]\s*-?\d+\.\d", text)


def test_the_xml_is_what_was_imported(filled):
    for note in NOTES[:5]:
        answer = filled.get(f"/notas/{note.chave}/xml")

        assert answer.content == note.xml
        assert answer.headers["content-type"] == "application/xml; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_xml_in_another_encoding_keeps_its_promise(tmp_path):
    """Stored as text, answered in the encoding that its first line names."""
    note = _generator.note(900, items=1, rich=False)
    text = note.xml.decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    sent = text.encode("iso-8859-1", "xmlcharrefreplace")

    with Rig(tmp_path) as rig, served(rig) as server:
        server.ended(server.upload(("latin.xml", sent)).json()["job_id"])
        answer = server.get(f"/notas/{note.chave}/xml")

    assert answer.headers["content-type"] == "application/xml; charset=iso-8859-1"
    assert etree.tostring(etree.fromstring(answer.content), method="c14n") == etree.tostring(
        etree.fromstring(sent), method="c14n"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?><a/>', "utf-8"),
        ("<?xml version='1.0' encoding='iso-8859-1'?><a>ç</a>", "iso-8859-1"),
        ("<?xml version='1.0' encoding='iso-8859-1'?><a>€</a>", "utf-8"),
        ("<?xml version='1.0' encoding='no-such'?><a/>", "utf-8"),
        ("<a encoding='iso-8859-1'/>", "utf-8"),
    ],
)
def test_the_declared_encoding_is_used_only_if_it_can_hold_the_text(text, encoding):
    assert declared_encoding(text) == encoding


def test_what_is_not_stored_is_404_and_no_key_is_422(filled):
    for path in ("", "/xml"):
        assert_problem(filled.get(f"/notas/{'1' * 44}{path}"), 404)
        assert_problem(filled.get(f"/notas/123{path}"), 422, "chave")


def test_a_note_kept_without_its_xml_has_none(tmp_path):
    note = NOTES[0]
    with Rig(tmp_path) as rig, served(rig, keep_xml="false") as server:
        server.ended(server.upload(("a.xml", note.xml)).json()["job_id"])

        assert server.get(f"/notas/{note.chave}").status_code == 200
        assert_problem(server.get(f"/notas/{note.chave}/xml"), 404)


async def test_notes_without_a_date_come_last_and_no_page_loses_one(filled, tmp_path):
    """Another program may have stored them."""
    copy = tmp_path / "nfed.db"
    with (
        closing(sqlite3.connect(filled.rig.database)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("update notas_fiscais set data_hora_emissao = null where id % 3 = 0")
        target.commit()
        total = target.execute("select count(*) from notas_fiscais").fetchone()[0]
    reader = SQLiteNotes(copy)

    seen: list[str] = []
    position = None
    while True:
        page = await reader.notes(NoteFilter(), position, 4)
        seen += [each.chave for each in page.notes]
        position = page.next
        if position is None:
            break
    reader.close()

    assert len(seen) == len(set(seen)) == total


async def test_a_database_that_is_not_there_is_the_worlds_fault(tmp_path):
    reader = SQLiteNotes(tmp_path / "nope.db")

    with pytest.raises(StoreUnavailable, match=r"nope\.db"):
        await reader.check()
    reader.close()


async def test_reading_leaves_no_file_behind(filled, tmp_path):
    copy = tmp_path / "nfed.db"
    with (
        closing(sqlite3.connect(filled.rig.database)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("pragma journal_mode = delete")
    reader = SQLiteNotes(copy)

    await reader.note(NOTES[0].chave)
    reader.close()

    assert [each.name for each in tmp_path.iterdir()] == ["nfed.db"]
