"""The library's single-file face, the same for every store: a file in, the id of its row out.

It reads and checks as a batch does, and stores as one: all that differs is that nobody waits for
anything. `daemon.batch` is the face for folders.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from daemon.core.arrival import shown
from daemon.core.outcome import Deferred, Outcome, Reason, Refused
from daemon.core.ports import Incoming
from daemon.documents.document import Document
from daemon.errors import ConfigError, NfedError, RefusedDocument, XMLTruncated
from daemon.flow.reading import WorkerSettings, read_file

if TYPE_CHECKING:
    from daemon.settings import Settings

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

    def __init__(self, settings: "Settings", store: IdentifyingStore) -> None:
        self._reading = _reading_settings(settings)
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
            f"{type(self).__name__} cannot be used inside an event loop; await "
            f"{type(self._twin).__name__} there"
        )

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        assert self._runner is not None
        return self._runner.run(coroutine)

    def _hang_up(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


def settings_for(
    kind: str, advice: str, settings: "Settings | None", **given: object
) -> "Settings":
    """Those that were passed in, or else what the sources of settings say, `given` first.

    Raises ConfigError: a bad value, or settings that name a store of another kind.
    """
    from daemon.settings import load  # the library's face reads what the daemon reads

    named = {name: value for name, value in given.items() if value is not None}
    found = load(named).settings if settings is None else settings
    if found.store_kind != kind:
        raise ConfigError(f"the settings name {found.database_shown}, expected {advice}")
    return found


def _reading_settings(settings: "Settings") -> WorkerSettings:
    from daemon.edges import worker_settings_of  # imports the stores

    return worker_settings_of(settings)


def _parts(path: str, settings: WorkerSettings) -> Sequence[Document | Refused]:
    """At least one. Raises what import_nfe raises of a file."""
    real = os.path.realpath(path, strict=True)
    result = read_file(real, settings).result
    if isinstance(result, Deferred):
        if result.reason is Reason.INCOMPLETE:
            raise XMLTruncated(result.detail)
        raise NfedError(f"{shown(path)}: {result.detail}")
    return (result,) if isinstance(result, Refused) else result
