"""Fills a PostgreSQL database with many notes, fast: copies of those in it, made by the server.

A copy is a note of its own: other ids, another issuer and buyer (the check digits of each CNPJ and
CPF are moved on, which are digits even where the rest is letters), and so another chave, at whose
place the indexes take it in.
"""

from collections.abc import Iterable

import psycopg

from bench.measure_notes import say
from nfed.documents.layout import tables
from nfed.stores.tables import Backend, stored_columns
from tests.support.postgres_server import Server

MOST_COPIES = 99


def multiply(server: Server, url: str, copies: int) -> None:
    """Adds so many copies of all that is there, each in a transaction, in order of arrival.

    Raises ValueError for more than there are numbers to move on to.
    """
    if not 0 <= copies <= MOST_COPIES:
        raise ValueError(f"{copies} copies, expected at most {MOST_COPIES}")
    # The copies may be lost; what is measured afterwards may not.
    _set(server, "fsync = off")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # no foreign key is asked
        connection.execute("set synchronous_commit = off")
        held = {name: _last(connection, name) for name in tables()}
        for copy in range(1, copies + 1):
            if copy % 10 == 1:
                say(f"copy {copy} of {copies} of {held['notas_fiscais']:,} notes")
            with connection.transaction():
                for name, last in held.items():
                    if last:
                        connection.execute(_copied(name, held, copy).encode())
        for name, last in held.items():
            if last:
                connection.execute(
                    f"select setval(pg_get_serial_sequence('public.{name}', 'id'), "
                    f"{last * (copies + 1)})".encode()
                )
        say("vacuum analyze")
        connection.execute("vacuum analyze")
    _set(server, "fsync = on")
    server.execute("checkpoint")


def _set(server: Server, setting: str) -> None:
    server.execute(f"alter system set {setting}")
    server.execute("select pg_reload_conf()")


def _last(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> int:
    row = connection.execute(f"select coalesce(max(id), 0) from {table}".encode()).fetchone()
    assert row is not None
    return int(str(row[0]))


def _copied(name: str, held: dict[str, int], copy: int) -> str:
    """Inserts one copy of the table's first rows."""
    table = tables()[name]
    new = {"id": f"id + {held[name] * copy}"}
    if table.link is not None and table.parent is not None:
        new[table.link] = f"{table.link} + {held[table.parent] * copy}"
    stored: Iterable[str] = stored_columns(table, Backend.POSTGRES)
    for column in stored:
        match column:
            case "cpf_cnpj":
                new[column] = _moved(column, f"length({column}) - 1", copy)
            case "chave_acesso":
                new[column] = _moved(column, "19", copy)  # where its issuer's CNPJ ends
            case "emitente_id" | "destinatario_id":
                new[column] = f"{column} + {held['empresas'] * copy}"
            case _:
                new.setdefault(column, column)
    return (
        f"insert into {name} ({', '.join(new)}) select {', '.join(new.values())} "
        f"from {name} where id <= {held[name]} order by {name}.id"
    )


def _moved(column: str, at: str, copy: int) -> str:
    two = f"lpad(((substr({column}, {at}, 2)::integer + {copy}) % 100)::text, 2, '0')"
    return f"overlay({column} placing {two} from {at} for 2)"
