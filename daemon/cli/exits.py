"""What the exit codes mean, and how an error becomes one line and a code; never a traceback."""

import sys
from enum import IntEnum

import typer

from daemon.errors import ConfigError, FolderBusy, FolderUnavailable, NfedError


class ExitCode(IntEnum):
    """Numbers above 2 are those of sysexits.h and of the shell."""

    OK = 0
    SOME_REFUSED = 1
    USAGE = 2
    TRY_AGAIN = 75  # EX_TEMPFAIL
    CONFIG = 78  # EX_CONFIG
    SIGNAL = 128
    """Plus the number of the signal that ended it: 130 for Ctrl-C."""


class Command(typer.Typer):
    """A typer app that answers nfed's own errors with one line on stderr and the exit code."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Runs it, under one name however it was started."""
        try:
            return super().__call__(*args, **{"prog_name": "nfed", **kwargs})
        except (NfedError, ExceptionGroup) as error:
            found = _first(error)
            if found is None:
                raise
            complain(str(found))
            sys.exit(code_for(found))


def code_for(error: NfedError) -> ExitCode:
    """The one place that decides."""
    match error:
        case FolderBusy():
            return ExitCode.TRY_AGAIN
        case ConfigError() | FolderUnavailable():
            return ExitCode.CONFIG
        case _:  # the database or the workers: the world's fault
            return ExitCode.TRY_AGAIN


def complain(message: str) -> None:
    """One line on stderr; the journal counts it as an error."""
    from daemon.logs.journal import stderr_is_journal

    priority = "<3>" if stderr_is_journal(sys.stderr) else ""
    sys.stderr.write(f"{priority}nfed: {' '.join(message.split())}\n")


def _first(error: Exception) -> NfedError | None:
    """The first of ours, also inside the groups that task groups raise."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(_first, error.exceptions)), None)
    return error if isinstance(error, NfedError) else None
