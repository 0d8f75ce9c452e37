"""The SQL of the PostgreSQL store, made from the layout once.

Whole rows go in as JSON where they are few: PostgreSQL then reads each value as the column's own
type, which in an adopted database is the one that its owner gave it.
"""

from collections.abc import Iterable
from hashlib import blake2b

from daemon.documents.layout import Table
from daemon.stores.postgres_literal import literal
from daemon.stores.schema import Backend, stored_columns
from daemon.stores.sqlite_sql import (
    DESTINATARIO_ONLY,
    EMITENTE_ONLY,
    PARTY_FIELDS,
    PROTOCOL,
)

GATE = 0x6E666563
"""The advisory lock that stands for every document."""
MOST_LOCKS = 128  # of the 6,400 that a server has room for by default

KEYS = "(select unnest($1::text[]))"

# One chunk at a time works on a document: in one order, so that two wait for each other never.
LOCK = f"""
with gate as materialized (select pg_advisory_xact_lock_shared({GATE}))
select count(pg_advisory_xact_lock(each)) from gate, unnest($1::bigint[]) as each
"""
LOCK_ALL = f"select pg_advisory_xact_lock({GATE}), cardinality($1::bigint[])"
"""For more keys than a server has room for."""

PARTY_IDS = """
select id, cpf_cnpj, null as id_estrangeiro, null as razao_social
  from empresas where cpf_cnpj = any ($1::text[])
 union all
select e.id, null, e.id_estrangeiro, e.razao_social
  from unnest($2::text[], $3::text[]) as r (id_estrangeiro, razao_social)
  join empresas e on e.cpf_cnpj is null and e.id_estrangeiro = r.id_estrangeiro
   and e.razao_social = r.razao_social
"""
_IDENTITY = "cpf_cnpj, id_estrangeiro, razao_social"
NEW_PARTIES = f"""
insert into empresas ({_IDENTITY})
select {_IDENTITY} from jsonb_populate_recordset(null::empresas, $1::jsonb)
 order by {_IDENTITY}
    on conflict do nothing
"""
LOCK_PARTIES = """
select count(*) from (
    select 1 from empresas where id = any ($1::bigint[]) order by id for no key update
) as locked
"""


def lock_of(name: str) -> int:
    """The number of the advisory lock that stands for a chave."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def begin(statement_seconds: float) -> str:
    """What it sets lasts as long as the transaction: the next one may run on another server."""
    milliseconds = round(statement_seconds * 1000)
    return (
        "begin isolation level read committed; "
        "set local search_path = public, pg_temp; "
        f"set local statement_timeout = {milliseconds}; "
        f"set local lock_timeout = {milliseconds // 2}; "
        f"set local idle_in_transaction_session_timeout = {milliseconds}"
    )


def update_parties(papel: str) -> str:
    """Keeps parties as their newest note writes them, whatever the order of arrival.

    Takes an array of objects: id, PARTY_FIELDS, tipo_pessoa and the stamp of the role. What both
    roles can carry follows the newest note of either; what only one can, the newest in that role.
    """
    stamp = f"emissao_como_{papel}"
    both = (
        "greatest(coalesce(e.emissao_como_emitente, ''), coalesce(e.emissao_como_destinatario, ''))"
    )
    own = f"coalesce(e.{stamp}, '')"
    own_only, other_only = EMITENTE_ONLY, DESTINATARIO_ONLY
    if papel == "destinatario":
        own_only, other_only = other_only, own_only
    sets = [
        # Only ISUFEmit is there for the other role as well, and seldom.
        f"{name} = coalesce(e.{name}, r.{name})"
        if name in other_only
        else f"{name} = case when r.{stamp} >= {own if name in own_only else both} "
        f"then r.{name} else e.{name} end"
        for name in (*PARTY_FIELDS, "tipo_pessoa")
        if name not in ("cpf_cnpj", "id_estrangeiro")
    ]
    return (
        f"update empresas as e set {', '.join(sets)}, "
        f"{stamp} = greatest(r.{stamp}, {own}) "
        f"from jsonb_populate_recordset(null::empresas, $1::jsonb) as r "
        f"where e.id = r.id"
    )


def update_protocol() -> str:
    """Gives a stored note the protocol of another file of it: its id, and its row as an object."""
    sets = ", ".join(
        # A cancellation that an event brought is not undone by the protocol.
        "status = case when n.status in ('cancelada', 'inutilizada') then n.status "
        "else r.status end"
        if name == "status"
        else f"{name} = r.{name}"
        for name in PROTOCOL
    )
    return (
        f"update notas_fiscais as n set {sets} "
        "from jsonb_populate_record(null::notas_fiscais, $2::jsonb) as r where n.id = $1"
    )


def update_head(table: Table, *, prevails: bool) -> str:
    """Of two writings of one document, the one that has come further prevails."""
    first, second = ("r", "d") if prevails else ("d", "r")
    sets = ", ".join(
        f"{name} = coalesce({first}.{name}, {second}.{name})"
        for name in stored_columns(table, Backend.POSTGRES)
    )
    return (
        f"update {table.name} as d set {sets} "
        f"from jsonb_populate_record(null::{table.name}, $2::jsonb) as r where d.id = $1"
    )


def sequences(names: Iterable[str]) -> str:
    """One row: the sequence of each table's ids."""
    return "select " + ", ".join(
        f"pg_get_serial_sequence({literal('public.' + name)}, 'id') as {name}" for name in names
    )


def new_ids(counts: dict[str, int], sequence_of: dict[str, str]) -> str:
    """One row: for each table, so many ids."""
    return "select " + ", ".join(
        f"array(select nextval({literal(sequence_of[name])}::regclass) "
        f"from generate_series(1, {number})) as {name}"
        for name, number in counts.items()
    )


def waiting(tables: Iterable[str]) -> str:
    """Whether any of the tables holds something about the keys."""
    return "select " + " or ".join(
        f"exists (select from {name} where chave_acesso = any ($1::text[]))" for name in tables
    )
