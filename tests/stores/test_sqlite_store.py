"""The SQLite store: once, exactly, all or nothing."""

import asyncio
import itertools
import re
import sqlite3
from decimal import Decimal

import pytest

from bench.generator import check_digit, with_protocol
from nfed.core.outcome import Duplicate, Imported, Refused, Updated
from nfed.core.ports import Incoming
from nfed.documents import document_from
from nfed.documents.checks import Checks
from nfed.errors import ConfigError, StoreRejected, StoreUnavailable
from nfed.stores.sqlite.store import SQLiteStore
from tests.support.notes import generator, note, with_value, without

CHILDREN = (
    ("nf_itens", "notas_fiscais", "nota_fiscal_id"),
    ("nf_itens_icms", "nf_itens", "nf_item_id"),
    ("nf_itens_pis", "nf_itens", "nf_item_id"),
    ("nf_partes", "notas_fiscais", "nota_fiscal_id"),
    ("nf_transporte", "notas_fiscais", "nota_fiscal_id"),
    ("nf_cobranca", "notas_fiscais", "nota_fiscal_id"),
    ("nf_duplicatas", "nf_cobranca", "cobranca_id"),
    ("nf_pagamentos", "notas_fiscais", "nota_fiscal_id"),
)


@pytest.fixture
async def store(tmp_path):
    made = SQLiteStore(tmp_path / "nfed.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def database(tmp_path, store):
    connection = sqlite3.connect(tmp_path / "nfed.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def incoming(xml, name="nota.xml"):
    return Incoming(document_from(xml, Checks()), name)


async def put(store, *xmls):
    return await store.store(
        [incoming(xml, f"{number}.xml") for number, xml in enumerate(xmls)], "job-1"
    )


def count(database, table="notas_fiscais"):
    return database.execute(f"select count(*) from {table}").fetchone()[0]


async def test_a_note_is_stored_once_however_often_it_comes(store, database):
    first = await put(store, note(1))
    again = await put(store, note(1), note(1), note(2))

    assert [type(outcome) for outcome in first] == [Imported]
    assert [type(outcome) for outcome in again] == [Duplicate, Duplicate, Imported]
    assert again[0].stored_from == "0.xml"
    assert (count(database), count(database, "nf_itens")) == (2, 4)


async def test_the_same_note_twice_in_one_chunk_is_stored_once(store, database):
    outcomes = await put(store, note(1), note(1), note(1))

    assert [type(outcome) for outcome in outcomes] == [Imported, Duplicate, Duplicate]
    assert count(database) == 1


@pytest.mark.parametrize("together", [True, False])
async def test_a_protocol_updates_the_bare_note(store, database, together):
    bare, whole = note(1, authorised=False), note(1)
    if together:
        outcomes = await put(store, bare, whole, bare)
    else:
        outcomes = [(await put(store, xml))[0] for xml in (bare, whole, bare)]

    assert [type(outcome) for outcome in outcomes] == [Imported, Updated, Duplicate]
    (row,) = database.execute("select * from notas_fiscais").fetchall()
    assert row["status"] == "autorizada"
    assert row["codigo_status"] == "100"
    assert row["numero_protocolo"]
    assert row["data_hora_recebimento_tz"].startswith(row["data_hora_recebimento"][:10])
    assert row["xml_completo"] == whole.decode()
    assert (count(database, "nf_itens"), count(database, "nf_processamento")) == (2, 1)


async def test_the_protocol_that_came_furthest_stays_in_any_order(tmp_path):
    bare = note(1, authorised=False)
    files = [bare, with_protocol(bare, c_stat="225"), note(1), with_protocol(bare, c_stat="101")]

    for number, order in enumerate(itertools.permutations(files)):
        store = SQLiteStore(tmp_path / f"{number}.db")
        await store.open()
        for xml in order:
            await put(store, xml)
        await store.close()
        with sqlite3.connect(tmp_path / f"{number}.db") as connection:
            found = connection.execute("select status, codigo_status from notas_fiscais").fetchall()
        connection.close()
        assert found == [("cancelada", "101")]


@pytest.mark.parametrize("together", [True, False])
async def test_other_content_under_the_same_key_is_a_conflict_that_names_the_file(
    store, database, together
):
    other = with_value(note(1), "xProd", "Outra coisa")
    if together:
        outcomes = await put(store, note(1), other)
    else:
        outcomes = [*await put(store, note(1)), *await put(store, other)]

    refused = outcomes[1]
    assert isinstance(refused, Refused)
    assert refused.error_type == "ConflictingDocument"
    assert "'0.xml'" in refused.error
    assert count(database) == 1
    assert not database.execute("select 1 from nf_itens where descricao = 'Outra coisa'").fetchall()


async def test_a_missing_field_does_not_keep_a_note_out(store, database):
    tags = ("natOp", "idDest", "vNF", "xNome", "CFOP", "modFrete", "tPag")
    for number, tag in enumerate(tags, 100):
        xml = without(note(number), tag)

        assert [type(outcome) for outcome in await put(store, xml)] == [Imported]


async def test_every_child_has_its_own_parent(store, database):
    notes = [note(n, rich=True, items=None) for n in range(60)]

    await put(store, *notes[:30])
    await put(store, *notes[30:])

    for table, parent, link in CHILDREN:
        orphans = database.execute(
            f"select count(*) from {table} where {link} not in (select id from {parent})"
        ).fetchone()[0]
        assert orphans == 0, table
    for chave, xml in database.execute("select chave_acesso, xml_completo from notas_fiscais"):
        stored = database.execute(
            "select i.descricao from nf_itens i join notas_fiscais n on n.id = i.nota_fiscal_id "
            "where n.chave_acesso = ? order by i.id",
            [chave],
        ).fetchall()
        assert len(stored) == xml.count("<det ")
    assert database.execute("pragma foreign_key_check").fetchall() == []


async def test_a_chunk_is_stored_whole_or_not_at_all(store, database):
    database.execute(
        "create trigger no before insert on nf_itens when new.codigo_produto = 'MAU' "
        "begin select raise(abort, 'no MAU here'); end"
    )

    with pytest.raises(StoreRejected, match="no MAU here"):
        await put(store, note(1), with_value(note(2), "cProd", "MAU"), note(3))

    assert count(database) == 0
    assert count(database, "empresas") == 0
    assert [type(outcome) for outcome in await put(store, note(1))] == [Imported]


async def test_a_second_try_of_the_same_documents_writes_the_same_rows(tmp_path, store, database):
    """The transaction is tried again with the very objects of the first try."""
    documents = [incoming(note(n, rich=True)) for n in range(10)]
    database.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.store(documents, "job-1")
    database.execute("rollback")

    outcomes = await store.store(documents, "job-1")

    assert [type(outcome) for outcome in outcomes] == [Imported] * 10
    assert database.execute("pragma foreign_key_check").fetchall() == []
    fresh = SQLiteStore(tmp_path / "fresh.db")
    await fresh.open()
    await fresh.store([incoming(note(n, rich=True)) for n in range(10)], "job-1")
    await fresh.close()
    with sqlite3.connect(tmp_path / "fresh.db") as other:
        for table in ("nf_itens", "nf_itens_icms", "nf_duplicatas", "nf_partes"):
            query = f"select * from {table} order by id"
            mine = [tuple(row)[:-1] for row in database.execute(query)]
            assert mine == [row[:-1] for row in other.execute(query)]
    other.close()


async def test_a_database_that_vanished_keeps_the_files_waiting(tmp_path, store):
    await put(store, note(1))
    (tmp_path / "nfed.db").rename(tmp_path / "away.db")

    with pytest.raises(StoreUnavailable, match="put it back"):
        await put(store, note(2))

    (tmp_path / "away.db").rename(tmp_path / "nfed.db")
    assert [type(outcome) for outcome in await put(store, note(2))] == [Imported]


async def test_a_newer_schema_stops_it(tmp_path):
    store = SQLiteStore(tmp_path / "nfed.db")
    await store.open()
    await store.close()
    with sqlite3.connect(tmp_path / "nfed.db") as connection:
        connection.execute("update nfed_schema_version set version_num = '9999'")
    connection.close()

    store = SQLiteStore(tmp_path / "nfed.db")
    with pytest.raises(ConfigError, match="upgrade nfed"):
        await store.open()
    await store.close()


def emitted(n, day, name):
    xml = generator().note(1, items=1, rich=False).xml
    chave = re.search(rb'Id="NFe(.{44})"', xml)[1].decode()
    number = f"{n:08d}"
    first = chave[:35] + number
    xml = xml.replace(chave.encode(), (first + check_digit(first)).encode())
    xml = with_value(xml, "dhEmi", f"2026-03-{day:02d}T23:30:00-03:00")
    xml = re.sub(rb"(<emit>.*?<xNome>)[^<]*", rb"\g<1>" + name.encode(), xml, count=1, flags=re.S)
    return re.sub(rb"(<emit>.*?<xFant>)[^<]*", rb"\g<1>" + name.encode(), xml, count=1, flags=re.S)


async def test_a_party_is_as_its_newest_note_writes_it_in_any_order(tmp_path):
    files = [emitted(1, 1, "ANTIGA"), emitted(2, 9, "NOVA"), emitted(3, 5, "MEIO")]

    for number, order in enumerate(itertools.permutations(files)):
        store = SQLiteStore(tmp_path / f"{number}.db")
        await store.open()
        for chunk in (order[:2], order[2:]):
            await put(store, *chunk)
        await store.close()
        with sqlite3.connect(tmp_path / f"{number}.db") as connection:
            names = connection.execute(
                "select e.razao_social, e.nome_fantasia from empresas e "
                "join notas_fiscais n on n.emitente_id = e.id group by e.id"
            ).fetchall()
            written = connection.execute(
                "select razao_social from nf_partes where papel = 'emitente' order by 1"
            ).fetchall()
        connection.close()
        assert {name for name, _ in names} == {"NOVA"}
        assert written == [("ANTIGA",), ("MEIO",), ("NOVA",)]


async def test_buying_does_not_erase_what_only_an_issuer_says(store, database):
    """The tax regime (CRT) stands in emit alone."""
    sale = emitted(1, 1, "LOJA")
    cnpj = re.search(rb"<emit><CNPJ>(\w+)<", sale)[1]
    purchase = re.sub(
        rb"(<dest><C\w+>)\w+(</C\w+>)", rb"<dest><CNPJ>" + cnpj + rb"</CNPJ>", note(7)
    )
    purchase = with_value(purchase, "dhEmi", "2026-09-01T10:00:00-03:00")

    await put(store, sale)
    before = database.execute(
        "select * from empresas where cpf_cnpj = ?", [cnpj.decode()]
    ).fetchone()
    await put(store, purchase)

    after = database.execute(
        "select * from empresas where cpf_cnpj = ?", [cnpj.decode()]
    ).fetchone()
    assert after["regime_tributario"] == before["regime_tributario"] is not None
    assert after["razao_social"] != before["razao_social"]


async def test_a_foreign_buyer_is_a_party_without_cpf_or_cnpj(store, database):
    foreign = next(
        xml
        for xml in (note(n, rich=True) for n in range(300))
        if re.search(b"<idEstrangeiro>.", xml)
    )

    await put(store, foreign)

    row = database.execute(
        "select e.* from notas_fiscais n join empresas e on e.id = n.destinatario_id"
    ).fetchone()
    assert row["cpf_cnpj"] is None
    assert row["tipo_pessoa"] is None
    assert f"<idEstrangeiro>{row['id_estrangeiro']}<".encode() in foreign


async def test_amounts_are_numbers_and_unit_prices_keep_every_digit(store, database):
    price = "12345678901.1234567891"
    xml = with_value(with_value(note(1), "vUnCom", price), "vNF", "9999999999999.99")

    await put(store, xml, note(2), note(3))

    row = database.execute(
        "select valor_total_nota from notas_fiscais where valor_total_nota > 9999999999999"
    ).fetchone()
    assert Decimal(str(row[0])) == Decimal("9999999999999.99")
    exact = [r[0] for r in database.execute("select valor_unitario_comercial_exato from nf_itens")]
    assert price in exact
    kinds = database.execute("select distinct typeof(valor_total_bruto) from nf_itens").fetchall()
    assert {kind for (kind,) in kinds} <= {"integer", "real"}


async def test_a_sum_is_right_to_the_cent(store, database):
    notes = [note(n) for n in range(200)]

    await put(store, *notes)

    said = sum(Decimal(re.search(rb"<vNF>([^<]*)<", xml)[1].decode()) for xml in notes)
    found = database.execute("select round(sum(valor_total_nota), 2) from notas_fiscais").fetchone()
    assert Decimal(str(found[0])) == said


async def test_a_moment_keeps_wall_clock_and_offset(store, database):
    await put(store, with_value(note(1), "dhEmi", "2026-03-31T23:30:00-04:00"))

    row = database.execute(
        "select data_hora_emissao, data_hora_emissao_tz, datetime(data_hora_emissao_tz) "
        "from notas_fiscais"
    ).fetchone()
    assert tuple(row) == (
        "2026-03-31 23:30:00",
        "2026-03-31T23:30:00-04:00",
        "2026-04-01 03:30:00",
    )


async def test_the_views_that_users_know_answer(store, database):
    await put(store, *(note(n, rich=True, items=3) for n in range(5)))

    summary = database.execute("select * from vw_notas_fiscais_resumo").fetchall()
    items = database.execute("select * from vw_nf_itens_completo").fetchall()
    assert [row["quantidade_itens"] for row in summary] == [3] * 5
    assert all(row["emitente"] and row["emitente_cpf_cnpj"] for row in summary)
    assert len(items) == 15


async def test_updated_at_follows_a_change(store, database):
    await put(store, note(1))
    database.execute("update notas_fiscais set updated_at = '2000-01-01 00:00:00'")

    database.execute("update notas_fiscais set natureza_operacao = 'x'")

    assert database.execute("select updated_at > '2020' from notas_fiscais").fetchone()[0] == 1


async def test_keep_xml_off_stores_no_text(store, database):
    document = document_from(note(1), Checks(keep_xml=False))

    await store.store([Incoming(document, "x.xml")], "job-1")

    row = database.execute("select xml_completo, arquivo_sha256 from notas_fiscais").fetchone()
    assert row[0] is None
    assert len(row[1]) == 64


async def test_two_stores_on_one_database_store_each_note_once(tmp_path, store, database):
    other = SQLiteStore(tmp_path / "nfed.db")
    await other.open()
    notes = [note(n) for n in range(120)]

    async def feed(into):
        return [
            outcome
            for start in range(0, 120, 20)
            for outcome in await put(into, *notes[start : start + 20])
        ]

    mine, theirs = await asyncio.gather(feed(store), feed(other))
    await other.close()

    kinds = sorted(type(outcome).__name__ for outcome in [*mine, *theirs])
    assert kinds == ["Duplicate"] * 120 + ["Imported"] * 120
    assert count(database) == 120


@pytest.mark.parametrize("together", [True, False])
async def test_each_protocol_that_a_note_got_further_by_is_kept(store, database, together):
    files = [note(1), with_protocol(note(1, authorised=False), c_stat="101")]
    if together:
        await put(store, *files)
    else:
        for xml in files:
            await put(store, xml)

    rows = database.execute("select codigo_status from nf_processamento order by id").fetchall()
    assert [row[0] for row in rows] == ["100", "101"]
