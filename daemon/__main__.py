"""`python -m daemon` is `nfed`."""

from daemon.cli import app

if __name__ == "__main__":
    app()
