"""Where the settings come from, and which of two sources goes first."""

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from dotenv import dotenv_values

from daemon.errors import ConfigError

PREFIX = "NFED_"
TOML_FILE = Path("nfed.toml")
SERVICE_TOML_FILE = Path("/etc/nfed/nfed.toml")
ENV_FILE = Path(".env")
CREDENTIAL = "nfed."
"""A credential's name is this and the setting's (systemd.exec(5), ImportCredential=)."""


def gathered(
    known: Collection[str], options: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, str], dict[str, str]]:
    """Values by setting, the origin of each that is `known`, and the whole of .env.

    Raises ConfigError with one line that names an unknown name or a source that cannot be read.
    """
    values: dict[str, object] = {}
    origins = dict.fromkeys(known, "default")
    env_file = _from_env_file()
    for origin, source in (
        (str(toml_file()), _from_toml(toml_file(), known)),
        (str(ENV_FILE), _prefixed(env_file, str(ENV_FILE), known)),
        ("credential", _from_credentials(known)),
        ("environment", _prefixed(dict(os.environ), "environment", known)),
        ("option", {name: value for name, value in options.items() if value is not None}),
    ):
        for name, value in source.items():
            values[name] = value
            origins[name] = origin
    return values, origins, env_file


def toml_file() -> Path:
    """The working folder's file; where it has none, that of the installed service."""
    if not TOML_FILE.exists() and SERVICE_TOML_FILE.exists():
        return SERVICE_TOML_FILE
    return TOML_FILE


def _from_toml(path: Path, known: Collection[str]) -> dict[str, object]:
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    for name in read:
        if name not in known:
            raise ConfigError(f"{path}: unknown setting {name}{_meant(name, known)}")
    return read


def _from_env_file() -> dict[str, str]:
    if not ENV_FILE.is_file():
        return {}
    try:
        return {name: value or "" for name, value in dotenv_values(ENV_FILE).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{ENV_FILE}: {error}") from None


def _from_credentials(known: Collection[str]) -> dict[str, object]:
    """Files nfed.<setting> in the directory that systemd made for this service alone."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return {}
    found: dict[str, object] = {}
    try:
        for path in sorted(Path(folder).iterdir()):
            if not path.name.startswith(CREDENTIAL):
                continue
            setting = path.name.removeprefix(CREDENTIAL)
            if "." in setting:
                continue  # nfed.NAME.<setting> is for nfed@NAME; nfed.* brings it along
            if setting not in known:
                raise ConfigError(
                    f"credential {path.name}: unknown setting{_meant(setting, known)}"
                )
            found[setting] = path.read_text("utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return {}  # systemd names it also when it found no credential to put there
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(f"credentials in {folder}: {reason}") from None
    return found


def _prefixed(source: Mapping[str, str], origin: str, known: Collection[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in source.items():
        if not name.startswith(PREFIX):
            continue
        setting = name.removeprefix(PREFIX).lower()
        if setting not in known:
            raise ConfigError(f"{origin}: unknown setting {name}{_meant(setting, known)}")
        found[setting] = value
    return found


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else "; `nfed config` lists them all"
