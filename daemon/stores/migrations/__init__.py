"""The history of the main database's schema (Alembic), and how a database is brought up to it.

A version is a module in `versions/`. Its `upgrade` runs on SQLite with a connection; for PostgreSQL
it is rendered to SQL text, which must do no harm to a database that has it already: `nfed db sql`
prints the text of all versions, and `nfed db migrate` runs the very same text.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

VERSION_TABLE = "nfed_schema_version"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database's schema stands; None: no nfed schema in it yet."""

    current: str | None
    newest: str
    known: bool
    """False for a version that this nfed has never heard of: a newer one wrote it."""

    @property
    def is_newest(self) -> bool:
        """Nothing to migrate."""
        return self.current == self.newest


def state(connection: Connection) -> SchemaState:
    """Reads the schema's version."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return state_of(context.get_current_revision())


def state_of(current: str | None) -> SchemaState:
    """What a version is to this nfed."""
    known = versions()
    return SchemaState(current, known[-1], current is None or current in known)


def newer(name: str, state: SchemaState) -> str:
    """What to say of a schema that this nfed does not know."""
    return (
        f"database {name} has schema {state.current}, newer than this nfed knows "
        f"({state.newest}); upgrade nfed"
    )


def versions() -> tuple[str, ...]:
    """All versions, the oldest first."""
    return tuple(each.revision for each in reversed(list(_scripts().walk_revisions())))


def upgrade(connection: Connection) -> None:
    """Brings the schema to the newest version, in the connection's transaction."""
    scripts = _scripts()

    def steps(revision: object, _: object) -> object:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # alembic's own

    environment = EnvironmentContext(Config(), scripts, fn=steps, as_sql=False)
    with environment:
        environment.configure(
            connection=connection, version_table=VERSION_TABLE, transactional_ddl=True
        )
        environment.run_migrations()


def sql_of_each(dialect: str) -> list[str]:
    """The SQL of every version, the oldest first."""
    texts = []
    for script in reversed(list(_scripts().walk_revisions())):
        buffer = io.StringIO()
        context = MigrationContext.configure(
            dialect_name=dialect, opts={"as_sql": True, "output_buffer": buffer}
        )
        with Operations.context(context):
            script.module.upgrade()
        texts.append(buffer.getvalue().strip())
    return texts


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))
