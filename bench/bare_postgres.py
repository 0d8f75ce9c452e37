"""The bare loop for PostgreSQL: one process, one connection, COPY straight into the tables.

    python -m bench.bare_postgres FOLDER URL

It reads, parses, checks by the XSD and extracts as nfed does, and copies the same rows into the
same tables of an empty database, 200 notes a transaction. No lock, no look for a note that is
stored already, no id asked of the server, no second process: it trusts that nobody else is there.
Prints the seconds it took, without start-up.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import psycopg

from bench.bare import Numbering, import_folder
from bench.copy_text import copy_text
from nfed.documents.document import Document
from nfed.stores.chunk import LINKS, PARTY_FIELDS, Identity, Parties, parties
from nfed.stores.relations import Dialect, renew_parties
from nfed.stores.tables import Backend, stored_columns

_UPDATE = renew_parties(
    Dialect("public.", ""), "jsonb_populate_recordset(null::public.empresas, $1::jsonb)"
)
_PARTY_IDS = """
select id, cpf_cnpj, null as id_estrangeiro, null as razao_social
  from empresas where cpf_cnpj = any ($1::text[])
 union all
select e.id, null, e.id_estrangeiro, e.razao_social
  from unnest($2::text[], $3::text[]) as r (id_estrangeiro, razao_social)
  join empresas e on e.cpf_cnpj is null and e.id_estrangeiro = r.id_estrangeiro
   and e.razao_social = r.razao_social
"""
_NEW_PARTIES = """
insert into empresas (cpf_cnpj, id_estrangeiro, razao_social)
select cpf_cnpj, id_estrangeiro, razao_social
  from jsonb_populate_recordset(null::empresas, $1::jsonb)
 order by cpf_cnpj, id_estrangeiro, razao_social
    on conflict do nothing
"""
_IDENTITY = ("cpf_cnpj", "id_estrangeiro", "razao_social")


class Sink:
    """Writes documents into an empty PostgreSQL database."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        """The connection commits by itself."""
        self._connection = connection
        self._numbering = Numbering()
        self._columns = {
            table.name: {"id": 0}
            | ({table.link: 1} if table.link else {})
            | {
                name: at + (1 if table.link else 0)
                for name, at in stored_columns(table, Backend.POSTGRES).items()
            }
            for table in self._numbering.tables
        }

    def store(self, documents: list[Document]) -> None:
        """One transaction: parties first, for the notes name them by id."""
        found = parties(documents)
        with (
            self._connection.transaction(),
            psycopg.RawCursor(self._connection) as cursor,
        ):
            ids = _party_ids(cursor, found)
            found.link(ids)
            self._update_parties(cursor, found, ids)
            for table, rows in self._numbering.rows(documents).items():
                columnwise = list(zip(*rows, strict=True))
                held = {
                    name: columnwise[at]
                    for name, at in self._columns[table].items()
                    if columnwise[at].count(None) < len(rows)
                }
                # The layout names them, nobody else.
                into = f"copy {table} ({', '.join(held)}) from stdin"
                with cursor.copy(_query(into)) as copy:
                    copy.write(copy_text(list(held.values())))

    def _update_parties(
        self,
        cursor: "psycopg.RawCursor[tuple[object, ...]]",
        found: Parties,
        ids: dict[Identity, int],
    ) -> None:
        for papel in LINKS:
            names = ("id", *PARTY_FIELDS, "tipo_pessoa", f"emissao_como_{papel}")
            own = (ids[identity] for role, identity in found.newest if role == papel)
            rows = [
                dict(zip(names, (number, *values), strict=True))
                for number, values in zip(own, found.values(papel), strict=True)
            ]
            cursor.execute(_query(_UPDATE), (json.dumps(rows),))


def _party_ids(
    cursor: "psycopg.RawCursor[tuple[object, ...]]", found: Parties
) -> dict[Identity, int]:
    identities = list(dict.fromkeys(identity for _, identity in found.newest))
    new = [dict(zip(_IDENTITY, identity, strict=True)) for identity in identities]
    cursor.execute(_query(_NEW_PARTIES), (json.dumps(new),))
    cursor.execute(_query(_PARTY_IDS), _arrays(identities))
    return {(number, own, name): int(str(own_id)) for own_id, number, own, name in cursor}  # type: ignore[misc]  # of the types that PARTY_IDS selects


def _arrays(identities: Iterable[Identity]) -> tuple[list[object], list[object], list[object]]:
    identities = list(identities)
    foreign = [(own, name) for number, own, name in identities if number is None]
    return (
        [number for number, _, _ in identities if number is not None],
        [own for own, _ in foreign],
        [name for _, name in foreign],
    )


def _query(sql: str) -> bytes:
    return sql.encode()


if __name__ == "__main__":
    _folder, _url = sys.argv[1:]
    with psycopg.connect(_url, autocommit=True) as _connection:
        print(import_folder(Path(_folder), Sink(_connection).store))
