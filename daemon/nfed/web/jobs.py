"""Serves Trabalhos: the history of jobs, and what became of each file."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from nfed.api.models import cursor_for, pair_in, place_in
from nfed.api.problems import Problem
from nfed.core.job import JobState, moves_from
from nfed.core.outcome import OutcomeName
from nfed.web.access import Looking, Operating, acted
from nfed.web.answers import page, see
from nfed.web.place import Here
from nfed.web.routes import ScreenRoute
from nfed.words import Message

HOME = "/painel/trabalhos"
_PAGE = 50
OUTCOMES = {
    OutcomeName.IMPORTED: ("good", "imported"),
    OutcomeName.UPDATED: ("good", "updated"),
    OutcomeName.DUPLICATE: ("quiet", "duplicate"),
    OutcomeName.REFUSED: ("bad", "refused"),
    OutcomeName.DEFERRED: ("warn", "waits"),
    OutcomeName.UNPACKED: ("quiet", "unpacked"),
}
STATES = {
    JobState.RUNNING: "running",
    JobState.PENDING: "pending",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)

Cursor = Annotated[str, Query(max_length=1000)]


@router.get(HOME)
async def jobs(
    request: Request, here: Here, visitor: Looking, estado: str = "", cursor: Cursor = ""
) -> Response:
    """The history, the newest first."""
    states = (JobState(estado),) if estado in set(JobState) else ()
    before = pair_in(cursor, str) if cursor else None
    found = await asyncio.to_thread(
        here.api.ledger.jobs, states=states, limit=_PAGE + 1, before=before, most_errors=0
    )
    shown = found[:_PAGE]
    more = cursor_for(shown[-1].created_at, shown[-1].job_id) if len(found) > _PAGE else ""
    return page(
        request,
        "jobs.html",
        screen="jobs",
        jobs=shown,
        more=more,
        state=states[0] if states else "",
        states=STATES,
        first=not cursor,
        home=HOME,
    )


@router.get(f"{HOME}/{{job_id}}")
async def one(
    request: Request,
    here: Here,
    visitor: Looking,
    job_id: str,
    desfecho: str = "",
    cursor: Cursor = "",
) -> Response:
    """One job and its files."""
    outcome = OutcomeName(desfecho) if desfecho in set(OutcomeName) else None
    after = place_in(cursor, int) if cursor else 0
    job = await asyncio.to_thread(here.api.ledger.job, job_id, most_errors=0)
    if job is None:
        raise Problem(404, Message("there is no job of this id, or it was forgotten by now"))
    found = await asyncio.to_thread(
        here.api.ledger.files, job_id, outcome=outcome, limit=_PAGE + 1, after=after
    )
    shown = found[:_PAGE]
    return page(
        request,
        "job.html",
        screen="jobs",
        job=job,
        files=shown,
        more=cursor_for(shown[-1].id) if len(found) > _PAGE else "",
        first=not cursor,
        outcome=outcome or "",
        outcomes=OUTCOMES,
        goes_on=bool(moves_from(job.status)),
        home=HOME,
    )


@router.post(f"{HOME}/{{job_id}}/cancelar")
async def cancel(here: Here, visitor: Operating, job_id: str) -> Response:
    """Ends a job after the chunks in flight."""
    await here.api.engine.cancel(job_id)
    here.api.polled.forget(job_id)
    acted(visitor, "cancel", job_id=job_id)
    return see(f"{HOME}/{job_id}")
