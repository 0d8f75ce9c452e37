"""What the routes work with: one `Api` an application."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import Request

from daemon.api.engine import Engine, FolderJobs, StandaloneEngine
from daemon.api.events import Events
from daemon.api.metrics import Metrics
from daemon.api.polled import PolledJobs
from daemon.api.security import check_origin, check_token
from daemon.batch.job_manager import get_job_manager
from daemon.batch.processor import BatchProcessor
from daemon.core.ports import NoteReader
from daemon.settings import Settings, load
from daemon.settings_database import StoreKind
from daemon.stores.ledger_reader import LedgerReader
from daemon.stores.postgres_notes import PostgresNotes
from daemon.stores.sqlite_notes import SQLiteNotes
from daemon.stores.supabase_notes import SupabaseNotes
from daemon.stores.supabase_project import Project

_MOST_ERRORS = 100
_READERS = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What an upload may be."""

    max_files: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Api:
    """Everything behind the routes."""

    engine: Engine
    ledger: LedgerReader
    polled: PolledJobs
    notes: NoteReader
    events: Events
    metrics: Metrics
    folder: Path
    upload_roots: Sequence[Path]
    limits: Limits
    token: str | None


def api_for(
    settings: Settings, *, engine: Engine | None = None, metrics: Metrics | None = None
) -> Api:
    """The API of these settings; without an engine, one that works without a daemon."""
    manager = get_job_manager(settings.ledger_path)
    if engine is None:
        processor = BatchProcessor(settings=settings)
        jobs = FolderJobs(processor, manager)
        root = settings.xml_folder.absolute()
        engine = StandaloneEngine(root, jobs, recursive=settings.recursive)
    ledger = LedgerReader(settings.ledger_path.absolute())
    token = settings.api_token
    return Api(
        engine=engine,
        ledger=ledger,
        polled=PolledJobs(
            partial(ledger.job, most_errors=_MOST_ERRORS),
            # Only in a daemon do all writes of the process pass through what is measured.
            None if metrics is None else lambda: metrics.ledger_writes,
        ),
        notes=_notes_of(settings),
        events=Events(ledger),
        metrics=metrics or Metrics(),
        folder=settings.xml_folder.absolute(),
        upload_roots=tuple(root.absolute() for root in settings.upload_roots),
        limits=Limits(settings.upload_max_files, settings.upload_max_bytes),
        token=None if token is None else token.get_secret_value(),
    )


def _notes_of(settings: Settings) -> NoteReader:
    path = settings.sqlite_path
    if path is not None:
        return SQLiteNotes(path.absolute())
    if settings.store_kind is StoreKind.POSTGRES:
        return PostgresNotes(settings.database_url)
    return SupabaseNotes(Project(*settings.supabase, max_connections=_READERS))


def api_of(request: Request) -> Api:
    """The application's; one that was given only the routes gets one from the settings."""
    state = request.app.state
    if not hasattr(state, "nfed"):
        state.nfed = api_for(load().settings)
    api: Api = state.nfed
    return api


def admitted(request: Request) -> Api:
    """The same, for a client who may ask. Raises a 401 or 403 problem."""
    api = api_of(request)
    check_token(request, api.token)
    check_origin(request.headers, request.method, api.token)
    return api
