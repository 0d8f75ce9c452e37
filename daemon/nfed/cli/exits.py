"""Turns an error into one line and an exit code, and names the codes; never a traceback."""

import sys
from enum import IntEnum

from nfed.core.escape import escaped
from nfed.errors import ConfigError, FolderUnfit, NfedError
from nfed.words import word


class ExitCode(IntEnum):
    """Numbers above 2 are those of sysexits.h and of the shell."""

    OK = 0
    SOME_REFUSED = 1
    USAGE = 2
    TRY_AGAIN = 75  # EX_TEMPFAIL
    CONFIG = 78  # EX_CONFIG
    SIGNAL = 128
    """Plus the number of the signal that ended it: 130 for Ctrl-C."""


def code_for(error: NfedError) -> ExitCode:
    """The one place that decides."""
    match error:
        case ConfigError() | FolderUnfit():
            return ExitCode.CONFIG
        case _:  # the database, the folder or the workers: the world's fault
            return ExitCode.TRY_AGAIN


def complain(message: str) -> None:
    """One line on stderr, in the language spoken; the journal counts it as an error."""
    from nfed.logs.journal import stderr_is_journal

    priority = "<3>" if stderr_is_journal(sys.stderr) else ""
    sys.stderr.write(f"{priority}nfed: {escaped(' '.join(word(message).split()))}\n")


def first(error: Exception) -> NfedError | None:
    """The first of ours, also inside the groups that task groups raise."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(first, error.exceptions)), None)
    return error if isinstance(error, NfedError) else None
