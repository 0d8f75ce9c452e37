"""Opens SQLite files, once for everybody who keeps one: the store, the ledger, their readers.

A connection is in WAL mode and begins its transactions by hand. What goes wrong with the file or
its disk is the world's fault and becomes StoreUnavailable; what SQLite says of a value is left to
the caller, who knows whose value it was.

A database is three files: the main one, `-wal` (what was committed last) and `-shm` (an index of
it). SQLite applies whatever `-wal` lies beside a main file, so a database that is restored, or put
in another's place, is destroyed by the `-wal` of the one before. `WatchedDatabase`, which the store
uses, keeps that from happening:

- Every transaction stamps page 1 with a number of its own (`pragma user_version`) and with the
  number of the transaction before it (`pragma application_id`). A `-wal` belongs to a main file
  that holds the number before the `-wal`'s first, or a page 1 that is in the `-wal`: see `wal`.
  Files may be moved and copied as one likes, as nothing speaks of names, devices or inodes.
- A `-wal` that does not belong is renamed before SQLite sees it, never deleted, and logged. Where
  another program has the database open, or the main file is not whole, nobody can know: it waits.
- While it is open, main, `-wal` and `-shm` are looked at in each transaction and after its commit:
  what was committed into a file that is no longer there does not count. It checkpoints by itself,
  right after a look, and does not let SQLite do so when a connection is closed.

The ledger does without: it tells history and decides nothing.
"""

from nfed.sqlite.connections import connect, connect_readonly, transaction, world_errors
from nfed.sqlite.watched import WatchedDatabase, check_wal

__all__ = [
    "WatchedDatabase",
    "check_wal",
    "connect",
    "connect_readonly",
    "transaction",
    "world_errors",
]
