"""What every store does, whichever database it feeds: once, exactly, all or nothing."""

import itertools
import re
from contextlib import AsyncExitStack
from datetime import date, datetime
from decimal import Decimal

import pytest

from bench.generator import check_digit, with_protocol
from nfed.core.outcome import Duplicate, Imported, Outcome, Refused, Updated
from nfed.documents.layout import tables
from nfed.documents.layout.columns import EXACT_SUFFIX, INSTANT_SUFFIX
from nfed.errors import StoreRejected, StoreUnavailable
from nfed.stores.tables import Backend, stored_columns
from tests.support.cases import case
from tests.support.notes import generator, note, with_value, without
from tests.support.other_documents import (
    answer,
    cte,
    distribution,
    event,
    proc_event,
    protocol,
    summary,
    unused_numbers,
)
from tests.support.stores import incoming, shelves

FIRST_43 = "352603112223330001815700100000007710000000" + "7"
CTE_KEY = FIRST_43 + check_digit(FIRST_43)
KINDS = ("sqlite", "postgresql", "supabase")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def project(request, kind):
    """Started only where it is the one that is fed."""
    return request.getfixturevalue("supabase_session") if kind == "supabase" else None


@pytest.fixture
async def made(kind, project, tmp_path, postgres, migrated):
    async with shelves(kind, tmp_path, postgres, migrated, project) as some:
        yield some


@pytest.fixture
async def shelf(made):
    return await made.new()


@pytest.fixture
async def each(tmp_path, postgres, migrated, supabase_session):
    """A shelf of every kind."""
    async with AsyncExitStack() as stack:
        yield {
            kind: await (
                await stack.enter_async_context(
                    shelves(kind, tmp_path, postgres, migrated, supabase_session)
                )
            ).new()
            for kind in KINDS
        }


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def key_of(xml: bytes) -> str:
    return re.search(rb'Id="NFe(\w{44})"', xml)[1].decode()


async def test_a_note_is_stored_once_however_often_it_comes(shelf):
    first = await shelf.put(note(1))
    again = await shelf.put(note(1), note(1), note(2))

    assert kinds(first) == [Imported]
    assert kinds(again) == [Duplicate, Duplicate, Imported]
    assert again[0].stored_from == "0.xml"
    assert (shelf.count(), shelf.count("nf_itens")) == (2, 4)


@pytest.mark.parametrize("together", [True, False])
async def test_a_protocol_updates_the_bare_note(shelf, together):
    bare, whole = note(1, authorised=False), note(1)
    if together:
        outcomes = await shelf.put(bare, whole, bare)
    else:
        outcomes = [(await shelf.put(xml))[0] for xml in (bare, whole, bare)]

    assert kinds(outcomes) == [Imported, Updated, Duplicate]
    status, number, text = shelf.one(
        "select status, numero_protocolo, xml_completo from notas_fiscais"
    )
    assert (status, text) == ("autorizada", whole.decode())
    assert number
    assert (shelf.count("nf_itens"), shelf.count("nf_processamento")) == (2, 1)


async def test_the_protocol_that_came_furthest_stays_in_any_order(made):
    bare = note(1, authorised=False)
    files = [bare, with_protocol(bare, c_stat="225"), note(1), with_protocol(bare, c_stat="101")]

    for order in itertools.permutations(files):
        shelf = await made.new()
        for xml in order:
            await shelf.put(xml)

        found = shelf.rows("select status, codigo_status from notas_fiscais")
        assert found == [("cancelada", "101")]


@pytest.mark.parametrize("together", [True, False])
async def test_other_content_under_the_same_key_is_a_conflict_that_names_the_file(shelf, together):
    other = with_value(note(1), "xProd", "Outra coisa")
    if together:
        outcomes = await shelf.put(note(1), other)
    else:
        outcomes = [*await shelf.put(note(1)), *await shelf.put(other)]

    refused = outcomes[1]
    assert isinstance(refused, Refused)
    assert refused.error_type == "ConflictingDocument"
    assert "'0.xml'" in refused.error
    assert shelf.count() == 1
    assert shelf.rows("select 1 from nf_itens where descricao = 'Outra coisa'") == []


@pytest.mark.parametrize("kind", ["postgresql", "supabase"], indirect=True)
async def test_a_column_of_the_owners_that_no_file_can_fill_keeps_the_files_waiting(shelf):
    shelf.run("alter table nf_itens add column lote_interno text not null")
    try:
        with pytest.raises(StoreUnavailable, match='"lote_interno" is no column of nfed'):
            await shelf.put(note(1))
    finally:
        shelf.run("alter table nf_itens drop column lote_interno")

    assert kinds(await shelf.put(note(1))) == [Imported]


@pytest.mark.parametrize("kind", ["postgresql", "supabase"], indirect=True)
async def test_a_sequence_at_its_end_keeps_the_files_waiting(shelf):
    assert kinds(await shelf.put(note(1))) == [Imported]
    (last,) = shelf.one("select max(id) from nf_itens")
    shelf.run(f"alter sequence nf_itens_id_seq maxvalue {last + 1}")
    try:
        with pytest.raises(StoreUnavailable, match="nf_itens_id_seq"):
            await shelf.put(note(2))
    finally:
        shelf.run("alter sequence nf_itens_id_seq no maxvalue")

    assert kinds(await shelf.put(note(2))) == [Imported]


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
async def test_what_a_trigger_of_the_owners_raises_refuses_that_file_alone(shelf):
    bad = with_value(note(1), "xProd", "PROIBIDO")
    shelf.run(
        "create function public.vigia() returns trigger language plpgsql as $$ begin "
        "if new.descricao = 'PROIBIDO' then raise exception 'item proibido'; end if; "
        "return new; end $$; "
        "create trigger vigia before insert on nf_itens for each row execute function vigia()"
    )
    try:
        with pytest.raises(StoreRejected, match="item proibido"):
            await shelf.put(bad)
        with pytest.raises(StoreRejected, match="item proibido"):
            await shelf.put(note(2), bad)
        assert kinds(await shelf.put(note(2))) == [Imported]
    finally:
        shelf.run("drop function vigia() cascade")


async def test_a_missing_field_does_not_keep_a_note_out(shelf):
    tags = ("natOp", "idDest", "vNF", "xNome", "CFOP", "modFrete", "tPag")

    outcomes = await shelf.put(
        *(without(note(number), tag) for number, tag in enumerate(tags, 100))
    )

    assert kinds(outcomes) == [Imported] * len(tags)


async def test_a_chunk_is_stored_whole_or_not_at_all(made, shelf):
    bad = note(2)
    chunk = incoming(note(1), bad, note(3))
    items = chunk[1].document.rows["nf_itens"]
    # No worker lets such a value pass; here it stands for whatever a database rejects.
    items[0][tables()["nf_itens"].position("descricao")] = {
        "sqlite": "\ud800",
        "postgresql": "\0",
        "supabase": "\0",
    }[made.kind]

    with pytest.raises(StoreRejected):
        await shelf.store.store(chunk, "job-1")

    assert (shelf.count(), shelf.count("empresas")) == (0, 0)
    assert kinds(await shelf.put(note(1))) == [Imported]


async def test_text_that_copy_would_take_for_its_own_is_stored_as_written(shelf):
    said = "\\N barra \\ e \\. fim"

    await shelf.put(with_value(note(1), "natOp", said.replace("\\", "\\\\")))

    stored, text = shelf.one("select natureza_operacao, xml_completo from notas_fiscais")
    assert stored == said
    assert f"<natOp>{said}</natOp>" in text


def emitted(n, day, name):
    xml = generator().note(1, items=1, rich=False).xml
    first = key_of(xml)[:35] + f"{n:08d}"
    xml = xml.replace(key_of(xml).encode(), (first + check_digit(first)).encode())
    xml = with_value(xml, "dhEmi", f"2026-03-{day:02d}T23:30:00-03:00")
    xml = re.sub(rb"(<emit>.*?<xNome>)[^<]*", rb"\g<1>" + name.encode(), xml, count=1, flags=re.S)
    return re.sub(rb"(<emit>.*?<xFant>)[^<]*", rb"\g<1>" + name.encode(), xml, count=1, flags=re.S)


async def test_a_party_is_as_its_newest_note_writes_it_in_any_order(made):
    files = [emitted(1, 1, "ANTIGA"), emitted(2, 9, "NOVA"), emitted(3, 5, "MEIO")]

    for order in itertools.permutations(files):
        shelf = await made.new()
        for chunk in (order[:2], order[2:]):
            await shelf.put(*chunk)

        names = shelf.rows(
            "select distinct e.razao_social from empresas e "
            "join notas_fiscais n on n.emitente_id = e.id"
        )
        assert names == [("NOVA",)]


async def test_buying_does_not_erase_what_only_an_issuer_says(shelf):
    """The tax regime (CRT) stands in emit alone."""
    sale = emitted(1, 1, "LOJA")
    cnpj = re.search(rb"<emit><CNPJ>(\w+)<", sale)[1]
    purchase = re.sub(
        rb"(<dest><C\w+>)\w+(</C\w+>)", rb"<dest><CNPJ>" + cnpj + rb"</CNPJ>", note(7)
    )
    purchase = with_value(purchase, "dhEmi", "2026-09-01T10:00:00-03:00")
    query = (
        f"select regime_tributario, razao_social from empresas where cpf_cnpj = '{cnpj.decode()}'"
    )

    await shelf.put(sale)
    before = shelf.one(query)
    await shelf.put(purchase)

    after = shelf.one(query)
    assert after[0] == before[0] is not None
    assert after[1] != before[1]


async def test_a_foreign_buyer_is_one_party_without_cpf_or_cnpj(shelf):
    foreign = next(
        xml
        for xml in (note(n, rich=True) for n in range(300))
        if re.search(b"<idEstrangeiro>.", xml)
    )
    first = key_of(foreign)[:35] + "99999999"
    again = foreign.replace(key_of(foreign).encode(), (first + check_digit(first)).encode())

    await shelf.put(foreign)
    await shelf.put(again)

    rows = shelf.rows(
        "select e.id, e.cpf_cnpj, e.tipo_pessoa from notas_fiscais n "
        "join empresas e on e.id = n.destinatario_id"
    )
    assert len(rows) == 2
    assert set(rows) == {(rows[0][0], None, None)}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_cancellation_and_a_correction_reach_the_note_in_any_order(shelf, order):
    xml = note(1)
    files = [
        xml,
        proc_event(key_of(xml)),
        proc_event(key_of(xml), "110110", text="<xCorrecao>Era outra a placa</xCorrecao>"),
    ]

    for number in order:
        await shelf.put(files[number])

    assert shelf.one(
        "select status, justificativa_cancelamento, protocolo_cancelamento from notas_fiscais"
    ) == ("cancelada", "erro de digitação", "135260000000001")
    assert shelf.one("select sequencia_evento, correcao from nf_cce") == (1, "Era outra a placa")


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
async def test_a_protocol_of_its_own_authorises_the_note_in_any_order(shelf, order):
    xml = note(1, authorised=False)
    files = [xml, protocol(key_of(xml))]

    for number in order:
        await shelf.put(files[number])

    assert shelf.one("select status, numero_protocolo from notas_fiscais") == (
        "autorizada",
        "135260000000009",
    )


@pytest.mark.parametrize("together", [True, False])
async def test_an_event_and_its_answer_make_one_row(shelf, together):
    chave = key_of(note(1))
    files = [event(chave), answer(chave)]
    outcomes = (
        await shelf.put(*files) if together else [(await shelf.put(each))[0] for each in files]
    )

    assert kinds(outcomes) == [Imported, Updated]
    assert shelf.one("select status, texto, numero_protocolo from nf_eventos") == (
        "registrado",
        "erro de digitação",
        "135260000000001",
    )


async def test_a_summary_goes_when_its_note_comes(shelf):
    xml = note(1)

    assert kinds(await shelf.put(summary(key_of(xml)))) == [Imported]
    assert shelf.count("nf_resumos") == 1
    await shelf.put(xml)

    assert shelf.count("nf_resumos") == 0
    assert kinds(await shelf.put(summary(key_of(xml)))) == [Duplicate]


async def test_an_event_sent_again_replaces_its_rejected_attempt(shelf):
    chave = key_of(note(1))
    await shelf.put(note(1), proc_event(chave, text="<xJust>um</xJust><v>1</v>", cstat="501"))

    outcomes = await shelf.put(proc_event(chave, text="<xJust>dois</xJust><v>2</v>"))

    assert kinds(outcomes) == [Updated]
    assert shelf.one("select status, texto from nf_eventos") == ("registrado", "dois")
    assert shelf.one("select valor from nf_eventos_campos where caminho = 'v'") == ("2",)
    assert shelf.one("select status from notas_fiscais") == ("cancelada",)


async def test_an_event_whose_answer_came_first_has_its_fields(shelf):
    chave = key_of(note(1))
    await shelf.put(answer(chave))

    outcomes = await shelf.put(event(chave, text="<xJust>um</xJust><v>1</v>"))

    assert kinds(outcomes) == [Updated]
    assert shelf.one("select status, texto from nf_eventos") == ("registrado", "um")
    assert shelf.one("select valor from nf_eventos_campos where caminho = 'v'") == ("1",)


async def test_of_two_attempts_in_a_chunk_only_the_fields_of_the_one_that_stands_stay(shelf):
    chave = key_of(note(1))
    await shelf.put(answer(chave, cstat="501"))

    outcomes = await shelf.put(
        event(chave, text="<xJust>um</xJust><v>1</v>"),
        proc_event(chave, text="<xJust>dois</xJust><v>2</v>"),
    )

    assert kinds(outcomes) == [Updated, Updated]
    assert shelf.one("select texto from nf_eventos") == ("dois",)
    assert shelf.rows("select valor from nf_eventos_campos where caminho = 'v'") == [("2",)]


async def test_a_file_that_only_fills_gaps_is_not_the_one_that_is_named(shelf):
    chave = key_of(note(1))
    outcomes = await shelf.put(answer(chave), event(chave), event(chave))

    assert kinds(outcomes) == [Imported, Updated, Duplicate]
    assert outcomes[2].stored_from == "0.xml"
    assert shelf.one("select arquivo_nome from nf_eventos") == ("0.xml",)


async def test_a_protocol_beside_a_bare_note_does_not_keep_the_whole_one_out(shelf):
    """All three in one chunk."""
    bare, whole = note(1, authorised=False), note(1)

    outcomes = await shelf.put(bare, protocol(key_of(bare)), whole)

    assert kinds(outcomes) == [Imported, Imported, Updated]
    assert shelf.one("select xml_completo, arquivo_nome from notas_fiscais") == (
        whole.decode(),
        "2.xml",
    )


EVERYTHING = [
    *(note(n, rich=True, items=None) for n in range(40)),
    note(50, authorised=False),
    proc_event(key_of(note(3, rich=True, items=None))),
    proc_event(key_of(note(4)), "110110", text="<xCorrecao>Outra placa</xCorrecao>"),
    summary(key_of(note(60))),
    protocol(key_of(note(50))),
    unused_numbers(),
    cte(CTE_KEY),
    distribution(summary(key_of(note(61))), proc_event(key_of(note(62)), "210200", text="")),
]


async def test_whatever_comes_again_is_a_duplicate_and_changes_nothing(shelf):
    await shelf.put(*EVERYTHING)
    before = [sorted(map(repr, shelf.rows(f"select * from {name}"))) for name in tables()]

    outcomes = await shelf.put(*EVERYTHING)

    assert set(kinds(outcomes)) == {Duplicate}
    after = [sorted(map(repr, shelf.rows(f"select * from {name}"))) for name in tables()]
    assert after == before


@pytest.mark.parametrize("other", KINDS[1:])
async def test_every_store_holds_the_same_values_in_every_column(each, other):
    sqlite, postgres = each["sqlite"], each[other]
    await sqlite.put(*EVERYTHING)
    await postgres.put(*EVERYTHING)
    held = 0

    for table in tables().values():
        names = [
            name
            for name in stored_columns(table, Backend.POSTGRES)
            if name not in ("emitente_id", "destinatario_id")  # each database has its own
        ]
        exact = [
            name + EXACT_SUFFIX if name + EXACT_SUFFIX in table.stored_names else name
            for name in names
        ]
        first = sqlite.rows(f"select {', '.join(exact)} from {table.name}")
        second = postgres.rows(f"select {', '.join(names)} from {table.name}")

        assert sorted(comparable(names, row) for row in first) == sorted(
            comparable(names, row) for row in second
        ), table.name
        held += len(first)
    assert held > 1000


def comparable(names: list[str], row: tuple[object, ...]) -> tuple[str, ...]:
    """A row as text; a number without zeros at its end, a moment as its instant."""
    return tuple(map(_comparable, names, row))


def _comparable(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case datetime() if value.tzinfo is not None:
            return str(value.timestamp())
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case bool():
            raise AssertionError(name)
        case int() | float() | Decimal():
            return f"{Decimal(str(value)).normalize():f}"
    text = str(value)
    if name.endswith(INSTANT_SUFFIX):
        return str(datetime.fromisoformat(text).timestamp())
    if re.fullmatch(r"-?\d+\.\d+", text):
        return f"{Decimal(text).normalize():f}"
    return text


async def test_every_child_has_the_parent_that_its_document_gave_it(shelf):
    """Numbers of rows differ; what hangs below what must not."""
    notes = [note(n, rich=True, items=None) for n in range(40)]

    await shelf.put(*notes[:20])
    await shelf.put(*notes[20:])

    stored = dict(
        shelf.rows(
            "select n.chave_acesso, count(*) from nf_itens i "
            "join notas_fiscais n on n.id = i.nota_fiscal_id group by 1"
        )
    )
    assert stored == {key_of(xml): xml.count(b"<det ") for xml in notes}
    for chave, number, price in shelf.rows(
        "select n.chave_acesso, i.numero_item, t.valor_icms from nf_itens_icms t "
        "join nf_itens i on i.id = t.nf_item_id join notas_fiscais n on n.id = i.nota_fiscal_id "
        "where t.valor_icms is not null"
    ):
        xml = next(each for each in notes if key_of(each) == chave)
        item = re.search(rb'<det nItem="%d">.*?</det>' % number, xml, re.S)[0]
        assert Decimal(re.search(rb"<vICMS>([^<]*)<", item)[1].decode()) == Decimal(str(price))


@pytest.mark.parametrize("together", [True, False])
async def test_a_registered_event_stands_when_a_later_try_is_answered_573(shelf, together):
    """A cancellation was registered; the program sent it again and was told that it is there."""
    note_, cancelled, late = map(case, ("67a-note.xml", "67b-canc.xml", "67c-canc-573.xml"))

    outcomes = await shelf.put(note_, cancelled, *([late] if together else []))
    if not together:
        outcomes += await shelf.put(late)

    assert kinds(outcomes) == [Imported, Imported, Duplicate]
    assert shelf.one("select status from notas_fiscais") == ("cancelada",)
    assert shelf.one("select status, numero_protocolo from nf_eventos") == (
        "registrado",
        "135260000000099",
    )
