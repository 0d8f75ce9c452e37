"""Imports single files from a program, the same for every store: a file in, its row's id out.

It reads and checks as a batch does, and stores as one: all that differs is that nobody waits for
anything. `nfed.batch` is the face for folders.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Protocol, Self

from nfed.batch import log as says
from nfed.core.escape import escaped
from nfed.core.outcome import Deferred, Outcome, Reason, Refused
from nfed.core.ports import Incoming
from nfed.documents.document import Document
from nfed.errors import ConfigError, NfedError, RefusedDocument, XMLTruncated
from nfed.settings import Settings, load
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.store import PostgresStore
from nfed.stores.sqlite.store import SQLiteStore
from nfed.wiring import worker_settings_of
from nfed.words import Message
from nfed.workers.read import WorkerSettings, read_file

_JOB = "import_nfe"
"""What rows have as their job_id."""


class IdentifyingStore(Protocol):
    """A store that also tells the ids of rows."""

    async def open(self) -> None:
        """See the store."""
        ...

    async def close(self) -> None:
        """See the store."""
        ...

    async def store_with_ids(
        self, incoming: Sequence[Incoming], job_id: str
    ) -> list[tuple[Outcome, int | None]]:
        """ports.Store.store, and the id of each stored document's row."""
        ...


class AsyncNFeImporter:
    """Imports files into the database that the settings name.

    The database is opened for each import and closed after it; inside
    `async with …NFeImporter() as importer:` it stays open from one import to the next.
    """

    def __init__(self, settings: Settings, store: IdentifyingStore) -> None:
        says.through_logging()
        self._reading = worker_settings_of(settings)
        self._store = store
        self._is_open = False
        self._one_reads = asyncio.Lock()
        self._one_opens = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._store.open()
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        await self._store.close()

    async def import_nfe(self, path: str | os.PathLike[str]) -> int:
        """Stores what the file holds; returns the id of the note's row, also of a duplicate's.

        For a file of another kind it is the id of that document's row in its own table, and for a
        file of several documents that of the first. The file stays where it is.

        Raises RefusedDocument, XMLTruncated, StoreUnavailable, StoreRejected, ConfigError, or
        OSError for a file that cannot be read.
        """
        if self._is_open:
            return await self._import(path)
        async with self._one_opens:
            await self._store.open()
            try:
                return await self._import(path)
            finally:
                await self._store.close()

    async def _import(self, path: str | os.PathLike[str]) -> int:
        name = os.path.basename(os.fspath(path))
        async with self._one_reads:
            parts = await asyncio.to_thread(_parts, os.fspath(path), self._reading)
        incoming = [Incoming(part, name) for part in parts if isinstance(part, Document)]
        found = await self._store.store_with_ids(incoming, _JOB) if incoming else []
        outcomes = [part for part in parts if isinstance(part, Refused)]
        for refused in (*outcomes, *(outcome for outcome, _ in found)):
            if isinstance(refused, Refused):
                raise RefusedDocument(refused.error, refused.error_type, refused.chave)
        first = found[0][1]
        assert first is not None  # what is stored has a row
        return first


class NFeImporter:
    """The same for programs without an event loop; `with` keeps the database open.

    Threads may share one: they take turns.
    """

    def __init__(self, twin: AsyncNFeImporter) -> None:
        self._twin = twin
        self._one_imports = threading.RLock()
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        self._expect_no_loop()
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._twin.__aenter__())
        except BaseException:
            self._hang_up()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._run(self._twin.__aexit__(kind, error, traceback))
        finally:
            self._hang_up()

    def import_nfe(self, path: str | os.PathLike[str]) -> int:
        """See AsyncNFeImporter.import_nfe. Raises NfedError inside an event loop."""
        self._expect_no_loop()
        with self._one_imports:
            if self._runner is None:
                with self:
                    return self.import_nfe(path)
            return self._run(self._twin.import_nfe(path))

    def _expect_no_loop(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise NfedError(
            Message(
                "{name} cannot be used inside an event loop; await {twin} there",
                name=type(self).__name__,
                twin=type(self._twin).__name__,
            )
        )

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        assert self._runner is not None
        return self._runner.run(coroutine)

    def _hang_up(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


class AsyncSQLiteNFeImporter(AsyncNFeImporter):
    """Imports single files into an SQLite database: `path`, or the one that the settings name."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, settings: Settings | None = None
    ) -> None:
        """Raises ConfigError."""
        url = None if path is None else f"sqlite:///{os.fspath(path)}"
        found = settings_for("sqlite", "sqlite:///path", settings, database_url=url)
        assert found.sqlite_path is not None
        super().__init__(found, SQLiteStore(found.sqlite_path.absolute()))


class SQLiteNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, settings: Settings | None = None
    ) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncSQLiteNFeImporter(path, settings=settings))


class AsyncPostgresNFeImporter(AsyncNFeImporter):
    """Imports single files into a PostgreSQL database: `url`, or the one that the settings name."""

    def __init__(self, url: str | None = None, *, settings: Settings | None = None) -> None:
        """Raises ConfigError."""
        found = settings_for(
            "postgresql", "postgresql://user@host/database", settings, database_url=url
        )
        super().__init__(found, PostgresStore(found.database_url, max_connections=1))


class PostgresNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(self, url: str | None = None, *, settings: Settings | None = None) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncPostgresNFeImporter(url, settings=settings))


class AsyncSupabaseNFeImporter(AsyncNFeImporter):
    """Imports single files into a Supabase project over HTTPS.

    Without `url` and `key` it is the one that the settings name: NFED_SUPABASE_URL and
    NFED_SUPABASE_SERVICE_KEY, or SUPABASE_URL and SUPABASE_SERVICE_KEY.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        """Raises ConfigError."""
        found = settings_for(
            "supabase",
            "a Supabase project: set NFED_SUPABASE_URL and NFED_SUPABASE_SERVICE_KEY",
            settings,
            supabase_url=url,
            supabase_service_key=key,
        )
        super().__init__(found, SupabaseStore(*found.supabase, max_connections=1))


class SupabaseNFeImporter(NFeImporter):
    """The same without an event loop."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        """Raises ConfigError."""
        super().__init__(AsyncSupabaseNFeImporter(url, key, settings=settings))


def settings_for(kind: str, advice: str, settings: Settings | None, **given: object) -> Settings:
    """Those that were passed in, or else what the sources of settings say, `given` first.

    Raises ConfigError: a bad value, or settings that name a store of another kind.
    """
    named = {name: value for name, value in given.items() if value is not None}
    found = load(named).settings if settings is None else settings
    if found.store_kind != kind:
        raise ConfigError(
            Message(
                "the settings name {database_shown}, expected {advice}",
                database_shown=found.database_shown,
                advice=advice,
            )
        )
    return found


def _parts(path: str, settings: WorkerSettings) -> Sequence[Document | Refused]:
    """At least one. Raises what import_nfe raises of a file."""
    real = os.path.realpath(path, strict=True)
    result = read_file(real, settings).result
    if isinstance(result, Deferred):
        if result.reason is Reason.INCOMPLETE:
            raise XMLTruncated(result.detail)
        raise NfedError(Message("{path}: {detail}", path=escaped(path), detail=result.detail))
    return (result,) if isinstance(result, Refused) else result
