"""Holds what the routes work with: one `Api` for each application."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from fastapi import Request

from nfed.api.engine import Engine, FolderJobs, StandaloneEngine
from nfed.api.events import Events
from nfed.api.language import worded
from nfed.api.metrics import Metrics
from nfed.api.outgoing import Exports
from nfed.api.query import check_query
from nfed.api.security import check_origin, check_token
from nfed.batch.job_manager import get_job_manager
from nfed.batch.processor import BatchProcessor
from nfed.core.other_documents import DocumentReader
from nfed.core.ports import NoteReader
from nfed.ledger.reader import JobRecord, LedgerReader
from nfed.settings import Settings, StoreKind, load
from nfed.stores.postgres.notes import PostgresNotes, SupabaseNotes
from nfed.stores.postgres.project import Project
from nfed.stores.sqlite.notes import SQLiteNotes
from nfed.wiring import pages_of
from nfed.words import Language

_MOST_ERRORS = 100
_READERS = 2
FRESH_SECONDS = 0.1
_MOST = 256


type _Asked = tuple[str, Language]


class PolledJobs:
    """Jobs as JSON. An answer holds until `writes` moves on, which this process does with every
    write of its own, and for FRESH_SECONDS at most, for there are other processes.

    Without `writes` every question is a read. One that is unknown is asked for anew.
    """

    def __init__(
        self,
        read: Callable[[str], JobRecord | None],
        writes: Callable[[], int] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._writes = writes
        self._clock = clock
        self._answers: dict[
            tuple[str, Language], tuple[float, int, asyncio.Task[bytes | None]]
        ] = {}

    async def json(self, job_id: str, language: Language = Language.ENGLISH) -> bytes | None:
        """The job, its errors in the language; None: unknown."""
        if self._writes is None:
            return await self._encoded(job_id, language)
        now, writes = self._clock(), self._writes()
        known = self._answers.get((job_id, language))
        if known is None or known[1] != writes or now - known[0] >= FRESH_SECONDS:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            reading = asyncio.create_task(self._encoded(job_id, language), name=f"status-{job_id}")
            known = self._answers[job_id, language] = (now, writes, reading)
        answer = await asyncio.shield(known[2])
        if answer is None:
            self.forget(job_id)
        return answer

    def forget(self, job_id: str) -> None:
        """It has changed by what a client asked for: the next answer is a new one."""
        for language in Language:
            self._answers.pop((job_id, language), None)

    async def _encoded(self, job_id: str, language: Language) -> bytes | None:
        found = await asyncio.to_thread(self._read, job_id)
        if found is None:
            return None
        told = worded(asdict(found), language)
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits an upload."""

    max_files: int
    max_bytes: int
    by_content: bool
    """Files of any name are taken that begin as XML, zip or gzip does."""


@dataclass(frozen=True, slots=True)
class Api:
    """Everything behind the routes."""

    engine: Engine
    ledger: LedgerReader
    polled: PolledJobs
    notes: NoteReader
    documents: DocumentReader
    exports: Exports
    events: Events
    metrics: Metrics
    folder: Path
    upload_roots: Sequence[Path]
    limits: Limits
    token: str | None
    cors_origins: Sequence[str] = ()
    """Whose pages may ask, such as https://erp.example."""


def api_for(
    settings: Settings, *, engine: Engine | None = None, metrics: Metrics | None = None
) -> Api:
    """The API of these settings; without an engine, one that works without a daemon."""
    manager = get_job_manager(settings.ledger_path)
    if engine is None:
        processor = BatchProcessor(settings=settings)
        jobs = FolderJobs(processor, manager)
        root = settings.xml_folder.absolute()
        engine = StandaloneEngine(
            root, jobs, recursive=settings.recursive, by_content=settings.by_content
        )
    ledger = LedgerReader(settings.ledger_path.absolute())
    notes = _notes_of(settings)
    token = settings.api_token
    folder = settings.xml_folder.absolute()
    return Api(
        engine=engine,
        ledger=ledger,
        polled=PolledJobs(
            partial(ledger.job, most_errors=_MOST_ERRORS),
            # Only in a daemon do all writes of the process pass through what is measured.
            None if metrics is None else lambda: metrics.ledger_writes,
        ),
        notes=notes,
        documents=notes,
        exports=Exports(pages_of(settings), folder),
        events=Events(ledger),
        metrics=metrics or Metrics(),
        folder=folder,
        upload_roots=tuple(root.absolute() for root in settings.upload_roots),
        limits=Limits(settings.upload_max_files, settings.upload_max_bytes, settings.by_content),
        token=None if token is None else token.get_secret_value(),
        cors_origins=settings.cors_origins,
    )


def _notes_of(settings: Settings) -> SQLiteNotes | PostgresNotes | SupabaseNotes:
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
    """The same, for a client who may ask. Raises a 401, 403 or 422 problem."""
    api = api_of(request)
    check_token(request, api.token)
    check_origin(request.headers, request.method, api.token, api.cors_origins)
    check_query(request)
    return api
