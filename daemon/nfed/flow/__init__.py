"""Runs the import: in which order, how much at once, and what happens when the world is away.

`pipeline` turns the folder into jobs: scans name what lies there (events only say when to look),
the Window says what has settled, and one job at a time goes to the `processor`. That takes the
batch by the chunk: a worker reads it (`chunks`), the store commits its documents in one
transaction, the ledger records every fate, and only then are the files moved. `archives` does the
same for the members of an archive. A crash between two of these steps costs one duplicate check.
`jobs` makes jobs and keeps those that clients were promised; `report` logs what a job does.

Each port stands behind a `guard`, which tries again what the world refuses; a file stays where it
is meanwhile. A job without progress fails, and its files are retried.

The flow knows ports and no edge: neither a database nor a file's bytes. It moves nothing itself,
and decides no outcome of a document: SQLite's store asks `core.outcome.verdict`, PostgreSQL's
function holds the same rule, and `tests/stores/test_store_sequences.py` compares the two.
"""
