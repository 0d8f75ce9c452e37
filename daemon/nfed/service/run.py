"""Runs the daemon from start to stop."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from nfed.service.process import Signals
from nfed.service.session import Service
from nfed.settings import Settings


async def run_daemon(
    settings: Settings, *, once: bool = False, reread: Callable[[], Settings] | None = None
) -> int:
    """Watches the folder until SIGTERM or SIGINT; with `once`, imports what is there.

    SIGHUP takes the settings that `reread` gives. Without `once`, a database or folder that
    cannot be used is waited for, also at the start.
    Returns the exit code: 0; 75 (EX_TEMPFAIL) when `once` met a job that could not run; 128 and the
    signal's number when a second signal made it give up at once.
    Raises FolderUnfit, FolderBusy or ConfigError before the first file, with `once` also
    FolderUnavailable and StoreUnavailable.
    """
    with Signals(_nothing, reloads=reread is not None and not once) as signals:
        async with AsyncExitStack() as stack:
            service = Service(settings, signals, stack, once=once)
            return await service.run(reread or (lambda: settings))
    return 128 + (signals.received or 0)


def _nothing() -> None:
    return None
