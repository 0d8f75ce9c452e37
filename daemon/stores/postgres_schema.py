"""The schema of a PostgreSQL database: how it stands, and how it is brought to the newest version.

`script` is the whole of it as SQL text, for Supabase's SQL editor; `migrate` runs the same text.
"""

from typing import TYPE_CHECKING

from daemon.errors import ConfigError
from daemon.stores import migrations, postgres_plan
from daemon.stores.migrations import VERSION_TABLE, SchemaState, newer
from daemon.stores.postgres_connection import connected, driver, reading, shown
from daemon.stores.postgres_literal import literal

if TYPE_CHECKING:
    import asyncpg

_LOCK = 0x6E666564  # "nfed"
_TURN_SECONDS = 300
"""How long one migration waits for another."""
_LOCK_SECONDS = 10
"""How long it waits for those who read or write; a table that waits for a lock lets nobody in."""
_MIGRATION_SECONDS = 3600.0
_NEWER = "P0N01"
"""SQLSTATE of our own: a newer nfed made the schema."""

_HEAD = f"""\
begin;
set local search_path = '';
set local lock_timeout = '{_TURN_SECONDS}s';
set local statement_timeout = 0;
"""
_GUARD = """\
do $nfed$
declare
    nfed_version text;
begin
    perform pg_advisory_xact_lock({lock});
    set local lock_timeout = '{lock_seconds}s';
    if to_regclass('public.{table}') is not null then
        select version_num into nfed_version from public.{table};
        if nfed_version <> all ({known}) then
            raise exception 'the schema has version %, newer than {newest} of this script',
                nfed_version using errcode = '{newer}';
        end if;
    end if;
end
$nfed$;
"""
_TAIL = """\
do $nfed$
declare
    nfed_outsider text;
begin
    if to_regclass('public.{table}') is null then
        create table public.{table} (version_num varchar(32) primary key);
        alter table public.{table} enable row level security;
        -- Only the daemon's own role and Supabase's service_role have to read it.
        revoke all on table public.{table} from public;
        for nfed_outsider in
            select rolname from pg_roles where rolname in ('anon', 'authenticated')
        loop
            execute format('revoke all on table public.{table} from %I', nfed_outsider);
        end loop;
        if exists (select from pg_roles where rolname = 'service_role') then
            grant select on table public.{table} to service_role;
        end if;
    end if;
    if not exists (select from public.{table} where version_num = '{newest}') then
        delete from public.{table};
        insert into public.{table} values ('{newest}');
    end if;
end
$nfed$;
-- PostgREST looks again at what there is.
notify pgrst, 'reload schema';
commit;
"""


def script(lock_seconds: float = _LOCK_SECONDS) -> str:
    """Everything, for any database: one transaction that may be run again and again."""
    known = migrations.versions()
    guard = _GUARD.format(
        lock=_LOCK,
        lock_seconds=lock_seconds,
        table=VERSION_TABLE,
        known=f"array[{', '.join(map(literal, known))}]",
        newest=known[-1],
        newer=_NEWER,
    )
    tail = _TAIL.format(table=VERSION_TABLE, newest=known[-1])
    return "\n".join([_HEAD, guard, *migrations.sql_of_each("postgresql"), "", tail])


async def ensure(url: str) -> list[str]:
    """Migrates an older schema; returns what that warns of. Raises what `migrate` raises."""
    async with reading(url) as connection:
        state = await state_in(connection)
    if not state.known:
        raise ConfigError(newer(shown(url), state))
    return [] if state.is_newest else await migrate(url)


async def pending(url: str) -> list[str]:
    """The statements that bring it to the newest version, without running any.

    Raises StoreUnavailable, or ConfigError for a newer schema.
    """
    async with reading(url) as connection:
        state = await state_in(connection)
        if not state.known:
            raise ConfigError(newer(shown(url), state))
        await connection.execute("set local search_path = ''")
        rows = await connection.fetch(postgres_plan.query())
        found = [row["statement"] for row in rows if row["is_change"]]
        if state.current is None:
            found.append(
                f"create table public.{VERSION_TABLE} (version_num varchar(32) primary key)"
            )
        if not state.is_newest:
            found.append(f"insert into public.{VERSION_TABLE} values ({literal(state.newest)})")
        return found


async def state_in(connection: "asyncpg.Connection[asyncpg.Record]") -> SchemaState:
    """The version of the schema. Raises ConfigError where its role may not read it."""
    if await connection.fetchval("select to_regclass($1)", f"public.{VERSION_TABLE}") is None:
        return migrations.state_of(None)
    try:
        current = await connection.fetchval(f"select version_num from public.{VERSION_TABLE}")
    except driver().InsufficientPrivilegeError as error:
        raise ConfigError(
            f"the database's role may not read public.{VERSION_TABLE}; let the owner grant it "
            "select, insert and update on the tables of nfed"
        ) from error
    return migrations.state_of(current)


async def migrate(url: str, *, lock_seconds: float = _LOCK_SECONDS) -> list[str]:
    """Brings it to the newest version, or changes nothing; returns what it warns of.

    Raises StoreUnavailable (someone holds a lock), or ConfigError: a newer schema, or no right to
    change it.
    """
    asyncpg = driver()
    warnings: list[str] = []

    def listen(_: object, message: object) -> None:
        if getattr(message, "severity_en", "") == "WARNING":
            warnings.append(str(getattr(message, "message", message)))

    async with connected(url, statement_seconds=_MIGRATION_SECONDS) as connection:
        connection.add_log_listener(listen)
        try:
            await connection.execute(script(lock_seconds))
        except asyncpg.InsufficientPrivilegeError as error:
            raise ConfigError(
                f"database {shown(url)} needs schema {migrations.versions()[-1]}, and its role may "
                f"not make it ({error}); let the owner run what `nfed db sql` prints"
            ) from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == _NEWER:
                raise ConfigError(f"database {shown(url)}: {error}; upgrade nfed") from error
            raise
    return warnings
