"""The settings: CLI option > environment NFED_… > credential > .env > nfed.toml > default."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from daemon.documents.policy import Policy
from daemon.errors import ConfigError
from daemon.flow.report import LogFiles
from daemon.settings_database import (
    MASK,
    SUPABASE,
    StoreKind,
    choose_database,
    masked_url,
    project,
    service_key,
)
from daemon.settings_sources import ENV_FILE, PREFIX, gathered

__all__ = ["PREFIX", "Loaded", "Settings", "StoreKind", "load", "masked"]

_MIN_TOKEN = 16
_SHORTEST_SECRET = 4

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _auto(value: object) -> object:
    """`auto` in any case means None."""
    return None if isinstance(value, str) and value.strip().lower() == "auto" else value


def _paths(value: object) -> object:
    """Text as the PATH variable is written, or a list."""
    return [each for each in value.split(":") if each] if isinstance(value, str) else value


class Settings(BaseSettings):
    """Every setting; the names are those of nfed.toml, and of the environment after NFED_."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX)

    xml_folder: Path = Field(Path("xml_nf"), description="the drop folder")
    database_url: str = Field(
        "sqlite:///nfed.db",
        description="where documents are stored: sqlite:///PATH or postgresql://…",
    )
    supabase_url: str | None = Field(
        None,
        description="a Supabase project, fed over HTTPS, such as https://abcdefgh.supabase.co",
    )
    supabase_service_key: SecretStr | None = Field(
        None, description="its secret key: sb_secret_… or the legacy service_role JWT"
    )
    ledger: Path | None = Field(
        None,
        description="history of jobs and files; default: nfed-ledger.db, beside a SQLite database",
    )
    max_concurrent_uploads: int = Field(5, ge=1, le=100, description="chunks in flight")
    batch_timeout_seconds: Positive = Field(
        300, description="a job without progress for so long is failed; its files come again"
    )
    debounce_seconds: float = Field(
        0.5, ge=0, description="a batch starts when nothing new came for so long"
    )
    batch_max_wait_seconds: float = Field(
        5, ge=0, description="a settled file waits no longer than this for a batch"
    )
    batch_max_files: int = Field(5000, ge=1, le=100_000, description="files in one batch")
    settle_seconds: float = Field(
        0.3, ge=0, description="size and time must stand still for so long"
    )
    incomplete_grace_seconds: float = Field(
        30, ge=0, description="XML that ends too early is refused after standing still for so long"
    )
    rescan_seconds: Positive = Field(60, description="the folder is scanned at least this often")
    force_polling: Annotated[bool | None, BeforeValidator(_auto)] = Field(
        None, description="poll for changes; auto: on network and FUSE file systems"
    )
    recursive: bool = Field(False, description="also take files from folders below")
    max_file_bytes: int = Field(10_485_760, ge=1, description="larger files are refused unread")
    max_archive_bytes: int = Field(
        1 << 30, ge=1, description="larger .zip and .gz files are refused unread"
    )
    max_archive_unpacked_bytes: int = Field(
        8 << 30, ge=1, description="bytes in one archive, all its members together"
    )
    max_archive_members: int = Field(
        100_000, ge=1, le=1_000_000, description="members of one archive, with those of zips inside"
    )
    max_archive_ratio: int = Field(
        200, ge=1, description="unpacked bytes for each packed one, beyond max_file_bytes"
    )
    workers: Annotated[Annotated[int, Field(ge=1, le=256)] | None, BeforeValidator(_auto)] = Field(
        None, description="processes that read files; auto: one a CPU core"
    )
    done_subfolders: str = Field(
        "%Y-%m-%d", description="folder below done/, as strftime; empty: none"
    )
    check_schema: Policy = Field(Policy.WARN, description="the official XSD: off, warn or refuse")
    check_key: Policy = Field(
        Policy.REFUSE, description="the key's check digit and the protocol's key: off, warn, refuse"
    )
    check_signature: Policy = Field(
        Policy.WARN, description="the signature, its certificate's CNPJ, the protocol's digest"
    )
    check_authorisation: Policy = Field(
        Policy.WARN, description="a protocol with cStat 100 or 150, not of the test environment"
    )
    check_totals: Policy = Field(
        Policy.WARN, description="sums of items, the formula of vNF, instalments, payments"
    )
    check_format: Policy = Field(
        Policy.WARN, description="the form of CPF, CNPJ, IE, NCM, CFOP; municipality against UF"
    )
    keep_xml: bool = Field(True, description="store the file's text in xml_completo")
    job_retention_days: Positive = Field(
        30, description="jobs that ended so long ago are forgotten, but for failed ones"
    )
    http: str | None = Field(
        None, description="HOST:PORT of the HTTP API (extra nfed[api]); default: none"
    )
    api_token: SecretStr | None = Field(
        None, description="what HTTP clients must present as Bearer; needed beyond loopback"
    )
    upload_roots: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = Field(
        (), description="folders, separated by colons, that HTTP clients may have imported"
    )
    upload_max_files: int = Field(100, ge=1, le=1000, description="files in one upload")
    upload_max_bytes: int = Field(
        104_857_600, ge=1, description="bytes in one upload, all its files together"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="auto: the journal's own fields where stderr is the journal and systemd-python "
        "is there, console on a terminal, else one JSON object a line",
    )
    log_files: LogFiles = Field(
        LogFiles.AUTO,
        description="a line at INFO for each file: auto (in batches of up to 100), always, never",
    )
    journal_socket: Path | None = Field(
        None, description="journald's socket, where it is not at its usual place (containers)"
    )

    @field_validator("xml_folder", "ledger", "journal_socket", mode="before")
    @classmethod
    def _is_named(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("is empty: name a path")
        return value

    @field_validator("http")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            host, colon, port = value.rpartition(":")
            if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
                raise ValueError("is no HOST:PORT such as 127.0.0.1:8055")
        return value

    @field_validator("api_token")
    @classmethod
    def _is_a_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            text = value.get_secret_value()
            if len(text) < _MIN_TOKEN or not (text.isascii() and text.isprintable()):
                raise ValueError(f"must be at least {_MIN_TOKEN} printable ASCII characters")
            if " " in text:
                raise ValueError("must not hold a space")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("done_subfolders")
    @classmethod
    def _stays_below_done(cls, value: str) -> str:
        if not value:
            return value
        path = PurePosixPath(date(2026, 1, 2).strftime(value))
        if path.is_absolute() or ".." in path.parts or "\0" in value:
            raise ValueError("must stay below done/, such as %Y-%m-%d or %Y/%m")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        # ValueError: a port that is none. Its text may hold the password of a URL without a host.
        except (ArgumentError, ValueError):
            raise ValueError("is no database URL such as sqlite:///nfed.db") from None
        match url.get_backend_name():
            case "sqlite" if not url.database or url.database == ":memory:":
                raise ValueError("must name a file, such as sqlite:///nfed.db")
            case "sqlite" | "postgresql" | "postgres":
                return value
            case _:
                raise ValueError("is neither sqlite:///path nor postgresql://user@host/database")

    @field_validator("supabase_url")
    @classmethod
    def _is_a_project(cls, value: str | None) -> str | None:
        if not value:
            return None
        return project(value)

    @field_validator("supabase_service_key")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        key = "" if value is None else value.get_secret_value().strip()
        return SecretStr(service_key(key)) if key else None

    @model_validator(mode="after")
    def _supabase_whole(self) -> "Settings":
        if (self.supabase_url is None) != (self.supabase_service_key is None):
            missing = SUPABASE[0] if self.supabase_url is None else SUPABASE[1]
            raise ValueError(f"{missing} is missing: Supabase needs its address and its key")
        return self

    @model_validator(mode="after")
    def _ledger_outside(self) -> "Settings":
        folder = self.xml_folder.resolve()
        for path in (self.ledger_path, self.sqlite_path):
            if path is not None and path.resolve().is_relative_to(folder):
                name = "ledger" if path == self.ledger else "database_url"
                raise ValueError(
                    f"{name}: {path} must not lie inside the drop folder {self.xml_folder}"
                )
        return self

    @property
    def store_kind(self) -> StoreKind:
        """The one place that decides which store is used."""
        if self.supabase_url is not None:
            return StoreKind.SUPABASE
        if make_url(self.database_url).get_backend_name() == "sqlite":
            return StoreKind.SQLITE
        return StoreKind.POSTGRES

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite database's file; None for any other store."""
        if self.store_kind is not StoreKind.SQLITE:
            return None
        return Path(make_url(self.database_url).database or "")

    @property
    def database_shown(self) -> str:
        """The database as a person may see it."""
        if self.supabase_url is not None:
            return self.supabase_url
        path = self.sqlite_path
        return masked("database_url", self.database_url) if path is None else str(path)

    @property
    def supabase(self) -> tuple[str, str]:
        """Address and secret key of the Supabase project; only where that is the store."""
        assert self.supabase_url is not None
        assert self.supabase_service_key is not None
        return self.supabase_url, self.supabase_service_key.get_secret_value()

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        beside = self.sqlite_path or Path("nfed.db")
        return self.ledger or beside.with_name("nfed-ledger.db")

    @property
    def worker_count(self) -> int:
        """Worker processes, `auto` resolved."""
        return self.workers or len(os.sched_getaffinity(0))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without secrets, wherever a repr ends up."""
        for name, value in super().__repr_args__():
            yield name, masked(name, value) if name in ("database_url", SUPABASE[1]) else value

    @property
    def secrets(self) -> frozenset[str]:
        """What no output may show."""
        password = make_url(self.database_url).password
        found = {str(password), quote_plus(str(password))} if password else set()
        for name in Settings.model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                found.add(value.get_secret_value())
        # What is too short cannot be told from words.
        return frozenset(each for each in found if len(each) >= _SHORTEST_SECRET)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load` gathers the sources itself, so that it can say where a value came from."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each came from."""

    settings: Settings
    origins: dict[str, str]


def load(options: dict[str, object] | None = None) -> Loaded:
    """Reads every source. `options` are the command line's, None values left out.

    Raises ConfigError with one line that names a bad value or an unknown name.
    """
    values, origins, env_file = gathered(Settings.model_fields, options or {})
    choose_database(values, origins, env_file, str(ENV_FILE))
    try:
        return Loaded(Settings(**values), origins)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        raise ConfigError(_one_line(error, origins)) from None


def masked(name: str, value: object) -> str:
    """A setting's value as it may be shown: passwords in URLs replaced."""
    if name == "database_url":
        return masked_url(str(value))
    if name == SUPABASE[1] and value is not None:
        return MASK
    if value is None:
        return "auto" if name in ("workers", "force_polling") else ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ":".join(map(str, value))
    return str(value)  # of a SecretStr: stars


def changed_names(old: Settings, new: Settings) -> list[str]:
    """The settings whose values differ."""
    return [name for name in Settings.model_fields if getattr(old, name) != getattr(new, name)]


def _one_line(error: ValidationError, origins: dict[str, str]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    name = str(first["loc"][0]) if first["loc"] else ""
    if not name:
        return message
    return f"{name} (from {origins.get(name, 'option')}): {message[:1].lower()}{message[1:]}"
