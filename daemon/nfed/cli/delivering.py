"""`nfed deliver`: gives a recipient of nfed.toml what is new and what has changed."""

import asyncio
from datetime import datetime, time
from pathlib import Path

import typer

from nfed.cli import output
from nfed.cli.exits import ExitCode
from nfed.cli.exporting import check_database, done_of, progress
from nfed.cli.loading import load
from nfed.exports.deliver import Courier, Place
from nfed.exports.originals import Originals
from nfed.exports.request import Tally
from nfed.settings import Recipient, Settings
from nfed.stores.deliveries import Wanted, What
from nfed.wiring import open_deliveries, open_pages
from nfed.words import Message, said

_MOST_DOCUMENTS = 20_000


def run(name: str, *, folder: Path | None, database: str | None) -> int:
    """Delivers; returns the exit code."""
    settings = load({"xml_folder": folder, "database_url": database}).settings
    recipient = _named(name, settings)
    check_database(settings)
    packages = asyncio.run(_deliver(recipient, settings))
    if not packages:
        output.say(Message("{name}: nothing new, nothing changed", name=name))
    return ExitCode.OK


async def _deliver(recipient: Recipient, settings: Settings) -> int:
    since = recipient.de
    wanted = Wanted(
        recipient.name,
        What(recipient.what),
        recipient.empresa,
        recipient.role,
        None if since is None else datetime.combine(since, time.min).isoformat(" "),
        recipient.modelo,
        _MOST_DOCUMENTS,
    )
    place = Place(recipient.place.absolute(), recipient.zip is not None, recipient.command)
    packages, tally = 0, Tally()
    with progress(tally) as tick:
        async with open_pages(settings) as pages, open_deliveries(settings) as deliveries:
            originals = Originals(done_of(settings))
            courier = Courier(wanted, place, deliveries, pages, originals, tally, tick)
            async for each in courier.deliver():
                packages += 1
                output.say(
                    Message(
                        "{path}: {new:,} new, {changed:,} changed",
                        path=each.path,
                        new=each.new,
                        changed=each.changed,
                    )
                )
    return packages


def _named(name: str, settings: Settings) -> Recipient:
    for each in settings.delivery:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in settings.delivery) or "-"
    raise typer.BadParameter(
        said("{name!r} is no [[delivery]] of nfed.toml, which has: {known}", name=name, known=known)
    )
