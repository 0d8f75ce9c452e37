"""Chooses the database that the settings name, and keeps its secrets from being shown."""

import base64
import binascii
import json
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from nfed.errors import ConfigError
from nfed.words import Message

SUPABASE = ("supabase_url", "supabase_service_key")
"""Settings that are also read from the environment without our prefix."""
MASK = "***"
_HERE = ("localhost", "127.0.0.1", "::1")
_SECRETS = ("password", "sslpassword")  # what a database URL may hold after its `?`


class StoreKind(StrEnum):
    """The kinds of stores."""

    SQLITE = "sqlite"
    POSTGRES = "postgresql"
    SUPABASE = "supabase"
    """Supabase over HTTPS."""


def masked_url(url: str) -> str:
    """A database URL without its passwords."""
    made = make_url(url)
    hidden = {key: MASK for key in _SECRETS if key in made.query}
    shown = made.update_query_dict(hidden).render_as_string(hide_password=True)
    return shown.replace("%2A", "*")


def project(url: str) -> str:
    """A Supabase project's address. Raises ValueError for what is none."""
    none = Message("is no address such as https://abcdefgh.supabase.co")
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise ValueError(none) from None  # it quotes what may be a password
    allowed = ("https", "http") if parts.hostname in _HERE else ("https",)
    place = f"{parts.netloc}{parts.path}"
    if parts.scheme not in allowed or not parts.hostname or "@" in place or len(place.split()) > 1:
        raise ValueError(none)
    return f"{parts.scheme}://{place.rstrip('/').removesuffix('/rest/v1')}"


def service_key(key: str) -> str:
    """A Supabase project's secret key. Raises ValueError, which does not show it, for any other."""
    if key.startswith("sb_publishable_") or _role_of(key) in ("anon", "authenticated"):
        raise ValueError(Message("is the public key; nfed needs the secret one (sb_secret_…)"))
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(Message("is no key: it holds blanks or characters that no key has"))
    return key


def choose_database(
    values: dict[str, object],
    origins: dict[str, str],
    variables: Mapping[str, Mapping[str, str | None]],
) -> None:
    """Settles who wins of database_url and Supabase's settings, also those without our prefix.

    `variables` holds all variables by origin, the weakest first, their names in small letters.
    """
    named = bool(values.get(SUPABASE[0]))
    if named and origins[SUPABASE[0]] == "option" != origins.get("database_url"):
        values.pop("database_url", None)
        origins["database_url"] = "default"
    if named or "database_url" not in values:
        missing = [name for name in SUPABASE if not values.get(name)]
        found = {
            name: (value, origin)
            for name in missing
            for origin, held in variables.items()
            if (value := held.get(name))
        }
        # Half of it in the environment is about something else.
        if len(found) == len(missing):
            for name, (value, origin) in found.items():
                values[name], origins[name] = value, origin
    if named and "database_url" in values:
        if origins["database_url"] != "option":
            raise ConfigError(
                Message(
                    "database_url (from {origins}) and supabase_url (from "
                    "{other_origin}) name a store each; leave one of them out",
                    origins=origins["database_url"],
                    other_origin=origins["supabase_url"],
                )
            )
        for name in SUPABASE:
            values.pop(name, None)
            origins[name] = "default"


def _role_of(key: str) -> object:
    """The role that a legacy key (a JWT) stands for; None if it is none."""
    try:
        payload = key.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError):
        return None
    return claims.get("role") if isinstance(claims, dict) else None
