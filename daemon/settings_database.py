"""Which database the settings name, and how its secrets are kept from being shown."""

import base64
import binascii
import json
import os
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from daemon.errors import ConfigError

SUPABASE = ("supabase_url", "supabase_service_key")
"""Settings that are also read from the environment without our prefix."""
MASK = "***"
_HERE = ("localhost", "127.0.0.1", "::1")
_SECRETS = ("password", "sslpassword")  # what a database URL may hold after its `?`


class StoreKind(StrEnum):
    """Where documents are stored."""

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
    none = "is no address such as https://abcdefgh.supabase.co"
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
        raise ValueError("is the public key; nfed needs the secret one (sb_secret_…)")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("is no key: it holds blanks or characters that no key has")
    return key


def choose_database(
    values: dict[str, object], origins: dict[str, str], env_file: dict[str, str], env_name: str
) -> None:
    """Settles who wins of database_url and Supabase's settings, also those without our prefix."""
    named = bool(values.get(SUPABASE[0]))
    if named and origins[SUPABASE[0]] == "option" != origins.get("database_url"):
        values.pop("database_url", None)
        origins["database_url"] = "default"
    if named or "database_url" not in values:
        unprefixed = {
            name: (os.environ.get(name.upper()), env_file.get(name.upper())) for name in SUPABASE
        }
        found = {
            name: values.get(name) or in_environment or in_file
            for name, (in_environment, in_file) in unprefixed.items()
        }
        # Half of it in the environment is about something else.
        if all(found.values()):
            for name, (in_environment, _) in unprefixed.items():
                if not values.get(name):
                    values[name] = found[name]
                    origins[name] = "environment" if in_environment else env_name
    if named and "database_url" in values:
        if origins["database_url"] != "option":
            raise ConfigError(
                f"database_url (from {origins['database_url']}) and supabase_url (from "
                f"{origins['supabase_url']}) name a store each; leave one of them out"
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
