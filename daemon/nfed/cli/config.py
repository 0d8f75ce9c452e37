"""`nfed config`: lists every setting, its value and where it came from."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from nfed.cli import output
from nfed.cli.loading import load
from nfed.errors import ConfigError
from nfed.settings import Settings, masked
from nfed.words import Message


def say_config(folder: Path | None, database: str | None, *, as_json: bool) -> None:
    """Says it; secrets are masked."""
    loaded = load({"xml_folder": folder, "database_url": database})
    if as_json:
        output.say_json(
            {
                name: {
                    "value": _json_value(loaded.settings, name),
                    "origin": origin,
                    "description": Settings.model_fields[name].description,
                }
                for name, origin in loaded.origins.items()
            }
        )
        return
    table = output.table(
        Message("setting"), Message("value"), Message("from"), Message("what it is")
    )
    for name, origin in loaded.origins.items():
        table.add_row(
            name,
            _shown_value(loaded.settings, name),
            origin,
            Settings.model_fields[name].description or "",
        )
    output.say_table(table)


def check_config(folder: Path | None, database: str | None) -> None:
    """Raises ConfigError for settings that a daemon would refuse, without opening what they name.

    Of nfed.service at its reload, which then fails where the daemon keeps the old settings.
    """
    settings = load({"xml_folder": folder, "database_url": database}).settings
    root = settings.xml_folder
    if os.path.lexists(root) and not root.is_dir():
        raise ConfigError(
            Message("drop folder {root} is not a folder; set xml_folder", root=root.absolute())
        )
    path = settings.sqlite_path
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigError(
            Message(
                "database {path}: {strerror}",
                path=path.absolute(),
                strerror=os.strerror(errno.ENOENT),
            )
        )


def _shown_value(settings: Settings, name: str) -> str:
    value = settings.ledger_path if name == "ledger" else getattr(settings, name)
    return masked(name, value)


def _json_value(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if value is None and name != "ledger":
        return masked(name, value) or None
    if isinstance(value, bool | int | float):
        return value
    return _shown_value(settings, name)


_STORES = (
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/run/credstore",
    "/run/credstore.encrypted",
)


def unseen_credentials(stores: Iterable[str] = _STORES) -> list[str]:
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


def describe_unseen(names: Iterable[str]) -> Message:
    """What they mean for what a command says."""
    return Message(
        "{names}: systemd hands this to the service alone; what is "
        "said here is about the settings without it",
        names=", ".join(names),
    )
