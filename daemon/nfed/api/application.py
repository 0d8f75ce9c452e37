"""Makes the FastAPI application, and its router for programs that mount it in their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute

from nfed import __version__
from nfed.api import batch, documents, exports, folder, health, notes, problems, stream
from nfed.api.problems import ProblemRoute
from nfed.api.schema import schema_of
from nfed.api.state import Api, api_for
from nfed.settings import Settings, load

_ASKING_HEADERS = (
    "Authorization",
    "Content-Disposition",
    "If-None-Match",
    "Last-Event-ID",
)


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    """Ends what runs when the application does, ours or whichever took the routes."""
    yield
    if hasattr(app.state, "nfed"):
        api: Api = app.state.nfed
        api.events.close()
        await api.exports.close()
        await api.engine.close()


router = APIRouter(lifespan=_closing, route_class=ProblemRoute)


def _answer_head_and_options(path: str, route: APIRoute) -> None:
    """Adds to a GET route the two methods that go with it; neither is described."""

    async def options() -> Response:
        return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})

    for method, endpoint in (("HEAD", route.endpoint), ("OPTIONS", options)):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=f"{route.name}_{method.lower()}",
            include_in_schema=False,
            response_class=route.response_class,
            response_model=None,
            dependencies=route.dependencies,
        )


for _part in (batch, stream, notes, documents, exports, folder, health):
    router.include_router(_part.router)
    for _route in _part.router.routes:
        if isinstance(_route, APIRoute) and "GET" in (_route.methods or ()):
            _answer_head_and_options(_route.path, _route)


def create_app(settings: Settings | None = None, *, api: Api | None = None) -> FastAPI:
    """The application of these settings, those of the environment when none are given.

    Without `api` it needs no daemon: it imports folders itself, when it is asked to. Where the
    settings hold an api_token, every request but /healthz must bear it.
    """
    app = FastAPI(
        title="nfed",
        version=__version__,
        description="Imports Brazilian fiscal XML, exactly once.",
        docs_url=None,  # the pages would be fetched from elsewhere
        redoc_url=None,
    )
    app.state.nfed = api or api_for(settings or load().settings)
    app.include_router(router)
    problems.install(app)
    if app.state.nfed.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=app.state.nfed.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_ASKING_HEADERS,
            expose_headers=("Content-Disposition", "ETag"),
        )
    has_token = app.state.nfed.token is not None

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = schema_of(app, has_token=has_token)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own manual has it
    return app
