"""Puts the page's routes into the API's application."""

from fastapi import APIRouter, FastAPI

from nfed.api.problems import Problem
from nfed.settings import Settings
from nfed.settings.users import Users
from nfed.web import (
    assets,
    config,
    documents,
    guide,
    jobs,
    login,
    note,
    notes,
    now,
    refused,
    summary,
)
from nfed.web.access import Door, Looking
from nfed.web.place import Place
from nfed.web.routes import ScreenRoute
from nfed.words import Message


def install(app: FastAPI, settings: Settings) -> None:
    """Adds the page to an application of `nfed.api`, whose Api it shares."""
    app.state.nfed_door = Door(app.state.nfed.token, Users(settings.users_path.absolute()))
    app.state.nfed_place = Place(app.state.nfed, settings)
    router = APIRouter(include_in_schema=False, route_class=ScreenRoute)
    for screen in (now, refused, notes, note, documents, summary, jobs, config, guide, login):
        router.include_router(screen.router)
    router.add_api_route("/painel/{rest:path}", _nowhere)
    app.include_router(assets.router)
    app.include_router(router)


async def _nowhere(visitor: Looking, rest: str) -> None:
    """What no screen answers to."""
    raise Problem(404, Message("there is no such screen"))
