"""docs/plans.md: what people look for, and how PostgreSQL finds it.

`python -m tests.support.plan_book` renews it (half a minute).
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Date, DateTime

from nfed.documents.layout import tables
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.tables import Backend, Instant, metadata, stored_columns
from tests.support import query_book
from tests.support.postgres_server import running

BOOK = query_book.BOOK.with_name("plans.md")
_COPIES = 100
_MULTIPLIED = ("notas_fiscais", "nf_itens", "nf_cobranca", "nf_duplicatas")
_HEAD = """\
# How PostgreSQL finds what people look for

The indexes that `nfed db migrate` makes, and the plans that use them: `explain (analyze, costs off,
timing off)` of PostgreSQL 18 on {notes:,} notes with {items:,} items (the generator's {seed} notes,
{copies} times over, each time two days earlier and under other keys). Renewed by `python -m
tests.support.plan_book`; a test sees to it that each index is the one that is used.

An index costs every import a little, so there is none for what nobody asks. More are yours to make:
`nfed db migrate` leaves them alone.
"""


@dataclass(frozen=True)
class Search:
    """What somebody looks for, and the index that finds it."""

    title: str
    index: str
    query: str


SEARCHES = (
    Search(
        "A note by its key",
        "ux_notas_fiscais_chave_acesso",
        "select id, status, valor_total_nota from notas_fiscais where chave_acesso = '{chave}'",
    ),
    Search(
        "What an issuer issued in a month",
        "ix_notas_fiscais_emitente",
        "select n.chave_acesso, n.valor_total_nota\n"
        "  from notas_fiscais n\n"
        " where n.emitente_id = (select id from empresas where cpf_cnpj = '{cnpj}')\n"
        "   and n.data_hora_emissao >= '2026-03-01' and n.data_hora_emissao < '2026-04-01'\n"
        " order by n.data_hora_emissao",
    ),
    Search(
        "What a recipient received lately",
        "ix_notas_fiscais_destinatario",
        "select n.chave_acesso, n.data_hora_emissao\n"
        "  from notas_fiscais n\n"
        " where n.destinatario_id = {destinatario}\n"
        " order by n.data_hora_emissao desc\n"
        " limit 10",
    ),
    Search(
        "The items of an NCM",
        "ix_nf_itens_ncm",
        "select nota_fiscal_id, descricao, valor_total_bruto from nf_itens where ncm = '{ncm}'",
    ),
    Search(
        "The items under a CFOP",
        "ix_nf_itens_cfop",
        "select nota_fiscal_id, valor_total_bruto from nf_itens where cfop = '5202'",
    ),
    Search(
        "The notes that were cancelled this year",
        "ix_notas_fiscais_status",
        "select chave_acesso, valor_total_nota\n"
        "  from notas_fiscais\n"
        " where status = 'cancelada' and data_hora_emissao >= '2026-01-01'\n"
        " order by data_hora_emissao",
    ),
    Search(
        "Unpaid instalments that fall due in a week",
        "ix_nf_duplicatas_a_pagar",
        "select cobranca_id, numero_duplicata, data_vencimento, valor\n"
        "  from nf_duplicatas\n"
        " where data_pagamento is null and data_vencimento between '2026-11-02' and '2026-11-08'\n"
        " order by data_vencimento",
    ),
    Search(
        "The items of a note",
        "ix_nf_itens_nota_fiscal_id",
        "select numero_item, descricao\n"
        "  from nf_itens\n"
        " where nota_fiscal_id = 17\n"
        " order by numero_item",
    ),
)


def plan(connection: psycopg.Connection, search: Search, how: str = "") -> str:
    """The plan's text; `{…}` in the query are filled from what is stored."""
    rows = connection.execute(f"explain ({how}costs off) {filled(connection, search)}".encode())
    return "\n".join(row[0] for row in rows)


def filled(connection: psycopg.Connection, search: Search) -> str:
    """The query with values that are there."""
    found = connection.execute(
        "select n.chave_acesso, e.cpf_cnpj, n.destinatario_id, i.ncm from notas_fiscais n "
        "join empresas e on e.id = n.emitente_id join nf_itens i on i.nota_fiscal_id = n.id "
        "where n.destinatario_id is not null order by n.id, i.id limit 1"
    ).fetchone()
    assert found is not None
    names = ("chave", "cnpj", "destinatario", "ncm")
    return search.query.format(**dict(zip(names, found, strict=True)))


def multiply(connection: psycopg.Connection, copies: int) -> None:
    """Notes, items and instalments so many times over, each time two days earlier."""
    layout = tables()
    made = metadata(Backend.POSTGRES).tables
    highest = {
        name: connection.execute(f"select max(id) from {name}".encode()).fetchone()[0]
        for name in _MULTIPLIED
    }
    for name in _MULTIPLIED:
        table = layout[name]
        values = {"id": f"id + k * {highest[name]}"}
        if table.link is not None:
            values[table.link] = f"{table.link} + k * {highest[table.parent]}"
        for column in stored_columns(table, Backend.POSTGRES):
            match made[name].c[column].type:
                case Date():
                    values[column] = f"{column} - 2 * k"
                case DateTime() | Instant():
                    values[column] = f"{column} - k * interval '2 days'"
                case _:
                    values[column] = column
        if "chave_acesso" in values:
            values["chave_acesso"] = "substr(md5(chave_acesso || k) || md5(k::text), 1, 44)"
        connection.execute(
            f"insert into {name} ({', '.join(values)}) select {', '.join(values.values())} "
            f"from {name} cross join generate_series(1, {copies - 1}) k".encode()
        )


def main() -> None:
    """Renews the page."""
    with tempfile.TemporaryDirectory() as folder, running() as server, server.database() as name:
        path, url = Path(folder) / "nfed.db", server.url(name)
        asyncio.run(query_book.fill_sqlite(path))
        asyncio.run(postgres_schema.migrate(url))
        query_book.copy_to_postgres(path, url)
        with psycopg.connect(url, autocommit=True) as connection:
            seed = connection.execute("select count(*) from notas_fiscais").fetchone()[0]
            multiply(connection, _COPIES)
            connection.execute("vacuum analyze")
            notes, items = connection.execute(
                "select (select count(*) from notas_fiscais), (select count(*) from nf_itens)"
            ).fetchone()
            parts = [_HEAD.format(notes=notes, items=items, seed=seed, copies=_COPIES)]
            for search in SEARCHES:
                text = plan(connection, search, "analyze, timing off, summary off, buffers off, ")
                query = filled(connection, search)
                parts.append(f"## {search.title}\n\n```sql\n{query}\n```\n\n```\n{text}\n```\n")
        BOOK.write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
