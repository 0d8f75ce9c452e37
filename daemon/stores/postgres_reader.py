"""A look at a PostgreSQL database that changes nothing, for the commands."""

from dataclasses import dataclass

from daemon.core.verdict import Stored
from daemon.documents.document import Document, rank
from daemon.documents.layout import tables
from daemon.stores.migrations import SchemaState
from daemon.stores.postgres_connection import reading
from daemon.stores.postgres_schema import state_in

# Counting a hundred million notes takes longer than anybody waits for a status.
_COUNT = """
select case when c.reltuples > 1000000 then c.reltuples::bigint
            else (select count(*) from public.notas_fiscais) end
  from pg_class c where c.oid = 'public.notas_fiscais'::regclass
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a database stands."""

    state: SchemaState
    notes: int | None
    """How many it holds, as the planner believes where they are many; None: it has no schema."""


async def seen(url: str) -> Seen:
    """Looks. Raises StoreUnavailable or ConfigError."""
    async with reading(url) as connection:
        state = await state_in(connection)
        if state.current is None:
            return Seen(state, None)
        return Seen(state, await connection.fetchval(_COUNT))


async def stored(url: str, document: Document) -> Stored | None:
    """What the database knows of a document; None: nothing. Raises StoreUnavailable."""
    head = tables()[document.head]
    answered = "codigo_status" if "codigo_status" in head.stored_names else "null"
    async with reading(url) as connection:
        if (await state_in(connection)).current is None:
            return None
        row = await connection.fetchrow(
            f"select conteudo_sha256, {answered}, numero_protocolo, arquivo_nome "
            f"from public.{head.name} where {head.key} = $1",
            document.key,
        )
    if row is None:
        return None
    content, cstat, protocol, file_name = row
    return Stored(content, rank(cstat, protocol), file_name)
