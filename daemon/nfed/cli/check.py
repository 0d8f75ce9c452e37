"""`nfed check`: says line by line whether nfed can work here, and what to do where it cannot."""

import asyncio
import ctypes
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nfed.cli import config, database, output
from nfed.cli.exits import ExitCode
from nfed.cli.loading import load
from nfed.core.escape import escaped
from nfed.errors import ConfigError, FolderBusy, FolderUnavailable, StoreUnavailable
from nfed.intake.folder import holder, opened
from nfed.intake.watcher import needs_polling
from nfed.settings import Loaded, Settings, StoreKind
from nfed.sqlite import check_wal
from nfed.stores.migrations import SchemaState
from nfed.stores.postgres import access as postgres_access
from nfed.stores.postgres import schema as postgres_schema
from nfed.words import Message, word

_PATIENCE_SECONDS = 2.0  # longer than a daemon's transaction takes
_LITTLE_BYTES = 1 << 30
_TOO_LITTLE_BYTES = 64 << 20


class Level(StrEnum):
    """The ends that a check can come to."""

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
    output.say(f"{verdict.level:<4} {word(verdict.text)}", style)


def _verdicts(loaded: Loaded) -> Iterator[Verdict]:
    settings = loaded.settings
    yield _configuration(loaded)
    unseen = config.unseen_credentials()
    if unseen:
        yield Verdict(
            Level.WARN,
            Message(
                "credentials: {unseen}",
                unseen=config.describe_unseen(unseen),
            ),
        )
    yield _folder(settings, named=loaded.origins["xml_folder"] != "default")
    yield _space(Message("folder"), settings.xml_folder)
    yield _arrivals(settings)
    path = settings.sqlite_path
    if path is None:
        yield from _server(settings)
    else:
        yield from _database(path)
        yield _space(Message("database"), path.parent)
    yield _ledger(settings.ledger_path)


def _configuration(loaded: Loaded) -> Verdict:
    used = sorted(set(loaded.origins.values()) - {"default"})
    text = Message("configuration: all defaults")
    if used:
        text = Message("configuration: set by {sources}", sources=", ".join(used))
    return Verdict(Level.OK, text)


def _folder(settings: Settings, *, named: bool) -> Verdict:
    root = settings.xml_folder.absolute()
    name = Message("folder: {root}", root=escaped(str(root)))
    if not os.path.lexists(root):
        parent = _nearest(root)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            if named:
                return Verdict(
                    Level.WARN,
                    Message(
                        "{name} does not exist; create it, or `nfed run --create` makes it",
                        name=name,
                    ),
                )
            return Verdict(
                Level.OK, Message("{name} does not exist yet; `nfed run` makes it", name=name)
            )
        return Verdict(
            Level.FAIL,
            Message(
                "{name} does not exist and cannot be made in {parent}; "
                "create it, or set xml_folder",
                name=name,
                parent=escaped(str(parent)),
            ),
        )
    try:
        owner = holder(root)
        if owner is None:
            # Takes the lock for a moment, and moves a file of its own to done/ and failed/.
            with opened(root):
                return Verdict(
                    Level.OK, Message("{name}; files can be moved to done/ and failed/", name=name)
                )
        return Verdict(
            Level.OK,
            Message(
                "{name} is being worked on by {described}", name=name, described=owner.described
            ),
        )
    except FolderBusy as error:
        return Verdict(Level.OK, str(error))
    except FolderUnavailable as error:
        return Verdict(Level.FAIL, Message("folder: {error}", error=error))
    except OSError as error:
        return Verdict(
            Level.FAIL,
            Message(
                "{name}: {strerror}: {filename}; run as the daemon's user, "
                "or give this one the right to read and write there",
                name=name,
                strerror=error.strerror,
                filename=error.filename,
            ),
        )


def _space(name: Message, path: Path) -> Verdict:
    where = _nearest(path.absolute())
    try:
        free = shutil.disk_usage(where).free
    except OSError as error:
        return Verdict(
            Level.WARN,
            Message(
                "space for the {name}: {strerror}; look with `df`",
                name=name,
                strerror=error.strerror,
            ),
        )
    text = Message(
        "space for the {name}: {size} free at {where}",
        name=name,
        size=output.size(free),
        where=escaped(str(where)),
    )
    if free < _TOO_LITTLE_BYTES:
        return Verdict(
            Level.FAIL, Message("{text}; make room, or nothing can be stored", text=text)
        )
    if free < _LITTLE_BYTES:
        return Verdict(Level.WARN, Message("{text}; make room soon", text=text))
    return Verdict(Level.OK, text)


def _arrivals(settings: Settings) -> Verdict:
    root = settings.xml_folder
    polling = settings.force_polling
    if polling or (polling is None and needs_polling(root)):
        return Verdict(
            Level.OK, Message("arrivals: the folder is polled, as events would not arrive")
        )
    inotify = Inotify.read()
    wanted = 1 + (_folders_below(root) if settings.recursive else 0)
    if inotify.max_user_watches is not None and inotify.max_user_watches < wanted:
        return Verdict(
            Level.FAIL,
            Message(
                "arrivals: {wanted:,} folders to watch, but {described}; say "
                "`sysctl fs.inotify.max_user_watches={limit}`, or set "
                "force_polling=true",
                wanted=wanted,
                described=inotify.described,
                limit=2 * wanted,
            ),
        )
    try:
        Inotify.try_to_watch(_nearest(root.absolute()))
    except OSError as error:
        advice = (
            Message(
                "{described}: raise the limit that is used up with sysctl, "
                "or set force_polling=true",
                described=inotify.described,
            )
            if error.errno in (errno.EMFILE, errno.ENOSPC)
            else Message("give the daemon's user the right to read the folder")
        )
        return Verdict(
            Level.FAIL,
            Message(
                "arrivals: cannot watch: {strerror}; {advice}",
                strerror=error.strerror,
                advice=advice,
            ),
        )
    return Verdict(
        Level.OK,
        Message("arrivals: events come (inotify); {described}", described=inotify.described),
    )


def _folders_below(root: Path) -> int:
    return sum(len(folders) for _, folders, _ in os.walk(root))


def _database(path: Path) -> Iterator[Verdict]:
    name = Message("database: {path}", path=escaped(str(path)))
    try:
        check_wal(path)
    except (StoreUnavailable, OSError) as error:
        yield Verdict(Level.FAIL, str(error))
        return
    seen = database.view_sqlite(path)
    if not seen.exists:
        yield _can_be_made(name, path)
        return
    if seen.error is not None:
        yield Verdict(
            Level.FAIL,
            Message(
                "{error}; check the path and the rights, or restore a backup", error=seen.error
            ),
        )
        return
    trouble = _write_trouble(path)
    if trouble is not None:
        yield Verdict(
            Level.FAIL,
            Message(
                "{name} cannot be written: {trouble}; check rights, disk and other users",
                name=name,
                trouble=trouble,
            ),
        )
    else:
        yield Verdict(
            Level.OK,
            Message(
                "{name} can be read and written; {notes}",
                name=name,
                notes=output.notes(seen.notes or 0),
            ),
        )
    assert seen.schema is not None
    yield _schema(seen.schema)


def _server(settings: Settings) -> Iterator[Verdict]:
    name = Message("database: {database_shown}", database_shown=settings.database_shown)
    seen = database.view(settings)
    if seen.error is not None or seen.schema is None:
        yield Verdict(Level.FAIL, seen.error or Message("{name} cannot be looked at", name=name))
        return
    yield Verdict(
        Level.OK,
        Message("{name} can be read; {notes}", name=name, notes=output.notes(seen.notes or 0)),
    )
    yield _schema(seen.schema)
    if settings.store_kind is StoreKind.POSTGRES:
        yield from _rights(settings.database_url)
        yield _access(settings.database_url)


def _rights(url: str) -> Iterator[Verdict]:
    """A start brings the schema to the newest version, and stores by a function."""
    try:
        trouble = asyncio.run(postgres_schema.obstacle(url))
    except (StoreUnavailable, ConfigError) as error:
        trouble = str(error)
    if trouble is not None:
        yield Verdict(Level.FAIL, trouble)


def _access(url: str) -> Verdict:
    """Tables that users had before nfed came may be open to whoever has the public key."""
    openings = asyncio.run(postgres_access.openings(url))
    if not openings:
        return Verdict(Level.OK, Message("access: row level security is on for every table"))
    roles = ", ".join(sorted({opening.role for opening in openings}))
    count = len({opening.relation for opening in openings})
    return Verdict(
        Level.WARN,
        Message(
            "access: {relations} open to {roles}, whom no policy holds "
            "back; `nfed db secure --dry-run` says who would lose what",
            relations=Message("{count:,} relation", "{count:,} relations", count=count),
            roles=roles,
        ),
    )


def _schema(schema: SchemaState) -> Verdict:
    if schema.current is None:
        return Verdict(
            Level.OK,
            Message("schema: none yet; the first import makes {newest}", newest=schema.newest),
        )
    if not schema.known:
        return Verdict(
            Level.FAIL,
            Message(
                "schema: {current} is newer than this nfed knows ({newest}); upgrade nfed",
                current=schema.current,
                newest=schema.newest,
            ),
        )
    if not schema.is_newest:
        return Verdict(
            Level.WARN,
            Message(
                "schema: {current}; the next start brings it to {newest}: make a backup first",
                current=schema.current,
                newest=schema.newest,
            ),
        )
    return Verdict(Level.OK, Message("schema: {current}, the newest", current=schema.current))


def _write_trouble(path: Path) -> str | None:
    """Says why no transaction can be begun; writes nothing."""
    try:
        uri = f"{path.resolve().as_uri()}?mode=rw"
        with closing(
            sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)
        ) as connection:
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
            connection.execute("begin immediate")
            connection.execute("rollback")
    except sqlite3.Error as error:
        return str(error)
    return None


def _ledger(path: Path) -> Verdict:
    name = Message("ledger: {path}", path=escaped(str(path)))
    if not os.path.lexists(path):
        return _can_be_made(name, path)
    trouble = _write_trouble(path)
    if trouble is not None:
        return Verdict(
            Level.FAIL,
            Message(
                "{name} cannot be written: {trouble}; check its rights, or move it away",
                name=name,
                trouble=trouble,
            ),
        )
    return Verdict(Level.OK, Message("{name} can be written", name=name))


def _can_be_made(name: str, path: Path) -> Verdict:
    parent = path.absolute().parent
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return Verdict(
            Level.OK, Message("{name} does not exist yet; the first import makes it", name=name)
        )
    return Verdict(
        Level.FAIL,
        Message(
            "{name} cannot be made; create the folder {parent}, writable for the daemon's user",
            name=name,
            parent=escaped(str(parent)),
        ),
    )


def _nearest(path: Path) -> Path:
    """The path, or the first of its parents that exists."""
    return next((each for each in (path, *path.parents) if os.path.exists(each)), path)


_LIMITS = Path("/proc/sys/fs/inotify")
_IN_CREATE = 0x100


@dataclass(frozen=True, slots=True)
class Inotify:
    """The limits for one user; None where the kernel does not tell."""

    max_user_watches: int | None
    max_user_instances: int | None

    @classmethod
    def read(cls) -> "Inotify":
        """As they are now."""
        return cls(_limit("max_user_watches"), _limit("max_user_instances"))

    @property
    def described(self) -> str:
        """Both, by the names that sysctl knows."""
        return Message(
            "fs.inotify.max_user_watches={max_user_watches}, "
            "fs.inotify.max_user_instances={max_user_instances}",
            max_user_watches=self.max_user_watches,
            max_user_instances=self.max_user_instances,
        )

    @staticmethod
    def try_to_watch(folder: Path) -> None:
        """Raises OSError when the folder cannot be watched now."""
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.inotify_init1(os.O_CLOEXEC)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            if libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_CREATE) < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)


def _limit(name: str) -> int | None:
    try:
        return int((_LIMITS / name).read_text("ascii"))
    except (OSError, ValueError):
        return None
