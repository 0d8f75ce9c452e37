"""The schema on a real PostgreSQL, from an empty database."""

import psycopg

from daemon.documents.layout import tables
from daemon.stores import postgres_schema
from daemon.stores.schema import Backend, stored_columns


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
