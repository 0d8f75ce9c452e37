"""How often the daemon's own process looks for cycles among its objects."""

import gc

_CONTAINERS = 20_000
"""A chunk of 64 notes holds some 3,000; at Python's own 700 a collection would walk them, and
every module with them, several times."""


def calm_collector() -> None:
    """To be called once everything is set up: what is there now stays, so it is not walked again.

    A note's rows are trees without cycles. Without this, looking for some among them costs as much
    as unpickling them. For programs of nfed's own alone: a library does not change its host.
    """
    gc.set_threshold(_CONTAINERS, 10, 10)
    if not gc.get_freeze_count():  # not what an earlier session left, which may be garbage
        gc.freeze()
