"""Composes nfed: opens store, ledger and workers as the settings name them, behind their guards."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import assert_never

import structlog
from structlog.typing import FilteringBoundLogger

from nfed import logs
from nfed.core.archive import ArchiveLimits
from nfed.core.ports import Fate, Ledger, Reader, Shelves, Store, Strikes
from nfed.documents.checks import Checks
from nfed.errors import StoreUnavailable
from nfed.flow.guard import Guards, Ports, guarded, guarded_shelves, open_guards
from nfed.flow.processor import Observer, Processor
from nfed.ledger.file import try_ledger
from nfed.ledger.history import SQLiteLedger
from nfed.settings import Settings, StoreKind
from nfed.stores.deliveries import Deliveries
from nfed.stores.pages import Pages
from nfed.stores.postgres.deliveries import PostgresDeliveries, SupabaseDeliveries
from nfed.stores.postgres.http import SupabaseStore
from nfed.stores.postgres.pages import PostgresPages, SupabasePages
from nfed.stores.postgres.project import Project
from nfed.stores.postgres.store import PostgresStore
from nfed.stores.postgres.summaries import PostgresSummaries
from nfed.stores.sqlite.deliveries import SQLiteDeliveries
from nfed.stores.sqlite.pages import SQLitePages
from nfed.stores.sqlite.store import SQLiteStore
from nfed.stores.sqlite.summaries import SQLiteSummaries
from nfed.stores.summaries import Summaries
from nfed.workers.pool import Workers
from nfed.workers.process import WorkerSettings

_WORKER_MEMORY_BYTES = 2 << 30
_READERS = 2

log: FilteringBoundLogger = structlog.get_logger("nfed")


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The ports that a processor works through, open; any number of processors may share them."""

    workers: Reader
    store: Store
    ledger: Ledger
    guards: Guards
    """Of all of them; store and ledger are opened by its `persist`, or open already."""


@asynccontextmanager
async def open_ports(
    settings: Settings, *, owned: str | None, patient: bool = False
) -> AsyncIterator[OpenPorts]:
    """Open inside the block; `owned` is the folder whose lock the caller holds.

    With `patient`, the caller opens store and ledger by `guards.persist`, whenever the world
    allows it. Raises StoreUnavailable, ConfigError or WorkersUnavailable.
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

        guards = open_guards(store.open, open_ledger)
        if not patient:
            try:
                await guards.ledger.open_now()  # first: a newer nfed's stops us before we migrate
            except StoreUnavailable:
                await guards.database.open_now()  # its fault comes first: the user named it
                raise
            await guards.database.open_now()
        workers = await stack.enter_async_context(
            Workers(settings.worker_count, worker_settings_of(settings))
        )
        ports = guarded(Ports(workers, store, ledger, LeaveInPlace()), guards)
        yield OpenPorts(ports.reader, ports.store, ports.ledger, guards)


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


def pages_of(settings: Settings) -> Pages:
    """Reads what the settings' database holds, once it is asked for."""
    match settings.store_kind:
        case StoreKind.SQLITE:
            assert settings.sqlite_path is not None
            return SQLitePages(settings.sqlite_path.absolute())
        case StoreKind.POSTGRES:
            return PostgresPages(settings.database_url)
        case StoreKind.SUPABASE:
            return SupabasePages(Project(*settings.supabase, max_connections=_READERS))
        case _ as unreachable:
            assert_never(unreachable)


@asynccontextmanager
async def open_pages(settings: Settings) -> AsyncIterator[Pages]:
    """The same for the block, after which nothing is open."""
    pages = pages_of(settings)
    try:
        yield pages
    finally:
        await pages.close()


def summaries_of(settings: Settings) -> Summaries | None:
    """Sums up what the settings' database holds; None: of this store nothing can."""
    match settings.store_kind:
        case StoreKind.SQLITE:
            assert settings.sqlite_path is not None
            return SQLiteSummaries(settings.sqlite_path.absolute())
        case StoreKind.POSTGRES:
            return PostgresSummaries(settings.database_url)
        case StoreKind.SUPABASE:
            return None
        case _ as unreachable:
            assert_never(unreachable)


@asynccontextmanager
async def open_deliveries(settings: Settings) -> AsyncIterator[Deliveries]:
    """What the settings' database remembers of deliveries, for the block."""
    deliveries: Deliveries
    match settings.store_kind:
        case StoreKind.SQLITE:
            assert settings.sqlite_path is not None
            deliveries = SQLiteDeliveries(settings.sqlite_path.absolute())
        case StoreKind.POSTGRES:
            deliveries = PostgresDeliveries(settings.database_url)
        case StoreKind.SUPABASE:
            deliveries = SupabaseDeliveries(Project(*settings.supabase, max_connections=_READERS))
        case _ as unreachable:
            assert_never(unreachable)
    try:
        yield deliveries
    finally:
        await deliveries.close()


def processor_of(
    settings: Settings,
    ports: OpenPorts,
    root: Path,
    shelves: Shelves,
    stopping: asyncio.Event,
    observer: Observer | None = None,
    strikes: Strikes | None = None,
) -> Processor:
    """A processor for one folder; `strikes` are those of a folder that the caller owns."""
    return Processor(
        Ports(ports.workers, ports.store, ports.ledger, guarded_shelves(shelves, ports.guards)),
        guards=ports.guards,
        root=str(root),
        max_concurrent=settings.max_concurrent_uploads,
        timeout_seconds=settings.batch_timeout_seconds,
        strikes=strikes,
        stopping=stopping,
        observer=observer,
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
    """Picks what a worker process needs of the settings."""
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
        settings.by_content,
    )


class LeaveInPlace:
    """Shelves that leave every file where it is."""

    async def put_away(self, fates: Sequence[Fate], job_id: str) -> list[Fate]:
        """See ports.Shelves."""
        return []

    async def keep_member(self, fate: Fate, content: bytes, job_id: str) -> bool:
        """See ports.Shelves."""
        return True  # it lies in its archive, which stays


def configure_log(settings: Settings) -> None:
    """The log as the settings have it."""
    logs.configure(
        settings.log_level,
        settings.log_format,
        journal_socket=settings.journal_socket,
        secrets=settings.secrets,
    )


async def try_store(settings: Settings) -> None:
    """Raises ConfigError for a database that will never do, or StoreUnavailable for a file that
    cannot be written to; a server that is away may come back."""
    store = store_of(settings)
    try:
        await store.open()
        if isinstance(store, SQLiteStore):
            await store.try_write()
    except StoreUnavailable:
        if isinstance(store, SQLiteStore):
            raise
    finally:
        await store.close()


async def try_ledger_of(settings: Settings) -> None:
    """Raises StoreUnavailable or ConfigError for a ledger that cannot be written to."""
    await asyncio.to_thread(try_ledger, settings.ledger_path.absolute())
