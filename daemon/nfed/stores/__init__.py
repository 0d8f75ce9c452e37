"""Keeps documents in a database: SQLite, PostgreSQL, or a Supabase project over HTTPS.

A store takes a chunk of documents and returns an outcome for each, after its commit. Whatever the
store, the same chunks become the same rows: `tests/stores/test_store_contract.py` and
`test_store_sequences.py` hold it to that. Two stores may differ in how they call a database, never
in what a document does to another.

- `tables` makes SQLAlchemy tables of the layout; `migrations` names the versions of the schema.
- `chunk` decides what becomes of a chunk's documents, and touches no database. SQLite's writer asks
  it. PostgreSQL decides in a function of the database, since between a question and its answer
  another daemon may have stored the same note; `known.sql` is what both look up.
- `relations` applies documents to each other, in SQL that both understand.
- `notes` reads: it lists notes and tells one with all its rows. `pages` reads all that is chosen,
  for exports; `deliveries` remembers who was given what.
- `sqlite/` and `postgres/` hold what only one of them needs.

SQL lives in `.sql` files, which `sql` reads; `{names}` in them are filled with names of tables and
columns from the layout, and never with a value. A query of one line may stand where it is used.

A store keeps no history of jobs (that is `ledger`), moves no file, and tries nothing again: it says
whether the world is at fault (StoreUnavailable) or a document (StoreRejected), and the flow acts.
"""
