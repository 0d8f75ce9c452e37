"""The settings, and where each came from.

A command's option goes before the environment (NFED_…), then a systemd credential
(nfed.<setting>), then .env, then nfed.toml (the service's: /etc/nfed/nfed.toml), then the default.

How it works
    `model` is one frozen pydantic model. Its fields are the table of the settings: from them the
    README, the man page and `nfed config` are made.
    `sources` reads: pydantic-settings' own sources for the environment, .env, TOML and the
    credentials' directory, which is its directory of secrets. They are asked one by one and not by
    pydantic-settings itself, which merges what they give and forgets who gave it. Ours is only
    that: the origin of each value, unknown names with "did you mean" (pydantic-settings passes
    over a misspelt variable or credential), and errors on one line.
    `delivery` is a recipient of `nfed deliver`, the one setting that is a table of its own.
    `database` decides between database_url and Supabase, which is also known by variables without
    our prefix; what wins there depends on where the other came from, so no source can say it.

What it promises
    `load` returns settings that were checked as a whole, or raises ConfigError (exit code 78) with
    one line that names the setting and its source, and no secret.
    `Settings(…)` made by hand reads nothing but its arguments.
    No repr, and nothing that `masked` returns, holds a password or a key.

What it does not do
    It opens nothing that a setting names; `wiring` does. It does not watch the files: who wants
    them read again calls `load` again, as `service/reload` does at SIGHUP.
"""

from nfed.settings.database import StoreKind
from nfed.settings.delivery import Recipient
from nfed.settings.model import PREFIX, Settings, changed_names, masked
from nfed.settings.sources import Loaded, load

__all__ = [
    "PREFIX",
    "Loaded",
    "Recipient",
    "Settings",
    "StoreKind",
    "changed_names",
    "load",
    "masked",
]
