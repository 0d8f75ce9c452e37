"""Keeps documents in PostgreSQL, reached by its own protocol or, in a Supabase project, over HTTPS.

There is one writer: the function `public.nfed_store`, which takes a chunk as JSON and stores it in
one transaction (`sql/store.sql`). It has two callers, `store` by asyncpg and `http` by PostgREST.
Reading is the same: `nfed_notas` and `nfed_nota`, called by `notes` either way.

- `chunk` makes of documents what the function takes, and outcomes of what it returns.
- `functions` makes the functions of `sql/` and the layout; `plan` says what a database lacks of
  tables, columns, views and functions; `schema` runs that, in one transaction.
- `access` says who may read past row level security, and closes it.
- `connection` and `project` sort the errors of either way by whose fault it is, with `faults`.

Any number of daemons may feed one database. Who writes takes an advisory lock for each chave first,
in order; adds parties that are missing, in order; and changes those that are there last, in order.
So they wait for each other, and never in a circle.

Nothing outlives a transaction, neither a named statement nor a setting, so that poolers in
transaction mode will do. A role that does not own the tables may feed them once `nfed db migrate`
has granted it the function. Nothing here is tried again: see `flow.guard`.
"""
