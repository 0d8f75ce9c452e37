"""Serves /batch/events, and the tickets by which a page of a browser listens to it."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from nfed.api.batch import Admitted
from nfed.api.events import EventStream, field_at
from nfed.api.models import Ticket
from nfed.api.problems import ProblemRoute, documented
from nfed.api.query import check_query
from nfed.api.security import TICKET_SECONDS, check_token, is_ticket, ticket_for
from nfed.api.state import Api, api_of

router = APIRouter(
    prefix="/batch",
    tags=["batch"],
    route_class=ProblemRoute,
    responses=documented(401, 403, 421, 422, 503),
)


def listener(
    request: Request,
    ticket: Annotated[
        str | None,
        Query(max_length=200, description="of POST /batch/events/ticket, instead of the token"),
    ] = None,
) -> Api:
    """The Api, for who bears the token or a ticket. Raises a 401 or 422 problem."""
    api = api_of(request)
    if ticket is None or not is_ticket(ticket, api.token, time.time()):
        check_token(request, api.token)
    check_query(request)
    return api


@router.post(
    "/events/ticket", operation_id="createEventsTicket", status_code=201, response_model=Ticket
)
async def ticket(api: Admitted) -> Response:
    """A ticket for /batch/events, good for a minute and for nothing else.

    An EventSource of a browser can send no token. Who is cut off asks for another ticket.
    """
    made = ticket_for(api.token, time.time())
    return JSONResponse({"ticket": made, "expires_in_seconds": TICKET_SECONDS}, 201)


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=Response,
    responses={
        200: {
            "description": "Messages of the event `progress`: `jobs` that changed, `files` that "
            "ended (at most 100, the refused first) and `files_total`, how many there were.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def events(
    api: Annotated[Api, Depends(listener)],
    last_event_id: Annotated[
        str | None, Header(description="go on after this message, also of an earlier daemon")
    ] = None,
) -> Response:
    """Progress as server-sent events, at most eight messages a second.

    Without Last-Event-ID the first message holds the jobs that have not ended.
    """
    return EventStream(api.events, field_at(last_event_id))
