"""Keeps documents in one SQLite file: one writer thread, one transaction a chunk.

`store` opens the file and gives each chunk to `write`, which asks `stores.chunk` what becomes of
its documents and writes the rows, parents before their children. `notes` reads beside it, with
connections that change nothing. `schema` adds what an older database lacks.

Only this process writes, so ids go on from the highest stored one, and nothing is locked but the
file. What may happen to the file itself is told in `nfed.sqlite`.
"""
