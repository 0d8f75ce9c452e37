"""Fills an SQLite database; see `stores.refill`."""

from collections.abc import Sequence
from pathlib import Path

from nfed.documents.document import Document
from nfed.sqlite import WatchedDatabase, world_errors
from nfed.stores.refill import Page, Stale
from nfed.stores.sqlite import schema
from nfed.stores.sqlite.write import Writer

_LACKING = "from dfe_documentos where versao_linhas is null and xml is not null"


class SQLiteRefill:
    """See refill.Refillable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = Writer()
        self._opened: WatchedDatabase | None = None

    async def open(self) -> None:
        """Migrates. Raises StoreUnavailable, or ConfigError for a newer schema."""
        with world_errors("database", self._path):
            self._opened = WatchedDatabase(self._path)
            schema.ensure(self._opened)

    async def close(self) -> None:
        """Hangs up."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _database(self) -> WatchedDatabase:
        assert self._opened is not None
        return self._opened

    async def stale(self, most: int) -> Page:
        """See Refillable."""
        connection = self._database.connection
        with world_errors("database", self._path):
            rows = connection.execute(
                f"select id, identificador, xml {_LACKING} order by id limit ?", (most,)
            ).fetchall()
            left = connection.execute(f"select count(*) {_LACKING}").fetchone()[0]
            total = connection.execute(
                "select count(*) from dfe_documentos where xml is not null"
            ).fetchone()[0]
        return Page([Stale(*row) for row in rows], left, total)

    async def fill(self, filled: Sequence[tuple[int, Document]], unreadable: Sequence[int]) -> None:
        """See Refillable."""
        with (
            world_errors("database", self._path),
            self._database.transaction() as connection,
        ):
            self._writer.refill(connection, filled, unreadable)
