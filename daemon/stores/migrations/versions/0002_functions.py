"""PostgreSQL: the functions for those who come over HTTPS. SQLite has nothing to change."""

from alembic import op

from daemon.stores import postgres_plan
from daemon.stores.schema import Backend

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The plan brings any earlier database to where it should be."""
    context = op.get_context()
    if context.dialect.name == Backend.POSTGRES:
        context.impl.static_output(postgres_plan.block())
