"""`nfed db …`: the schema of the main database, whatever it is."""

import asyncio
from pathlib import Path
from typing import assert_never

from daemon.cli import database, output
from daemon.cli.exits import ExitCode, complain
from daemon.errors import ConfigError, StoreUnavailable
from daemon.settings import Settings, StoreKind, load
from daemon.stores import migrations, postgres_access, postgres_schema, sqlite_schema
from daemon.stores.migrations import SchemaState

_HTTPS = (
    "over HTTPS no schema can be changed: run what `nfed db sql` prints in Supabase's SQL editor, "
    "or name the database itself with --database postgresql://…"
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
                complain(f"warning: {warning}")
        case StoreKind.SUPABASE:
            raise ConfigError(_HTTPS)
        case _ as unreachable:
            assert_never(unreachable)
    output.say(f"{settings.database_shown}: schema {migrations.versions()[-1]}, the newest")
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
        output.say(f"{settings.database_shown}: {_described(state, len(pending))}")
    return ExitCode.OK if state.is_newest and not pending else ExitCode.SOME_REFUSED


def sql(url: str | None, kind: str | None) -> str:
    """The whole schema as SQL, without looking at a database."""
    if kind is not None and kind not in list(StoreKind):
        raise ConfigError(f"--for {kind}: expected one of {', '.join(StoreKind)}")
    chosen = kind or _settings(url).store_kind
    return sqlite_schema.script() if chosen == StoreKind.SQLITE else postgres_schema.script()


def secure(url: str | None, *, dry_run: bool) -> int:
    """Closes the tables to all but those whom a policy lets in; with `dry_run` says to whom."""
    settings = _settings(url)
    if settings.store_kind is not StoreKind.POSTGRES:
        raise ConfigError(
            _HTTPS
            if settings.store_kind is StoreKind.SUPABASE
            else "an SQLite database is closed by the rights of its file: chmod 600"
        )
    openings = asyncio.run(postgres_access.openings(settings.database_url))
    if not openings:
        output.say(f"{settings.database_shown}: closed already")
        return ExitCode.OK
    table = output.table("role", "table or view", "loses")
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
        "closed. The daemon's own role and service_role read and write as before; "
        "deploy/supabase/policies-example.sql lets signed-in users see their own notes again"
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


def _described(state: SchemaState, pending: int) -> str:
    if state.is_newest and not pending:
        return f"schema {state.current}, the newest"
    to_do = f"`nfed db migrate` runs {output.plural(pending, 'statement')} to make {state.newest}"
    return f"schema {state.current}; {to_do}" if state.current else f"no schema yet; {to_do}"
