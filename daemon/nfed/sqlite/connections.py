"""Connections, transactions, and whose fault it is when they fail."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from nfed.errors import StoreUnavailable
from nfed.words import Message

_BUSY_SECONDS = 5.0


def connect(path: Path, synchronous: Literal["full", "normal"]) -> sqlite3.Connection:
    """A connection that writes; makes the file if it is not there.

    With `full`, a power cut costs no committed row; with `normal`, it may cost the last ones.
    """
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing and leaves nothing behind; the file must exist.

    SQLite makes -wal and -shm files even to read, and a reader's would be in the way of a daemon
    that runs as another user. Without a -wal file nobody writes, so none is needed.
    """
    whole = path.resolve()
    # Beside an empty file SQLite would delete the -wal.
    is_written = Path(f"{whole}-wal").exists() and whole.stat().st_size
    mode = "mode=ro" if is_written else "mode=ro&immutable=1"
    return sqlite3.connect(f"{whole.as_uri()}?{mode}", uri=True)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits at the end of the block, or takes everything back."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


@contextmanager
def world_errors(what: str, path: Path) -> Iterator[None]:
    """Raises StoreUnavailable for what goes wrong with the file; `what` is database or ledger."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(
            Message("{what} {path}: {error}", what=what, path=path, error=error)
        ) from error
    except OSError as error:
        raise StoreUnavailable(
            Message("{what} {path}: {strerror}", what=what, path=path, strerror=error.strerror)
        ) from error
