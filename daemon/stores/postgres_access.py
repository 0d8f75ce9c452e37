"""Who may read the documents in a PostgreSQL database past row level security, and an end to it.

Tables that nfed made are closed from the start. Those that were there before keep the access that
they had, as dashboards may rely on it, until somebody says `nfed db secure`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import daemon.stores.postgres_connection as postgres
from daemon.documents.layout import tables
from daemon.errors import ConfigError
from daemon.stores.migrations import VERSION_TABLE

if TYPE_CHECKING:
    import asyncpg

# The tables, and every view that reads from them, however many views lie between.
_RELATIONS = """
with recursive reading (oid) as (
    select c.oid from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relname = any ($1::text[])
       and c.relkind in ('r', 'p')
     union
    select r.ev_class
      from reading x
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass and d.refobjid = x.oid
       and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite r on r.oid = d.objid
),
relations as (
    select c.oid, format('%I.%I', s.nspname, c.relname) as name, c.relkind, c.relowner, c.relacl,
           c.relkind in ('r', 'p') as is_table,
           c.relkind = 'v' and current_setting('server_version_num')::int >= 150000 as can_invoke,
           case when c.relkind in ('r', 'p') then c.relrowsecurity
                else coalesce((select option_value::bool from pg_options_to_table(c.reloptions)
                                where option_name = 'security_invoker'), false)
           end as is_closed
      from reading x
      join pg_class c on c.oid = x.oid
      join pg_namespace s on s.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm')
),
grants as (
    select x.name, x.is_table, x.can_invoke, coalesce(r.rolname, 'public') as role,
           coalesce(r.rolname, 'public') in ('public', 'anon') as is_anyone,
           coalesce(r.rolname, 'public') in ('public', 'anon', 'authenticated') as is_outsider,
           string_agg(lower(e.privilege_type), ', ' order by e.privilege_type) as privileges
      from relations x
      cross join lateral aclexplode(coalesce(x.relacl, acldefault('r', x.relowner))) e
      left join pg_roles r on r.oid = e.grantee
     where not x.is_closed and e.grantee <> x.relowner
       and not coalesce(r.rolsuper or r.rolbypassrls, false)
       -- Neither row level security nor the reader's own rights apply to what such views show.
       and (x.is_table or x.can_invoke
            or coalesce(r.rolname, 'public') in ('public', 'anon', 'authenticated'))
     group by x.name, x.is_table, x.can_invoke, r.rolname
)
"""
_OPENINGS = (
    _RELATIONS
    + """
select role, name, privileges || case when is_anyone or not (is_table or can_invoke) then ''
                                      else ': whatever no policy shows it' end as loses
  from grants order by role, name
"""
)
_CLOSING = (
    _RELATIONS
    + """
select statement from (
    select 1, name, format('alter table %s enable row level security', name)
      from relations where is_table and not is_closed
     union all
    select 2, name, format('alter view %s set (security_invoker = true)', name)
      from relations where can_invoke and not is_closed
     union all
    select 3, name, format('revoke all on %s from %s', name,
                           string_agg(case when role = 'public' then role
                                           else quote_ident(role) end, ', ' order by role))
      from grants where is_anyone or is_outsider and not (is_table or can_invoke) group by name
     union all
    -- Row level security does not see these three.
    select 4, name, format('revoke truncate, references, trigger on %s from %I', name, role)
      from grants where is_table and role = 'authenticated'
) as steps (step, name, statement) order by step, name
"""
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A role that sees a table or view past row level security."""

    role: str
    """`public` is everyone."""
    relation: str
    loses: str
    """What closing takes from it."""


async def openings(url: str) -> list[Opening]:
    """Who sees what. Raises StoreUnavailable or ConfigError."""
    async with postgres.reading(url) as connection:
        rows = await connection.fetch(_OPENINGS, _names())
    return [Opening(row["role"], row["name"], row["loses"]) for row in rows]


async def closing(url: str) -> list[str]:
    """The statements that would close everything, without running any."""
    async with postgres.reading(url) as connection:
        return await _closing(connection)


async def close(url: str) -> None:
    """Closes everything in one transaction. Raises StoreUnavailable or ConfigError."""
    asyncpg = postgres.driver()
    async with postgres.connected(url) as connection, connection.transaction():
        await connection.execute("set local lock_timeout = '10s'")
        for statement in await _closing(connection):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError as error:
                raise ConfigError(
                    f"database {postgres.shown(url)}: {error}; let the owner run what "
                    "`nfed db secure --dry-run` prints"
                ) from error


async def _closing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    return [row["statement"] for row in await connection.fetch(_CLOSING, _names())]


def _names() -> list[str]:
    return [*tables(), VERSION_TABLE]
