"""The schema on a real PostgreSQL, from an empty database."""

import psycopg

from nfed.documents.layout import tables
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.tables import Backend, stored_columns


async def test_an_empty_database_gets_every_table_and_column(empty_url):
    await postgres_schema.migrate(empty_url)

    with psycopg.connect(empty_url) as connection:
        found = connection.execute(
            "select table_name, array_agg(column_name::text) from information_schema.columns "
            "where table_schema = 'public' group by table_name"
        ).fetchall()
    columns = {table: set(names) for table, names in found}
    for table in tables().values():
        assert set(stored_columns(table, Backend.POSTGRES)) | {"id"} <= columns[table.name]
    assert {"vw_notas_fiscais_resumo", "vw_nf_itens_completo"} <= set(columns)


async def test_a_second_migration_finds_nothing_to_do(empty_url):
    before = await postgres_schema.pending(empty_url)
    await postgres_schema.migrate(empty_url)
    after = await postgres_schema.pending(empty_url)

    assert before
    assert after == []
    assert await postgres_schema.migrate(empty_url) == []
    assert await postgres_schema.ensure(empty_url) == []


async def test_a_function_with_another_text_is_made_again_and_stays_closed(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "create or replace function nfed_set_updated_at() returns trigger language plpgsql as "
            "'begin return null; end'; comment on function nfed_set_updated_at() is 'nfed old'"
        )
    pending = await postgres_schema.pending(postgres_url)

    await postgres_schema.migrate(postgres_url)

    assert pending[0].startswith("create or replace function public.nfed_set_updated_at()")
    assert await postgres_schema.pending(postgres_url) == []
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "insert into empresas (razao_social, updated_at) values ('A', '2000-01-01');"
            "update empresas set razao_social = 'B' returning updated_at > '2026-01-01'"
        )
        while row.nextset():
            pass
        assert row.fetchone() == (True,)
        granted = connection.execute(
            "select has_function_privilege('public', 'nfed_set_updated_at()', 'execute')"
        ).fetchone()
        assert granted == (False,)
