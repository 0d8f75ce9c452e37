"""Credentials that systemd hands to the service alone, as far as a command can see them."""

import os
from collections.abc import Iterable

_STORES = (
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/run/credstore",
    "/run/credstore.encrypted",
)


def unseen(stores: Iterable[str] = _STORES) -> list[str]:
    """Names of nfed's credentials that this process was not given (systemd.exec(5)).

    Whoever may not look into the stores sees none.
    """
    if "CREDENTIALS_DIRECTORY" in os.environ:
        return []
    found = set[str]()
    for store in stores:
        try:
            found |= {name for name in os.listdir(store) if name.startswith("nfed.")}
        except OSError:
            continue
    return sorted(found)


def told(names: Iterable[str]) -> str:
    """What they mean for what a command says."""
    return (
        f"{', '.join(names)}: systemd hands this to the service alone; what is said here is about "
        "the settings without it"
    )
