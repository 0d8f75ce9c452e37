"""docs/queries.md: every question runs, on both databases, and its answer is the printed one."""

import asyncio

import psycopg
import pytest

from tests import plan_book, query_book

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

    assert query_book.table_of(headings, rows) == question.answer, "python -m tests.query_book"
    if question.on_sqlite:
        there = query_book.ask_sqlite(sqlite_path, question.query)
        assert query_book.comparable(there) == query_book.comparable(rows)


def test_there_are_twenty_and_nearly_all_run_on_sqlite_and_find_something():
    assert len(QUESTIONS) == 20
    assert sum(each.on_sqlite for each in QUESTIONS) >= 19
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
