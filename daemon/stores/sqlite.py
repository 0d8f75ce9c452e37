"""The SQLite store: one file, one writer thread, one transaction a chunk, synchronous=FULL."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.core.outcome import Outcome
from daemon.core.ports import Incoming
from daemon.documents.document import Document
from daemon.errors import ConfigError, StoreRejected, StoreUnavailable
from daemon.stores import migrations
from daemon.stores.importer import AsyncNFeImporter, NFeImporter, settings_for
from daemon.stores.sqlite_write import Writer, row_id

if TYPE_CHECKING:
    from daemon.settings import Settings

_BUSY_SECONDS = 5.0


class SQLiteStore:
    """Documents in one SQLite file; see ports.Store. `open` migrates it to the newest schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = _thread()
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
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
        await self._run(self._close)
        self._thread.shutdown(wait=True)
        self._thread = _thread()  # which begins when it has something to do

    async def store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        """See ports.Store."""
        return await self._run(self._store, incoming, job_id)

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
        with _world_errors(self.path):
            connection = connect(self.path)
        try:
            with _world_errors(self.path):
                _migrate(connection, self.path)
        except BaseException:
            connection.close()
            raise
        status = os.stat(self.path)
        self._file = (status.st_dev, status.st_ino)
        self._connection = connection

    def _try_write(self) -> None:
        assert self._connection is not None
        with _world_errors(self.path):
            self._connection.execute("begin immediate")
            self._connection.execute("pragma user_version = 0")  # as it is: others use a table
            self._connection.execute("rollback")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _store(self, incoming: Sequence[Incoming], job_id: str) -> list[Outcome]:
        if self._connection is None:
            self._open()
        connection = self._connection
        assert connection is not None
        self._check_file()
        with _world_errors(self.path):
            connection.execute("begin immediate")
            try:
                outcomes = self._writer.write(connection, incoming, job_id)
                connection.execute("commit")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("rollback")
                raise
        self._check_file()
        return outcomes

    def _ids(self, documents: Sequence[Document]) -> list[int | None]:
        assert self._connection is not None
        with _world_errors(self.path):
            return [row_id(self._connection, document) for document in documents]

    def _check_file(self) -> None:
        """An unlinked database takes rows and loses them with the process: better to wait."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(
                f"database {self.path}: {error.strerror}; put it back, or restart nfed to begin "
                "a new one"
            ) from error
        if (status.st_dev, status.st_ino) != self._file:
            self._close()
            raise StoreUnavailable(f"database {self.path} was replaced; opening the new one")


class AsyncSQLiteNFeImporter(AsyncNFeImporter):
    """Imports single files into an SQLite database: `path`, or the one that the settings name."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, settings: "Settings | None" = None
    ) -> None:
        """Raises ConfigError."""
        url = None if path is None else f"sqlite:///{os.fspath(path)}"
        found = settings_for("sqlite", "sqlite:///path", settings, database_url=url)
        assert found.sqlite_path is not None
        super().__init__(found, SQLiteStore(found.sqlite_path.absolute()))


class SQLiteNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, settings: "Settings | None" = None
    ) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncSQLiteNFeImporter(path, settings=settings))


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="nfed-sqlite")


def connect(path: Path) -> sqlite3.Connection:
    """A connection that a power cut cannot cost a committed row (WAL, synchronous=FULL)."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as handle:
        state = migrations.state(handle)
        if not state.known:
            raise ConfigError(
                f"database {path} has schema {state.current}, newer than this nfed knows "
                f"({state.newest}); upgrade nfed"
            )
        if state.is_newest:
            return
        handle.exec_driver_sql("begin immediate")
        migrations.upgrade(handle)
        handle.exec_driver_sql("commit")


@contextmanager
def _world_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError) as error:
        raise StoreRejected(str(error)) from error
    except DBAPIError as error:
        raise StoreUnavailable(f"database {path}: {error.orig}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"database {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"database {path}: {error.strerror}") from error
