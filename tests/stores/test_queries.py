"""docs/queries.md: every question runs, on both databases, and its answer is the printed one."""

import asyncio
import sqlite3
from contextlib import closing

import psycopg
import pytest

from tests.support import plan_book, query_book

QUESTIONS = query_book.questions()


@pytest.fixture(scope="module")
def sqlite_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("queries") / "nfed.db"
    asyncio.run(query_book.fill_sqlite(path))
    return path


@pytest.fixture(scope="module")
def filled_url(postgres, migrated, sqlite_path):
    with postgres.database(template=migrated) as name:
        url = postgres.url(name)
        query_book.copy_to_postgres(sqlite_path, url)
        yield url


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.title[:30])
def test_the_answer_is_the_printed_one_on_both_databases(filled_url, sqlite_path, question):
    headings, rows = query_book.ask_postgres(filled_url, question.query)

    assert query_book.table_of(headings, rows) == question.answer, (
        "python -m tests.support.query_book"
    )
    if question.on_sqlite:
        there = query_book.ask_sqlite(sqlite_path, question.query)
        assert query_book.comparable(there) == query_book.comparable(rows)


def test_there_are_thirty_and_nearly_all_run_on_sqlite_and_find_something():
    assert len(QUESTIONS) == 30
    assert sum(each.on_sqlite for each in QUESTIONS) >= 29
    assert sum(each.answer == "No row." for each in QUESTIONS) <= 1


@pytest.mark.parametrize("search", plan_book.SEARCHES, ids=lambda each: each.index)
def test_what_people_look_for_is_found_by_its_index(filled_url, search):
    """Few rows are read from end to end sooner than by an index, so that is made expensive here."""
    with psycopg.connect(filled_url) as connection:
        connection.execute("set enable_seqscan = off; set enable_sort = off")

        plan = plan_book.plan(connection, search)

    assert search.index in plan


def test_the_page_of_plans_shows_every_search_by_its_index():
    page = plan_book.BOOK.read_text("utf-8")

    for search in plan_book.SEARCHES:
        shown = page.partition(f"## {search.title}\n")[2].partition("## ")[0]
        assert search.index in shown
        assert "Seq Scan on n" not in shown


def test_void_numbers_are_not_missing_and_the_test_environment_is_counted_by_itself():
    """1 to 3 and 10 in production, 4 to 7 void there, one range refused; 1 and 9 in homologação."""
    (question,) = [each for each in QUESTIONS if each.title.startswith("13. ")]
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(
            """
            create table empresas (id, cpf_cnpj, razao_social);
            create table notas_fiscais (emitente_id, modelo, serie, tipo_ambiente, numero_nf);
            create table nf_inutilizacoes (cpf_cnpj, modelo, serie, tipo_ambiente, numero_inicial,
                                           numero_final, status);
            insert into empresas values (1, '11222333000181', 'Loja');
            insert into notas_fiscais values (1, '55', '1', '1', 1), (1, '55', '1', '1', 2),
                (1, '55', '1', '1', 3), (1, '55', '1', '1', 10),
                (1, '55', '1', '2', 1), (1, '55', '1', '2', 9);
            insert into nf_inutilizacoes values
                ('11222333000181', '55', '1', '1', 4, 7, 'homologada'),
                ('11222333000181', '55', '1', '1', 8, 9, 'rejeitada');
            """
        )

        found = database.execute(question.query).fetchall()

    assert found == [("Loja", "55", "1", "1", 8, 9), ("Loja", "55", "1", "2", 2, 8)]
