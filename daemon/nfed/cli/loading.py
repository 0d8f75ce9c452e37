"""Loads the settings for a command, and has it speak their language.

`--config` and `--instance`, which every command takes, choose the file; they are taken out of the
arguments before typer sees them.
"""

import os
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nfed.errors import ConfigError
from nfed.words import Message, choose, speak

if TYPE_CHECKING:
    from nfed.settings import Loaded

_TOML = (Path("nfed.toml"), Path("/etc/nfed/nfed.toml"))
INSTANCES = Path("/etc/nfed")
"""Where nfed@NAME has its folder NAME."""
_INSTANCE = re.compile(r"[\w:.-]+")


class _Chosen:
    """What the command line chose."""

    config: Path | None = None


def load(options: dict[str, object] | None = None) -> "Loaded":
    """See settings.load; from here on the process speaks their language."""
    from nfed import settings

    loaded = settings.load(options, _Chosen.config)
    speak(loaded.settings.spoken)
    return loaded


def take_chosen(arguments: list[str]) -> list[str]:
    """Takes `--config FILE` and `--instance NAME` out; returns the others.

    Raises ConfigError for what does not lead to a file.
    """
    left: list[str] = []
    coming = iter(arguments)
    for each in coming:
        name, equals, value = each.partition("=")
        if each == "--":
            return [*left, each, *coming]
        if name not in ("--config", "--instance"):
            left.append(each)
            continue
        value = value if equals else next(coming, "")
        _Chosen.config = _config_of(name, value)
    return left


def _config_of(option: str, value: str) -> Path:
    path = Path(value)
    if option == "--instance":
        if _INSTANCE.fullmatch(value) is None:
            raise ConfigError(
                Message("--instance {name!r}: expected the NAME of nfed@NAME", name=value)
            )
        path = INSTANCES / value / "nfed.toml"
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigError(
            Message(
                "{option} {name}: {path}: {strerror}",
                option=option,
                name=value,
                path=path,
                strerror=error.strerror,
            )
        ) from None
    return path.absolute()


def speak_early() -> None:
    """Speaks the language of help and of usage errors, which need no other setting."""
    named = os.environ.get("NFED_LANGUAGE", "")
    for path in (_Chosen.config,) if _Chosen.config else _TOML:
        if named or not path.exists():
            continue
        with suppress(OSError, ValueError):  # `load` says what is wrong with it
            named = str(tomllib.loads(path.read_text("utf-8")).get("language", ""))
        break
    speak(choose(None if named in ("", "auto") else named))
