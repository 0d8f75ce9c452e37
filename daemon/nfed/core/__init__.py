"""Decides, and touches nothing: what has settled, what waits, how a file ended, where it goes.

Everything here is pure. Time is an argument, a file is an `Arrival`, and the world is reached
through the Protocols in `ports` alone, which the edges implement.

| noun | is |
|---|---|
| Arrival | one sighting of a file: path, inode, size, times |
| Window | arrivals until they are settled and quiet, or have waited long enough, or are many |
| Waiting | files that stay: why, since when, and when they are tried again |
| Job | the record of one batch, and the one table of its moves |
| Outcome | how one file ended; `shelf_for` is the one place that decides the folder it goes to |
| verdict | what a document is to the one stored under its key: new, the same, more, or a conflict |

It does not run anything (that is `flow`), nor know what a document says (`documents`).
"""
