"""The layout's tables, the two views and the triggers of the database that users know.

Only adds, widens and relaxes: what a database already has of these names goes on working.
"""

from alembic import op
from sqlalchemy import Column, inspect, text
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from daemon.stores.schema import UPDATED, VIEWS, Backend, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Adds what is missing."""
    context = op.get_context()
    if context.dialect.name == Backend.POSTGRES:
        return  # the newest version's plan does it all
    if context.as_sql:
        for statement in _statements():
            context.impl.static_output(f"{statement};")
    else:
        connection = op.get_bind()
        inspector = inspect(connection)
        for table in metadata(Backend.SQLITE).sorted_tables:
            if inspector.has_table(table.name):
                held = {column["name"] for column in inspector.get_columns(table.name)}
                for column in table.columns:
                    if column.name not in held:
                        connection.execute(text(_add_column(table.name, column)))
        for statement in _statements():
            connection.exec_driver_sql(statement)


def _add_column(table: str, column: Column[object]) -> str:
    definition = str(CreateColumn(column).compile(dialect=op.get_context().dialect))
    keys = [f" references {key.column.table.name} (id)" for key in column.foreign_keys]
    return f"alter table {table} add column {definition}{''.join(keys)}"


def _statements() -> list[str]:
    """SQLite's; each does nothing where its object is."""
    dialect = op.get_context().dialect
    found = []
    for table in metadata(Backend.SQLITE).sorted_tables:
        made = CreateTable(table, if_not_exists=True)
        found.append(str(made.compile(dialect=dialect)).strip())
        found += [
            str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    found += [f"create view if not exists {name} as {query}" for name, query in VIEWS.items()]
    found += [
        f"create trigger if not exists tg_{table}_updated_at after update on {table} "
        "when new.updated_at is old.updated_at begin "
        f"update {table} set updated_at = current_timestamp where id = new.id; end"
        for table in UPDATED
    ]
    return found
