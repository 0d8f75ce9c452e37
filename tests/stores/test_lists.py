"""Notes are listed as is asked for, in the order that is asked for, the same in every store."""

import sqlite3
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from nfed.core.ports import ListOrder, NoteFilter, NotePosition
from nfed.stores.lists import Search
from nfed.stores.lists.listings import NOTES, plain
from nfed.stores.sqlite.lists import question
from tests.support.notes import generator
from tests.support.stores import Shelf, shelves

KINDS = ("sqlite", "postgresql", "supabase")
FILES = [
    generator().note(n, items=2, rich=n % 3 == 0, modelo="65" if n % 5 == 0 else "55").xml
    for n in range(30)
]
# What no file says of itself: every state, equal values and moments, and rows without either.
CHANGES = """
update notas_fiscais set status = 'cancelada' where numero_nf % 4 = 1;
update notas_fiscais set tipo_ambiente = '1';
update notas_fiscais set tipo_ambiente = '2' where numero_nf % 4 = 2;
update notas_fiscais set valor_total_nota = 100.10 where numero_nf % 3 = 0;
update notas_fiscais set valor_total_nota = null where numero_nf % 9 = 4;
update notas_fiscais set data_hora_emissao = '2026-03-04 05:06:07', data_hora_emissao_tz = null
 where numero_nf % 5 = 1;
update notas_fiscais set data_hora_emissao = null, data_hora_emissao_tz = null
 where numero_nf % 7 = 2;
update notas_fiscais set informacoes_complementares = 'Atenção: ENTREGA só às 10h, 100% à vista_'
 where numero_nf % 6 = 5;
update nf_itens set descricao = 'PARAFUSO Nº 8 ÇÃO' where numero_item = 2
   and nota_fiscal_id in (select id from notas_fiscais where numero_nf % 6 = 3);
update empresas set razao_social = 'Açúcar União Ltda' where id = 2;
"""
ROWS = """
select n.id, n.chave_acesso, cast(n.data_hora_emissao as text), cast(n.valor_total_nota as text),
       n.status, n.modelo, n.tipo_ambiente, n.serie, n.numero_nf, e.cpf_cnpj, d.cpf_cnpj,
       n.informacoes_complementares
  from notas_fiscais n left join empresas e on e.id = n.emitente_id
  left join empresas d on d.id = n.destinatario_id
"""
TEXTS = """
select n.chave_acesso, p.razao_social, p.nome_fantasia, p.cpf_cnpj
  from notas_fiscais n join nf_partes p on p.nota_fiscal_id = n.id
 union select n.chave_acesso, c.razao_social, c.nome_fantasia, c.cpf_cnpj
  from notas_fiscais n join empresas c on c.id in (n.emitente_id, n.destinatario_id)
 union select n.chave_acesso, i.descricao, i.codigo_produto, null
  from notas_fiscais n join nf_itens i on i.nota_fiscal_id = n.id
"""


@dataclass(frozen=True)
class Stored:
    """A note as the database has it."""

    id: int
    chave: str
    moment: str | None
    valor: Decimal | None
    status: str
    modelo: str
    ambiente: str
    serie: str
    numero: int
    emitente: str | None
    destinatario: str | None
    texts: tuple[str, ...]


@dataclass
class Filled:
    """A shelf with the notes in it, and the notes."""

    shelf: Shelf
    stored: list[Stored]

    def expected(self, wanted: NoteFilter) -> list[str]:
        """What a list of these holds, worked out without SQL."""
        chosen = [each for each in self.stored if fits(each, wanted)]
        by_value = wanted.ordem in (ListOrder.DEAREST, ListOrder.CHEAPEST)
        falls = wanted.ordem in (ListOrder.NEWEST, ListOrder.DEAREST)

        def key(each: Stored) -> Any:
            return each.valor if by_value else each.moment

        having = [each for each in chosen if key(each) is not None]
        having.sort(key=lambda each: (key(each), each.id), reverse=falls)
        rest = [each for each in chosen if key(each) is None]
        rest.sort(key=lambda each: each.id, reverse=falls)
        return [each.chave for each in having + rest]

    async def listed(self, wanted: NoteFilter, size: int) -> list[str]:
        """All pages."""
        found: list[str] = []
        after: NotePosition | None = None
        while True:
            page = await self.shelf.notes.notes(wanted, after, size)
            assert len(page.notes) <= size
            found += [each.chave for each in page.notes]
            after = page.next
            if after is None:
                return found


def fits(each: Stored, wanted: NoteFilter) -> bool:
    """Whether a filter chooses a note."""
    day = None if each.moment is None else date.fromisoformat(each.moment[:10])
    code = (wanted.texto or "").translate(str.maketrans("", "", " ./-"))
    return all(
        (
            wanted.de is None or (day is not None and day >= wanted.de),
            wanted.ate is None or (day is not None and day <= wanted.ate),
            wanted.valor_de is None or (each.valor is not None and each.valor >= wanted.valor_de),
            wanted.valor_ate is None or (each.valor is not None and each.valor <= wanted.valor_ate),
            wanted.texto is None
            or any(
                (plain(wanted.texto) or "") in (plain(text) or "") or code in text
                for text in each.texts
            ),
            *(
                getattr(wanted, name) in (None, getattr(each, name))
                for name in (
                    *("emitente", "destinatario", "status", "modelo", "ambiente"),
                    *("serie", "numero"),
                )
            ),
        )
    )


def stored(shelf: Shelf) -> list[Stored]:
    texts: dict[str, list[str]] = {}
    for chave, *said in shelf.rows(TEXTS):
        texts.setdefault(chave, []).extend(each for each in said if each)
    return [
        Stored(
            row[0],
            row[1],
            row[2],
            None if row[3] is None else Decimal(row[3]),
            *row[4:11],
            texts=(*texts[row[1]], *([row[11]] if row[11] else [])),
        )
        for row in shelf.rows(ROWS)
    ]


@pytest.fixture(params=KINDS)
async def filled(request, tmp_path, postgres, migrated, supabase_session):
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            shelves(request.param, tmp_path, postgres, migrated, supabase_session)
        )
        shelf = await made.new()
        await shelf.put(*FILES)
        shelf.run(CHANGES)
        yield Filled(shelf, stored(shelf))


def questions(filled: Filled) -> list[NoteFilter]:
    """One of each kind, and some together; each finds some notes, and leaves some out."""
    first = next(each for each in filled.stored if each.moment and each.valor and each.emitente)
    days = sorted(each.moment[:10] for each in filled.stored if each.moment)
    values = sorted(each.valor for each in filled.stored if each.valor is not None)
    dates = NoteFilter(de=date.fromisoformat(days[5]), ate=date.fromisoformat(days[-6]))
    return [
        NoteFilter(emitente=first.emitente),
        NoteFilter(destinatario=first.destinatario),
        dates,
        NoteFilter(status="cancelada"),
        NoteFilter(modelo="65"),
        NoteFilter(ambiente="2"),
        NoteFilter(numero=first.numero),
        NoteFilter(numero=first.numero, serie=first.serie, texto="e"),
        NoteFilter(valor_de=values[4], valor_ate=values[-5]),
        NoteFilter(valor_ate=Decimal("100.10")),
        NoteFilter(texto="atencao: entrega SO ÀS"),
        NoteFilter(texto="nº 8 cao"),
        NoteFilter(texto="acucar uniao"),
        NoteFilter(texto=f"{first.emitente[:2]}.{first.emitente[2:5]}"),
        NoteFilter(texto="100%"),
        NoteFilter(texto="vista_"),
        replace(dates, status="cancelada", modelo="55"),
        NoteFilter(emitente=first.emitente, valor_de=values[3], status="autorizada"),
        NoteFilter(emitente=first.emitente, destinatario=first.destinatario),
    ]


@pytest.mark.parametrize("order", ListOrder)
async def test_a_list_holds_what_is_asked_for_in_every_order_in_pages_of_any_size(filled, order):
    assert await filled.listed(NoteFilter(ordem=order), 1000) == filled.expected(
        NoteFilter(ordem=order)
    )
    for each in questions(filled):
        wanted = replace(each, ordem=order)
        expected = filled.expected(wanted)
        assert 0 < len(expected) < len(FILES), wanted
        for size in (3, 1000):
            assert await filled.listed(wanted, size) == expected, (wanted, size)


@pytest.mark.parametrize("order", ListOrder)
async def test_a_page_looks_at_so_many_notes_at_most_and_leads_on_from_there(filled, order):
    wanted = NoteFilter(status="cancelada", ordem=order)
    filled.shelf.notes.most_scanned = 3

    first = await filled.shelf.notes.notes(wanted, None, 1000)
    everything = await filled.listed(wanted, 1000)

    looked_at = filled.expected(NoteFilter(ordem=order))[:3]
    assert [each.chave for each in first.notes] == [
        each for each in filled.expected(wanted) if each in looked_at
    ]
    assert first.next is not None
    assert everything == filled.expected(wanted)


async def test_what_an_index_finds_is_not_cut(filled):
    filled.shelf.notes.most_scanned = 2
    some = next(each for each in filled.stored if each.emitente and each.moment)

    for wanted in (
        NoteFilter(),
        NoteFilter(emitente=some.emitente, de=date(2000, 1, 1)),
        NoteFilter(numero=some.numero, texto="e"),
        NoteFilter(valor_de=Decimal(1), ordem=ListOrder.CHEAPEST),
    ):
        page = await filled.shelf.notes.notes(wanted, None, 1000)
        assert page.next is None
        assert [each.chave for each in page.notes] == filled.expected(wanted)


async def test_a_position_of_another_order_finds_nothing(filled):
    page = await filled.shelf.notes.notes(NoteFilter(), None, 2)
    assert page.next is not None

    other = await filled.shelf.notes.notes(NoteFilter(ordem=ListOrder.DEAREST), page.next, 2)

    assert (other.notes, other.next) == ([], None)


async def test_hostile_text_is_looked_for_and_nothing_else(filled):
    for text in ("' or '1'='1", "%", "_", "\\", "\0", "*/", "{value}", "ß" * 100):
        wanted = NoteFilter(texto=text)
        expected = [] if text != "\0" else filled.expected(NoteFilter())
        if text in "%_":
            expected = filled.expected(wanted)
        assert await filled.listed(wanted, 1000) == expected, text


def plan_of(path: str, search: Search) -> list[str]:
    query, values = question(search)
    with sqlite3.connect(path) as connection:
        connection.create_function("nfed_contains", 2, lambda *_: True, deterministic=True)
        return [row[3] for row in connection.execute(f"explain query plan {query}", values)]


@pytest.mark.parametrize(
    ("order", "values", "index"),
    [
        (ListOrder.NEWEST, {}, "ix_notas_fiscais_emissao"),
        (ListOrder.OLDEST, {"status": "x", "texto": "x"}, "ix_notas_fiscais_emissao"),
        (ListOrder.NEWEST, {"least": "1", "from": "2026-01-01"}, "ix_notas_fiscais_emissao"),
        (ListOrder.NEWEST, {"emitente": "1", "until": "2026"}, "ix_notas_fiscais_emitente"),
        (ListOrder.OLDEST, {"destinatario": "1"}, "ix_notas_fiscais_destinatario"),
        (ListOrder.NEWEST, {"emitente": "1", "destinatario": "2"}, "ix_notas_fiscais_emitente"),
        (ListOrder.NEWEST, {"numero": 1, "emitente": "1"}, "ix_notas_fiscais_numero"),
        (ListOrder.DEAREST, {}, "ix_notas_fiscais_valor"),
        (ListOrder.CHEAPEST, {"emitente": "1", "from": "2026"}, "ix_notas_fiscais_valor"),
        (ListOrder.DEAREST, {"least": "1", "most": "2", "texto": "x"}, "ix_notas_fiscais_valor"),
    ],
)
async def test_sqlite_walks_one_index_and_sorts_no_more_than_the_page(
    tmp_path, postgres, migrated, order, values, index
):
    async with shelves("sqlite", tmp_path, postgres, migrated) as made:
        shelf = await made.new()
        await shelf.put(FILES[0])
        path = str(tmp_path / "1.db")
        after = ("1.5" if NOTES.by_value(order) else "2026-01-01 00:00:00", 1)
        search = Search(NOTES, values, order, has_key=True, limit=10, after=after)
        walked = [search, *filter(None, [search.end(1000)])]
        for each in walked:
            plan = plan_of(path, each)
            chosen = plan[: next(at for at, line in enumerate(plan) if "SCAN chosen" in line)]
            assert f"INDEX {index} (" in chosen[1], plan
            assert not any("TEMP B-TREE" in line for line in chosen), plan
            if each is not search:
                assert "COVERING INDEX" in chosen[1], plan


@pytest.mark.parametrize(
    ("name", "column", "table"),
    [
        ("tipo_operacao", "tipo_operacao", "notas_fiscais"),
        ("finalidade", "finalidade_emissao", "notas_fiscais"),
        ("cfop", "cfop", "nf_itens"),
        ("ncm", "ncm", "nf_itens"),
    ],
)
async def test_the_operation_and_the_items_choose_notes(filled, name, column, table):
    join = "" if table == "notas_fiscais" else "join nf_itens i on i.nota_fiscal_id = n.id"
    rows = filled.shelf.rows(f"select {column}, chave_acesso from notas_fiscais n {join}")
    for value in sorted({row[0] for row in rows if row[0]})[:3]:
        wanted = replace(NoteFilter(), **{name: value})

        found = await filled.listed(wanted, 3)

        assert len(found) == len(set(found))
        assert set(found) == {chave for each, chave in rows if each == value}


def test_every_filter_has_a_question():
    asked = {"ordem"} | {
        "emitente", "destinatario", "de", "ate", "status", "modelo", "ambiente", "serie", "numero",
        "valor_de", "valor_ate", "texto", "tipo_operacao", "finalidade", "cfop", "ncm",
    }  # fmt: skip
    assert {each.name for each in fields(NoteFilter)} == asked
