"""The SQLite store: one file, one writer thread, one transaction a chunk, synchronous=FULL."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from nfed.core.outcome import Outcome
from nfed.core.ports import Incoming
from nfed.documents.document import Document
from nfed.errors import StoreRejected, StoreUnavailable
from nfed.sqlite import WatchedDatabase, world_errors
from nfed.stores.sqlite import schema
from nfed.stores.sqlite.write import Writer, row_id

_IDLE_SECONDS = 1.0


class SQLiteStore:
    """Documents in one SQLite file; see ports.Store. `open` migrates it to the newest schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = _thread()
        self._database: WatchedDatabase | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._writer = Writer()

    async def open(self) -> None:
        """Opens and migrates. Raises StoreUnavailable, or ConfigError for a newer schema."""
        await self._run(self._open)

    async def try_write(self) -> None:
        """Changes nothing. Raises StoreUnavailable when nothing could be written: SQLite opens a
        file that is read-only without a word."""
        await self._run(self._try_write)

    async def close(self) -> None:
        """Waits for the transaction under way. It may be opened again."""
        if self._idle is not None:
            self._idle.cancel()
        await self._run(self._close)
        self._thread.shutdown(wait=True)
        self._thread = _thread()  # which begins when it has something to do

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        outcomes = await self._run(self._store, incoming, job_id)
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(_IDLE_SECONDS, self._thread.submit, self._checkpoint)
        return outcomes

    async def store_with_ids(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        """The same, each with the id of its stored document's row."""
        outcomes = await self.store(incoming, job_id)
        ids = await self._run(self._ids, [each.document for each in incoming])
        return list(zip(outcomes, ids, strict=True))

    async def _run[**P, T](self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: act(*args, **kwargs))

    def _open(self) -> None:
        with _faults(self.path):
            database = WatchedDatabase(self.path)
        try:
            with _faults(self.path):
                schema.ensure(database)
        except BaseException:
            database.close()
            raise
        self._database = database

    def _opened(self) -> WatchedDatabase:
        if self._database is None or not self._database.is_open:
            self._open()
        assert self._database is not None
        return self._database

    def _try_write(self) -> None:
        with _faults(self.path), suppress(_Untouched), self._opened().transaction():
            raise _Untouched

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        database = self._opened()
        with _faults(self.path), database.transaction() as connection:
            return self._writer.write(connection, incoming, job_id)

    def _checkpoint(self) -> None:
        """When nothing came for a while: what -wal holds is safer in the main file."""
        with suppress(StoreUnavailable), _faults(self.path):  # the next transaction says so
            if self._database is not None and self._database.is_open:
                self._database.checkpoint()

    def _ids(self, documents: Sequence[Document]) -> list[int | None]:
        connection = self._opened().connection
        with _faults(self.path):
            return [row_id(connection, document) for document in documents]


class _Untouched(Exception):
    """Takes a transaction back."""


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="nfed-sqlite")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Tells a value that the database will not take from what goes wrong with its file."""
    try:
        with world_errors("database", path):
            try:
                yield
            except (sqlite3.IntegrityError, sqlite3.DataError) as error:
                raise StoreRejected(str(error)) from error
    except (OverflowError, UnicodeError) as error:
        raise StoreRejected(str(error)) from error
