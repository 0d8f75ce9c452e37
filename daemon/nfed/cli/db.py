"""`nfed db …`: shows, makes, prints and closes the schema of the main database."""

import asyncio
from pathlib import Path
from typing import assert_never

from nfed.cli import database, output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.errors import ConfigError, StoreUnavailable
from nfed.settings import Settings, StoreKind
from nfed.stores import migrations
from nfed.stores.migrations import SchemaState
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.stores.postgres.refill import PostgresRefill, SupabaseRefill
from nfed.stores.refill import refill as refill_documents
from nfed.stores.sqlite import schema as sqlite_schema
from nfed.stores.sqlite.refill import SQLiteRefill
from nfed.words import Message

_HTTPS = Message(
    "over HTTPS no schema can be changed: run what `nfed db sql` "
    "prints in Supabase's SQL editor, or name the database "
    "itself with --database postgresql://…"
)


def migrate(url: str | None, *, dry_run: bool) -> int:
    """Brings the schema to the newest version; with `dry_run` prints the SQL of it."""
    settings = _settings(url)
    if dry_run:
        for statement in _pending(settings):
            output.say(f"{statement};")
        return ExitCode.OK
    match settings.store_kind:
        case StoreKind.SQLITE:
            sqlite_schema.migrate(_file(settings))
        case StoreKind.POSTGRES:
            for warning in asyncio.run(postgres_schema.migrate(settings.database_url)):
                complain(Message("warning: {warning}", warning=warning))
        case StoreKind.SUPABASE:
            raise ConfigError(_HTTPS)
        case _ as unreachable:
            assert_never(unreachable)
    output.say(
        Message(
            "{database_shown}: schema {newest}, the newest",
            database_shown=settings.database_shown,
            newest=migrations.NEWEST,
        )
    )
    return ExitCode.OK


def status(url: str | None, *, as_json: bool) -> int:
    """Says how the schema stands; exit code 1 when there is something to do."""
    settings = _settings(url)
    seen = database.view(settings)
    if settings.store_kind is StoreKind.SUPABASE:
        if seen.error is not None:
            raise StoreUnavailable(seen.error)
        pending = []  # over HTTPS nobody sees what is in the catalogue
    else:
        pending = _pending(settings)
    state = seen.schema or migrations.state_of(None)
    if as_json:
        output.say_json(
            {
                "database": settings.database_shown,
                "schema": state.current,
                "newest_schema": state.newest,
                "pending_statements": len(pending),
                "notes": seen.notes,
            }
        )
    else:
        described = _described(state, len(pending))
        output.say(
            Message(
                "{database}: {described}", database=settings.database_shown, described=described
            )
        )
    return ExitCode.OK if state.is_newest and not pending else ExitCode.SOME_REFUSED


def sql(url: str | None, kind: str | None) -> str:
    """The whole schema as SQL, without looking at a database."""
    if kind is not None and kind not in list(StoreKind):
        raise ConfigError(
            Message(
                "--for {kind}: expected one of {storekind}",
                kind=kind,
                storekind=", ".join(StoreKind),
            )
        )
    chosen = kind or _settings(url).store_kind
    return sqlite_schema.script() if chosen == StoreKind.SQLITE else postgres_schema.script()


def refill(url: str | None) -> int:
    """Fills the tables of other documents from the XML kept of those stored before them.

    It may be stopped and started again at any time. Exit code 1: some text could not be read.
    """
    return asyncio.run(_refill(_settings(url)))


async def _refill(settings: Settings) -> int:
    store = _refillable(settings)
    unreadable = 0
    try:
        await store.open()
        async for progress in refill_documents(store):
            unreadable = progress.unreadable
            output.say(
                Message(
                    "{database}: {done:,} of {total:,} documents that are no notes have their rows",
                    database=settings.database_shown,
                    done=progress.done,
                    total=progress.total,
                )
            )
    finally:
        await store.close()
    if unreadable:
        complain(
            Message("{count:,} documents could not be read from their kept XML", count=unreadable)
        )
        return ExitCode.SOME_REFUSED
    return ExitCode.OK


def _refillable(settings: Settings) -> SQLiteRefill | PostgresRefill | SupabaseRefill:
    match settings.store_kind:
        case StoreKind.SQLITE:
            return SQLiteRefill(_file(settings))
        case StoreKind.POSTGRES:
            return PostgresRefill(settings.database_url)
        case StoreKind.SUPABASE:
            return SupabaseRefill(*settings.supabase)
        case _ as unreachable:
            assert_never(unreachable)


def secure(url: str | None, *, dry_run: bool) -> int:
    """Closes the tables to everyone that no policy lets in; with `dry_run` only names them."""
    settings = _settings(url)
    if settings.store_kind is not StoreKind.POSTGRES:
        raise ConfigError(
            _HTTPS
            if settings.store_kind is StoreKind.SUPABASE
            else Message("an SQLite database is closed by the rights of its file: chmod 600")
        )
    openings = asyncio.run(postgres_access.openings(settings.database_url))
    if not openings:
        output.say(
            Message("{database_shown}: closed already", database_shown=settings.database_shown)
        )
        return ExitCode.OK
    table = output.table(Message("role"), Message("table or view"), Message("loses"))
    for opening in openings:
        table.add_row(opening.role, opening.relation, opening.loses)
    output.say_table(table)
    if dry_run:
        output.say()
        for statement in asyncio.run(postgres_access.closing(settings.database_url)):
            output.say(f"{statement};")
        return ExitCode.OK
    asyncio.run(postgres_access.close(settings.database_url))
    output.say(
        Message(
            "closed. The daemon's own role and service_role read and "
            "write as before; deploy/supabase/policies-example.sql lets "
            "signed-in users see their own notes again"
        )
    )
    return ExitCode.OK


def _settings(url: str | None) -> Settings:
    return load({"database_url": url}).settings


def _file(settings: Settings) -> Path:
    assert settings.sqlite_path is not None
    return settings.sqlite_path


def _pending(settings: Settings) -> list[str]:
    match settings.store_kind:
        case StoreKind.SQLITE:
            return sqlite_schema.pending(_file(settings))
        case StoreKind.POSTGRES:
            return asyncio.run(postgres_schema.pending(settings.database_url))
        case StoreKind.SUPABASE:
            raise ConfigError(_HTTPS)
        case _ as unreachable:
            assert_never(unreachable)


def _described(state: SchemaState, pending: int) -> Message:
    if state.is_newest and not pending:
        return Message("schema {current}, the newest", current=state.current)
    to_do = Message(
        "`nfed db migrate` runs {statements} to make {newest}",
        statements=Message("{count:,} statement", "{count:,} statements", count=pending),
        newest=state.newest,
    )
    return (
        Message("schema {current}; {to_do}", current=state.current, to_do=to_do)
        if state.current
        else Message("no schema yet; {to_do}", to_do=to_do)
    )
