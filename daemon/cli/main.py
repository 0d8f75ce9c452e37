"""Every command of `nfed`, and what its exit codes mean."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from daemon import logs
from daemon.app import run_daemon
from daemon.errors import ConfigError, FolderUnavailable, StoreUnavailable
from daemon.settings import load

app = typer.Typer(
    name="nfed",
    help="Imports Brazilian fiscal XML into a database, exactly once.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def run(
    folder: Annotated[Path | None, typer.Option(help="The drop folder.")] = None,
    database: Annotated[str | None, typer.Option(help="The database's URL.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Import what is there, then stop.")] = False,
) -> None:
    """Watch the drop folder and import what arrives."""
    settings = load({"xml_folder": folder, "database_url": database}).settings
    logs.configure(settings.log_level, settings.log_format)
    raise typer.Exit(asyncio.run(run_daemon(settings, once=once)))


@app.command()
def version() -> None:
    """Say the version."""


_ = (ConfigError, FolderUnavailable, StoreUnavailable)
