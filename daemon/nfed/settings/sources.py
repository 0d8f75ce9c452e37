"""Asks pydantic-settings' sources one by one, and keeps what each of them named."""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    DotEnvSettingsSource,
    EnvSettingsSource,
    SecretsSettingsSource,
    SettingsError,
    TomlConfigSettingsSource,
)

from nfed.errors import ConfigError
from nfed.settings.database import choose_database
from nfed.settings.model import PREFIX, Settings
from nfed.words import Message

TOML_FILE = Path("nfed.toml")
SERVICE_TOML_FILE = Path("/etc/nfed/nfed.toml")
ENV_FILE = Path(".env")
_SQLITE = "sqlite:///"
CREDENTIAL = "nfed."
"""A credential's name is this and the setting's (systemd.exec(5), ImportCredential=)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each came from."""

    settings: Settings
    origins: dict[str, str]


def load(options: dict[str, object] | None = None, config: Path | None = None) -> Loaded:
    """Reads every source. `options` are the command line's; one that is None was not given.

    `config` names the file in place of nfed.toml, with .env beside it: whatever is relative there,
    and the defaults, are then relative to its folder, as they are for the service that runs there.

    Raises ConfigError with one line that names a bad value, an unknown name, or a source that
    cannot be read.
    """
    toml = toml_file() if config is None else config
    env_file = ENV_FILE if config is None else config.parent / ENV_FILE
    env_name = str(env_file)
    file = _read(env_name, lambda: DotEnvSettingsSource(Settings, env_file=env_file))
    environment = EnvSettingsSource(Settings)
    values: dict[str, object] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, found in (  # the weakest first
        (str(toml), _from_toml(toml)),
        (env_name, _from_variables(env_name, file)),
        ("credential", _from_credentials()),
        ("environment", _from_variables("environment", environment)),
        ("option", {name: value for name, value in (options or {}).items() if value is not None}),
    ):
        values |= found
        origins |= dict.fromkeys(found, origin)
    choose_database(values, origins, {env_name: file.env_vars, "environment": environment.env_vars})
    if config is not None:
        _seat(values, origins, config.parent)
    try:
        return Loaded(Settings(**values), origins)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        raise ConfigError(_one_line(error, origins)) from None


def _seat(values: dict[str, object], origins: Mapping[str, str], folder: Path) -> None:
    """Makes what is relative in a chosen file, or by default, relative to that file's folder."""
    elsewhere = ("option", "environment", "credential")
    for name in ("xml_folder", "ledger", "journal_socket", "users_file", "database_url"):
        value = values.get(name, Settings.model_fields[name].default)
        if not isinstance(value, str | Path) or origins[name] in elsewhere or not str(value):
            continue
        if name != "database_url":
            values[name] = folder / value
        elif str(value).startswith(_SQLITE) and (name in values or not values.get("supabase_url")):
            values[name] = f"{_SQLITE}{folder / str(value)[len(_SQLITE) :]}"  # absolute ones stay


def toml_file() -> Path:
    """The working folder's file; where it has none, that of the installed service."""
    if not TOML_FILE.exists() and SERVICE_TOML_FILE.exists():
        return SERVICE_TOML_FILE
    return TOML_FILE


def _read[T](origin: str, source: Callable[[], T]) -> T:
    """Calls `source`; what it cannot read or parse becomes a ConfigError that names the origin."""
    try:
        return source()
    except (OSError, ValueError) as error:
        raise ConfigError(Message("{origin}: {error}", origin=origin, error=error)) from None


def _from_toml(path: Path) -> dict[str, Any]:
    found = _read(str(path), lambda: TomlConfigSettingsSource(Settings, path)())
    _check_known({name: name for name in found}, str(path))
    return found


def _from_variables(origin: str, source: EnvSettingsSource) -> dict[str, Any]:
    """The settings among variables, whose names the source has in small letters."""
    prefix = PREFIX.lower()
    names = {
        name.removeprefix(prefix): name.upper()
        for name in source.env_vars
        if name.startswith(prefix)
    }
    _check_known(names, origin)
    # Of .env the source also gives what belongs to other programs.
    return {name: value for name, value in source().items() if name in names}


def _from_credentials() -> dict[str, Any]:
    """Files nfed.<setting> in the directory that systemd made for this service alone."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return {}
    source = SecretsSettingsSource(Settings, folder, case_sensitive=True, env_prefix=CREDENTIAL)
    try:
        names = {name.removeprefix(CREDENTIAL): name for name in sorted(os.listdir(folder))}
        # nfed.NAME.<setting> is for nfed@NAME; ImportCredential=nfed.* brings it along.
        ours = {name: file for name, file in names.items() if name != file and "." not in name}
        _check_known(ours, "credential")
        found = source() if ours else {}
    except FileNotFoundError:
        return {}  # systemd names it also when it found no credential to put there
    except (OSError, SettingsError) as error:
        raise ConfigError(
            Message("credentials in {folder}: {error}", folder=folder, error=_reason(error))
        ) from None
    for file in (file for name, file in ours.items() if name not in found):
        raise ConfigError(
            Message(
                "credentials in {folder}: {file} is no file, or a link to elsewhere",
                folder=folder,
                file=file,
            )
        )
    return found


def _check_known(names: Mapping[str, str], origin: str) -> None:
    """Raises ConfigError for the first that is no setting; `names` also has how it is spelt."""
    known = Settings.model_fields
    for name, spelt in names.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = Message("`nfed config` lists them all")
            if close:
                meant = Message("did you mean {close}?", close=close[0])
            raise ConfigError(
                Message(
                    "{origin}: unknown setting {spelt}; {meant}",
                    origin=origin,
                    spelt=spelt,
                    meant=meant,
                )
            )


def _reason(error: Exception) -> str:
    """What is wrong with a credential, and nothing of what it holds."""
    match error.__cause__ or error:
        case OSError() as cause:
            return str(cause.strerror)
        case UnicodeDecodeError():
            return Message("is not UTF-8")
        case _:
            return str(error)


def _one_line(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    raised = first.get("ctx", {}).get("error")
    message = str(raised) if isinstance(raised, ValueError) else _small(str(first["msg"]))
    name = str(first["loc"][0]) if first["loc"] else ""
    if not name:
        return message
    within = ".".join(each for each in first["loc"][1:] if isinstance(each, str))
    if within:
        message = Message("{name}: {fault}", name=within, fault=message)
    origin = origins.get(name, "option")
    return Message("{name} (from {origin}): {fault}", name=name, origin=origin, fault=message)


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
