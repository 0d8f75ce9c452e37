"""Reads files and archives in processes of their own.

A file is hostile until it was read, so that is done where a crash, a hang or a hunger for memory
costs one process and not the daemon. `pool` starts the workers, gives each one chunk at a time over
a socket pair, and replaces one that dies, hangs or exhausts its memory: the chunk's other files are
read again, and what kills a worker alone, three times, is refused.

`process` is what runs in a worker: it takes requests, reads (`read`) or opens an archive
(`archives`, member by member, under every limit of the settings), and answers with Readings. It
ends when the daemon's end of the socket closes, so no worker outlives its daemon.

A worker writes nothing and knows no database. What its Readings come to is the flow's business.
"""
