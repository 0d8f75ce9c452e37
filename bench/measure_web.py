"""How long the page's lists and searches take where a million notes are stored."""

import asyncio
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from bench.measure import Figure, Measured, RawTable, median
from bench.measure_nfed import DATABASE, served_at
from bench.measure_notes import home, say
from bench.measure_postgres import DURABLE
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.sqlite import schema as sqlite_schema
from tests.support.postgres_server import running

TARGET_MS = 300
_ROUNDS = 5
_COMPANIES = 2_000
_MONTHS = [f"{year}-{month:02}" for year in (2024, 2025, 2026) for month in range(1, 13)]
_EMPRESAS = ("id", "cpf_cnpj", "razao_social", "uf")
_NOTAS = (
    "id", "chave_acesso", "modelo", "serie", "numero_nf", "tipo_ambiente", "data_hora_emissao",
    "mes_emissao", "tipo_operacao", "status", "codigo_status", "emitente_id", "destinatario_id",
    "valor_total_produtos", "valor_total_nota", "valor_icms", "conteudo_sha256",
)  # fmt: skip
_ITENS = (
    "id", "nota_fiscal_id", "numero_item", "codigo_produto", "descricao", "ncm", "cfop",
    "quantidade_comercial", "valor_unitario_comercial", "valor_total_bruto",
)  # fmt: skip

type _Rows = Iterator[tuple[object, ...]]


def addresses(notes: int) -> dict[str, str]:
    """What is asked for, by what it is."""
    some = notes // 2
    return {
        "newest notes": "/painel/notas",
        "notes of a company": f"/painel/notas?q={_cnpj(7)}",
        "notes of a company in a month": f"/painel/notas?q={_cnpj(7)}&mes={_MONTHS[-1]}",
        "notes of a month": f"/painel/notas?mes={_MONTHS[20]}",
        "a note by its key": f"/painel/notas?q={_chave(some)}",
        "cancelled notes": "/painel/notas?status=cancelada",
        "notes of 9,900 reais and more": "/painel/notas?valor_de=9900&ordem=valor_desc",
        "notes of a product": "/painel/notas?q=sextavado+976",
        "notes of a product that nobody sells": "/painel/notas?q=girafa",
        "notes with a CFOP of a company": f"/painel/notas?q={_cnpj(7)}&cfop=5102",
        "Resumo of a company's month": f"/painel/resumo?empresa={_cnpj(7)}&mes={_MONTHS[-1]}",
        "Resumo of a company": f"/painel/resumo?empresa={_cnpj(7)}",
        "API: newest notes": "/notas",
        "API: notes by words": "/notas?texto=sextavado+976",
        "API: notes of an issuer in a month": f"/notas?emitente={_cnpj(7)}&mes={_MONTHS[-1]}",
        "home": "/",
        "jobs": "/painel/trabalhos",
    }


def measure_web(notes: int) -> Measured:
    """Asks for each address a few times, on SQLite and on PostgreSQL."""
    taken: dict[str, dict[str, list[float]]] = {}
    with home() as place:
        say(f"filling SQLite with {notes:,} notes")
        _fill_sqlite(place / DATABASE, notes)
        taken["SQLite"] = _asked(place, notes, f"sqlite:///{DATABASE}")
    with running(**DURABLE) as server, server.database() as name, home() as place:
        say(f"filling PostgreSQL with {notes:,} notes")
        _fill_postgres(server.url(name), notes)
        taken["PostgreSQL"] = _asked(place, notes, server.url(name))
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for what in addresses(notes):
        cells = [what]
        for store, found in taken.items():
            middle, most = median(found[what]), max(found[what])
            name = f"web: {what}, {store}, {notes:,} notes, ms"
            figures.append(Figure(name, f"{middle:.0f}", f"≤ {TARGET_MS}", middle <= TARGET_MS))
            cells += [f"{middle:.0f}", f"{most:.0f}"]
        rows.append(tuple(cells))
    header = ("asked for", *(f"{store}, {each}" for store in taken for each in ("median", "most")))
    return Measured(figures, [RawTable("Milliseconds to the last byte", header, tuple(rows))])


def _asked(place: Path, notes: int, database: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with served_at(place, database) as url:
        for what, path in addresses(notes).items():
            found[what] = [_milliseconds(f"{url}{path}") for _ in range(_ROUNDS)]
    return found


def _milliseconds(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=120) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - began)


def _fill_sqlite(path: Path, notes: int) -> None:
    sqlite_schema.migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, columns, rows in _tables(notes):
            marks = ", ".join("?" * len(columns))
            into = f"insert into {table} ({', '.join(columns)}) values ({marks})"
            connection.executemany(into, rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma optimize")


def _fill_postgres(url: str, notes: int) -> None:
    asyncio.run(postgres_schema.migrate(url))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, columns, rows in _tables(notes):
            with cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _tables(notes: int) -> Iterator[tuple[str, tuple[str, ...], _Rows]]:
    yield "empresas", _EMPRESAS, _empresas()
    yield "notas_fiscais", _NOTAS, _notas(notes)
    yield "nf_itens", _ITENS, _itens(notes)


def _empresas() -> _Rows:
    for n in range(1, _COMPANIES + 1):
        yield n, _cnpj(n), f"EMPRESA DE TESTE {n} LTDA", "SP"


def _notas(notes: int) -> _Rows:
    for n in range(1, notes + 1):
        month = _MONTHS[n * len(_MONTHS) // (notes + 1)]
        moment = f"{month}-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:{n * 7 % 60:02}"
        status = "cancelada" if n % 50 == 0 else "autorizada"
        company, other = 1 + n % 200, 1 + n * 31 % _COMPANIES
        value = f"{n % 9973}.{n % 100:02}"
        yield (
            n, _chave(n), "55" if n % 3 else "65", "1", n, "1", moment, month, "1", status, "100",
            company, other, value, value, "12.34", f"{n:064x}",
        )  # fmt: skip


def _itens(notes: int) -> _Rows:
    for n in range(1, notes + 1):
        name = f"PARAFUSO SEXTAVADO {n % 977} MM"
        yield n, n, 1, f"P{n % 977:05}", name, "73181500", "5102", "1", "12.34", "12.34"


def _cnpj(n: int) -> str:
    return f"{n:08}000100"


def _chave(n: int) -> str:
    return f"3526111122233300018155001{n:09}1{n:08}0"
