"""Tells the history: jobs, the fate of every file, and the jobs that programs keep.

The ledger is a local SQLite file, beside any store. It tells and never decides: whether a document
is stored is the database's to say, and where a file lies is the folder's. So a ledger that is
damaged is kept aside and begun anew, one that was deleted begins anew, and no document waits for it
longer than its outage lasts.

`file` opens it and brings an older one up to date; `history` writes what a processor records, one
transaction a chunk, after the store's commit and before the move; `jobs` are jobs that programs
make and count themselves; `reader` is everybody's view of it, which never writes. Each transaction
has a number (`seq`), so that a follower can go on from what it has seen, also after a restart.
"""
