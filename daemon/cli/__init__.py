"""The command `nfed`."""

from daemon.cli.main import app

__all__ = ["app"]
