"""Makes the FastAPI application, and its router for programs that mount it in their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from nfed import __version__
from nfed.api import batch, documents, exports, folder, health, notes, problems
from nfed.api.schema import schema_of
from nfed.api.state import Api, api_for
from nfed.settings import Settings, load


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    """Ends what runs when the application does, ours or whichever took the routes."""
    yield
    if hasattr(app.state, "nfed"):
        api: Api = app.state.nfed
        api.events.close()
        await api.exports.close()
        await api.engine.close()


router = APIRouter(lifespan=_closing)
router.include_router(batch.router)
router.include_router(notes.router)
router.include_router(documents.router)
router.include_router(exports.router)
router.include_router(folder.router)
router.include_router(health.router)


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
    has_token = app.state.nfed.token is not None

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = schema_of(app, has_token=has_token)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own manual has it
    return app
