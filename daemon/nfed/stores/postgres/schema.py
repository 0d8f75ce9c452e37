"""The schema of a PostgreSQL database: how it stands, and how it is brought to the newest version.

`script` is the whole of it as SQL text, for Supabase's SQL editor; `migrate` runs the same text.
"""

from typing import TYPE_CHECKING

from nfed.documents.layout import tables
from nfed.errors import ConfigError
from nfed.stores import migrations
from nfed.stores.chunk import LINKS
from nfed.stores.migrations import VERSION_TABLE, SchemaState, newer
from nfed.stores.postgres import plan
from nfed.stores.postgres.connection import connected, driver, reading, shown
from nfed.stores.postgres.functions import STORE
from nfed.stores.postgres.plan import literal
from nfed.stores.sql import statement
from nfed.words import Message

if TYPE_CHECKING:
    import asyncpg

_TURN_SECONDS = 300
"""How long one migration waits for another."""
_LOCK_SECONDS = 10
"""How long it waits for those who read or write; a table that waits for a lock lets nobody in."""
_MIGRATION_SECONDS = 3600.0
_NEWER = "P0N01"
"""SQLSTATE of our own: a newer nfed made the schema."""
_UNSTAMPED = ("0001", "0002", "0003")
"""Versions of which a company may hold no emissao_como_… though notes of it are stored."""


def script(lock_seconds: float = _LOCK_SECONDS) -> str:
    """Everything, for any database: one transaction that may be run again and again."""
    text = statement(
        "postgres/sql/script.sql",
        turn_seconds=str(_TURN_SECONDS),
        lock_seconds=str(lock_seconds),
        known=", ".join(map(literal, migrations.VERSIONS)),
        newest=migrations.NEWEST,
        newer=_NEWER,
        plan=plan.block(),
        stamps=_stamps(),
    )
    return f"{text}\n"


async def ensure(url: str) -> list[str]:
    """Migrates an older schema; returns what that warns of.

    Raises what `migrate` raises, and ConfigError for a role that may not store anything.
    """
    async with reading(url) as connection:
        state = await state_in(connection)
        trouble = await _not_callable(connection, url) if state.is_newest else None
    if not state.known:
        raise ConfigError(newer(shown(url), state))
    if not state.is_newest:
        return await migrate(url)
    if trouble is not None:
        raise ConfigError(trouble)
    return []


async def obstacle(url: str) -> str | None:
    """Why `ensure` would raise ConfigError for the role of the URL; None: it would not.

    Changes nothing. Raises StoreUnavailable or ConfigError.
    """
    async with reading(url) as connection:
        state = await state_in(connection)
        if state.is_newest:
            return await _not_callable(connection, url)
        if not state.known or not await _pending(connection, state):
            return None
        others = await connection.fetchval(statement("postgres/sql/others.sql"), list(tables()))
    if others is None:
        return None
    return Message(
        "database {url} needs schema {newest}, and its role may not make it ({error}); let the "
        "owner run what `nfed db sql` prints",
        url=shown(url),
        newest=state.newest,
        error=others,
    )


async def _not_callable(connection: "asyncpg.Connection[asyncpg.Record]", url: str) -> str | None:
    """Says who can help where the role may not store anything."""
    if await connection.fetchval(
        "select has_function_privilege(to_regprocedure($1), 'execute')", STORE
    ):
        return None
    return Message(
        "database {url}: its role may not call {store}; let the owner of the tables run `nfed db "
        "migrate`, which grants that to whoever may insert notes",
        url=shown(url),
        store=STORE,
    )


async def pending(url: str) -> list[str]:
    """The statements that bring it to the newest version, without running any.

    Raises StoreUnavailable, or ConfigError for a newer schema.
    """
    async with reading(url) as connection:
        state = await state_in(connection)
        if not state.known:
            raise ConfigError(newer(shown(url), state))
        return await _pending(connection, state)


async def _pending(
    connection: "asyncpg.Connection[asyncpg.Record]", state: SchemaState
) -> list[str]:
    await connection.execute("set local search_path = ''")
    rows = await connection.fetch(plan.query())
    found = [row["statement"] for row in rows if row["is_change"]]
    if state.current in (None, *_UNSTAMPED):
        found.append(_stamps())
    if state.current is None:
        found.append(f"create table public.{VERSION_TABLE} (version_num varchar(32) primary key)")
    if not state.is_newest:
        found.append(f"insert into public.{VERSION_TABLE} values ({literal(state.newest)})")
    return found


def _stamps() -> str:
    """A statement that gives companies what they lack of emissao_como_…"""
    sold, bought = (statement("postgres/sql/stamp.sql", papel=papel) for papel in LINKS)
    before = ", ".join(map(literal, _UNSTAMPED))
    return statement("postgres/sql/stamps.sql", before=before, sold=sold, bought=bought)


async def state_in(connection: "asyncpg.Connection[asyncpg.Record]") -> SchemaState:
    """The version of the schema. Raises ConfigError where its role may not read it."""
    if await connection.fetchval("select to_regclass($1)", f"public.{VERSION_TABLE}") is None:
        return migrations.state_of(None)
    try:
        current = await connection.fetchval(f"select version_num from public.{VERSION_TABLE}")
    except driver().InsufficientPrivilegeError as error:
        raise ConfigError(
            Message(
                "the database's role may not read public.{version_table}; "
                "let the owner grant it select, insert and update on the "
                "tables of nfed",
                version_table=VERSION_TABLE,
            )
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
                Message(
                    "database {url} needs schema {newest}, and its role may not "
                    "make it ({error}); let the owner run what `nfed db sql` "
                    "prints",
                    url=shown(url),
                    newest=migrations.NEWEST,
                    error=error,
                )
            ) from error
        except asyncpg.PostgresError as error:
            if error.sqlstate == _NEWER:
                raise ConfigError(
                    Message("database {url}: {error}; upgrade nfed", url=shown(url), error=error)
                ) from error
            raise
    return warnings
