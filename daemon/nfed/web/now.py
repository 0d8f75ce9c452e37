"""Serves Agora: what nfed does at this moment, and where files are handed in."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from nfed.api.batch import take
from nfed.api.engine import Waiting
from nfed.api.events import EventStream, field_at
from nfed.core.job import JobState
from nfed.core.outcome import Reason
from nfed.errors import FolderUnavailable, NfedError, StoreUnavailable
from nfed.intake.left_alone import LeftAlone
from nfed.ledger.cells import seconds_between
from nfed.ledger.reader import JobRecord, Totals
from nfed.web.access import Looking, Operating, acted
from nfed.web.answers import HEADERS, page, see
from nfed.web.place import Here, Place
from nfed.web.routes import ScreenRoute, wants_json

_JOBS = 8
_FRESH_SECONDS = 0.25
_CENSUS_SECONDS = 1.0
_WAITING = 12
_FEW_BYTES = 2_000_000_000
_FEW_SHARE = 0.05
WAITS_FOR = {
    Reason.BUSY: "somebody is still writing it",
    Reason.CHANGED: "it changed while it was read",
    Reason.INCOMPLETE: "it ends too early; the rest may still come",
    Reason.UNREADABLE: "it cannot be read",
    Reason.VANISHED: "it was gone when its turn came",
    Reason.RETRY: "its fate is recorded, but it could not be moved",
    Reason.CANCELLED: "its job was cancelled",
}

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@dataclass(frozen=True, slots=True)
class Running:
    """The job under way."""

    job: JobRecord
    files_per_second: float
    seconds_left: float | None
    """None: cannot be told yet."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether one thing that nfed needs can be used."""

    name: str
    is_well: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """Everything that the screen shows."""

    at: datetime
    today: Totals
    running: Sequence[Running]
    pending: Sequence[JobRecord]
    latest: Sequence[JobRecord]
    backlog: int | None
    """None: the folder cannot be counted."""
    waiting_total: int
    waiting: Sequence[Waiting]
    left_total: int
    left: Sequence[LeftAlone]
    """What lies in the folder and is not taken."""
    refused_total: int | None
    health: Sequence[Health]
    free_bytes: int | None
    is_nearly_full: bool
    ledger_error: str


@router.get("/")
async def start(request: Request, here: Here, visitor: Looking) -> Response:
    """The home screen."""
    return page(
        request,
        "now.html",
        screen="now",
        told=await looked(here),
        waits=WAITS_FOR,
        limits=here.api.limits,
    )


@router.get("/painel/agora")
async def fragment(request: Request, here: Here, visitor: Looking) -> Response:
    """Its live part."""
    return page(request, "now_live.html", told=await looked(here), waits=WAITS_FOR)


@router.get("/painel/eventos")
async def events(
    here: Here, visitor: Looking, last_event_id: Annotated[str | None, Header()] = None
) -> Response:
    """Says that something changed, as server-sent events."""
    return EventStream(here.api.events, field_at(last_event_id))


@router.post("/painel/enviar")
async def send(request: Request, here: Here, visitor: Operating) -> Response:
    """Takes files into the drop folder."""
    job_id, names = await take(request, here.api)
    acted(visitor, "upload", files=names, job_id=job_id)
    if wants_json(request):
        return JSONResponse({"job_id": job_id, "files": names}, 202, HEADERS)
    return see("/", aviso=f"enviados-{len(names)}")


async def looked(place: Place) -> Now:
    """What the screen shows, for all pages that ask within a moment."""
    return await place.shared("now", lambda: look(place), _FRESH_SECONDS)


async def look(place: Place) -> Now:
    """Gathers it; what cannot be told now is left empty, and the health says why."""
    api = place.api
    at = datetime.now().astimezone()
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    today, running, latest, ledger_error = Totals(), list[JobRecord](), list[JobRecord](), ""
    pending = list[JobRecord]()
    try:
        today, running, pending, latest = await asyncio.to_thread(
            lambda: (
                api.ledger.totals_since(midnight),
                api.ledger.running(),
                api.ledger.jobs(states=(JobState.PENDING,), limit=_JOBS),
                api.ledger.jobs(
                    states=(JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED), limit=_JOBS
                ),
            )
        )
    except StoreUnavailable as error:
        ledger_error = str(error)
    health = [await _health("folder", api.engine.check), await _health("database", api.notes.check)]
    census, refused, free = None, None, None
    try:
        census = await place.shared("census", api.engine.census, _CENSUS_SECONDS)
        refused = (await place.refusals.seen()).total
    except FolderUnavailable:
        pass  # the folder's health says it
    total = 1
    with suppress(OSError):  # likewise
        total, _, free = await asyncio.to_thread(shutil.disk_usage, os.fspath(api.folder))
    waiting_total, waiting = api.engine.waiting(_WAITING)
    return Now(
        at,
        today,
        [_progress(job, at) for job in running],
        pending,
        latest,
        None if census is None else census.waiting,
        waiting_total,
        waiting,
        0 if census is None else census.left,
        () if census is None else census.listed[:_WAITING],
        refused,
        health,
        free,
        free is not None and free < min(_FEW_BYTES, _FEW_SHARE * total),
        ledger_error,
    )


async def _health(name: str, check: Callable[[], Awaitable[None]]) -> Health:
    try:
        async with asyncio.timeout(2):
            await check()
    except (NfedError, TimeoutError) as error:
        return Health(name, is_well=False, error=str(error))
    return Health(name, is_well=True)


def _progress(job: JobRecord, at: datetime) -> Running:
    seconds = max(seconds_between(job.started_at, at.isoformat()) or 0.0, 0.001)
    rate = job.processed_files / seconds
    left = job.total_files - job.processed_files
    return Running(job, rate, left / rate if rate and seconds > 1 else None)
