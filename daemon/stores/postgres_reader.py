"""A look at a PostgreSQL database that changes nothing, for the commands."""

from dataclasses import dataclass

from daemon.core.verdict import Stored
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


async def stored(url: str, chave: str) -> Stored | None:
    """What the database knows of a note; None: nothing. Raises StoreUnavailable or ConfigError."""
    async with reading(url) as connection:
        if (await state_in(connection)).current is None:
            return None
        row = await connection.fetchrow(
            "select conteudo_sha256, status, arquivo_nome from public.notas_fiscais "
            "where chave_acesso = $1",
            chave,
        )
    return None if row is None else Stored(*row)
