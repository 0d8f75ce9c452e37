"""`nfed check`: whether nfed can work here, line by line, and what to do where it cannot."""

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from daemon.cli import credentials, database, output
from daemon.cli.check_inotify import Inotify
from daemon.cli.exits import ExitCode
from daemon.core.arrival import shown
from daemon.errors import FolderBusy, FolderUnavailable
from daemon.intake.folder import holder, opened
from daemon.intake.watcher import needs_polling
from daemon.settings import Loaded, Settings, StoreKind, load
from daemon.stores import postgres_access
from daemon.stores.migrations import SchemaState

_PATIENCE_SECONDS = 2.0  # longer than a daemon's transaction takes
_LITTLE_BYTES = 1 << 30
_TOO_LITTLE_BYTES = 64 << 20


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line."""

    level: Level
    text: str


def check(folder: Path | None, url: str | None) -> int:
    """Says how everything stands; returns the exit code."""
    loaded = load({"xml_folder": folder, "database_url": url})
    failed = False
    for verdict in _verdicts(loaded):
        failed |= verdict.level is Level.FAIL
        say(verdict)
    return ExitCode.SOME_REFUSED if failed else ExitCode.OK


def say(verdict: Verdict) -> None:
    """One line; its level stands first, so that a program can look for it."""
    style = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}[verdict.level]
    output.say(f"{verdict.level:<4} {verdict.text}", style)


def _verdicts(loaded: Loaded) -> Iterator[Verdict]:
    settings = loaded.settings
    yield _configuration(loaded)
    unseen = credentials.unseen()
    if unseen:
        yield Verdict(Level.WARN, f"credentials: {shown(credentials.told(unseen))}")
    yield _folder(settings)
    yield _space("folder", settings.xml_folder)
    yield _arrivals(settings)
    path = settings.sqlite_path
    if path is None:
        yield from _server(settings)
    else:
        yield from _database(path)
        yield _space("database", path.parent)
    yield _ledger(settings.ledger_path)


def _configuration(loaded: Loaded) -> Verdict:
    used = sorted(set(loaded.origins.values()) - {"default"})
    return Verdict(
        Level.OK, f"configuration: {'set by ' + ', '.join(used) if used else 'all defaults'}"
    )


def _folder(settings: Settings) -> Verdict:
    root = settings.xml_folder.absolute()
    name = f"folder: {shown(str(root))}"
    if not os.path.lexists(root):
        parent = _nearest(root)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return Verdict(Level.OK, f"{name} does not exist yet; `nfed run` makes it")
        return Verdict(
            Level.FAIL,
            f"{name} does not exist and cannot be made in {shown(str(parent))}; create it, or set "
            "xml_folder",
        )
    try:
        owner = holder(root)
        if owner is None:
            # Takes the lock for a moment, and moves a file of its own to done/ and failed/.
            with opened(root):
                return Verdict(Level.OK, f"{name}; files can be moved to done/ and failed/")
        return Verdict(Level.OK, f"{name} is being worked on by {owner.described}")
    except FolderBusy as error:
        return Verdict(Level.OK, str(error))
    except FolderUnavailable as error:
        return Verdict(Level.FAIL, f"folder: {error}")
    except OSError as error:
        return Verdict(
            Level.FAIL,
            f"{name}: {error.strerror}: {error.filename}; run as the daemon's user, or give this "
            "one the right to read and write there",
        )


def _space(name: str, path: Path) -> Verdict:
    where = _nearest(path.absolute())
    try:
        free = shutil.disk_usage(where).free
    except OSError as error:
        return Verdict(Level.WARN, f"space for the {name}: {error.strerror}; look with `df`")
    text = f"space for the {name}: {output.size(free)} free at {shown(str(where))}"
    if free < _TOO_LITTLE_BYTES:
        return Verdict(Level.FAIL, f"{text}; make room, or nothing can be stored")
    if free < _LITTLE_BYTES:
        return Verdict(Level.WARN, f"{text}; make room soon")
    return Verdict(Level.OK, text)


def _arrivals(settings: Settings) -> Verdict:
    root = settings.xml_folder
    polling = settings.force_polling
    if polling or (polling is None and needs_polling(root)):
        return Verdict(Level.OK, "arrivals: the folder is polled, as events would not arrive")
    inotify = Inotify.read()
    wanted = 1 + (_folders_below(root) if settings.recursive else 0)
    if inotify.max_user_watches is not None and inotify.max_user_watches < wanted:
        return Verdict(
            Level.FAIL,
            f"arrivals: {wanted:,} folders to watch, but {inotify.described}; say "
            f"`sysctl fs.inotify.max_user_watches={2 * wanted}`, or set force_polling=true",
        )
    try:
        Inotify.try_to_watch(_nearest(root.absolute()))
    except OSError as error:
        advice = (
            f"{inotify.described}: raise the limit that is used up with sysctl, or set "
            "force_polling=true"
            if error.errno in (errno.EMFILE, errno.ENOSPC)
            else "give the daemon's user the right to read the folder"
        )
        return Verdict(Level.FAIL, f"arrivals: cannot watch: {error.strerror}; {advice}")
    return Verdict(Level.OK, f"arrivals: events come (inotify); {inotify.described}")


def _folders_below(root: Path) -> int:
    return sum(len(folders) for _, folders, _ in os.walk(root))


def _database(path: Path) -> Iterator[Verdict]:
    name = f"database: {shown(str(path))}"
    seen = database.view_sqlite(path)
    if not seen.exists:
        yield _can_be_made(name, path)
        return
    if seen.error is not None:
        yield Verdict(
            Level.FAIL, f"{seen.error}; check the path and the rights, or restore a backup"
        )
        return
    trouble = _write_trouble(path)
    if trouble is not None:
        yield Verdict(
            Level.FAIL, f"{name} cannot be written: {trouble}; check rights, disk and other users"
        )
    else:
        yield Verdict(
            Level.OK, f"{name} can be read and written; {output.plural(seen.notes or 0, 'note')}"
        )
    assert seen.schema is not None
    yield _schema(seen.schema)


def _server(settings: Settings) -> Iterator[Verdict]:
    name = f"database: {settings.database_shown}"
    seen = database.view(settings)
    if seen.error is not None or seen.schema is None:
        yield Verdict(Level.FAIL, seen.error or f"{name} cannot be looked at")
        return
    yield Verdict(Level.OK, f"{name} can be read; {output.plural(seen.notes or 0, 'note')}")
    yield _schema(seen.schema)
    if settings.store_kind is StoreKind.POSTGRES:
        yield _access(settings.database_url)


def _access(url: str) -> Verdict:
    """Tables that users had before nfed came may be open to whoever has the public key."""
    openings = asyncio.run(postgres_access.openings(url))
    if not openings:
        return Verdict(Level.OK, "access: row level security is on for every table")
    roles = ", ".join(sorted({opening.role for opening in openings}))
    count = len({opening.relation for opening in openings})
    return Verdict(
        Level.WARN,
        f"access: {output.plural(count, 'relation')} open to {roles}, whom no policy holds "
        "back; `nfed db secure --dry-run` says who would lose what",
    )


def _schema(schema: SchemaState) -> Verdict:
    if schema.current is None:
        return Verdict(Level.OK, f"schema: none yet; the first import makes {schema.newest}")
    if not schema.known:
        return Verdict(
            Level.FAIL,
            f"schema: {schema.current} is newer than this nfed knows ({schema.newest}); upgrade "
            "nfed",
        )
    if not schema.is_newest:
        return Verdict(
            Level.WARN,
            f"schema: {schema.current}; the next start brings it to {schema.newest}: make a "
            "backup first",
        )
    return Verdict(Level.OK, f"schema: {schema.current}, the newest")


def _write_trouble(path: Path) -> str | None:
    """Why no transaction can be begun; nothing is written."""
    try:
        uri = f"{path.resolve().as_uri()}?mode=rw"
        with closing(
            sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)
        ) as connection:
            connection.execute("begin immediate")
            connection.execute("rollback")
    except sqlite3.Error as error:
        return str(error)
    return None


def _ledger(path: Path) -> Verdict:
    name = f"ledger: {shown(str(path))}"
    if not os.path.lexists(path):
        return _can_be_made(name, path)
    trouble = _write_trouble(path)
    if trouble is not None:
        return Verdict(
            Level.FAIL, f"{name} cannot be written: {trouble}; check its rights, or move it away"
        )
    return Verdict(Level.OK, f"{name} can be written")


def _can_be_made(name: str, path: Path) -> Verdict:
    parent = path.absolute().parent
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return Verdict(Level.OK, f"{name} does not exist yet; the first import makes it")
    return Verdict(
        Level.FAIL,
        f"{name} cannot be made; create the folder {shown(str(parent))}, writable for the "
        "daemon's user",
    )


def _nearest(path: Path) -> Path:
    """The path, or the first of its parents that exists."""
    return next((each for each in (path, *path.parents) if os.path.exists(each)), path)
