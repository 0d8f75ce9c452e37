"""Opens what an import works through, as the settings name it: store, ledger, worker processes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import assert_never

import structlog
from structlog.typing import FilteringBoundLogger

from daemon.core.archive import ArchiveLimits
from daemon.core.ports import Fate, Ledger, Reader, Shelves, Store
from daemon.documents.policy import Checks
from daemon.flow.opening import Patience
from daemon.flow.processor import BatchProcessor, Observer, Ports
from daemon.flow.pulse import felt_shelves
from daemon.flow.worker import WorkerSettings
from daemon.flow.workers import Workers
from daemon.settings import Settings, StoreKind
from daemon.stores.ledger import SQLiteLedger
from daemon.stores.postgres import PostgresStore
from daemon.stores.sqlite import SQLiteStore
from daemon.stores.supabase import SupabaseStore

_WORKER_MEMORY_BYTES = 2 << 30

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(frozen=True, slots=True)
class Edges:
    """What a processor works through, open; any number of processors may share it."""

    workers: Reader
    store: Store
    ledger: Ledger


@asynccontextmanager
async def opened_edges(
    settings: Settings, *, owned: str | None, patience: Patience | None = None
) -> AsyncIterator[Edges]:
    """Open inside the block; `owned` is the folder whose lock the caller holds.

    With `patience`, store and ledger are opened by its `persists`, whenever the world allows it.
    Raises StoreUnavailable, ConfigError or WorkersUnavailable.
    """
    async with AsyncExitStack() as stack:
        store = store_of(settings)
        stack.push_async_callback(store.close)
        ledger = SQLiteLedger(settings.ledger_path.absolute())
        stack.push_async_callback(ledger.close)

        async def open_ledger() -> None:
            await ledger.open()
            interrupted = await ledger.end_interrupted(datetime.now().astimezone(), owned)
            if interrupted:
                log.warning("jobs_interrupted", jobs=interrupted, advice="their files come again")

        if patience is None:
            await store.open()
            await open_ledger()
        workers = await stack.enter_async_context(
            Workers(settings.worker_count, worker_settings_of(settings))
        )
        if patience is None:
            yield Edges(workers, store, ledger)
        else:
            ports = Ports(workers, store, ledger, Leave())
            felt = patience.guarding(ports, store.open, open_ledger)
            yield Edges(felt.reader, felt.store, felt.ledger)


def store_of(settings: Settings) -> SQLiteStore | PostgresStore | SupabaseStore:
    """The store that the settings name, not yet open."""
    match settings.store_kind:
        case StoreKind.SQLITE:
            assert settings.sqlite_path is not None
            return SQLiteStore(settings.sqlite_path.absolute())
        case StoreKind.POSTGRES:
            return PostgresStore(
                settings.database_url, max_connections=settings.max_concurrent_uploads
            )
        case StoreKind.SUPABASE:
            url, key = settings.supabase
            return SupabaseStore(url, key, max_connections=settings.max_concurrent_uploads)
        case _ as unreachable:
            assert_never(unreachable)


def processor_of(
    settings: Settings,
    edges: Edges,
    root: Path,
    shelves: Shelves,
    stopping: asyncio.Event,
    observer: Observer | None = None,
    patience: Patience | None = None,
) -> BatchProcessor:
    """A processor for one folder."""
    if patience is not None:
        shelves = felt_shelves(shelves, patience.pulse)
    return BatchProcessor(
        Ports(edges.workers, edges.store, edges.ledger, shelves),
        root=str(root),
        max_concurrent=settings.max_concurrent_uploads,
        timeout_seconds=settings.batch_timeout_seconds,
        stopping=stopping,
        observer=observer,
        outage_of=None if patience is None else patience.outages,
        log_files=settings.log_files,
    )


def checks_of(settings: Settings) -> Checks:
    """The checks that the settings ask for."""
    return Checks(
        schema=settings.check_schema,
        key=settings.check_key,
        signature=settings.check_signature,
        authorisation=settings.check_authorisation,
        totals=settings.check_totals,
        format=settings.check_format,
        keep_xml=settings.keep_xml,
    )


def worker_settings_of(settings: Settings) -> WorkerSettings:
    """What a worker process needs of the settings."""
    return WorkerSettings(
        checks_of(settings),
        settings.max_file_bytes,
        _WORKER_MEMORY_BYTES,
        ArchiveLimits(
            settings.max_archive_bytes,
            settings.max_archive_unpacked_bytes,
            settings.max_archive_members,
            settings.max_archive_ratio,
        ),
    )


class Leave:
    """Shelves that leave every file where it is."""

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        """See ports.Shelves."""
        return []

    async def keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        """See ports.Shelves."""
        return True  # it lies in its archive, which stays
