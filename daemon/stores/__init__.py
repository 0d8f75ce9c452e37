"""The databases' edge: the tables from the layout, a store for each kind, the local ledger."""
