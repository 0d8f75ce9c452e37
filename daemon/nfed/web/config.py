"""Serves Configuração: every setting with its value and where it came from; nothing can be set."""

import asyncio

from fastapi import APIRouter, Request, Response

from nfed.errors import ConfigError
from nfed.settings import Settings, changed_names, load, masked
from nfed.web.access import Looking
from nfed.web.answers import page
from nfed.web.place import Here, Place
from nfed.web.routes import ScreenRoute

ORIGINS = ("default", "environment", "an option of the command, or not read again yet")
"""Those that are words."""

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@router.get("/painel/configuracao")
async def config(request: Request, here: Here, visitor: Looking) -> Response:
    """The settings in force; passwords and keys are masked."""
    origins, error = await asyncio.to_thread(_origins, here.settings)
    rows = [
        (name, _shown(here, name), origins.get(name, ""), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return page(request, "config.html", screen="config", rows=rows, error=error)


def _origins(in_force: Settings) -> tuple[dict[str, str], str]:
    """Where each setting came from: one that the sources give otherwise is the command's own."""
    try:
        loaded = load()
    except ConfigError as error:
        return {}, str(error)
    changed = changed_names(in_force, loaded.settings)
    return {
        name: ORIGINS[2] if name in changed else str(origin)
        for name, origin in loaded.origins.items()
    }, ""


def _shown(here: Place, name: str) -> str:
    value = here.settings.ledger_path if name == "ledger" else getattr(here.settings, name)
    return masked(name, value)
