"""nfed: the daemon that imports Brazilian fiscal XML into a database, exactly once."""

__version__ = "0.2.0"
