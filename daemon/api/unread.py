"""The notes of a database that the API does not read, as it is read by other means already."""

from typing import Never

from daemon.core.ports import NoteFilter, NotePosition, NoteSummary
from daemon.errors import StoreUnavailable


class UnreadNotes:
    """See ports.NoteReader; every look at a note raises StoreUnavailable, and says why."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def notes(
        self, wanted: NoteFilter, after: NotePosition | None, limit: int
    ) -> list[NoteSummary]:
        """See ports.NoteReader."""
        self._refuse()

    async def note(self, chave: str) -> dict[str, object] | None:
        """See ports.NoteReader."""
        self._refuse()

    async def xml(self, chave: str) -> str | None:
        """See ports.NoteReader."""
        self._refuse()

    async def check(self) -> None:
        """The imports themselves show whether the database answers."""

    def _refuse(self) -> Never:
        raise StoreUnavailable(
            f"database {self._database}: the API does not read notes over HTTPS; ask the database"
        )
