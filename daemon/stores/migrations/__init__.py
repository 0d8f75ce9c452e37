"""The history of the main database's schema (Alembic), and how a database is brought up to it."""

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
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
    scripts = _scripts()
    current = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()
    newest = scripts.get_current_head()
    assert newest is not None
    known = current is None or current in {each.revision for each in scripts.walk_revisions()}
    return SchemaState(current, newest, known)


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


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))
