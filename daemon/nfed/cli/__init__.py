"""The command `nfed`: speaks to people, and to scripts by `--json` and exit codes.

`main` declares every command with its help; the module that does the work is loaded when it is
asked for, so that help is quick. What goes to stdout goes through `output`: rich on a terminal;
plain, whole and without colours in a pipe. Text that came from a file or a server is escaped first.
`exits` turns an error into one line and an exit code: 1 some files refused, 2 usage, 75 not
available now, 78 bad configuration; never a traceback for what is no bug.

Commands decide nothing: they call `service`, `batch`, and the readers of ledger and stores.
"""

from nfed.cli.main import app

__all__ = ["app"]
